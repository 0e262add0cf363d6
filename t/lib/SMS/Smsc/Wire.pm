package SMS::Smsc::Wire;

# SMS::Smsc::Wire - Net::SMPP's packing and unpacking without its sockets: what
# its methods would write is kept in out(), and decode() takes octets.

use strict;
use warnings;

use parent 'Net::SMPP';

use Symbol qw(gensym);

sub wire {
    my $class = shift;
    my $me = bless gensym(), $class;
    my $default = Net::SMPP::Default();

    ${*$me}{$_} = $default->{$_} for keys %$default;
    ${*$me}{async} = 1;
    ${*$me}{out} = '';
    $me->set_version(0x34);

    return $me;
}

sub syswrite {
    my ($me, $data) = @_;
    ${*$me}{out} .= $data;
    return length $data;
}

# What was packed and not yet taken: a reference, so that it can be shortened.
sub out {
    my ($me) = @_;
    return \ ${*$me}{out};
}

# one PDU, mandatory and optional parameters decoded by Net::SMPP
sub decode {
    my ($me, $octets) = @_;
    my %pdu = (data => substr($octets, 16));

    @pdu{qw(length cmd status seq)} = unpack 'NNNN', $octets;

    my $entry = Net::SMPP::pdu_tab()->{$pdu{cmd}} or return \%pdu;

    $pdu{known} = 1;
    local $SIG{__WARN__} = sub { };
    eval {
        my $used = $entry->{decode}->(\%pdu, $me);
        Net::SMPP::decode_optional_params(\%pdu, $used)
            if $used < length $pdu{data};
        $pdu{tlv_at} = $used;
        1;
    } or $pdu{broken} = 1;

    return \%pdu;
}

# Optional parameters as they came: { "1501" => hex }, the last of equal tags.
sub tlvs {
    my ($me, $pdu) = @_;
    my ($at, %tlv) = ($pdu->{tlv_at});

    while (defined $at && $at + 4 <= length $pdu->{data}) {
        my ($tag, $len) = unpack 'nn', substr $pdu->{data}, $at, 4;
        $tlv{ sprintf '%04x', $tag } = unpack 'H*', substr $pdu->{data}, $at + 4, $len;
        $at += 4 + $len;
    }

    return \%tlv;
}

1;
