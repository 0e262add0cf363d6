package Bench::Case::Each;

# Requests to 1,000 numbers with a text of its own for each.  The operator's port
# is closed, so nothing leaves.
#
#   EACH_CONNECTIONS=4

use strict;
use warnings;
use utf8;

use constant { RECIPIENTS => 1000, RANGE => 20_000 };


sub title { return 'each: 1,000 numbers a request, a text of its own for each; rates are of '
                   . 'recipients' }


sub run {
    my ($class, $bench) = @_;
    my ($connections) = $bench->numbers('EACH_CONNECTIONS', 4);

    block($bench, $_, $connections) for $bench->workers;
    return;
}


sub block {
    my ($bench, $workers, $connections) = @_;
    my $stand = $bench->stand;
    my %shape = (shape => 'each', recipients => RECIPIENTS);
    my @got;

    $bench->open('each', workers => $workers);
    $stand->judge('each');
    $bench->load($stand->ours, $connections, $stand->sequence(RANGE), %shape, seconds => 1);

    for my $round (1 .. $bench->rounds) {
        $bench->progress('each, %d worker(s), round %d of %d', $workers, $round, $bench->rounds);
        push @got, $bench->measure($stand->ours, sub {
            $bench->load($stand->ours, $connections, $stand->sequence(RANGE), %shape);
        });
        $bench->errors("each, workers $workers", $got[-1]);
        $bench->problem("each: $got[-1]{ok} requests, $got[-1]{messages} recipients accepted")
            if $got[-1]{messages} != RECIPIENTS * $got[-1]{ok};
    }

    $bench->row('each', workers => $workers, connections => $connections, got => \@got);

    my ($texts) = $stand->pg->value(q{select count(*) from sms.message
                                       where text is null});
    $bench->problem("each: $texts messages without a text of their own") if $texts;
    $bench->close;
    return;
}

1;
