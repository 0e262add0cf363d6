package SMS::Smsc::Fault;

# SMS::Smsc::Fault - rules: what t/smsc-sim does wrong, and to whom.
#
# A rule is for numbers that end in its suffix (an empty one: all); the first that
# fits counts.  On the command line SUFFIX=KEY:VALUE,KEY:VALUE, by the control port
# {"cmd":"rule","suffix":"7001","status":11}.
#
#   times:N       only the first N submits of each number (default: every one)
#   parts:N       only part N of a message
#
# The answer to submit_sm or data_sm:
#   status:0x0B   this command_status, and not accepted
#   nack:0x03     generic_nack with it, and not accepted
#   silent:1      no answer; accept:0: and no trace of it
#   delay:N       N ms later
#   drop:1        the connection is closed, the submit not accepted
#   close:taken   accepted, and closed before the answer
#   close:answered   accepted, answered and closed at once
#   answer:FORM   accepted, and the answer comes broken:
#       half        its first half, and the connection is closed
#       stuck       its first half, and nothing more, not even enquire_link_resp
#       drip        an octet at a time
#       twice       two of them
#       wrong_sequence   of a PDU that was never sent, and nothing else
#       short       command_length 8
#       less, more  command_length 4 too small, 4 too large
#       huge        command_length 2 GiB
#       no_body     a header with status 0 and nothing behind it
#       unterminated   message_id without its NUL
#       trailing    octets behind the last parameter, inside command_length
#       unknown     command_id of no PDU of SMPP 3.4
#   id:FORM       as --id; also empty, long (64 characters), nul (NUL first)
#
# The receipt:
#   receipt:STAT  UNDELIV, EXPIRED, REJECTD ... or none
#   err:N         of the receipt            after:N   its delay
#   early:1       before the answer         copies:N  N times
#   interim:STAT  an intermediate notification (ACCEPTD, ENROUTE) before it
#   dialect:NAME  as --dialect
#   then:STAT     after it another one that says otherwise
#
# The other questions:
#   query:0x67    command_status of query_sm_resp       state:STAT  what it says
#   cancel:0x11   of cancel_sm_resp                     replace:0x13  of replace_sm_resp

use strict;
use warnings;

use List::Util qw(any);

my %KEY = (
    suffix => qr/^\d*$/, times => 'number', parts => 'number',
    status => 'number', nack => 'number', silent => 'number', accept => 'number',
    delay => 'number', drop => 'number', close => qr/^(?:taken|answered)$/,
    answer => qr/^(?:half|stuck|drip|twice|wrong_sequence|short|less|more|huge|no_body
                 |unterminated|trailing|unknown)$/x,
    id => qr/^(?:decimal|hex|HEX|padded|odd|empty|long|nul)$/,
    receipt => qr/^\w+$/, err => 'number', after => 'number', early => 'number',
    copies => 'number', interim => qr/^\w+$/, then => qr/^\w+$/,
    dialect => qr/^\w+$/,
    query => 'number', state => qr/^\w+$/, cancel => 'number', replace => 'number',
);


# what is wrong with a rule, or nothing
sub fault_of {
    my ($rule) = @_;

    for my $key (sort keys %$rule) {
        my $form = $KEY{$key} or return "rule key \"$key\" is not known";
        my $value = $rule->{$key} // '';

        return "rule key \"$key\": \"$value\" is not a value of it"
            unless $form eq 'number' ? $value =~ /^-?\d+$/ : $value =~ $form;
    }

    return;
}


sub parse {
    my ($text) = @_;

    my ($suffix, $rest) = $text =~ /^([^=]*)=(.+)$/
        or die "rule \"$text\" is not SUFFIX=KEY:VALUE\n";
    my %rule = (suffix => $suffix);

    for my $pair (split /,/, $rest) {
        my ($key, $value) = split /:/, $pair, 2;
        $rule{$key} = defined $value && $value =~ /^0x/i ? hex $value : $value;
    }

    my $fault = fault_of(\%rule);
    die "$fault\n" if $fault;

    return \%rule;
}


sub new {
    my ($class, $rules) = @_;

    return bless { rules => [ @$rules ], seen => {} }, $class;
}


# Another rule for its suffix; one without keys only takes the old ones away.
sub set {
    my ($self, %rule) = @_;

    $rule{suffix} //= '';
    my $fault = fault_of(\%rule);
    return $fault if $fault;

    @{ $self->{rules} } = grep { $_->{suffix} ne $rule{suffix} } @{ $self->{rules} };
    unshift @{ $self->{rules} }, \%rule if keys %rule > 1;

    return;
}


# The rule of a number, without counting.
sub of {
    my ($self, $dest, $part) = @_;

    for my $rule (@{ $self->{rules} }) {
        my $suffix = $rule->{suffix};

        next if $suffix ne '' && (length $dest < length $suffix
                                  || substr($dest, -length $suffix) ne $suffix);
        next if $rule->{parts} && $rule->{parts} != ($part // 1);
        next if $rule->{times} && ($self->{seen}{"$rule $dest"} // 0) >= $rule->{times};

        return $rule;
    }

    return {};
}


# The same, of a submit: "times" are used up.
sub take {
    my ($self, $dest, $part) = @_;

    my $rule = $self->of($dest, $part);
    $self->{seen}{"$rule $dest"}++ if $rule->{times};

    return $rule;
}


# What an answer's octets become: (octets, what happens to the connection).
sub bend {
    my ($form, $pdu) = @_;

    my ($len, $command, $status, $sequence) = unpack 'NNNN', $pdu;
    my $body = substr $pdu, 16;
    my $head = sub { return pack 'NNNN', $_[0], $command, $status, $_[1] // $sequence };

    return (substr($pdu, 0, $len >> 1), $form eq 'half' ? 'close' : 'jam')
        if any { $form eq $_ } qw(half stuck);
    return ($pdu, 'drip') if $form eq 'drip';
    return ($pdu . $pdu) if $form eq 'twice';
    return ($head->($len, $sequence + 1_000_000) . $body) if $form eq 'wrong_sequence';
    return ($head->(8) . $body) if $form eq 'short';
    return ($head->($len - 4) . $body) if $form eq 'less';
    return ($head->($len + 4) . $body) if $form eq 'more';
    return ($head->(0x7FFFFFFF) . $body) if $form eq 'huge';
    return ($head->(16)) if $form eq 'no_body';
    return ($head->($len - 1) . substr $body, 0, -1) if $form eq 'unterminated';
    return ($head->($len + 3) . $body . "\x04\x27\x00") if $form eq 'trailing';
    return (pack('NNNN', $len, 0x80010203, $status, $sequence) . $body)
        if $form eq 'unknown';

    return ($pdu);
}

1;
