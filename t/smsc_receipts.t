#!/usr/bin/perl

# Receipts as SMSCs bring them: lost, late, early, twice, out of order, contradicting
# each other, in every dialect.  One line each: how the message ends and whether it
# is paid for.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Case;
use SMS::Flow;
use SMS::Smsc::Receipt qw(%DIALECT);
use SMS::Tap;

my $long = 'Uzun bir bilgilendirme metni, kısa numaradan. ' x 8;
my %good = (state => 'delivered', kept => 1);
my %bad = (state => 'undelivered', kept => 0);
my @parts = (accepted => 3, body => { text => $long });

my @cases = (
    (map { ({ name => "$_: delivered", rule => { dialect => $_ }, %good },
            { name => "$_: undelivered",
              rule => { dialect => $_, receipt => 'UNDELIV', err => 1 }, %bad }) }
         grep { $_ ne 'broken' } sort keys %DIALECT),
    { name => 'a receipt without an id', rule => { dialect => 'broken' }, open => 1,
      state => 'no_receipt', kept => 0 },

    # what it says
    { name => 'EXPIRED', rule => { receipt => 'EXPIRED', err => 27 }, state => 'expired',
      kept => 0 },
    { name => 'REJECTD', rule => { receipt => 'REJECTD', err => 5 }, state => 'rejected',
      kept => 0 },
    { name => 'DELETED', rule => { receipt => 'DELETED' }, state => 'undelivered', kept => 0 },
    { name => 'UNKNOWN', rule => { receipt => 'UNKNOWN' }, state => 'unknown', kept => 0 },
    { name => 'ACCEPTD is on the way, DELIVRD ends', rule => { interim => 'ACCEPTD' }, %good },
    { name => 'ENROUTE is on the way, UNDELIV ends',
      rule => { interim => 'ENROUTE', receipt => 'UNDELIV', err => 1 }, %bad },
    { name => 'nothing but ENROUTE', open => 1,
      rule => { receipt => 'ENROUTE' }, state => 'no_receipt', kept => 0 },
    { name => 'the SIM was changed', rule => { receipt => 'UNDELIV', err => 650 },
      state => 'rejected', kept => 0, code => 'sim-changed' },
    { name => 'the number was ported', rule => { receipt => 'UNDELIV', err => 651 }, %bad,
      code => 'invalid-number' },

    # when it comes
    { name => 'before the answer', rule => { early => 1 }, %good },
    { name => 'before the answer, undelivered',
      rule => { early => 1, receipt => 'UNDELIV', err => 1 }, %bad },
    { name => 'three times', rule => { copies => 3 }, %good },
    { name => 'three times, undelivered', rule => { copies => 3, receipt => 'UNDELIV', err => 1 },
      %bad },
    { name => 'never', rule => { receipt => 'none' }, open => 1, state => 'no_receipt',
      kept => 0 },
    { name => 'after the end', rule => { after => 1_200_000 }, open => 1,
      state => 'no_receipt', kept => 0 },
    { name => 'delivered, then undelivered', rule => { then => 'UNDELIV' }, %good },
    { name => 'undelivered, then delivered',
      rule => { receipt => 'UNDELIV', err => 1, then => 'DELIVRD' }, %bad },
    { name => 'of the last part first', rule => { parts => 1, after => 900 }, %good, @parts },
    { name => 'of one part of three never', rule => { parts => 2, receipt => 'none' }, open => 1,
      state => 'no_receipt', kept => 0, @parts },
    { name => 'one part of three undelivered', %bad, @parts,
      rule => { parts => 3, receipt => 'UNDELIV', err => 1 } },
    { name => 'one part of three early', rule => { parts => 2, early => 1 }, %good, @parts },
    { name => 'the parts in other dialects', rule => { parts => 2, dialect => 'data_sm' },
      %good, @parts },
    { name => 'a hundred at once, an octet at a time', n => 20, %good,
      link => { user => { write_chunk => 29, receipt_ms => 300 } } },
    { name => 'many in one write', n => 50, link => { user => { glue_ms => 200 } }, %good },

    # ids
    (map { my ($answer, $receipt) = split m{/};
           { name => "ids $_", n => 12, %good,
             link => { user => { id => $answer, receipt_id => $receipt } } } }
         qw(decimal/hex hex/decimal HEX/padded decimal/padded hex/HEX padded/decimal odd/odd)),
);

my $run = SMS::Case->new(cases => \@cases,
    smpp => 'receipt_error 650=sim_changed; receipt_error 651=invalid_number;');

ok($run->begin, 'ready') or BAIL_OUT($run->{nginx}->tail);
$run->send;
$run->wait;

# a day after their validity the others are given up, and what comes then is late
upkeep($run->{pg}, 'no_receipt', '25 hours');
upkeep($run->{pg}, 'no_receipt', '80 hours');
my ($late) = grep { $_->{name} eq 'after the end' } @cases;
$run->{smsc}->release;
ok(scalar(wait_until {
    $run->{pg}->value('select count(*) from sms.receipt join sms.message m
                        using (account_id, message_id) where m."to" = any(?)', $late->{to})
} slow(10), 'the late receipt'), 'a receipt after the end is on record');

$run->check;
$run->finish;
is_deeply([ twice($run->{pg}, $run->{smsc}) ], [], 'nothing is twice at the SMSC');

done_testing;
