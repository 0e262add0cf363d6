package Bench::Drip;

# One-time codes at a steady pace, sent by bench/drip, and how long they took.
#
#   my $drip = Bench::Drip->new($stand, $every_us);     begins
#   $drip->end                   ends: { sent, ok, errors }
#   $drip->latencies($marks, $from, $to)
#                                of those that were due between these moments (none:
#                                all) and accepted, in ms: n p50 p90 p99 max, to the
#                                mark; answered_p50, …, to the answer; missing: how
#                                many have no mark.  $marks: see Bench::Stand
#   Bench::Drip->now             such a moment: microseconds of CLOCK_MONOTONIC

use strict;
use warnings;
use utf8;

use IPC::Open2 qw(open2);
use SMS::Tap qw(slurp);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# codes of one run have other numbers than those of the next
my $next = 0;


sub new {
    my ($class, $stand, $every_us) = @_;
    my $self = bless { stand => $stand, log => $stand->dir . '/drip' }, $class;

    $self->{pid} = open2($self->{out}, $self->{in}, $stand->bin . '/drip',
                         '--port', $stand->ours->port(0), '--keys', $stand->dir . '/keys',
                         '--every-us', $every_us, '--log', $self->{log}, '--start', $next);
    return $self;
}


sub end {
    my ($self) = @_;

    close $self->{in};
    my %got = (readline($self->{out}) // die "bench: drip has ended\n") =~ /(\w+)=(\d+)/g;
    waitpid delete $self->{pid}, 0;
    $next += $got{sent};
    $self->{stand}->accepted($got{ok});
    return \%got;
}


sub now { return 1e6 * clock_gettime(CLOCK_MONOTONIC) }


sub at {
    my ($share, @sorted) = @_;

    return @sorted ? $sorted[ int($share * $#sorted + 0.5) ] : 0;
}


sub latencies {
    my ($self, $marks, $from, $to) = @_;
    my (@arrived, @answered);
    my $missing = 0;

    for my $line (split /\n/, slurp($self->{log})) {
        my ($number, $due, $answered) = split ' ', $line;
        next if $due < ($from // 0) || $due > ($to // 'inf');

        push @answered, ($answered - $due) / 1000;
        if (defined $marks->{$number}) {
            push @arrived, ($marks->{$number} - $due) / 1000;
        } else {
            $missing++;
        }
    }

    @$_ = sort { $a <=> $b } @$_ for \@arrived, \@answered;

    return (n => scalar @arrived, missing => $missing, max => $arrived[-1] // 0,
            p50 => at(0.5, @arrived), p90 => at(0.9, @arrived), p99 => at(0.99, @arrived),
            answered_p50 => at(0.5, @answered), answered_p99 => at(0.99, @answered));
}

1;
