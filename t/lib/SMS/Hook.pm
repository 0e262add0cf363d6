package SMS::Hook;

# Endpoints that webhooks are sent to, in a process of their own.
#
#   my $hook = SMS::Hook->start;
#   $hook->url('a')                 http://127.0.0.1:PORT/a
#   $hook->answer('a', 500)         from now on; 'hang' answers after a minute
#   $hook->requests('a')            what came there: { path, headers, body, at, answer }
#   $hook->events('a', $answer)     the events of those, in order of arrival; $answer:
#                                   only of requests that were answered so (200)
#   $hook->stop                     also at the end of the object

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use SMS::Iys::Server;
use SMS::Tap;
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;


sub start {
    my ($class) = @_;

    my $dir = temporary('hook');
    my $server = SMS::Iys::Server->new(handler => sub { return receive($dir, @_) });
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
        $server->run;
        POSIX::_exit(0);
    }

    return bless { dir => $dir, pid => $pid, owner => $$, port => $server->port }, $class;
}


sub receive {
    my ($dir, $method, $path, $query, $headers, $body) = @_;

    my $name = $path =~ m{^/(\w+)$} ? $1 : 'other';
    my $answer = -f "$dir/$name.answer" ? slurp("$dir/$name.answer") : 200;
    my $line = $json->encode({ method => $method, path => $path, headers => $headers,
                               body => $body, at => time, answer => $answer });

    open my $out, '>>', "$dir/$name.requests" or die "$name: $!\n";
    syswrite $out, "$line\n";
    close $out;

    return [200, '{}', { delay => 60 }] if $answer eq 'hang';
    return [302, '', {}] if $answer eq '302';
    return [$answer, '{}', {}];
}


sub url { return "http://127.0.0.1:$_[0]{port}/$_[1]" }


sub answer {
    my ($self, $name, $answer) = @_;

    spew("$self->{dir}/$name.new", $answer);
    rename "$self->{dir}/$name.new", "$self->{dir}/$name.answer" or die "$name: $!\n";
    return;
}


# each line is read once: there may be thousands of events
sub requests {
    my ($self, $name) = @_;

    my $seen = $self->{seen}{$name} //= { at => 0, list => [] };

    if (open my $in, '<:raw', "$self->{dir}/$name.requests") {
        seek $in, $seen->{at}, 0;

        while (my $line = <$in>) {
            last if $line !~ /\n\z/;
            $seen->{at} += length $line;
            my $r = $json->decode($line);
            my $body = eval { $json->decode($r->{body}) } // {};
            push @{ $seen->{list} }, { %$r, events => $body->{events} // ($body->{type} ? [$body] : []) };
        }
    }

    return @{ $seen->{list} };
}


sub events {
    my ($self, $name, $answer) = @_;

    return map { @{ $_->{events} } }
           grep { !defined $answer || $_->{answer} eq $answer } $self->requests($name);
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
