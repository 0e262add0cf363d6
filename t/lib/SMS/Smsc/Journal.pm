package SMS::Smsc::Journal;

# SMS::Smsc::Journal - what t/smsc-sim has seen, JSON lines in a file.
#
#   {"event":"submit","n":1,"at":1767258000.123,"conn":1,"bind":"transceiver",
#    "command":"submit_sm","sequence":2,"status":0,"message_id":"1000001",
#    "source":"ORNEK","source_ton":5,"dest":"905321112233","data_coding":0,
#    "esm_class":64,"udh":"050003a10201","payload":"...","text":"...","ref":161,
#    "part":1,"parts":2,"validity":"...","registered":1,"tlv":{"1501":"hex"}}
#
# status 0 is accepted; -1: the connection was closed instead.  Other events: bind,
# unbind, closed (with why), receipt_done, mo_done, refused (a deliver_sm), again (brought
# and not answered when the connection ended), query, cancel, replace.  Lines are written before the answer leaves, so that
# what an ESME was told is never newer than the file.

use strict;
use warnings;

use JSON::PP ();

my $JSON = (eval { require JSON::XS; JSON::XS->new } || JSON::PP->new)->canonical->utf8;


sub json { return $JSON }


# Without a file nothing is kept.
sub new {
    my ($class, $file) = @_;

    my $self = bless { file => $file, pending => '' }, $class;
    return $self unless defined $file;

    open $self->{out}, '>>', $file or die "smsc-sim: $file: $!\n";

    # a line torn by kill -9 must not swallow the next one
    if (-s $self->{out}) {
        open my $end, '<', $file or die "smsc-sim: $file: $!\n";
        seek $end, -1, 2;
        read $end, my $last, 1;
        $self->{pending} = "\n" if $last ne "\n";
    }

    return $self;
}


sub add {
    my ($self, %row) = @_;

    $self->{pending} .= $JSON->encode(\%row) . "\n" if $self->{out};
    return;
}


sub flush {
    my ($self) = @_;

    my $at = 0;

    while ($at < length $self->{pending}) {
        my $n = syswrite $self->{out}, $self->{pending}, length($self->{pending}) - $at, $at;
        die "log: $!\n" unless defined $n;
        $at += $n;
    }

    $self->{pending} = '';
    return;
}


# Before the file is opened for more: ({ n, number } so far, accepted rows whose
# receipt was not taken).
sub resume {
    my ($file) = @_;

    my ($n, $number, %open) = (0, undef);
    open my $in, '<', $file or return ({ n => 0 });

    while (<$in>) {
        my $row = eval { $JSON->decode($_) } or next;   # a torn last line

        if ($row->{event} eq 'submit') {
            $n = $row->{n} if $row->{n} > $n;
            $number = $row->{number} if $row->{number} > ($number // 0);
            $open{ $row->{number} } = $row if $row->{status} == 0;

        } elsif ($row->{event} eq 'receipt_done' || $row->{event} eq 'cancel') {
            delete $open{ $row->{number} } if defined $row->{number};
        }
    }

    return ({ n => $n, number => $number }, map { $open{$_} } sort { $a <=> $b } keys %open);
}

1;
