package Bench::Case::Flow;

# The whole way, beside Kannel with each of its stores: accepted, submitted to an
# SMSC that takes everything, and with receipts until the customer knows.
#
#   no receipts   none are asked for; the clock stops when the sink has taken the
#                 last message
#   receipts      ours alone: until the last receipt is recorded and acknowledged
#   callbacks     receipts, and an HTTP request to the customer for each (Kannel)
#                 or for many (ours); until the last of them has come
#
# The contenders take turns in each round, and get the same numbers and texts.
# Kannel may take DRAIN_SECONDS to send what it has accepted: a store that does not
# manage has the rate of what it did send.
#
#   FLOW_CONNECTIONS=64

use strict;
use warnings;
use utf8;

use Bench::Table qw(ratio cpu_ratio);
use List::Util qw(sum);
use Time::HiRes qw(sleep time);

use constant { RANGE => 150_000, DRAIN_SECONDS => 60 };


sub title { return 'flow: end to end, to an SMSC that takes everything, beside Kannel' }


sub run {
    my ($class, $bench) = @_;
    my ($connections) = $bench->numbers('FLOW_CONNECTIONS', 64);

    for my $workers ($bench->workers) {
        my %same = (workers => $workers, connections => $connections);
        my @stores = $bench->stores($workers);
        my %silent = part($bench, %same, what => 'no receipts', receipts => 0,
                          stores => \@stores);
        my %whole = part($bench, %same, what => 'receipts', receipts => 1, stores => []);
        my %told = part($bench, %same, what => 'callbacks', receipts => 1, hooks => 1,
                        stores => \@stores);

        compare($bench, $workers, \%silent, \%whole, \%told);
    }

    return;
}


sub compare {
    my ($bench, $workers, $silent, $whole, $told) = @_;
    my $with = "$workers worker(s)";

    for my $bar ([ 'end to end, no receipts', $silent, memory => 1.5, 2 ],
                 [ 'end to end, no receipts', $silent, spool => 5, 8 ],
                 [ 'end to end, receipts and webhook', $told, memory => 3, 5 ])
    {
        my ($name, $rows, $store, @limits) = @$bar;
        my ($ours, $theirs) = ($rows->{ours}, $rows->{$store});

        next if !$theirs;
        $bench->bar("$name / Kannel $store, $with", $ours && ratio($ours, $theirs), '>=',
                    @limits, cpu => $ours && cpu_ratio($ours, $theirs));
    }

    $bench->bar("end to end, receipts: CPU s for 1000 messages, $with",
                $whole->{ours}{sum} / 1000, '<=', 0.10, 0.075);
    return;
}


# ---- one part ---------------------------------------------------------------

sub part {
    my ($bench, %opt) = @_;
    my $stand = $bench->stand;
    my $name = "$opt{what}, workers $opt{workers}";
    my (%rounds, %row);

    $bench->section("flow, $name");
    $bench->open("flow, $opt{what}", workers => $opt{workers}, sink => 1,
                 receipts => $opt{receipts}, hooks => $opt{hooks});

    # what is accepted before the webhooks are there is never called back
    settled($bench);
    $stand->webhooks($stand->hooks_url) if $opt{hooks};

    my $ours = { key => 'ours', name => 'ngx_sms', server => $stand->ours,
                 drained => sub { settled($bench, $opt{hooks}) } };
    my @theirs = map { kannel($bench, $_, $opt{hooks}) } @{ $opt{stores} };

    for my $round (1 .. $bench->rounds) {
        my $first = $stand->sequence(RANGE * $bench->seconds);

        for my $contender ($ours, @theirs) {
            $bench->progress('flow, %s, round %d of %d: %s', $name, $round, $bench->rounds,
                             $contender->{name});
            push @{ $rounds{ $contender->{key} } }, turn($bench, $contender, $first, %opt);
        }

        # what is still under way would be measured with the next
        last if $rounds{ours}[-1]{stuck};
    }

    for my $contender (@theirs) {
        $bench->problem("$_, $name") for $contender->{server}->faults;
        $row{ $contender->{key} } = $bench->row($contender->{name},
            connections => $opt{connections}, got => $rounds{ $contender->{key} });
    }

    $row{ours} = $bench->row($ours->{name}, workers => $opt{workers},
                             connections => $opt{connections}, got => $rounds{ours},
                             parts => check($bench, $name, $opt{receipts} ? 'delivered' : 'sent'),
                             against => [ map { $row{ $_->{key} } } @theirs ]);
    $bench->close;
    return %row;
}


sub kannel {
    my ($bench, $store, $hooks) = @_;
    my $stand = $bench->stand;

    $bench->progress('Kannel, %s: starting', $store);
    my $kannel = $stand->kannel(store => $store, receipts => $hooks);

    # as ours has had it
    $stand->load($kannel, connections => 64, seconds => 1, start => $stand->sequence(RANGE));
    $kannel->drained(DRAIN_SECONDS);
    return { key => $store, name => $kannel->name, server => $kannel,
             drained => sub { $kannel->drained(DRAIN_SECONDS) } };
}


sub turn {
    my ($bench, $contender, $first, %opt) = @_;
    my $server = $contender->{server};
    my $name = "$contender->{name}, $opt{what}, workers $opt{workers}";

    my $row = $bench->measure($server, sub {
        my $got = $bench->load($server, $opt{connections}, $first);
        my ($end, $left) = $contender->{drained}->();

        return {
            %$got, accept_rate => $got->{rate}, stuck => $left, messages => $got->{ok} - $left,
            rate => ($got->{ok} - $left) / ($end - $got->{began}),
        };
    });

    $bench->errors($name, $row);

    if ($contender->{key} eq 'ours') {
        # the few that measure() has sent behind
        $contender->{drained}->() if !$row->{stuck};

    } elsif ($row->{stuck}) {
        $bench->note('%s: %d of %d not through after %d s; its rate is that of the others',
                     $name, @$row{qw(stuck ok)}, DRAIN_SECONDS);
        $bench->problem("$_, $name") for $server->faults;
        $server->restart;

    } else {
        $row->{parts} = $server->sink->{submits} / $server->accepted;
    }

    return $row;
}


# What the database and the sink know must be the same; answers parts a message.
sub check {
    my ($bench, $name, $end) = @_;
    my $stand = $bench->stand;
    my $sink = $stand->sink;
    my ($db) = $stand->pg->rows(q{select (select sum(parts) from sms.message) as parts,
        (select count(*) from sms.message) as messages, count(*) as settled,
        count(*) filter (where sms.state_name(state) = ?) as well from sms.settlement}, $end);

    $bench->problem("$name: $sink->{duplicates} parts came twice") if $sink->{duplicates};
    $bench->problem("$name: $sink->{strange} PDUs that the sink did not understand")
        if $sink->{strange};
    $bench->problem("$name: $sink->{refused} receipts refused") if $sink->{refused};
    $bench->problem("$name: $db->{parts} parts, $sink->{submits} submitted")
        if $db->{parts} != $sink->{submits};
    $bench->problem("$name: $db->{messages} messages, $db->{settled} settled, "
                    . "$db->{well} $end") if $db->{messages} != $db->{well};

    return $db->{parts} / $db->{messages};
}


# ---- when it is done --------------------------------------------------------

# (when the last thing moved, how many messages are not through).  The database is
# asked only when the sinks have had nothing to do for a while.
sub settled {
    my ($bench, $hooks) = @_;
    my $stand = $bench->stand;
    my ($last, $moved, $left) = (-1, time, 0);
    my $until = time + DRAIN_SECONDS;

    while (time < $until) {
        my $sum = sum(@{ $stand->sink }{qw(submits receipts)},
                      $hooks ? $stand->hooks->{delivered} : ());

        ($last, $moved) = ($sum, time) if $sum != $last;

        if (time - $moved > 0.5) {
            $left = open_messages($stand, $hooks);
            return ($moved, 0) if !$left;
            sleep 0.5;
        }

        sleep 0.02;
    }

    $bench->problem("flow: $left messages not through after @{[ DRAIN_SECONDS ]} s");
    return ($moved, $left);
}


sub open_messages {
    my ($stand, $hooks) = @_;
    my $open = $stand->pg->value('select (select count(*) from sms.message)
                                        - (select count(*) from sms.settlement)');

    return $open || !$hooks ? $open : $stand->untold;
}

1;
