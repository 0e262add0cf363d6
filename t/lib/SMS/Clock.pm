package SMS::Clock;

# A clock that a test puts forward, for whole servers: t/lib/clock.c, preloaded.  Wall
# clock and monotonic clock go together, so timers fall due as they would.
#
#   my $clock = SMS::Clock->new;
#   my $pg = SMS::Pg->new(clock => $clock);            # a cluster of its own
#   my $smsc = SMS::Smsc->start(clock => $clock);
#   my $nginx = SMS::Nginx->new(clock => $clock, pg => $pg, conf => …);
#   $clock->advance(3600);                             # for all, at once
#   $clock->now                                        # epoch, as they see it
#
# The test itself, and what it starts otherwise, keeps the machine's time.  A wait that
# has begun (select, epoll) is not shortened: servers look at the time when they wake.

use strict;
use warnings;

use SMS::Tap;
use Time::HiRes qw(time);


sub new {
    my ($class) = @_;

    my $dir = temporary('clock');
    my $self = bless { offset => 0, library => "$dir/clock.so", file => "$dir/offset" }, $class;
    my $said = qx{cc -std=gnu11 -Wall -Wextra -Werror -O2 -shared -fPIC -o $self->{library} \\
                  @{[ root() ]}/t/lib/clock.c 2>&1};
    die "clock.c: $said" if $?;

    spew($self->{file}, pack 'q', 0);
    chmod 0644, $self->{file};
    return $self;
}


sub environment { return (SMS_CLOCK => $_[0]{file}) }
sub library { return $_[0]{library} }


# In place and in one write: the file is mapped.
sub advance {
    my ($self, $seconds) = @_;

    $self->{offset} += $seconds;
    open my $out, '+<:raw', $self->{file} or die "$self->{file}: $!\n";
    syswrite $out, pack 'q', $self->{offset};
    close $out;
    return;
}


sub now { return time + $_[0]{offset} }

1;
