package Bench::Case::Recovery;

# The operator was away and comes back: how long until everything that has been
# queued meanwhile is submitted and its receipts are recorded.
#
#   QUEUED=100000

use strict;
use warnings;
use utf8;

use Bench::Drain;
use POSIX ();
use Time::HiRes qw(time);

use constant { REQUEST => 1000, CONNECTIONS => 4, PATIENCE => 300 };


sub title { return 'recovery: the operator comes back to a full queue; until the last receipt' }


sub run {
    my ($class, $bench) = @_;
    my ($queued) = $bench->numbers('QUEUED', 100_000);

    block($bench, $_, POSIX::ceil($queued / REQUEST)) for $bench->workers;
    return;
}


sub block {
    my ($bench, $workers, $requests) = @_;
    my $stand = $bench->stand;
    my $name = "recovery, workers $workers";

    # the link tries again once a second, so that waiting for it is not measured
    $bench->open('recovery', workers => $workers, reconnect => '1s');
    $stand->judge('many');
    my $got = $stand->load($stand->ours, shape => 'many', recipients => REQUEST,
                           connections => CONNECTIONS, seconds => 300, count => $requests,
                           start => $stand->sequence($requests));
    $bench->errors($name, $got);

    # with what the warm-up has left
    my $waiting = $stand->pg->value('select count(*) from sms.queue');
    $bench->problem("$name: $waiting in the queue, @{[ $stand->accepted ]} accepted")
        if $waiting != $stand->accepted;

    my ($seconds, $bound);
    my $row = $bench->measure($stand->ours, sub {
        my $begin = time;
        $stand->start_sink;
        my $end = drained($bench, PATIENCE, $name);
        $seconds = $end - $begin;
        return { ok => $waiting, messages => $waiting, rate => $waiting / $seconds };
    });

    drained($bench, PATIENCE, $name);
    my $db = arrived($bench, $name);
    $bench->row('recovery', workers => $workers, got => [ $row ],
                parts => $db->{parts} / $db->{messages});
    $bench->note('%s: %d messages in %.1f s, the first bind included', $name, $waiting, $seconds);
    $bench->close;
    return;
}

1;
