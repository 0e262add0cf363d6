package Bench::Table;

# The table that "make bench" prints: medians of the rounds of each case.
#
#   facts(name => text, …)              lines above the table
#   section($title)                     a case, or a part of one, begins
#   row(name => …, workers => 1, connections => 64, got => [ measurements ],
#       against => [ rows ])            answers the row, a hash of medians
#   memory($name, $workers, [ kB at rest ], [ kB after ], $messages)
#   note($format, …)                    a line under it
#   text                                all of it
# of rows:
#   median($name, @measurements)
#   ratio($row, $other)                 of rates
#   cpu_ratio($row, $other)             of what 1000 messages cost the servers
#   whole_ratio($row, $other)           the same with the load generator's part
#
# A measurement is a hash; what it does not have is left blank: rate accept_rate
# p50 p99 nginx pg kannel sum sink hooks load wal_bytes wal_syncs peak parts foreign.

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use List::Util qw(max);

our @EXPORT_OK = qw(median ratio cpu_ratio whole_ratio);

# a neighbour that takes less than this share of the machine does not show
use constant IDLE => 5;

# measured name, heading, width, decimals; a word alone: the heading above
my @columns = (
    [ rate => 'rate/s', 8, 0 ], [ accept_rate => 'acc/s', 6, 0 ], [ ratio => 'ratio', 6, 3 ],
    [ p50 => 'p50 ms', 7, 2 ], [ p99 => 'p99 ms', 7, 2 ], '|',
    [ nginx => 'nginx', 6, 1 ], [ pg => 'PG', 6, 1 ], [ kannel => 'kannel', 6, 1 ],
    [ sum => 'sum', 6, 1 ], '|',
    [ sink => 'sink', 5, 1 ], [ hooks => 'hooks', 5, 1 ], [ load => 'load', 5, 1 ], '|',
    [ wal_bytes => 'B/msg', 6, 0 ], [ wal_syncs => 'syncs', 6, 2 ], '|',
    [ peak => 'peak', 6, 1 ], [ parts => 'parts', 5, 2 ], [ foreign => 'other', 5, 1 ],
);

my @measured = map { $_->[0] } grep { ref && $_->[0] ne 'ratio' } @columns;


sub new { return bless { facts => [], lines => [], memory => [], notes => [] }, $_[0] }


sub median {
    my ($name, @measurements) = @_;
    my @sorted = sort { $a <=> $b } grep { defined } map { $_->{$name} } @measurements;

    return undef if !@sorted;
    return @sorted % 2 ? $sorted[$#sorted / 2]
                       : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}


sub facts { my ($self, @facts) = @_; push @{ $self->{facts} }, @facts; return }


sub note {
    my ($self, $format, @values) = @_;

    push @{ $self->{notes} }, sprintf $format, @values;
    return;
}


sub section {
    my ($self, $title) = @_;

    push @{ $self->{lines} }, $title;
    $self->{section} = $title;
    return;
}


sub row {
    my ($self, %row) = @_;
    my @got = @{ delete $row{got} };

    $row{worst} = max(map { $_->{foreign} // 0 } @got);
    $row{$_} //= median($_, @got) for @measured;
    $row{against} //= [];
    $row{ratio} = ratio(\%row, $row{against}[0]) if @{ $row{against} };
    $row{section} = $self->{section};
    push @{ $self->{lines} }, \%row;
    return \%row;
}


sub memory {
    my ($self, $name, $workers, $rest, $after, $messages) = @_;

    push @{ $self->{memory} }, sprintf '%-32s %s at rest, %s after %d messages',
        "$name, $workers worker(s)", map({ join ' ', map { sprintf '%.1f', $_ / 1024 } @$_ } $rest, $after), $messages;
    return;
}


sub quotient {
    my ($dividend, $divisor) = @_;

    return defined $dividend && $divisor ? $dividend / $divisor : undef;
}


sub ratio {
    my ($row, $other) = @_;

    return quotient($row->{rate}, $other->{rate});
}


# What the ratio would be if the servers' CPU time were all that limits either: it
# hardly changes with the neighbours.
sub cpu_ratio {
    my ($row, $other) = @_;

    return quotient($other->{sum}, $row->{sum});
}


sub whole_ratio {
    my ($row, $other) = @_;

    return quotient($other->{sum} + ($other->{load} // 0), $row->{sum} + ($row->{load} // 0));
}


# ---- text -------------------------------------------------------------------

sub line {
    my ($name, $workers, $connections, %cell) = @_;

    return sprintf("%-22s %2s %5s", $name, $workers // '', $connections // '')
           . join('', map { ref ? sprintf(" %*s", $_->[2], $cell{ $_->[0] } // '') : ' |' }
                      @columns) . "\n";
}


sub label {
    my ($row) = @_;

    return join ', ', $row->{name}, $row->{workers} ? "$row->{workers} worker(s)" : (),
           $row->{connections} ? "$row->{connections} connections" : ();
}


sub text {
    my ($self) = @_;
    my @facts = @{ $self->{facts} };
    my @rows = grep { ref } @{ $self->{lines} };
    my $text = "\n";

    while (my ($name, $value) = splice @facts, 0, 2) {
        $text .= sprintf "%-11s %s\n", $name, $value;
    }

    $text .= "\n" . line('', '', '', nginx => 'CPU ms', pg => 'for', kannel => '1000',
                         wal_bytes => 'WAL', wal_syncs => '/1000', peak => 'MiB',
                         parts => '/msg', foreign => 'CPU %');
    $text .= line('case', 'w', 'conns', map { $_->[0] => $_->[1] } grep { ref } @columns);

    for my $row (@{ $self->{lines} }) {
        $text .= ref $row
            ? line(@$row{qw(name workers connections)},
                   map { defined $row->{ $_->[0] }
                         ? ($_->[0] => sprintf '%.*f', $_->[3], $row->{ $_->[0] }) : () }
                   grep { ref } @columns)
            : "\n$row\n";
    }

    $text .= $self->ratios(@rows);
    $text .= "\nmemory of each worker, MiB resident:\n" if @{ $self->{memory} };
    $text .= "  $_\n" for @{ $self->{memory} };
    $text .= "\n" . join '', map { "$_\n" } @{ $self->{notes} } if @{ $self->{notes} };

    my $worst = max(0, map { $_->{worst} } @rows);
    $text .= sprintf "\nmachine: %s; the worst measurement had %.0f %% of it taken by others\n",
             $worst < IDLE ? 'idle' : 'NOT IDLE, rates and times are worth little, CPU per '
                                      . '1000 and ratios a bit more', $worst;
    return $text =~ s/ +$//mgr;
}


sub ratios {
    my ($self, @rows) = @_;
    my $line = "%-88s %8s %8s %8s\n";
    my ($text, $section) = ('', '');

    for my $row (grep { @{ $_->{against} } } @rows) {
        $text .= "\n$row->{section}\n" if $section ne $row->{section};
        $section = $row->{section};

        for my $other (@{ $row->{against} }) {
            $text .= sprintf $line, label($row) . ' / ' . label($other),
                     map { defined $_ ? sprintf '%.3f', $_ : '-' }
                     ratio($row, $other), cpu_ratio($row, $other), whole_ratio($row, $other);
        }
    }

    return length $text ? "\n" . sprintf($line, 'ratios', 'rate', 'CPU', 'CPU+load') . $text : '';
}

1;
