package Bench::Drain;

# When everything that was accepted has arrived: submitted, and its receipts
# recorded and acknowledged.
#
#   my $end = drained($bench, $seconds, $name);    the time of the last movement;
#                a problem and the same when it has not ended after so many seconds
#   arrived($bench, $name)                         problems of what the sink saw

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(drained arrived);


# The database is asked only when the sink has had nothing to do for a while.
sub drained {
    my ($bench, $seconds, $name) = @_;
    my $stand = $bench->stand;
    my ($last, $moved) = (-1, time);
    my $until = time + $seconds;

    while (time < $until) {
        my $sink = $stand->sink;
        my $sum = $sink->{submits} + $sink->{receipts};

        ($last, $moved) = ($sum, time) if $sum != $last;

        if (time - $moved > 1) {
            my $open = $stand->pg->value('select (select count(*) from sms.message)
                                                - (select count(*) from sms.settlement)');
            return $moved if !$open;
            $bench->progress('%s: %d open', $name, $open);
            sleep 1;
        }

        sleep 0.02;
    }

    my $open = $stand->pg->value('select (select count(*) from sms.message)
                                        - (select count(*) from sms.settlement)');
    $bench->problem("$name: $open messages have not ended after $seconds s");
    return $moved;
}


sub arrived {
    my ($bench, $name) = @_;
    my $sink = $bench->stand->sink;
    my ($db) = $bench->stand->pg->rows(q{
        select coalesce(sum(m.parts) filter (where s.state = 1), 0) as parts, count(*) as messages,
               count(*) filter (where s.state = 1) as delivered,
               count(*) filter (where s.state = 5) as refused
          from sms.message m
          left join sms.settlement s using (account_id, message_id)});

    $bench->problem("$name: $sink->{duplicates} parts came twice") if $sink->{duplicates};
    $bench->problem("$name: $sink->{strange} PDUs that the sink did not understand")
        if $sink->{strange};
    $bench->problem("$name: $sink->{refused} receipts refused") if $sink->{refused};
    $bench->problem("$name: $db->{parts} parts of delivered messages, $sink->{submits} submitted")
        if $db->{parts} != $sink->{submits};
    $bench->problem("$name: $db->{messages} messages, $db->{delivered} delivered and "
                    . "$db->{refused} refused")
        if $db->{messages} != $db->{delivered} + $db->{refused};
    return $db;
}

1;
