package Bench::Case::Accept;

# How fast messages are accepted, beside nginx's own "return 202" on the same
# bytes, and beside what Kannel accepts while its SMSC takes everything at once.
# Our operator's port is closed, so nothing leaves.
#
#   CONNECTIONS=64,256

use strict;
use warnings;
use utf8;

use Bench::Table qw(ratio cpu_ratio);

use constant { BAR_CONNECTIONS => 256, KANNEL_CONNECTIONS => 64, DRAIN_SECONDS => 60 };

# store of Kannel => what the ratio shall be, and is aimed at
my @kannel = ([ memory => 3, 4 ], [ spool => 8, 12 ]);


sub title { return 'accept: POST /v1/messages, durable, beside nginx\'s "return 202" and Kannel' }


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
    $bench->load($stand->comparison, 64, $stand->sequence(range($bench)));

    for my $connections (@connections) {
        my %contends = map { $_ => $connections == KANNEL_CONNECTIONS } $bench->stores($workers);
        my @stores = grep { $contends{ $_->[0] } } @kannel;
        my %rounds = rounds($bench, $workers, $connections, map { $_->[0] } @stores);
        my %same = (workers => $workers, connections => $connections);

        my $noop = $bench->row('return 202', %same, got => $rounds{noop});
        my %kannel = map { $_->[0] => $bench->row("Kannel, $_->[0]",
            connections => $connections, got => $rounds{ $_->[0] }) } @stores;
        my $ours = $bench->row('ngx_sms', %same, got => $rounds{ours},
                               against => [ $noop, map { $kannel{ $_->[0] } } @stores ]);

        for my $store (@stores) {
            my ($name, @limits) = @$store;
            $bench->bar("accept / Kannel $name, $connections connections, $workers worker(s)",
                        ratio($ours, $kannel{$name}), '>=', @limits,
                        cpu => cpu_ratio($ours, $kannel{$name}));
        }

        bars($bench, $ours, $noop) if $connections == BAR_CONNECTIONS;
    }

    $bench->close;
    return;
}


# enough for the fastest, so that all get the same bytes and none gets them twice
sub range { return 200_000 * $_[0]->seconds }


sub rounds {
    my ($bench, $workers, $connections, @stores) = @_;
    my $stand = $bench->stand;
    my %server = (noop => $stand->comparison, ours => $stand->ours);
    my %rounds;

    for my $store (@stores) {
        $server{$store} = $stand->kannel(store => $store);
        $stand->load($server{$store}, connections => 64, seconds => 1,
                     start => $stand->sequence(range($bench)));
        $server{$store}->drained(DRAIN_SECONDS);
    }

    for my $round (1 .. $bench->rounds) {
        my $first = $stand->sequence(range($bench));

        for my $who ('noop', 'ours', @stores) {
            my $server = $server{$who};

            $bench->progress('accept, %d worker(s), %d connections, round %d of %d: %s', $workers,
                             $connections, $round, $bench->rounds, $who);
            push @{ $rounds{$who} },
                $bench->measure($server, sub { $bench->load($server, $connections, $first) });
            $bench->errors("accept, $who, workers $workers", $rounds{$who}[-1]);

            # what it has not sent yet would go on beside the next
            rest($bench, $server) if $server->can('drained');
        }
    }

    $_->end for @server{@stores};
    return %rounds;
}


sub rest {
    my ($bench, $kannel) = @_;
    my (undef, $left) = $kannel->drained(DRAIN_SECONDS);

    $bench->problem("accept, $_") for $kannel->faults;
    $kannel->restart if $left;
    return;
}


sub bars {
    my ($bench, $ours, $noop) = @_;
    my $with = "$ours->{connections} connections, $ours->{workers} worker(s)";

    $bench->bar("accept / return 202, $with", ratio($ours, $noop), '>=', 0.33, 0.45,
                cpu => cpu_ratio($ours, $noop));
    $bench->bar("accept: CPU s for 1000 messages, $with", $ours->{sum} / 1000, '<=', 0.045);
    $bench->bar("accept: p99 / that of return 202, $with", $ours->{p99} / $noop->{p99}, '<=', 4)
        if $noop->{p99};
    return;
}

1;
