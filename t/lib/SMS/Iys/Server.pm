package SMS::Iys::Server;

# HTTP/1.1 with keep-alive on loopback, in one process without threads:
# handler->(method, path, query, headers, body) gives
#   [status, body text, { delay => s, drop => 1, truncate => n, type => t,
#                          headers => "Name: value\r\n" }]

use strict;
use warnings;

use Errno qw(EAGAIN EWOULDBLOCK EINTR);
use IO::Socket::INET ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes ();

use constant HEAD_MAX => 65_536;
use constant BODY_MAX => 20 * 1024 * 1024;

my %reason = (
    200 => 'OK', 201 => 'Created', 202 => 'Accepted', 204 => 'No Content',
    400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden',
    404 => 'Not Found', 405 => 'Method Not Allowed', 411 => 'Length Required',
    413 => 'Content Too Large', 422 => 'Unprocessable Content',
    429 => 'Too Many Requests', 500 => 'Internal Server Error',
    503 => 'Service Unavailable',
);


sub new {
    my ($class, %o) = @_;
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $o{port} // 0, Proto => 'tcp',
        Listen => 128, ReuseAddr => 1) or die "iys-sim: listen: $!\n";

    $listen->blocking(0);

    return bless {
        listen => $listen, handler => $o{handler}, extra => $o{extra},
        cert => $o{cert}, key => $o{key}, conn => {}, stop => 0,
    }, $class;
}


sub port {
    return $_[0]{listen}->sockport;
}


sub accept_all {
    my ($self) = @_;

    while (my $sock = $self->{listen}->accept) {
        $sock->sockopt(Socket::SO_KEEPALIVE(), 1);
        setsockopt $sock, IPPROTO_TCP, TCP_NODELAY, 1;

        if ($self->{cert}) {
            require IO::Socket::SSL;
            $sock->blocking(1);
            $sock = IO::Socket::SSL->start_SSL($sock, SSL_server => 1,
                SSL_cert_file => $self->{cert}, SSL_key_file => $self->{key},
                Timeout => 5) or next;
        }

        $sock->blocking(0);
        $self->{conn}{ fileno $sock } = {
            sock => $sock, in => '', out => '', later => []
        };
    }

    return;
}


sub drop {
    my ($self, $c) = @_;

    delete $self->{conn}{ fileno $c->{sock} };
    close $c->{sock};
    return;
}


sub read_some {
    my ($self, $c) = @_;

    for (1 .. 64) {
        my $n = sysread $c->{sock}, $c->{in}, 65_536, length $c->{in};

        if (!defined $n) {
            last if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
            return $self->drop($c);
        }

        return $self->drop($c) if $n == 0;
    }

    while ($self->one_request($c)) { }
    return;
}


# Takes one whole request off the connection's input.

sub one_request {
    my ($self, $c) = @_;
    my $end = index $c->{in}, "\r\n\r\n";

    return 0 if $c->{closing} || @{ $c->{later} };

    if ($end < 0) {
        return 0 if length $c->{in} <= HEAD_MAX;
        return $self->fatal($c, 400);
    }

    my ($line, @lines) = split /\r\n/, substr($c->{in}, 0, $end);
    my ($method, $target, $version)
        = $line =~ m{\A([A-Z]+) (/[!-~]*) HTTP/1\.([01])\z}
        or return $self->fatal($c, 400);
    my %headers;

    for (@lines) {
        my ($name, $value) = /\A([!-9;-~]+):[ \t]*(.*?)[ \t]*\z/
            or return $self->fatal($c, 400);
        $headers{ lc $name } = $value;
    }

    return $self->fatal($c, 411) if exists $headers{'transfer-encoding'};

    my $length = $headers{'content-length'} // 0;

    return $self->fatal($c, 400) if $length !~ /\A[0-9]{1,10}\z/;
    return $self->fatal($c, 413) if $length > BODY_MAX;

    if (length($c->{in}) < $end + 4 + $length) {
        if (($headers{expect} // '') =~ /100-continue/i && !$c->{continued}) {
            $c->{continued} = 1;
            $c->{out} .= "HTTP/1.1 100 Continue\r\n\r\n";
            $self->write_some($c);
        }
        return 0;
    }

    my $body = substr $c->{in}, $end + 4, $length;
    substr $c->{in}, 0, $end + 4 + $length, '';
    $c->{continued} = 0;

    my ($path, $query) = split /\?/, $target, 2;
    my $keep = $version == 1
        && ($headers{connection} // '') !~ /\bclose\b/i;

    $self->respond($c, $keep,
        $self->{handler}->($method, $path, $query // '', \%headers, $body));
    return exists $self->{conn}{ fileno($c->{sock}) // -1 };
}


sub fatal {
    my ($self, $c, $status) = @_;

    $self->respond($c, 0, [$status, '{}', {}]);
    return 0;
}


sub respond {
    my ($self, $c, $keep, $answer) = @_;
    my ($status, $body, $o) = @$answer;

    if ($o->{delay}) {
        push @{ $c->{later} },
            [Time::HiRes::time() + $o->{delay}, $keep,
             [$status, $body, { %$o, delay => 0 }]];
        return;
    }

    return $self->drop($c) if $o->{drop};

    my $head = "HTTP/1.1 $status " . ($reason{$status} // 'Status') . "\r\n"
        . ($status == 204 ? '' : 'Content-Type: '
            . ($o->{type} // 'application/json') . "\r\nContent-Length: "
            . length($body) . "\r\n")
        . ($o->{headers} // '')
        . ($keep ? '' : "Connection: close\r\n") . "\r\n";

    $body = '' if $status == 204;

    if (defined $o->{truncate}) {
        $body = substr $body, 0, $o->{truncate};
        $keep = 0;
    }

    $c->{out} .= $head . $body;
    $c->{closing} = 1 if !$keep;
    $self->write_some($c);
    return;
}


sub write_some {
    my ($self, $c) = @_;

    while (length $c->{out}) {
        my $n = syswrite $c->{sock}, $c->{out}, 262_144;

        if (!defined $n) {
            return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
            return $self->drop($c);
        }

        substr $c->{out}, 0, $n, '';
    }

    $self->drop($c) if $c->{closing};
    return;
}


# extra: object with {pipes}{fileno} and ready(fileno).

sub run {
    my ($self) = @_;

    while (!$self->{stop}) {
        my ($read, $write) = ('', '');
        my $wait = 1;
        my $now = Time::HiRes::time();

        for my $c (values %{ $self->{conn} }) {
            while (@{ $c->{later} } && $c->{later}[0][0] <= $now) {
                my $due = shift @{ $c->{later} };
                $self->respond($c, $due->[1], $due->[2]);
                last if !exists $self->{conn}{ fileno($c->{sock}) // -1 };
                1 while $self->one_request($c);
            }
            $wait = $c->{later}[0][0] - $now
                if @{ $c->{later} } && $c->{later}[0][0] - $now < $wait;
        }

        vec($read, fileno $self->{listen}, 1) = 1;

        for my $number (keys %{ $self->{conn} }) {
            vec($read, $number, 1) = 1;
            vec($write, $number, 1) = 1
                if length $self->{conn}{$number}{out};
        }

        vec($read, $_, 1) = 1 for keys %{ $self->{extra}{pipes} };

        next if select($read, $write, undef, $wait < 0 ? 0 : $wait) <= 0;

        for my $number (keys %{ $self->{extra}{pipes} }) {
            $self->{extra}->ready($number) if vec $read, $number, 1;
        }

        for my $number (keys %{ $self->{conn} }) {
            my $c = $self->{conn}{$number} or next;
            $self->write_some($c) if vec $write, $number, 1;
            $self->read_some($c)
                if $self->{conn}{$number} && vec $read, $number, 1;
        }

        $self->accept_all if vec $read, fileno $self->{listen}, 1;
    }

    return;
}

1;
