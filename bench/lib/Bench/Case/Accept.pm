package Bench::Case::Accept;

# How fast messages are accepted, beside nginx's own "return 202" on the same
# bytes.  The operator's port is closed, so nothing leaves.
#
#   CONNECTIONS=64,256

use strict;
use warnings;
use utf8;

use Bench::Table qw(ratio whole_ratio);

use constant { BAR => 0.25, BAR_CONNECTIONS => 256 };


sub title { return 'accept: POST /v1/messages, durable, beside nginx\'s "return 202"' }


sub run {
    my ($class, $bench) = @_;
    my @connections = $bench->numbers('CONNECTIONS', '64,256');

    block($bench, $_, @connections) for $bench->workers;
    return;
}


sub block {
    my ($bench, $workers, @connections) = @_;
    my $stand = $bench->stand;

    $bench->open('accept', workers => $workers);

    my $ours = $stand->ours;
    my $other = $stand->comparison;
    my $range = 200_000 * $bench->seconds;

    $bench->load($other, 64, $stand->sequence($range));

    for my $connections (@connections) {
        my (@theirs, @ours);

        for my $round (1 .. $bench->rounds) {
            # both get the same bytes
            my $first = $stand->sequence($range);

            $bench->progress('accept, %d worker(s), %d connections, round %d of %d', $workers,
                             $connections, $round, $bench->rounds);
            push @theirs, $bench->measure($other,
                sub { $bench->load($other, $connections, $first) });
            push @ours, $bench->measure($ours, sub { $bench->load($ours, $connections, $first) });
            $bench->errors('return 202', $theirs[-1]);
            $bench->errors("accept, workers $workers", $ours[-1]);
        }

        my %same = (workers => $workers, connections => $connections);
        my $theirs = $bench->row('return 202', %same, got => \@theirs);
        my $row = $bench->row('accept', %same, got => \@ours, against => [ $theirs ]);

        $bench->bar("accept / return 202, $connections connections, $workers worker(s)",
                    ratio($row, $theirs), '>=', BAR, undef, cpu => whole_ratio($row, $theirs))
            if $connections == BAR_CONNECTIONS;
    }

    $bench->close;
    return;
}

1;
