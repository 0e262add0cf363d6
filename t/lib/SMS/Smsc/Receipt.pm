package SMS::Smsc::Receipt;

# SMS::Smsc::Receipt - receipts as SMSCs write them.
#
# Dialects (--dialect, or "dialect" of a rule):
#   standard      SMPP 3.4 appendix B, dates with seconds
#   short_date    dates of ten digits, as the appendix has them
#   long_date     dates with a year of four digits
#   upper         ID:1 SUB:001 ... STAT:DELIVRD
#   words         stat:DELIVERED, stat:FAILED
#   spaced        "id: 1 stat: DELIVRD", and commas
#   reordered     stat first, id last but text
#   bare          id and stat alone
#   no_err        without err:
#   colons        a text: that looks like another receipt
#   padded        id with leading zeros
#   tlv           receipted_message_id, message_state, network_error_code; no text
#   both          text and TLVs
#   unmarked      TLVs and esm_class 0
#   payload       the text in message_payload
#   data_sm       as data_sm with TLVs
#   broken        no id at all: nothing that anybody could match
# The two ids that a dialect does not touch are written as --receipt-id says.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(receipt_pdu id_form %STATE %DIALECT stamp);

our %STATE = (ENROUTE => 1, DELIVRD => 2, EXPIRED => 3, DELETED => 4, UNDELIV => 5,
              ACCEPTD => 6, UNKNOWN => 7, REJECTD => 8);
our %DIALECT = map { $_ => 1 } qw(standard short_date long_date upper words spaced
    reordered bare no_err colons padded tlv both unmarked payload data_sm broken);

my %word = (DELIVRD => 'DELIVERED', UNDELIV => 'FAILED', REJECTD => 'BLOCKED');


sub id_form {
    my ($n, $form) = @_;

    return $form eq 'hex'    ? sprintf '%x', $n
         : $form eq 'HEX'    ? sprintf '%X', $n
         : $form eq 'padded' ? sprintf '%018d', $n
         : $form eq 'odd'    ? "k\xfc$n"               # octets, not UTF-8
         : $form eq 'long'   ? sprintf '%064d', $n
         : $form eq 'empty'  ? ''
         : $form eq 'nul'    ? "\0$n"
         :                     "$n";
}


# the SMSC's clock: UTC+3
sub stamp {
    my ($at, $form) = @_;

    my @t = gmtime($at + 3 * 3600);
    my $text = sprintf '%04d%02d%02d%02d%02d%02d', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];

    return $form eq 'long_date' ? $text
         : $form eq 'short_date' ? substr $text, 2, 10
         : substr $text, 2;
}


sub text_of {
    my ($job, $form, $now) = @_;

    my $id = $form eq 'padded' ? sprintf '%020s', $job->{message_id} : $job->{message_id};
    my $stat = $form eq 'words' ? $word{ $job->{stat} } // $job->{stat} : $job->{stat};
    my @dates = (stamp($job->{submitted}, $form), stamp($now, $form));
    my $done = $job->{stat} eq 'DELIVRD' ? '001' : '000';
    my $err = sprintf '%03d', $job->{err};

    return "id:$id stat:$stat" if $form eq 'bare';
    return "id: $id, sub: 001, dlvrd: $done, done date: $dates[1], stat: $stat, err: $err, text: "
        if $form eq 'spaced';
    return "stat:$stat err:$err done date:$dates[1] submit date:$dates[0] dlvrd:$done "
           . "sub:001 id:$id text:" if $form eq 'reordered';
    return "sub:001 dlvrd:$done stat:$stat err:$err text:" if $form eq 'broken';

    my $text = "id:$id sub:001 dlvrd:$done submit date:$dates[0] done date:$dates[1] "
               . "stat:$stat" . ($form eq 'no_err' ? '' : " err:$err") . ' text:';

    $text =~ s/((?:id|sub|dlvrd|submit date|done date|stat|err|text):)/\U$1/g
        if $form eq 'upper';
    $text .= 'id:1 stat:UNDELIV err:999' if $form eq 'colons';

    return $text;
}


# (name of Net::SMPP's method, its arguments) for a job of SMS::Smsc::Server.
sub receipt_pdu {
    my ($job, $now) = @_;

    my $form = $job->{dialect};
    my @tlv = (receipted_message_id => "$job->{message_id}\0",
               message_state => pack('C', $STATE{ $job->{stat} } // 7),
               network_error_code => pack('Cn', 3, $job->{err}));
    my %pdu = (
        source_addr_ton => 1, source_addr_npi => 1, source_addr => $job->{source},
        dest_addr_ton => $job->{dest_ton}, dest_addr_npi => $job->{dest_npi},
        destination_addr => $job->{dest}, data_coding => 0,
        esm_class => $form eq 'unmarked' ? 0 : $job->{interim} ? 0x20 : 0x04,
    );

    return (data_sm => %pdu, registered_delivery => 0, @tlv) if $form eq 'data_sm';

    my $text = $form eq 'tlv' || $form eq 'unmarked' ? '' : text_of($job, $form, $now);

    return (deliver_sm => %pdu, short_message => '', message_payload => $text)
        if $form eq 'payload';
    return (deliver_sm => %pdu, short_message => $text,
            $form eq 'tlv' || $form eq 'both' || $form eq 'unmarked' ? @tlv : ());
}

1;
