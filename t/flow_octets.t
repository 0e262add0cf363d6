#!/usr/bin/perl

# Operators speak octets: ids and addresses that are not UTF-8 are stored, found
# again and answered, and hold up nobody else's.

# limit: 300

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

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
my $smsc = SMS::Smsc->start(receipt_ms => 50, id => 'odd', swap_tlv => 1);
my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(smsc => $smsc));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my @ids = map { scalar send_one($account, $nginx, text => "iki $_") } 1 .. 3;
my $sent = wait_until { $smsc->messages >= 3 } slow(15), 'three on the wire';
ok($sent, 'on the wire');
is($account->wait_state($nginx, $_, qr/^delivered$/, 15)->{state}, 'delivered',
   'its receipt is found') for @ids;
is(scalar($smsc->messages), 3, 'each is sent once');
is($pg->value('select count(*) from sms.in_doubt'), 0, 'nothing is in doubt');
like($pg->value('select min(operator_id) from sms.submit'), qr/^k\\xfc\d+$/, 'the id, readable');

$smsc->inject_mo(from => "k\x{fc}rt", to => '4605', text => 'ORNEK RET');
my $stored = wait_until { $pg->value('select count(*) from sms.inbound') } slow(15), 'a message';
ok($stored, 'a message from an odd address is kept');
is($pg->value('select "from" || \' \' || text from sms.inbound'), 'k\xfcrt ORNEK RET', 'as it came');

ok(wait_ended($pg), 'every message has ended');
unlike($nginx->log, qr/not stored/, 'the database refused nothing');
books_balance($pg);

subtest 'a text of more parts than most accounts may send' => sub {
    $pg->do('update sms.account_setting set max_parts = 60');
    my $text = join ' ', map { "satir $_" } 1 .. 600;
    my $id;
    my $long = wait_until { $id = eval { send_one($account, $nginx, text => $text) } } slow(5),
                          'the setting to be seen';
    ok($long, 'accepted');
    my $m = $account->wait_state($nginx, $id, qr/^(?:delivered|held)$/, 20);
    cmp_ok($m->{parts}, '>', 28, "$m->{parts} parts");
    is($m->{state}, 'delivered', 'is delivered');
};

done_testing;
