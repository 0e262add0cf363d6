package SMS::Smsc::Conn;

# SMS::Smsc::Conn - one connection of t/smsc-sim: octets in and out, whole or in the
# pieces that the settings ask for.
#
#   read()      octets that have come are in {in}; why it ended, or nothing
#   write()     why it ended, or nothing
#   wants(now)  (read?, write?, when to look again)
#
# {closing}: ends when all is written.  {jammed}: what is written from now on never
# leaves.  {drip}: an octet at a time, whatever the settings.

use strict;
use warnings;

use Errno qw(EAGAIN EWOULDBLOCK EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use SMS::Smsc::Wire;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);


sub nonblocking {
    my ($socket) = @_;

    my $flags = fcntl $socket, F_GETFL, 0 or die "fcntl: $!\n";
    fcntl $socket, F_SETFL, $flags | O_NONBLOCK or die "fcntl: $!\n";
    binmode $socket;
    return;
}


sub new {
    my ($class, $id, $socket, $opt) = @_;

    nonblocking($socket);
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

    return bless {
        id => $id, socket => $socket, fd => fileno $socket, opt => $opt, in => '',
        seq => 0, wire => SMS::Smsc::Wire->wire, bound => '', waiting => {}, closing => 0,
        next_read => 0, next_write => 0, glued_at => 0,
    }, $class;
}


sub out { return $_[0]{wire}->out }


# The octets that $code packs, instead of being written.
sub packed {
    my ($self, $code) = @_;

    my $out = $self->out;
    my $at = length $$out;

    $code->();
    return substr $$out, $at, length($$out) - $at, '';
}


sub read {
    my ($self) = @_;

    my $chunk = $self->{opt}{'read-chunk'};

    while (1) {
        my $n = sysread $self->{socket}, $self->{in}, $chunk || 65536, length $self->{in};

        if (!defined $n) {
            return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
            return "read: $!";
        }

        return 'end of file' if $n == 0;

        if ($chunk) {
            $self->{next_read} = time + $self->{opt}{'read-gap-ms'} / 1000;
            return;
        }

        return if $n < 65536;
    }
}


sub write {
    my ($self) = @_;

    my $out = $self->out;
    my $chunk = $self->{drip} ? 1 : $self->{opt}{'write-chunk'};
    my $gap = $self->{drip} ? 2 : $self->{opt}{'write-gap-ms'};

    if ($self->{jammed}) {
        $$out = '';
        return;
    }

    return if length $$out && !$self->{closing} && $self->write_at > time;

    while (length $$out) {
        my $n = syswrite $self->{socket}, $$out, $chunk || length $$out;

        if (!defined $n) {
            return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
            return "write: $!";
        }

        substr $$out, 0, $n, '';

        if ($chunk) {
            $self->{next_write} = time + $gap / 1000;
            return if length $$out;
        }
    }

    $self->{glued_at} = 0;
    $self->{drip} = 0;

    return 'done' if $self->{closing};
    return;
}


# The moment from which what is there may be written.
sub write_at {
    my ($self) = @_;

    my $glue = $self->{opt}{'glue-ms'};
    return $self->{next_write} unless $glue;

    $self->{glued_at} ||= time;
    my $at = $self->{glued_at} + $glue / 1000;
    return $at > $self->{next_write} ? $at : $self->{next_write};
}


sub wants {
    my ($self, $now) = @_;

    my ($read, $write, $again) = (!$self->{stalled}, 0, undef);

    if ($read && $self->{next_read} > $now) {
        $read = 0;
        $again = $self->{next_read};
    }

    if (length ${ $self->out } && !$self->{jammed}) {
        my $at = $self->{closing} ? 0 : $self->write_at;

        if ($at > $now) {
            $again = $at unless defined $again && $again < $at;
        } else {
            $write = 1;
        }
    }

    return ($read, $write, $again);
}

1;
