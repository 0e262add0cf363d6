package Bench::Case::Many;

# Requests to 1,000 numbers with one text, beside what PostgreSQL itself takes of
# the same rows.  The operator's port is closed, so nothing leaves.
#
#   MANY_CONNECTIONS=4     clients of PostgreSQL's side, too

use strict;
use warnings;
use utf8;

use Bench::Ceiling;
use Bench::Table qw(median ratio whole_ratio);

use constant { BAR => 0.5, AIM => 200_000, RECIPIENTS => 1000, RANGE => 20_000 };


sub title { return 'many: one text to 1,000 numbers a request, beside PostgreSQL alone; rates '
                   . 'are of recipients' }


sub run {
    my ($class, $bench) = @_;
    my ($connections) = $bench->numbers('MANY_CONNECTIONS', 4);

    block($bench, $_, $connections) for $bench->workers;
    return;
}


sub many {
    my ($bench, $connections, %more) = @_;
    my $stand = $bench->stand;

    return $bench->load($stand->ours, $connections, $stand->sequence(RANGE), shape => 'many',
                        recipients => RECIPIENTS, %more);
}


sub block {
    my ($bench, $workers, $connections) = @_;
    my $stand = $bench->stand;
    my (@ours, @alone);

    $bench->open('many', workers => $workers);
    my $single = Bench::Ceiling->new($stand->pg, 'single', 84);
    $stand->judge('many');
    many($bench, $connections, seconds => 1);
    many($bench, 1, count => 1);
    my $ceiling = Bench::Ceiling->new($stand->pg, 'many', RECIPIENTS);
    my %run = (clients => $connections, seconds => $bench->seconds);

    for my $round (1 .. $bench->rounds) {
        $bench->progress('many, %d worker(s), round %d of %d', $workers, $round, $bench->rounds);
        push @alone, $bench->measure($ceiling, sub { $ceiling->run(%run) });
        push @ours, $bench->measure($stand->ours, sub { many($bench, $connections) });
        $bench->errors("many, workers $workers", $ours[-1]);
        $bench->problem("many: $ours[-1]{ok} requests, $ours[-1]{messages} recipients accepted")
            if $ours[-1]{messages} != RECIPIENTS * $ours[-1]{ok};
    }

    my %same = (workers => $workers, connections => $connections);
    my $alone = $bench->row('PostgreSQL alone', %same, got => \@alone);
    my $row = $bench->row('many', %same, got => \@ours, against => [ $alone ]);

    $bench->bar("many / PostgreSQL alone, $workers worker(s)", ratio($row, $alone), '>=', BAR,
                undef, cpu => whole_ratio($row, $alone));
    $bench->bar("many, recipients a second, $workers worker(s)", $row->{rate}, '>=', undef, AIM);

    my $rows = $bench->measure($single, sub { $single->run(%run) });
    $bench->note('PostgreSQL alone, rows of requests to one number, 84 a transaction, %d clients: '
                 . '%.0f rows/s, %.1f ms CPU of it for 1000', $connections, $rows->{rate},
                 $rows->{pg});
    $bench->close;
    return;
}

1;
