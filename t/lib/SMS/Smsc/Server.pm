package SMS::Smsc::Server;

# SMS::Smsc::Server - the loop of t/smsc-sim: connections, timers, what is to be
# brought to ESMEs, and what is known of messages that were accepted.

use strict;
use warnings;

use IO::Socket::INET;
use List::Util qw(min shuffle);
use SMS::Smsc::Conn;
use SMS::Smsc::Control;
use SMS::Smsc::Fault;
use SMS::Smsc::Journal;
use SMS::Smsc::Receipt qw(receipt_pdu id_form %DIALECT);
use SMS::Smsc::Session;
use Time::HiRes qw(time);

use constant KEEP => 50_000;            # messages that can be asked about


sub defaults {
    return (
        port => 0, 'system-id' => 'demo', password => 'demo', 'delay-ms' => 0,
        'receipt-ms' => 100, receipt => 'DELIVRD', dialect => 'standard',
        'retry-ms' => 500, 'deliver-window' => 100, rate => 0, 'max-binds' => 0,
        id => 'decimal', 'receipt-id' => undef, shuffle => 0, 'swap-tlv' => 0, first => 0,
        'write-chunk' => 0, 'write-gap-ms' => 0, 'glue-ms' => 0, 'read-chunk' => 0,
        'read-gap-ms' => 0,
    );
}


sub new {
    my ($class, $opt, $rules) = @_;

    $opt->{'receipt-id'} //= $opt->{id};
    die "smsc-sim: dialect \"$opt->{dialect}\" is not known\n"
        unless $DIALECT{ $opt->{dialect} };

    my $self = bless {
        opt => $opt, faults => SMS::Smsc::Fault->new($rules), conn => {}, conns => 0,
        submits => 0, timers => [], ready => [], throttle => 0, second => 0, second_n => 0,
        message => {}, order => [], bind_faults => [], stop => 0,
        number => $opt->{first} ? $opt->{first} - 1 : int(time * 1000) % 1_000_000_000 * 10,
        users => { $opt->{'system-id'} => { password => $opt->{password}, opt => {} } },
        stats => { map { $_ => 0 } qw(submits accepted throttled rejected silent receipts
            receipts_done receipts_refused mo mo_done mo_refused binds refused_binds
            enquires answers_to_enquire dropped queries cancelled) },
    }, $class;

    $self->resume if defined $opt->{log};
    $self->{journal} = SMS::Smsc::Journal->new($opt->{log});
    $self->{listen} = listen_on($opt->{port});
    $self->{control} = SMS::Smsc::Control->new($self, listen_on($opt->{control}))
        if defined $opt->{control};

    return $self;
}


sub listen_on {
    my ($port) = @_;

    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
        Listen => 128, ReuseAddr => 1, Proto => 'tcp') or die "smsc-sim: port $port: $@\n";

    SMS::Smsc::Conn::nonblocking($socket);
    return $socket;
}


sub port { return $_[0]{listen}->sockport }
sub control_port { return $_[0]{control}{listen}->sockport }


sub resume {
    my ($self) = @_;

    my ($was, @open) = SMS::Smsc::Journal::resume($self->{opt}{log});

    $self->{submits} = $was->{n};
    $self->{number} = $was->{number}
        if defined $was->{number} && $was->{number} >= $self->{number};

    for my $row (@open) {
        my $rule = $self->{faults}->of($row->{dest}, $row->{part});
        $self->accepted($row, $rule);
        $self->receipts_of($row, $rule, 0);
    }

    return;
}


sub later {
    my ($self, $ms, $code) = @_;

    my $timers = $self->{timers};
    my $at = time + $ms / 1000;
    my ($low, $high) = (0, scalar @$timers);

    while ($low < $high) {
        my $middle = ($low + $high) >> 1;
        $timers->[$middle][0] <= $at ? ($low = $middle + 1) : ($high = $middle);
    }

    splice @$timers, $low, 0, [$at, $code];
    return;
}


# ---- who is bound -------------------------------------------------------------

sub bound { return scalar grep { $_->{bound} } values %{ $_[0]{conn} } }


# What goes wrong with this bind: the first that is for everybody or for its user.
sub bind_fault {
    my ($self, $user) = @_;

    for my $fault (@{ $self->{bind_faults} }) {
        next if defined $fault->{system_id} && $fault->{system_id} ne $user;
        next if defined $fault->{times} && $fault->{times}-- <= 0;
        return $fault;
    }

    return;
}


sub throttled {
    my ($self) = @_;

    if ($self->{throttle} > 0) {
        $self->{throttle}--;
        return 1;
    }

    my $rate = $self->{opt}{rate} or return 0;
    my $second = int time;

    @$self{qw(second second_n)} = ($second, 0) if $second != $self->{second};
    return ++$self->{second_n} > $rate;
}


sub close {
    my ($self, $c, $why) = @_;

    return unless delete $self->{conn}{ $c->{id} };
    close $c->{socket};
    $self->{stats}{dropped}++;
    $self->{journal}->add(event => 'closed', at => time, conn => $c->{id}, why => $why);

    # what was brought and not answered has to be brought again
    my @again = map { $c->{waiting}{$_} } sort { $a <=> $b } keys %{ $c->{waiting} };

    $self->{journal}->add(event => 'again', at => time, conn => $c->{id},
                          kind => $_->{kind}, number => $_->{number}) for @again;
    unshift @{ $self->{ready} }, @again;
    return;
}


# ---- messages -----------------------------------------------------------------

sub accepted {
    my ($self, $row, $rule, $c) = @_;

    my $m = $self->{message}{ $row->{number} } = {
        number => $row->{number}, id => $row->{message_id}, source => $row->{source},
        dest => $row->{dest}, part => $row->{part}, state => 'ENROUTE', err => 0,
        at => $row->{at}
    };

    $self->{by_id}{ $row->{message_id} } = $m;
    push @{ $self->{order} }, $m;

    if (@{ $self->{order} } > KEEP) {
        my $old = shift @{ $self->{order} };
        delete $self->{message}{ $old->{number} };
        delete $self->{by_id}{ $old->{id} }
            if ($self->{by_id}{ $old->{id} } // 0) == $old;
    }

    return;
}


sub message {
    my ($self, $id, $source) = @_;

    my $m = $self->{by_id}{$id};
    return $m && $m->{source} eq $source ? $m : undef;
}


sub messages_to {
    my ($self, $source, $dest) = @_;

    return grep { $_->{source} eq $source && $_->{dest} eq $dest } @{ $self->{order} };
}


sub receipts_of {
    my ($self, $row, $rule, $extra, $c) = @_;

    my $opt = $c ? $c->{opt} : $self->{opt};
    my $stat = uc($rule->{receipt} // $opt->{receipt});

    return if $stat eq 'NONE' || !($row->{registered} & 3);

    my $m = $self->{message}{ $row->{number} };
    my %job = (kind => 'receipt', number => $row->{number}, user => $row->{user},
               message_id => id_form($row->{number}, $opt->{'receipt-id'} // $opt->{id}),
               submitted_id => $row->{message_id}, source => $row->{dest},
               dest => $row->{source}, dest_ton => $row->{source_ton},
               dest_npi => $row->{source_npi}, stat => $stat, err => $rule->{err} // 0,
               submitted => $row->{at},
               dialect => $rule->{dialect}
                          // ($opt->{'swap-tlv'} ? 'tlv' : $opt->{dialect}));
    my $at = ($extra // 0) + ($rule->{after} // $opt->{'receipt-ms'});
    my $plan = sub {
        my (%change) = @_;

        return if $m->{state} eq 'DELETED';
        @$m{qw(state err at)} = ($stat, $job{err}, time) unless $change{interim};
        push @{ $self->{ready} }, { %job, %change };
    };

    $self->later($at / 2, sub { $plan->(stat => uc $rule->{interim}, interim => 1) })
        if $rule->{interim};
    $self->later($at, sub { $plan->() }) for 1 .. $rule->{copies} // 1;
    $self->later($at + 300, sub { $plan->(stat => uc $rule->{then}) }) if $rule->{then};

    return;
}


# ---- what is brought to ESMEs -------------------------------------------------

sub deliver {
    my ($self, $c, $job) = @_;

    my $seq = ++$c->{seq};
    $c->{waiting}{$seq} = $job;

    if ($job->{kind} eq 'mo') {
        $self->{stats}{mo}++;
        $c->{wire}->deliver_sm(
            seq => $seq, source_addr_ton => 1, source_addr_npi => 1,
            source_addr => $job->{from}, dest_addr_ton => 0, dest_addr_npi => 1,
            destination_addr => $job->{to}, esm_class => length $job->{udh} ? 0x40 : 0,
            data_coding => $job->{data_coding},
            short_message => $job->{udh} . $job->{octets}, @{ $job->{tlv} // [] });
        return;
    }

    my ($method, @fields) = receipt_pdu($job, time);

    $self->{stats}{receipts}++;
    $c->{wire}->$method(seq => $seq, @fields);
    return;
}


sub bring {
    my ($self) = @_;

    my $ready = $self->{ready};
    return unless @$ready;

    my $window = $self->{opt}{'deliver-window'};
    my @receivers = grep { $_->{bound} && $_->{bound} ne 'transmitter' && !$_->{closing}
                           && !$_->{muted} && keys %{ $_->{waiting} } < $window }
                    values %{ $self->{conn} };

    return unless @receivers;
    @$ready = shuffle @$ready if $self->{opt}{shuffle};

    my ($turn, $room, %of, @kept) = (0, 0);

    for my $c (@receivers) {
        push @{ $of{ $c->{user} } }, $c;
        $room += $window - keys %{ $c->{waiting} };
    }

    while ($room > 0 and my $job = shift @$ready) {
        my $choice = defined $job->{user} ? $of{ $job->{user} } // [] : \@receivers;
        my @free = grep { keys %{ $_->{waiting} } < $window } @$choice;

        if (@free) {
            $self->deliver($free[ $turn++ % @free ], $job);
            $room--;
        } else {
            push @kept, $job;
        }
    }

    unshift @$ready, @kept;
    return;
}


# ---- the loop -----------------------------------------------------------------

sub turn {
    my ($self) = @_;

    my ($read, $write, $wait) = ('', '', 1);
    my $now = time;
    my $control = $self->{control};

    vec($read, fileno $self->{listen}, 1) = 1;
    vec($read, $_, 1) = 1 for $control ? $control->descriptors : ();

    for my $c (values %{ $self->{conn} }) {
        my ($r, $w, $again) = $c->wants($now);

        vec($read, $c->{fd}, 1) = 1 if $r;
        vec($write, $c->{fd}, 1) = 1 if $w;
        $wait = min($wait, $again - $now) if defined $again;
    }

    $wait = min($wait, $self->{timers}[0][0] - $now) if @{ $self->{timers} };
    $wait = 0 if $wait < 0;

    if (select($read, $write, undef, $wait) > 0) {
        if (vec $read, fileno $self->{listen}, 1) {
            while (my $socket = $self->{listen}->accept) {
                my $id = ++$self->{conns};
                $self->{conn}{$id} = SMS::Smsc::Conn->new($id, $socket, $self->{opt});
            }
        }

        $control->read($read) if $control;

        for my $c (grep { vec $read, $_->{fd}, 1 } values %{ $self->{conn} }) {
            my $end = $c->read;
            my $why = SMS::Smsc::Session::input($self, $c) // $end;
            $self->close($c, $why) if defined $why;
        }
    }

    $now = time;

    while (@{ $self->{timers} } && $self->{timers}[0][0] <= $now) {
        (shift @{ $self->{timers} })->[1]->();
    }

    $self->bring;

    # the log line first: an answer that left was written down
    $self->{journal}->flush;

    for my $c (values %{ $self->{conn} }) {
        next unless length ${ $c->out } || $c->{closing};
        my $why = $c->write;
        $self->close($c, $why) if defined $why;
    }

    return;
}


sub run {
    my ($self) = @_;

    my $parent = $self->{opt}{parent};

    $self->turn until $self->{stop} || ($parent && getppid != $parent);
    $self->close($_, 'end') for values %{ $self->{conn} };
    $self->{journal}->flush;
    return;
}

1;
