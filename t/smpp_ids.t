#!/usr/bin/perl

# An SMSC that numbers its messages 1, 2, 3 ... and writes the numbers of answers
# and of receipts in different bases: nobody tells the link, every receipt finds
# its message.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my %learned = ('decimal/hex' => 'to_decimal', 'hex/decimal' => 'to_hex',
               'HEX/padded' => 'to_hex', 'decimal/padded' => 'same', 'hex/HEX' => 'same',
               # not ASCII, not even text: stored all the same
               'odd/odd' => undef);


# Receipts of some come before the answer, some come three times, and some say
# that it failed: a receipt that finds somebody else's message shows.
for my $forms (sort keys %learned) {
    subtest $forms => sub {
        my ($answer, $receipt) = split m{/}, $forms;
        my $pg = SMS::Pg->new;
        prices($pg);
        my $account = SMS::Account->new($pg, operators => ['turkcell']);
        my $smsc = SMS::Smsc->start(id => $answer, receipt_id => $receipt, first => 1,
            receipt_ms => 30, shuffle => 1,
            rules => [ '3=receipt:UNDELIV,err:1', '77=early:1', '5=copies:3,after:200' ]);
        my $nginx = SMS::Nginx->new(pg => $pg, workers => 2,
                                    conf => conf(smsc => $smsc, window => 20));

        ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

        # four waves, so that receipts speak of old messages among new ones; one in
        # five goes to one of three persons
        my $n = 0;
        for my $wave (1 .. 4) {
            for my $i (1 .. 30) {
                my @ids = send_one($account, $nginx, text => "dalga $wave", to => [
                    sprintf('90533%07d', $i % 3), map { sprintf '90532%07d', ++$n } 1 .. 4 ]);
                BAIL_OUT('not accepted') unless @ids == 5;
            }
            $nginx->reload if $wave == 3;
            wait_until { $smsc->stats->{accepted} >= $wave * 100 } slow(30), "wave $wave";
        }
        $n += 120;

        ok(wait_ended($pg, 40), 'every message has ended');
        is($pg->value(q{
            select count(*) from sms.settlement s join sms.message m using (account_id, message_id)
             where (m."to" % 10 = 3) <> (sms.state_name(s.state) <> 'delivered')}), 0, 'as its receipt said');
        is($pg->value('select count(*) from sms.settlement'), $n, "all $n of them");

        # copies of receipts may still be on their way
        wait_until { !$pg->value('select count(*) from sms.receipt_orphan') } slow(20),
                   'the last receipts';
        is($pg->value('select count(*) from sms.receipt_orphan'), 0, 'no receipt is left over');
        like($nginx->log, qr/ids of receipts: $learned{$forms}$/m, 'and the link was learned')
            if $learned{$forms};
        books_balance($pg);
        $nginx->end;
    };
}

done_testing;
