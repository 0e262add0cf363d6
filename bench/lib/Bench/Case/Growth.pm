package Bench::Case::Growth;

# What does not grow with: stored messages, workers, accounts.  Empty and full
# database, one and two workers, and numbers of accounts take turns.
#
#   STORED=2000000        messages in the full database: nearly 2 GB a million on
#                         disk, and one to two minutes a million to write
#   GROWTH_CONNECTIONS=64     GROWTH_ACCOUNTS=1,100,1000

use strict;
use warnings;
use utf8;

use Bench::Drain;
use Bench::Stored;
use Bench::Table qw(median ratio whole_ratio);
use List::Util qw(max min);
use Time::HiRes qw(time);

# workers read each profile again every few seconds: a measurement must not fall
# between
use constant { ACCOUNTS => 100, RANGE => 400_000, BAR => 0.9, CPU_BAR => 1.4, PATIENCE => 120,
               ACCOUNT_SECONDS => 10 };


sub title { return 'growth: stored messages, workers, accounts' }


sub run {
    my ($class, $bench) = @_;
    my ($stored) = $bench->numbers('STORED', 2_000_000);
    my ($connections) = $bench->numbers('GROWTH_CONNECTIONS', 64);
    my @accounts = $bench->numbers('GROWTH_ACCOUNTS', '1,100,1000');

    stored($bench, $stored, $connections);
    workers($bench, $connections);
    accounts($bench, $connections, @accounts);
    $bench->note('growth: plans of the hot statements with 1,000 partitions are proved by '
                 . 't/sql_partitions.t');
    return;
}


sub accepting {
    my ($bench, $name, $connections, %more) = @_;
    my $stand = $bench->stand;
    my $got = $bench->measure($stand->ours, sub {
        $bench->load($stand->ours, $connections, $stand->sequence(RANGE), %more);
    });

    $bench->errors("growth, $name", $got);
    return $got;
}


# ---- stored messages --------------------------------------------------------

sub stored {
    my ($bench, $stored, $connections) = @_;
    my $stand = $bench->stand;
    my $pg = $stand->pg;

    $bench->open('growth, full', workers => 1);
    $bench->progress('growth: writing %d old messages', $stored);
    my $seconds = Bench::Stored->fill($pg, $stored, ACCOUNTS);
    $stand->accepted($stored);
    my $size = $pg->value('select pg_database_size(current_database())');
    my $full = $pg->keep;
    $bench->close;
    $bench->note('growth: %d old messages written in %.0f s, %.1f GB', $stored, $seconds,
                 $size / 1e9);

    my (%accept, %flow);

    for my $round (1 .. $bench->rounds) {
        for my $turn ([ empty => () ], [ full => (database => $full) ]) {
            my ($name, @opt) = @$turn;

            $bench->progress('growth, %s, round %d of %d', $name, $round, $bench->rounds);
            $bench->open("growth, $name", workers => 1, reconnect => '1s', @opt);
            Bench::Stored->touch($pg, $stored) if $name eq 'full';
            push @{ $accept{$name} }, accepting($bench, $name, $connections);
            push @{ $flow{$name} }, flow($bench, $name, $connections);
            $bench->close;
        }
    }

    my %same = (workers => 1, connections => $connections);

    for my $what ([ accept => \%accept ], [ 'end to end' => \%flow ]) {
        my ($title, $got) = @$what;
        my $empty = $bench->row("$title, empty", %same, got => $got->{empty});
        my $row = $bench->row("$title, full", %same, got => $got->{full}, against => [ $empty ]);

        $bench->bar("$title with $stored stored messages / with none", ratio($row, $empty), '>=',
                    BAR, undef, cpu => whole_ratio($row, $empty));
    }

    $pg->forget($full);
    return;
}


# What accept has left in the queue goes first, unmeasured.
sub flow {
    my ($bench, $name, $connections) = @_;
    my $stand = $bench->stand;

    $stand->start_sink;
    drained($bench, PATIENCE, "growth, $name");

    my $got = $bench->measure($stand->ours, sub {
        my $begin = time;
        my $got = $bench->load($stand->ours, $connections, $stand->sequence(RANGE));
        my $end = drained($bench, PATIENCE, "growth, $name, end to end");

        return { %$got, rate => $got->{ok} / ($end - $begin), p50_us => undef, p99_us => undef };
    });

    $bench->errors("growth, $name, end to end", $got);
    drained($bench, PATIENCE, "growth, $name");
    return $got;
}


# ---- workers and accounts ---------------------------------------------------

sub workers {
    my ($bench, $connections) = @_;
    my (%got, %row);

    for my $round (1 .. $bench->rounds) {
        for my $workers (1, 2) {
            $bench->progress('growth, %d worker(s), round %d of %d', $workers, $round,
                             $bench->rounds);
            $bench->open("growth, $workers worker(s)", workers => $workers);
            push @{ $got{$workers} }, accepting($bench, "$workers worker(s)", $connections);
            $bench->close;
        }
    }

    for my $workers (1, 2) {
        $row{$workers} = $bench->row('accept, workers', workers => $workers,
                                     connections => $connections, got => $got{$workers},
                                     against => $workers == 2 ? [ $row{1} ] : []);
    }

    $bench->bar('accept with 2 workers / with 1', ratio(@row{2, 1}), '>=', BAR, undef,
                cpu => whole_ratio(@row{2, 1}));
    return;
}


# The server has no profile of any account: it has just started anew.
sub first_use {
    my ($bench, $accounts, $connections) = @_;
    my $stand = $bench->stand;

    $stand->ours->restart;
    $stand->ours->ready('/health', 30) or die "bench: nginx is not ready\n";

    my $got = $bench->measure($stand->ours, sub {
        $stand->load($stand->ours, connections => $connections, seconds => 300,
                     count => $accounts, start => $stand->sequence($accounts));
    });

    $bench->errors("growth, first requests of $accounts account(s)", $got);
    return $got;
}


sub accounts {
    my ($bench, $connections, @accounts) = @_;
    my (%got, %first, @rows);

    for my $round (1 .. $bench->rounds) {
        for my $n (@accounts) {
            $bench->progress('growth, %d account(s), round %d of %d', $n, $round, $bench->rounds);
            $bench->open("growth, $n account(s)", workers => 1, accounts => $n);
            push @{ $first{$n} }, first_use($bench, $n, $connections);
            push @{ $got{$n} }, accepting($bench, "$n account(s)", $connections,
                                          seconds => ACCOUNT_SECONDS);
            $bench->close;
        }
    }

    for my $n (@accounts) {
        push @rows, $bench->row("accept, $n account(s)", workers => 1,
                                connections => $connections, got => $got{$n},
                                against => [ @rows ? $rows[0] : () ]);
    }

    # one account is not enough to measure
    $bench->note('growth: the first request of an account costs %.1f ms CPU of PostgreSQL when '
                 . 'there are %d', median('pg', @{ $first{$_} }) / 1000, $_)
        for grep { $_ >= 100 } @accounts;

    my @sums = map { $_->{sum} } @rows;
    $bench->bar("CPU for 1000, dearest / cheapest of @accounts accounts", max(@sums) / min(@sums),
                '<=', CPU_BAR, undef);
    return;
}

1;
