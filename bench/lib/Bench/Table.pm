package Bench::Table;

# The table that "make bench" prints: medians of the rounds of each case.
#
#   facts(name => text, …)              lines above the table
#   row($case, $workers, $connections, @measurements)
#   memory($name, $workers, { rest => [kB…], after => [kB…] }, $messages)
#   note($format, …)                    a line under it
#   ratio($case, $workers, $connections)   rate beside that of "return 202"
#   cpu_ratio(…)                        the same by CPU time
#   text                                all of it
#
# A measurement is a hash: rate p50 p99 nginx pg sink load wal_bytes wal_syncs
# foreign.

use strict;
use warnings;
use utf8;

use List::Util qw(max);

# a neighbour that takes less than this share of the machine does not show
use constant IDLE => 5;

my $line = "%-11s %3s %5s %9s %6s %8s %8s | %6s %6s %6s %6s %6s | %6s %7s | %7s\n";


sub new { return bless { facts => [], rows => [], memory => [], notes => [] }, $_[0] }


sub median {
    my ($name, @measurements) = @_;
    my @sorted = sort { $a <=> $b } map { $_->{$name} } @measurements;

    return @sorted % 2 ? $sorted[$#sorted / 2]
                       : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}


sub facts { my ($self, @facts) = @_; push @{ $self->{facts} }, @facts; return }


sub note {
    my ($self, $format, @values) = @_;

    push @{ $self->{notes} }, sprintf $format, @values;
    return;
}


sub row {
    my ($self, $case, $workers, $connections, @got) = @_;

    push @{ $self->{rows} }, {
        case => $case, workers => $workers, connections => $connections,
        worst => max(map { $_->{foreign} } @got),
        map { $_ => median($_, @got) } qw(rate p50 p99 nginx pg sink load wal_bytes wal_syncs
                                          foreign),
    };
    return;
}


sub memory {
    my ($self, $name, $workers, $kb, $messages) = @_;

    my ($rest, $after) = map { join ' ', map { sprintf '%.1f', $_ / 1024 } @{ $kb->{$_} } }
                         qw(rest after);
    push @{ $self->{memory} }, sprintf '%-22s %s at rest, %s after %d messages', $name, $rest,
                               $after, $messages;
    return;
}


sub both {
    my ($self, $case, $workers, $connections) = @_;

    return map {
        my $wanted = $_;
        (grep { $_->{case} eq $wanted && $_->{workers} == $workers
                && $_->{connections} == $connections } @{ $self->{rows} })[0]
    } $case, 'return 202';
}


sub ratio {
    my ($ours, $other) = both(@_);

    return $ours && $other && $other->{rate} ? $ours->{rate} / $other->{rate} : undef;
}


# What the ratio would be if CPU time were all that limits either, the load
# generator's included: it hardly changes with the neighbours.
sub cpu_ratio {
    my ($ours, $other) = both(@_);

    return ($other->{nginx} + $other->{load}) / ($ours->{nginx} + $ours->{pg} + $ours->{load});
}


sub text {
    my ($self) = @_;
    my @facts = @{ $self->{facts} };
    my $text = "\n";

    while (my ($name, $value) = splice @facts, 0, 2) {
        $text .= sprintf "%-11s %s\n", $name, $value;
    }

    $text .= "\n" . sprintf $line, '', '', '', '', '', 'ms', '', 'CPU ms', ' per', '1000', '',
                            '', 'WAL', 'per 1000', 'foreign';
    $text .= sprintf $line, 'case', 'w', 'conns', 'rate/s', 'ratio', 'p50', 'p99', 'nginx',
                     'PG', 'sink', 'sum', 'load', 'B/msg', 'syncs', 'CPU %';

    for my $row (@{ $self->{rows} }) {
        my $ratio = $row->{case} eq 'return 202' ? undef
                    : $self->ratio(@$row{qw(case workers connections)});
        my $theirs = $row->{case} eq 'return 202';

        $text .= sprintf $line, $row->{case}, $row->{workers}, $row->{connections},
                 sprintf('%.0f', $row->{rate}), defined $ratio ? sprintf('%.3f', $ratio) : '',
                 map({ sprintf '%.2f', $row->{$_} } qw(p50 p99)),
                 sprintf('%.1f', $row->{nginx}),
                 ($theirs ? '' : sprintf('%.1f', $row->{pg})),
                 ($row->{case} eq 'end to end' ? sprintf('%.1f', $row->{sink}) : ''),
                 sprintf('%.1f', $row->{nginx} + ($theirs ? 0 : $row->{pg})),
                 sprintf('%.1f', $row->{load}),
                 ($theirs ? ('', '') : (sprintf('%.0f', $row->{wal_bytes}),
                                        sprintf('%.2f', $row->{wal_syncs}))),
                 sprintf('%.1f', $row->{foreign});
    }

    $text .= "\nmemory of each worker, MiB resident:\n";
    $text .= "  $_\n" for @{ $self->{memory} };
    $text .= "\n" . join '', map { "$_\n" } @{ $self->{notes} } if @{ $self->{notes} };

    my $worst = max(map { $_->{worst} } @{ $self->{rows} }) // 0;
    $text .= sprintf "\nmachine: %s; the worst measurement had %.0f %% of it taken by others\n",
             $worst < IDLE ? 'idle' : 'NOT IDLE, rates and times are worth little, CPU per '
                                      . '1000 and ratios a bit more', $worst;
    return $text;
}

1;
