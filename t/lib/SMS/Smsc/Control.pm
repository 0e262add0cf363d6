package SMS::Smsc::Control;

# SMS::Smsc::Control - t/smsc-sim's control port: JSON lines, one answer line each.
#
#   {"cmd":"set","delay_ms":5}         any option of the command line but ports
#   {"cmd":"rule","suffix":"7001",...} see SMS::Smsc::Fault
#   {"cmd":"user","system_id":"b","password":"p","write_chunk":1}
#                                      another system_id, with options of its own
#   {"cmd":"bind_fault","system_id":"b","times":1,"status":13}
#                                      also silent, close, delay, answer (as a rule's);
#                                      without anything else: none any more
#   {"cmd":"throttle","count":20}      the next ones
#   {"cmd":"mo","from":"90..","to":"4605","octets":"hex","udh":"hex","data_coding":8}
#   {"cmd":"drop"}      closes every connection        {"cmd":"mute","on":1}
#   {"cmd":"stall","on":1}   reads no more             {"cmd":"unbind"}
#   {"cmd":"enquire"}                                  {"cmd":"raw","hex":"..."}
#   {"cmd":"half"}      half a deliver_sm, and closes
#   {"cmd":"release"}   receipts that wait for their time come now
#   {"cmd":"stats"}     {"cmd":"flush"}
# drop, mute, stall, unbind, enquire, raw and half take "system_id", too.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use SMS::Smsc::Journal;
use SMS::Smsc::Receipt qw(%DIALECT);

my $JSON = SMS::Smsc::Journal::json();

my %command = (
    set => \&set_options,
    user => \&add_user,
    rule => sub {
        my ($s, %rule) = @_;
        my $fault = $s->{faults}->set(%rule);
        return defined $fault ? { error => $fault } : {};
    },
    bind_fault => sub {
        my ($s, %q) = @_;
        @{ $s->{bind_faults} } = grep { ($_->{system_id} // '') ne ($q{system_id} // '') }
                                 @{ $s->{bind_faults} };
        push @{ $s->{bind_faults} }, \%q if grep { $_ ne 'system_id' } keys %q;
        return {};
    },
    throttle => sub { my ($s, %q) = @_; $s->{throttle} = $q{count}; return {} },
    mo => sub {
        my ($s, %q) = @_;
        push @{ $s->{ready} }, {
            kind => 'mo', from => $q{from}, to => $q{to}, user => $q{system_id},
            octets => pack('H*', $q{octets} // ''), udh => pack('H*', $q{udh} // ''),
            data_coding => $q{data_coding} // 0,
            tlv => [ map { $_ => pack 'H*', $q{tlv}{$_} } sort keys %{ $q{tlv} // {} } ] };
        return {};
    },
    drop => sub { my ($s, %q) = @_; $s->close($_, 'control') for conns($s, %q); return {} },
    mute => sub { my ($s, %q) = @_; $_->{muted} = $q{on} for conns($s, %q); return {} },
    stall => sub { my ($s, %q) = @_; $_->{stalled} = $q{on} for conns($s, %q); return {} },
    unbind => sub {
        my ($s, %q) = @_;
        $_->{wire}->unbind(seq => ++$_->{seq}) for conns($s, %q);
        return {};
    },
    enquire => sub {
        my ($s, %q) = @_;
        $_->{wire}->enquire_link(seq => ++$_->{seq}) for conns($s, %q);
        return {};
    },
    raw => sub {
        my ($s, %q) = @_;
        $_->{wire}->syswrite(pack 'H*', $q{hex}) for conns($s, %q);
        return {};
    },
    half => sub {
        my ($s, %q) = @_;
        for my $c (conns($s, %q)) {
            $c->{wire}->syswrite(pack 'NNNNZ*C', 64, 5, 0, ++$c->{seq}, '', 1);
            $c->{closing} = 1;
        }
        return {};
    },
    release => sub {
        my ($s) = @_;
        $_->[0] = 0 for @{ $s->{timers} };
        return {};
    },
    stats => sub {
        my ($s) = @_;
        return { %{ $s->{stats} }, bound => $s->bound, ready => scalar @{ $s->{ready} },
                 timers => scalar @{ $s->{timers} },
                 connections => scalar keys %{ $s->{conn} } };
    },
    flush => sub { $_[0]{journal}->flush; return {} },
);


sub conns {
    my ($server, %q) = @_;

    return grep { !defined $q{system_id} || ($_->{user} // '') eq $q{system_id} }
           values %{ $server->{conn} };
}


# ({ option => value }, error)
sub options {
    my ($server, %q) = @_;

    my %opt;

    for my $key (keys %q) {
        (my $name = $key) =~ tr/_/-/;
        return (undef, "unknown setting $key") unless exists $server->{opt}{$name};
        return (undef, "dialect \"$q{$key}\" is not known")
            if $name eq 'dialect' && !$DIALECT{ $q{$key} };
        $opt{$name} = $q{$key};
    }

    return (\%opt, undef);
}


sub set_options {
    my ($server, %q) = @_;

    my ($opt, $error) = options($server, %q);
    return { error => $error } if defined $error;

    $server->{opt}{$_} = $opt->{$_} for keys %$opt;
    return {};
}


sub add_user {
    my ($server, %q) = @_;

    my ($id, $password) = (delete $q{system_id}, delete $q{password});
    my ($opt, $error) = options($server, %q);
    return { error => $error } if defined $error;

    $opt->{'receipt-id'} //= $opt->{id} if defined $opt->{id};
    $server->{users}{$id} = { password => $password // 'demo', opt => $opt };
    return {};
}


sub new {
    my ($class, $server, $listen) = @_;

    return bless { server => $server, listen => $listen, open => {} }, $class;
}


sub descriptors {
    my ($self) = @_;

    return (fileno $self->{listen}, keys %{ $self->{open} });
}


sub read {
    my ($self, $ready) = @_;

    if (vec $ready, fileno $self->{listen}, 1) {
        while (my $socket = $self->{listen}->accept) {
            SMS::Smsc::Conn::nonblocking($socket);
            $self->{open}{ fileno $socket } = { socket => $socket, in => '' };
        }
    }

    $self->commands($_) for grep { vec $ready, $_, 1 } keys %{ $self->{open} };
    return;
}


sub commands {
    my ($self, $fd) = @_;

    my $c = $self->{open}{$fd};
    my $n = sysread $c->{socket}, $c->{in}, 65536, length $c->{in};

    if (!$n) {
        return if !defined $n && ($! == EAGAIN || $! == EINTR);
        delete $self->{open}{$fd};
        return;
    }

    while ($c->{in} =~ s/^(.*)\n//) {
        my $q = eval { $JSON->decode($1) };
        my $code = ref $q eq 'HASH' ? $command{ delete $q->{cmd} // '' } : undef;
        my $answer = $code ? $code->($self->{server}, %$q) : { error => 'unknown command' };

        $self->{server}{journal}->flush;
        $answer->{ok} = $answer->{error} ? 0 : 1;
        syswrite $c->{socket}, $JSON->encode($answer) . "\n";
    }

    return;
}

1;
