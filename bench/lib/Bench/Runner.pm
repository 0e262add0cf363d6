package Bench::Runner;

# Runs the cases and collects what they find.  A case is a module
# Bench::Case::<Name>:
#
#   sub title { 'what is compared' }
#   sub run { my ($class, $bench) = @_; … }
#
# and it gets this object:
#
#   stand  table  seconds  rounds  workers (a list)
#   words($name, $default)     a list from the environment, split at commas
#   numbers($name, $default)   the same; each must be above 0
#   stores($workers)           of Kannel, that contend in a block with that many
#   open($name, %opt)          a block: $stand->open(%opt) and a second of warm-up
#   close                      its end: counts and ledgers must add up
#   load($server, $connections, $first, %more)  for as long as a measurement lasts
#   measure($server, $work)    what $work answers, a hash with "ok" (or "messages")
#                              and perhaps "rate", and what it has cost besides
#   errors($name, $got)        a problem for what was not answered well
#   section($title)            a line of text between rows
#   row($name, workers => 1, connections => 64, got => [ measurements ],
#       against => [ rows ])   a row of the table; answers it
#   problem($text)   progress($format, …)   note($format, …)
#   bar($name, $value, '>=' or '<=', $met, $aim, cpu => $value)
#
# $server is $stand->ours, the nginx of the comparison, or a contender: see
# Bench::Meter and Bench::Kannel.

use strict;
use warnings;
use utf8;

use Bench::Meter;
use Bench::Process;
use Bench::Stand;
use Bench::Table;
use File::Basename qw(basename);
use List::Util qw(sum0);
use SMS::Tap qw(root);
use Time::HiRes qw(sleep time);

# sequence numbers of one warm-up
use constant RANGE => 400_000;


sub new {
    my ($class) = @_;
    my $self = bless { started => time, problems => [], bars => [] }, $class;

    ($self->{seconds}) = $self->numbers('SECONDS', 3);
    ($self->{rounds}) = $self->numbers('ROUNDS', 3);
    $self->{workers} = [ $self->numbers('WORKERS', '1,2') ];
    $self->{cases} = [ $self->cases ];
    $self->stores(0);
    $self->{table} = Bench::Table->new;
    $self->{stand} = Bench::Stand->new;
    $self->{meter} = Bench::Meter->new($self->{stand});
    return $self;
}


sub stand { return $_[0]{stand} }
sub table { return $_[0]{table} }
sub seconds { return $_[0]{seconds} }
sub rounds { return $_[0]{rounds} }
sub workers { return @{ $_[0]{workers} } }
sub broken { return @{ $_[0]{problems} } ? 1 : 0 }
sub note { my ($self, @note) = @_; return $self->{table}->note(@note) }
sub section { my ($self, $title) = @_; return $self->{table}->section($title) }
sub problem { my ($self, $text) = @_; push @{ $self->{problems} }, $text; return }


sub words {
    my ($self, $name, $default) = @_;

    return grep { length } split /[\s,]+/, $ENV{$name} // $default;
}


sub numbers {
    my ($self, $name, $default) = @_;
    my @numbers = $self->words($name, $default);

    die "bench: $name: numbers above 0\n" if !@numbers || grep { !/^\d+$/ || !$_ } @numbers;
    return @numbers;
}


# Kannel does not depend on nginx's workers: all of its stores contend beside the
# first number of them, beside others only its fastest.
sub stores {
    my ($self, $workers) = @_;
    my @stores = $self->words('STORES', 'memory,file,spool');

    die "bench: STORES: memory, file, spool\n" if grep { !/^(?:memory|file|spool)$/ } @stores;
    return $workers == $self->{workers}[0] ? @stores : grep { $_ eq 'memory' } @stores;
}


sub cases {
    my ($self) = @_;
    my %module = map { my $name = basename($_, '.pm'); lc $name => "Bench::Case::$name" }
                 glob root() . '/bench/lib/Bench/Case/*.pm';
    my @names = $self->words('CASES', join ',', sort keys %module);

    for my $name (@names) {
        my $module = $module{$name}
            // die "bench: unknown case: $name; there are: @{[ sort keys %module ]}\n";
        eval "require $module" or die $@;
    }

    return @module{@names};
}


sub progress {
    my ($self, $format, @values) = @_;

    return unless -t STDERR;
    print STDERR "\r\e[K", defined $format ? sprintf($format, @values) : '';
    return;
}


sub run {
    my ($self) = @_;
    my ($stand, $table) = @$self{qw(stand table)};

    $table->facts(
        machine => name_of_machine(),
        nginx => (qx{/usr/sbin/nginx -v 2>&1} =~ m{(nginx/\S+)})[0],
        PostgreSQL => $stand->pg->version,
        database => $stand->pg->settings,
        sink => sprintf('%.0f submit_sm/s when it is alone', $stand->sink_speed),
    );

    for my $case (@{ $self->{cases} }) {
        $self->section($case->title);
        $case->run($self);
    }

    $table->facts(rules => $stand->rules // 'none: the plugin rule/content is not built');
    $self->progress;
    return;
}


sub text {
    my ($self) = @_;
    my @problems = @{ $self->{problems} };

    return join '', $self->{table}->text, $self->bars, "\n",
           @problems ? "BROKEN:\n" . join '', map { "  $_\n" } @problems
           : "Nothing broke: no error answer, nothing missing, nothing twice, all ledgers "
             . "add up.\n",
           sprintf "%.0f s\n", time - $self->{started};
}


# ---- blocks -----------------------------------------------------------------

sub open {
    my ($self, $name, %opt) = @_;
    my $stand = $self->{stand};

    $self->progress('%s, %d worker(s): starting', $name, $opt{workers});
    $stand->open(%opt);
    $self->{block} = { name => $name, workers => $opt{workers}, rest => [ $self->resident ] };

    # statements are prepared and caches filled before anything counts
    $stand->load($stand->ours, connections => 64, seconds => 1,
                 start => $stand->sequence(RANGE));
    return;
}


sub resident {
    my ($self) = @_;

    return map { (rss_kb($_))[0] } $self->{stand}->ours->worker_pids;
}


sub close {
    my ($self) = @_;
    my $stand = $self->{stand};
    my $block = delete $self->{block};
    my $name = "$block->{name}, workers $block->{workers}";

    $self->{table}->memory($block->{name}, $block->{workers}, $block->{rest},
                           [ $self->resident ], $stand->accepted);

    my $stored = $stand->pg->value('select count(*) from sms.message');
    $self->problem("$name: @{[ $stand->accepted ]} accepted, $stored in the database")
        if $stored != $stand->accepted;

    $self->progress('%s: checking the ledgers', $name);
    $self->problem("$name: account $_->{account_id}: $_->{what}: expected $_->{expected}, "
                   . "found $_->{found}") for $stand->pg->drift;
    $stand->close;
    return;
}


# ---- one measurement --------------------------------------------------------

sub load {
    my ($self, $server, $connections, $first, %more) = @_;

    return $self->{stand}->load($server, connections => $connections,
                                seconds => $self->{seconds}, start => $first, %more);
}


sub measure {
    my ($self, $server, $work) = @_;
    my ($stand, $meter) = @$self{qw(stand meter)};

    $meter->forget_peak($server);

    my $wal = $stand->pg->wal;
    my $before = $meter->cpu($server);
    my $got = $work->();
    my $after = $meter->cpu($server);
    my $messages = $got->{messages} // $got->{ok};
    my $per = $messages ? 1000 / $messages : 0;
    my %row = (%$got, peak => $meter->peak($server) / 1024);

    # the backends tell what they have synced once a second, with their next commit
    if ($stand->is_ours($server)) {
        sleep 1.1;
        $stand->load($server, connections => 16, seconds => 5, count => 64,
                     start => $stand->sequence(64));
        my $wal_after = $stand->pg->wal;
        $row{wal_bytes} = ($wal_after->{bytes} - $wal->{bytes}) * $per / 1000;
        $row{wal_syncs} = ($wal_after->{syncs} - $wal->{syncs}) * $per;
    }

    for my $kind (keys %{ $after->{kinds} }) {
        $row{$kind} = ($after->{kinds}{$kind} - ($before->{kinds}{$kind} // 0)) * $per;
    }

    $row{sum} = sum0(map { $row{$_} // 0 } $meter->side($server));
    $row{load} = $got->{cpu_ms} * $per if defined $got->{cpu_ms};
    $row{$_} //= $got->{"${_}_us"} / 1000 for grep { defined $got->{"${_}_us"} } qw(p50 p99);
    $row{foreign} = 100 * ($after->{machine} - $before->{machine}
                           - $after->{known} + $before->{known})
                    / (($after->{at} - $before->{at}) * 1000 * cores());
    return \%row;
}


sub errors {
    my ($self, $name, $got) = @_;

    $self->problem("$name: $got->{errors} error answers, $got->{closed} connections closed")
        if $got->{errors} || $got->{closed};
    return;
}


sub row {
    my ($self, $name, %row) = @_;

    return $self->{table}->row(name => $name, %row);
}


# ---- bars -------------------------------------------------------------------

sub bar {
    my ($self, $name, $value, $sense, $met, $aim, %more) = @_;

    push @{ $self->{bars} }, { name => $name, value => $value, sense => $sense, met => $met,
                               aim => $aim, %more };
    return;
}


sub verdict {
    my ($value, $sense, $limit) = @_;

    return '-' if !defined $value || !defined $limit;
    return ($sense eq '>=' ? $value >= $limit : $value <= $limit) ? 'yes' : 'NO';
}


sub bars {
    my ($self) = @_;
    my $line = "%-64s %9s %11s %-4s %11s %-4s %9s\n";
    my @bars = @{ $self->{bars} } or return '';
    my $text = "\n" . sprintf $line, 'bars', 'measured', 'met?', '', 'aim?', '', 'by CPU';

    for my $bar (@bars) {
        my ($value, $sense) = @$bar{qw(value sense)};

        $text .= sprintf $line, $bar->{name}, defined $value ? sprintf('%.3f', $value) : 'none',
                 map({ defined $_ ? ("$sense $_", verdict($value, $sense, $_)) : ('', '') }
                     @$bar{qw(met aim)}),
                 defined $bar->{cpu} ? sprintf('%.3f', $bar->{cpu}) : '';
    }

    return $text =~ s/ +$//mgr;
}

1;
