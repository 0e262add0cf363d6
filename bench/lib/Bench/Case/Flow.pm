package Bench::Case::Flow;

# The whole way: accepted, submitted to an SMSC that takes everything, receipt,
# final state.  The clock stops when the sink's last receipt is recorded.
#
#   FLOW_CONNECTIONS=64

use strict;
use warnings;
use utf8;

use Bench::Table qw(median);
use Time::HiRes qw(sleep time);

use constant { RANGE => 400_000, SETTLE_SECONDS => 60 };

my $unsettled = 0;


sub title { return 'end to end: to the SMSC, its receipt, the final state' }


sub run {
    my ($class, $bench) = @_;
    my ($connections) = $bench->numbers('FLOW_CONNECTIONS', 64);

    block($bench, $_, $connections) for $bench->workers;
    return;
}


sub block {
    my ($bench, $workers, $connections) = @_;
    my $stand = $bench->stand;
    my $name = "end to end, workers $workers";
    my @rounds;

    $bench->open('end to end', workers => $workers, sink => 1);
    settled($bench);

    for my $round (1 .. $bench->rounds) {
        $bench->progress('end to end, %d worker(s), round %d of %d', $workers, $round,
                         $bench->rounds);

        my $got = $bench->measure($stand->ours, sub {
            my $begin = time;
            my $got = $bench->load($stand->ours, $connections, $stand->sequence(RANGE));
            my $end = settled($bench);
            $got->{accept_rate} = $got->{rate};
            $got->{rate} = $got->{ok} / ($end - $begin);
            return $got;
        });
        settled($bench);

        push @rounds, $got;
        $bench->errors($name, $got);
        last if $unsettled;
    }

    my $sink = $stand->sink;
    my ($db) = $stand->pg->rows(q{select (select sum(parts) from sms.message) as parts,
        (select count(*) from sms.message) as messages, count(*) as settled,
        count(*) filter (where sms.state_name(state) = 'delivered') as delivered
        from sms.settlement});

    $bench->row('ngx_sms', workers => $workers, connections => $connections, got => \@rounds,
                parts => $db->{parts} / $db->{messages});

    $bench->problem("$name: $sink->{duplicates} parts came twice") if $sink->{duplicates};
    $bench->problem("$name: $sink->{strange} PDUs that the sink did not understand")
        if $sink->{strange};
    $bench->problem("$name: $sink->{refused} receipts refused") if $sink->{refused};
    $bench->problem("$name: $db->{parts} parts, $sink->{submits} submitted")
        if $db->{parts} != $sink->{submits};
    $bench->problem("$name: $db->{messages} messages, $db->{settled} settled, "
                    . "$db->{delivered} delivered") if $db->{messages} != $db->{delivered};
    $bench->note('%s: accepted at %.0f/s while sending', $name, median('accept_rate', @rounds));

    $bench->close;
    return;
}


# When the last receipt was taken; or when the patience is at its end.  The
# database is asked only when the sink has had nothing to do for a while.
sub settled {
    my ($bench) = @_;
    my $stand = $bench->stand;
    my ($last, $moved) = (-1, time);
    my $until = time + ($unsettled ? 1 : SETTLE_SECONDS);

    while (time < $until) {
        my $sink = $stand->sink;
        my $sum = $sink->{submits} + $sink->{receipts};

        ($last, $moved) = ($sum, time) if $sum != $last;

        if (time - $moved > 0.5) {
            my $open = $stand->pg->value('select (select count(*) from sms.message)
                                                - (select count(*) from sms.settlement)');
            return $moved if !$open;
            sleep 0.5;
        }

        sleep 0.02;
    }

    $bench->problem('end to end: not all settled after ' . SETTLE_SECONDS . ' s')
        if !$unsettled++;
    return $moved;
}

1;
