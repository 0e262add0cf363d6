package SMS::Puppet;

# t/plugins/puppet.c, the rule that does what a text tells it to, in the hands of a
# test.
#
#   install('puppet', 'a.so')   the sample of that name into the test's folder, by
#                               rename, as a package manager does; returns its path
#   block('a', file => 'a.so', on_error => 'deny', grant => 'dict', init => 'crash',
#         ready => '2s')        an sms_plugin block
#   awake($nginx)               waits until a worker has its database, whatever it
#                               thinks of its plugins
#   say($account, $nginx, 'a:pend=100', %change)   sends a text; the answer
#   metric($nginx, 'name{labels}')   its value, undef when it is not shown
#   plugin($nginx, 'a')         its entry in /health
#   heard($nginx, qr/…/)        how often the log says it
#   gone($nginx)                worker pids that the log reports as killed

use strict;
use warnings;

use Exporter qw(import);
use File::Copy qw(copy);
use SMS::Tap;

our @EXPORT = qw(install block awake say metric plugin heard gone);

my $dir;


sub install {
    my ($sample, $as) = @_;

    $dir //= temporary('puppet');
    copy(build() . "/samples/$sample.so", "$dir/new") or die "$sample.so: $!\n";
    chmod 0644, "$dir/new";
    rename "$dir/new", "$dir/$as" or die "$dir/$as: $!\n";
    return "$dir/$as";
}


sub block {
    my ($name, %opt) = @_;

    my $file = $opt{file} // 'puppet.so';
    my $policy = $opt{on_error} ? " on_error=$opt{on_error}" : '';
    my $grant = $opt{grant} ? "grant $opt{grant};" : '';
    my $init = $opt{init} ? "init $opt{init};" : '';
    my $ready = $opt{ready} ? "ready_after $opt{ready};" : '';

    return "    sms_plugin rule $name $dir/$file$policy { $grant $init $ready }\n";
}


sub awake {
    my ($nginx) = @_;

    return wait_until {
        my $health = eval { $nginx->http(timeout => 2)->get('/health')->json } // {};
        my @connections = @{ $health->{database}{connections} // [] };
        @connections && !grep { $_->{state} ne 'ready' } @connections;
    } slow(20), 'a worker with its database';
}


sub say {
    my ($account, $nginx, $text, %change) = @_;

    return $account->send($nginx, { text => $text, %change });
}


sub metric {
    my ($nginx, $name) = @_;

    return $nginx->http->get('/metrics')->body =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}


sub plugin {
    my ($nginx, $name) = @_;

    my $health = $nginx->http->get('/health')->json // return {};
    return (grep { $_->{name} eq $name } @{ $health->{plugins} })[0] // {};
}


sub heard {
    my ($nginx, $pattern) = @_;

    my $n = () = $nginx->log =~ /$pattern/g;
    return $n;
}


sub gone {
    my ($nginx) = @_;

    return $nginx->log =~ /worker process (\d+) exited on signal/g;
}

1;
