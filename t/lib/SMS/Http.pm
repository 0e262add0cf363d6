package SMS::Http;

# HTTP/1.1 by hand, so that a test can say exactly what goes over the wire.
#
#   my $http = SMS::Http->new(port => $port, key => 'sms_test_…');
#   my $r = $http->post('/v1/messages', { … });          a reference is sent as JSON
#   my $r = $http->get('/v1/balance', headers => { … });
#   $r->status  $r->body  $r->json  $r->header('x-request-id')  $r->text (all of it)
#
#   new: port, host (127.0.0.1), tls (1), key (Authorization: Bearer), timeout,
#        headers (on every request), keep (1: one connection for all requests)
#   request($method, $path, body =>, json =>, chunks => [ … ], headers => { … })
#
# By hand:
#   $http->send($bytes)              open if needed, write all
#   $http->send_slowly($bytes, $step, $seconds)
#   $http->answer($method)           read one response; undef when none comes
#   $http->closed($seconds)          did the other side close?
#   $http->half_close  $http->reset (RST)  $http->close
#
# A header whose value is undef is left out: headers => { Host => undef }.

use strict;
use warnings;

use Errno ();
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use SMS::Tap ();
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->utf8->canonical;


sub new {
    my ($class, %opt) = @_;

    die "SMS::Http: port is missing\n" unless $opt{port};
    return bless { host => '127.0.0.1', timeout => SMS::Tap::slow(10), buffer => '',
                   headers => {}, %opt }, $class;
}


sub get { my ($self, $path, @rest) = @_; return $self->request('GET', $path, @rest) }
sub delete { my ($self, $path, @rest) = @_; return $self->request('DELETE', $path, @rest) }
sub post { my ($self, $path, @rest) = @_; return $self->with_body('POST', $path, @rest) }
sub put { my ($self, $path, @rest) = @_; return $self->with_body('PUT', $path, @rest) }
sub patch { my ($self, $path, @rest) = @_; return $self->with_body('PATCH', $path, @rest) }


sub with_body {
    my ($self, $method, $path, $body, @rest) = @_;

    return $self->request($method, $path,
                          (ref $body ? 'json' : 'body') => $body, @rest);
}


sub request {
    my ($self, $method, $path, %opt) = @_;

    $self->close unless $self->{keep};
    $self->send($self->format($method, $path, %opt));
    my $answer = $self->answer($method);

    if (!$self->{keep} || !$answer || lc($answer->header('connection') // '') eq 'close') {
        $self->close;
    }

    return $answer // SMS::Http::Answer->new('', {}, '');
}


# The request's bytes, for tests that send them in their own way.
sub format {
    my ($self, $method, $path, %opt) = @_;

    my $body = exists $opt{json} ? $json->encode($opt{json}) : $opt{body};
    utf8::encode($body) if defined $body && utf8::is_utf8($body);

    my %headers = (
        'Host'       => "$self->{host}:$self->{port}",
        'Connection' => $self->{keep} ? 'keep-alive' : 'close',
        (defined $self->{key} ? ('Authorization' => "Bearer $self->{key}") : ()),
        (exists $opt{json} ? ('Content-Type' => 'application/json') : ()),
        ($opt{chunks} ? ('Transfer-Encoding' => 'chunked')
         : defined $body ? ('Content-Length' => length $body) : ()),
        %{ $self->{headers} },
        %{ $opt{headers} // {} },
    );

    my $text = "$method $path HTTP/1.1\r\n";
    $text .= "$_: $headers{$_}\r\n" for grep { defined $headers{$_} } sort keys %headers;
    $text .= "\r\n";

    if ($opt{chunks}) {
        $text .= sprintf "%x\r\n%s\r\n", length, $_ for @{ $opt{chunks} };
        $text .= "0\r\n\r\n";
    } elsif (defined $body) {
        $text .= $body;
    }

    return $text;
}


sub socket {
    my ($self) = @_;

    return $self->{socket} if $self->{socket};

    my $class = 'IO::Socket::INET';
    my @tls;

    if ($self->{tls}) {
        require IO::Socket::SSL;
        $class = 'IO::Socket::SSL';
        @tls = (SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_NONE(),
                %{ $self->{tls_options} // {} });
    }

    my $socket = $class->new(Proto => 'tcp', PeerAddr => $self->{host},
                             PeerPort => $self->{port}, Timeout => $self->{timeout},
                             @tls)
        or die "connect to $self->{host}:$self->{port}: $!\n";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    $self->{buffer} = '';
    return $self->{socket} = $socket;
}


# A server that closes early is no failure here: what it answered is read next.
sub send {
    my ($self, $bytes) = @_;
    my $socket = $self->socket;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $n = syswrite $socket, $bytes;
        return 0 unless defined $n;
        substr $bytes, 0, $n, '';
    }

    return 1;
}


sub send_slowly {
    my ($self, $bytes, $step, $seconds) = @_;

    while (length $bytes) {
        $self->send(substr $bytes, 0, $step, '') or return 0;
        sleep $seconds;
    }

    return 1;
}


# More bytes into the buffer, false at the end or when time is over.
sub fill {
    my ($self, $until) = @_;
    my $socket = $self->socket;

    if (!$self->{tls} || !$socket->pending) {
        my $left = $until - time();
        return 0 if $left <= 0 || !IO::Select->new($socket)->can_read($left);
    }

    my $n = sysread $socket, $self->{buffer}, 65536, length $self->{buffer};

    # a TLS record may have held no data
    return 1 if !defined $n && $self->{tls} && $!{EWOULDBLOCK};
    return $n;
}


sub answer {
    my ($self, $method) = @_;
    my $until = time() + $self->{timeout};

    return unless $self->{socket};

    HEAD: {
        until ($self->{buffer} =~ /\r\n\r\n/) {
            $self->fill($until) or return;
        }

        redo HEAD if $self->{buffer} =~ s{^HTTP/1\.1 100 .*?\r\n\r\n}{}s;
    }

    $self->{buffer} =~ s/^(.*?\r\n)\r\n//s;
    my $head = $1;
    my %headers;

    while ($head =~ /^([^:\s]+):[ \t]*(.*?)\r\n/mg) {
        my ($name, $value) = (lc $1, $2);
        $headers{$name} = exists $headers{$name} ? "$headers{$name}, $value" : $value;
    }

    my ($status) = $head =~ m{^HTTP/1\.[01] (\d+)};
    my $body = '';

    if (($method // '') eq 'HEAD' || $status == 204 || $status == 304) {
        # none

    } elsif (($headers{'transfer-encoding'} // '') eq 'chunked') {
        while (1) {
            $self->fill($until) or return until $self->{buffer} =~ s/^([0-9a-f]+)\r\n//i;
            my $size = hex $1;

            while (length $self->{buffer} < $size + 2) {
                $self->fill($until) or return;
            }

            $body .= substr $self->{buffer}, 0, $size, '';
            substr $self->{buffer}, 0, 2, '';
            last unless $size;
        }

    } elsif (defined $headers{'content-length'}) {
        while (length $self->{buffer} < $headers{'content-length'}) {
            $self->fill($until) or return;
        }

        $body = substr $self->{buffer}, 0, $headers{'content-length'}, '';

    } else {
        1 while $self->fill($until);
        $body = $self->{buffer};
        $self->{buffer} = '';
    }

    return SMS::Http::Answer->new($head, \%headers, $body);
}


sub closed {
    my ($self, $seconds) = @_;
    my $until = time() + ($seconds // $self->{timeout});

    return 1 unless $self->{socket};

    while (time() < $until) {
        my $before = time();
        next if $self->fill($until);
        return $before < $until && time() < $until;
    }

    return 0;
}


sub half_close {
    my ($self) = @_;

    shutdown $self->socket, 1;
    return;
}


sub reset {
    my ($self) = @_;

    setsockopt $self->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $self->{tls} ? $self->{socket}->close(SSL_no_shutdown => 1) : CORE::close($self->{socket});
    delete $self->{socket};
    return;
}


sub close {
    my ($self) = @_;

    CORE::close $self->{socket} if $self->{socket};
    delete $self->{socket};
    $self->{buffer} = '';
    return;
}


package SMS::Http::Answer;

sub new {
    my ($class, $head, $headers, $body) = @_;

    my ($status) = $head =~ m{^HTTP/1\.[01] (\d+)};
    return bless { head => $head, headers => $headers, body => $body,
                   status => $status // 0 }, $class;
}


# status is 0 when no answer came
sub status { return $_[0]{status} }
sub body { return $_[0]{body} }
sub header { return $_[0]{headers}{lc $_[1]} }
sub text { return "$_[0]{head}\r\n$_[0]{body}" }


# undef when the body is no JSON
sub json {
    my ($self) = @_;

    return eval { $json->decode($self->{body}) };
}

1;
