package Bench::Kannel;

# A contender: Debian's Kannel, bearerbox and smsbox, with a sink of its own.
#
#   my $kannel = Bench::Kannel->new(bin => $bin, dir => $dir, store => 'memory');
#       store: memory, file or spool    receipts => 1: callbacks to a sink of theirs
#   port(0)          where /cgi-bin/sendsms is
#   name             "Kannel, memory"
#   load_options     what bench/load needs besides the port
#   processes  far   kind => [ pids ]: what it costs, and what takes its messages
#   accepted([$n])   202 since the start; Bench::Stand->load adds them
#   done             of them those that have reached the sink; with receipts,
#                    those whose callback has come
#   drained($seconds)   (when the last one was done, how many are not)
#   faults           texts: what cannot be when it works
#   restart          without what it still had to do
#   end
#
# It is configured in its favour: nothing is logged but errors, what it knows of
# receipts is in memory, and no limit of throughput.  Nothing of the system's is
# touched: no log, no pid file, 127.0.0.1 only.

use strict;
use warnings;

use Bench::Sink;
use File::Path qw(make_path remove_tree);
use POSIX qw(WNOHANG);
use SMS::Tap;
use Time::HiRes qw(sleep time);

use constant { LEAVE_SECONDS => 3, WINDOW => 100 };


sub new {
    my ($class, %opt) = @_;
    my $self = bless { %opt, pid => $$ }, $class;

    -x "/usr/sbin/$_" or die "bench: no $_: tools/setup bench\n" for qw(bearerbox smsbox);
    return $self->start;
}


sub name { return "Kannel, $_[0]{store}" }
sub port { return $_[0]{ports}{sendsms} }
sub sink { return $_[0]{sink}->ask }
sub hooks { return $_[0]{hooks}->ask }


sub accepted {
    my ($self, $more) = @_;

    return $self->{accepted} += $more // 0;
}


sub load_options {
    my ($self) = @_;

    return (shape => 'kannel', $self->{hooks} ? (callback => $self->{hooks}->port) : ());
}


sub processes {
    my ($self) = @_;

    return (kannel => [ @$self{qw(bearerbox smsbox)} ]);
}


sub far {
    my ($self) = @_;

    return (sink => [ $self->{sink}->pid ], $self->{hooks} ? (hooks => [ $self->{hooks}->pid ])
                                                           : ());
}


sub store {
    my ($self) = @_;
    my $dir = "$self->{dir}/store";

    return '' if $self->{store} eq 'memory';
    make_path($dir);
    return "store-type = $self->{store}\nstore-location = "
           . ($self->{store} eq 'file' ? "$dir/messages" : $dir) . "\n";
}


sub configuration {
    my ($self) = @_;
    my %port = %{ $self->{ports} };
    my $sink = $self->{sink}->port;

    return <<"EOC";
group = core
admin-port = $port{admin}
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = $port{smsbox}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-level = 3
dlr-storage = internal
@{[ $self->store ]}
group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = $sink
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
max-pending-submits = @{[ WINDOW ]}
msg-id-type = 0x00

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = $port{sendsms}
sendsms-interface = 127.0.0.1
log-level = 3

group = sendsms-user
username = bench
password = bench
max-messages = 10
concatenation = true
EOC
}


sub start {
    my ($self) = @_;
    my $conf = "$self->{dir}/kannel.conf";

    make_path($self->{dir});
    $self->{accepted} = 0;
    $self->{ports} = { map { $_ => free_port() } qw(admin smsbox sendsms) };
    $self->{sink} = Bench::Sink->new("$self->{bin}/sink");
    $self->{hooks} = Bench::Sink->new("$self->{bin}/callback") if $self->{receipts};
    spew($conf, $self->configuration);

    for my $box ([ bearerbox => 'smsbox' ], [ smsbox => 'sendsms' ]) {
        my ($program, $port) = @$box;

        $self->{$program} = $self->launch("/usr/sbin/$program", '-v', 3, $conf);
        $self->wait_for($program, sub { listens($self->{ports}{$port}) });
    }

    $self->wait_for('the SMPP session', sub { $self->sink->{binds} >= 1 });
    return $self;
}


sub launch {
    my ($self, @command) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        chdir $self->{dir};
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    return $pid;
}


# seen from the kernel's table, since a visit would be a request to Kannel
sub listens {
    my ($port) = @_;

    return slurp('/proc/net/tcp') =~ sprintf '0100007F:%04X 00000000:0000 0A', $port;
}


sub wait_for {
    my ($self, $what, $test) = @_;

    wait_until { $test->() } 20, $what
        or die 'bench: ', $self->name, ": waited for $what\n", slurp("$self->{dir}/log");
    return;
}


sub done {
    my ($self) = @_;

    return $self->{hooks} ? $self->hooks->{delivered} : $self->sink->{submits};
}


sub drained {
    my ($self, $seconds) = @_;
    my ($done, $moved) = (-1, time);
    my $until = time + $seconds;

    while (1) {
        my $now = $self->done;

        ($done, $moved) = ($now, time) if $now != $done;
        last if $done >= $self->accepted;
        return (time, $self->accepted - $done) if time > $until;
        sleep 0.01;
    }

    return ($moved, 0);
}


sub faults {
    my ($self) = @_;
    my $sink = $self->sink;
    my $hooks = $self->{hooks} ? $self->hooks : {};
    my %fault = (
        'came to the sink twice' => $sink->{duplicates},
        'PDUs not understood' => $sink->{strange},
        'receipts refused' => $sink->{refused},
        'reached the sink and were not accepted' => $sink->{submits} - $self->accepted,
        'callbacks not understood' => $hooks->{strange},
        'receipts that were no delivery' => $hooks->{failed},
        'called back twice' => $hooks->{repeated},
    );

    return map { $self->name . ": $fault{$_} $_" } grep { ($fault{$_} // 0) > 0 } sort keys %fault;
}


# What is left to send after a signal would be sent before it leaves.
sub leave {
    my ($self) = @_;

    for my $program (qw(smsbox bearerbox)) {
        my $pid = delete $self->{$program} // next;
        my $gone;

        kill 'TERM', $pid;
        wait_until { $gone = waitpid($pid, WNOHANG) } LEAVE_SECONDS;
        next if $gone;
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }

    $_->end for grep { defined } delete @$self{qw(sink hooks)};
    remove_tree($self->{dir});
    return;
}


sub restart {
    my ($self) = @_;

    $self->leave;
    return $self->start;
}


sub end {
    my ($self) = @_;

    return if $self->{pid} != $$ || $self->{ended}++;
    return $self->leave;
}

1;
