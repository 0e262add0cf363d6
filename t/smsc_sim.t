#!/usr/bin/perl

# t/smsc-sim answers every question of SMPP 3.4, as Net::SMPP asks it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Net::SMPP;
use SMS::Smsc;
use SMS::Tap;
use Test::More;

my $smsc = SMS::Smsc->start(receipt => 'none', rules => [
    '91=query:0x08', '92=state:EXPIRED', '93=cancel:0x11', '94=replace:0x13' ]);
my @who = (port => $smsc->port, system_id => 'demo', password => 'demo',
           smpp_version => 0x34, interface_version => 0x34, system_type => '');
my @from = (source_addr_ton => 5, source_addr_npi => 0, source_addr => 'ORNEK');


sub submit {
    my ($peer, $to, %more) = @_;

    my $r = $peer->submit_sm(@from, dest_addr_ton => 1, dest_addr_npi => 1,
        destination_addr => $to, short_message => 'merhaba', registered_delivery => 1, %more);
    return ($r->{status}, $r->{message_id});
}


sub query {
    my ($peer, $id) = @_;

    my $r = $peer->query_sm(message_id => $id, @from);
    return [ @$r{qw(status message_state)} ];
}


my ($tx, $bound) = Net::SMPP->new_transmitter('127.0.0.1', @who);
is($bound->{status}, 0, 'a transmitter binds');
my ($rx, $received) = Net::SMPP->new_receiver('127.0.0.1', @who);
is($received->{status}, 0, 'and a receiver beside it');

my (undef, $refused) = Net::SMPP->new_transceiver('127.0.0.1', @who, password => 'x');
is($refused->{status}, 0x0E, 'a wrong password is refused');

my ($status, $id) = submit($tx, '905321110001');
is($status, 0, 'submit_sm');
is_deeply(query($tx, $id), [ 0, 1 ], 'query_sm: on the way');
is(query($tx, '4711')->[0], 0x67, 'query_sm of a stranger fails');

is($tx->replace_sm(message_id => $id, @from, schedule_delivery_time => '',
                   validity_period => '', registered_delivery => 1, sm_default_msg_id => 0,
                   short_message => 'yeni')->{status}, 0, 'replace_sm');
is($tx->cancel_sm(message_id => $id, @from, destination_addr => '905321110001')->{status}, 0,
   'cancel_sm by id');
is_deeply(query($tx, $id), [ 0, 4 ], 'query_sm: deleted');
is($tx->cancel_sm(message_id => $id, @from, destination_addr => '905321110001')->{status},
   0x11, 'cancelled once');

submit($tx, '905321110002') for 1, 2;
is($tx->cancel_sm(message_id => '', @from, destination_addr => '905321110002')->{status}, 0,
   'cancel_sm by sender and number');
is($smsc->stats->{cancelled}, 3, 'takes both');
is($tx->cancel_sm(message_id => '', @from, destination_addr => '905321110003')->{status}, 0x0C,
   'and knows no others');

my %by_rule = map { $_ => (submit($tx, "9053211100$_"))[1] } 91 .. 94;
is(query($tx, $by_rule{91})->[0], 0x08, 'a rule for the status of query_sm');
is(query($tx, $by_rule{92})->[1], 3, 'and for what it says');
is($tx->cancel_sm(message_id => $by_rule{93}, @from,
                  destination_addr => '905321110093')->{status}, 0x11, 'a rule for cancel_sm');
is($tx->replace_sm(message_id => $by_rule{94}, @from, schedule_delivery_time => '',
                   validity_period => '', registered_delivery => 1, sm_default_msg_id => 0,
                   short_message => 'yeni')->{status}, 0x13, 'a rule for replace_sm');

# data_sm with segments, receipts over the receiver
$smsc->set(receipt => 'DELIVRD', receipt_ms => 1);
my $r = $tx->data_sm(@from, dest_addr_ton => 1, dest_addr_npi => 1,
    destination_addr => '905321110005', registered_delivery => 1, esm_class => 0,
    data_coding => 0, message_payload => 'uzun', sar_msg_ref_num => pack('n', 77),
    sar_total_segments => "\3", sar_segment_seqnum => "\2");
is($r->{status}, 0, 'data_sm');
my ($row) = grep { $_->{command} eq 'data_sm' } $smsc->messages;
is_deeply([ @$row{qw(text ref parts part)} ], [ 'uzun', 77, 3, 2 ], 'its payload and place');
is($row->{tlv}{'020c'}, '004d', 'TLVs as they came');

my $receipt = $rx->read_pdu;
is($receipt->{cmd}, 0x05, 'the receipt comes to the receiver');
like($receipt->{short_message}, qr/^id:$r->{message_id} .* stat:DELIVRD err:000 text:$/,
     'and names its message');
$rx->deliver_sm_resp(seq => $receipt->{seq}, message_id => '');
ok(scalar(wait_until { $smsc->stats->{receipts_done} == 1 } slow(5), 'the answer'), 'answered');
is_deeply(query($tx, $r->{message_id}), [ 0, 2 ], 'query_sm: delivered');

is($rx->enquire_link->{cmd}, 0x80000015, 'enquire_link');
is($tx->unbind->{cmd}, 0x80000006, 'unbind');

ok(!eval { $smsc->rule('1', answer => 'nonsense'); 1 }, 'a value that is none is refused');
ok(!eval { $smsc->rule('1', nonsense => 1); 1 }, 'and a key');
ok(!eval { $smsc->set(dialect => 'nonsense'); 1 }, 'and a dialect');

done_testing;
