package SMS::Vendor;

# An operator that is spoken to over HTTP, in a process of its own: as the examples in
# conf/operators/ describe it, /v2/messages takes JSON, /api/send a form.
#
#   my $vendor = SMS::Vendor->start;           port => …: on this one
#   $vendor->url                    http://127.0.0.1:PORT
#   $vendor->rule('0007', 'hang')   what becomes of numbers that end so, from now on:
#       ok              taken, with an id
#       code:E104       refused with that code
#       status:500      an answer of HTTP's, empty
#       retry:429:3     the same with Retry-After
#       hang            taken, and the answer comes after a minute
#       slow:2          taken, and the answer comes so late
#       drop            taken, and the connection closed without an answer
#       refuse          not taken, and the connection closed
#       half            taken, and the answer breaks off
#       garbage         taken, and the answer is nonsense
#       noid            taken, and the answer has no id
#   $vendor->requests               what came: { path, headers, body, form, to, id, rule, at }
#   $vendor->taken($to)             how many messages to this number it has
#   $vendor->id($to)                its id of the last of them
#   $vendor->stop                   also at the end of the object

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use SMS::Iys::Server;
use SMS::Tap;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;


sub start {
    my ($class, %opt) = @_;

    my $dir = temporary('vendor');
    my $server = SMS::Iys::Server->new(port => $opt{port},
                                       handler => sub { return receive($dir, @_) });
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
        $server->run;
        POSIX::_exit(0);
    }

    return bless { dir => $dir, pid => $pid, owner => $$, port => $server->port, seen => [],
                   at => 0 }, $class;
}


my $count = 0;

sub receive {
    my ($dir, $method, $path, $query, $headers, $body) = @_;

    my $form = $path eq '/api/send';
    my %field = $form ? map { s/\+/ /gr =~ s/%([0-9A-F]{2})/chr hex $1/gier }
                        map { /^(.*?)=(.*)$/ ? ($1, $2) : () } split /&/, $body
              : %{ +(eval { $json->decode($body) } // {}) };
    my $to = $form ? '90' . ($field{gsm} // '') : $field{recipient} // '';
    my ($suffix) = $to =~ /(\d{4})$/;
    my $rule = defined $suffix && -f "$dir/$suffix.rule" ? slurp("$dir/$suffix.rule") : 'ok';
    my $taken = $rule !~ /^(?:code|status|retry|refuse)/;
    my $id = $taken ? sprintf 'v%d-%d', $$, ++$count : '';
    my $line = $json->encode({ method => $method, path => $path, headers => $headers,
                               body => $body, form => \%field, to => $to, id => $id,
                               rule => $rule, at => time });

    open my $out, '>>', "$dir/requests" or die "$dir: $!\n";
    syswrite $out, "$line\n";
    close $out;

    my ($kind, $what, $more) = split /:/, $rule;
    my $answer = sub {
        my ($code, $with) = @_;
        return $form
            ? qq{<?xml version="1.0" encoding="ISO-8859-9"?>\n<response><status>$code</status>}
              . ($with ? "<jobid>$with</jobid>" : '') . '</response>'
            : $json->encode({ result => $code, messages => $with ? [{ id => $with }] : [] });
    };
    my $sent = $answer->($form ? '00' : 'OK', $kind eq 'noid' ? '' : $id);

    return [200, $answer->($what, ''), {}] if $kind eq 'code';
    return [$what, '', {}] if $kind eq 'status';
    return [$what, '', { headers => "Retry-After: $more\r\n" }] if $kind eq 'retry';
    return [200, $sent, { delay => 60 }] if $kind eq 'hang';
    return [200, $sent, { delay => $what }] if $kind eq 'slow';
    return [200, $sent, { drop => 1 }] if $kind eq 'drop' || $kind eq 'refuse';
    return [200, $sent, { truncate => 12 }] if $kind eq 'half';
    return [200, '{"result":"OK", "messages":[', {}] if $kind eq 'garbage';
    return [200, $sent, {}];
}


sub url { return "http://127.0.0.1:$_[0]{port}" }


sub rule {
    my ($self, $suffix, $rule) = @_;

    spew("$self->{dir}/$suffix.new", $rule);
    rename "$self->{dir}/$suffix.new", "$self->{dir}/$suffix.rule" or die "$suffix: $!\n";
    return;
}


sub requests {
    my ($self) = @_;

    if (open my $in, '<:raw', "$self->{dir}/requests") {
        seek $in, $self->{at}, 0;

        while (my $line = <$in>) {
            last if $line !~ /\n\z/;
            $self->{at} += length $line;
            push @{ $self->{seen} }, $json->decode($line);
        }
    }

    return @{ $self->{seen} };
}


sub taken {
    my ($self, $to) = @_;

    return scalar grep { $_->{to} eq $to && length $_->{id} } $self->requests;
}


sub id {
    my ($self, $to) = @_;

    my ($last) = grep { $_->{to} eq $to && length $_->{id} } reverse $self->requests;
    return $last ? $last->{id} : undef;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $!);
    $self->stop if $self->{owner} == $$;
    return;
}

1;
