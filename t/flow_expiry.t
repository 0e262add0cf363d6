#!/usr/bin/perl

# Out of time while the link is down: expired and refunded, and an OTP is never
# sent late (C11, C12).

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
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
my $smsc = SMS::Smsc->start(receipt_ms => 50);
my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(smsc => $smsc));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
$smsc->stop;

my $start = $account->balance;
my %id = (
    otp => scalar send_one($account, $nginx, class => 'otp', validity_s => 30,
                           to => '905380000001', text => 'Örnek giriş kodu: 300400'),
    info => scalar send_one($account, $nginx, validity_s => 60, to => '905380000002',
                            text => 'kısa ömürlü'),
    claim => scalar send_one($account, $nginx, to => '905380000003', text => 'kuyrukta biten'),
    later => scalar send_one($account, $nginx, to => '905380000004', text => 'uzun ömürlü') );

is($account->balance, $start - 400_000, 'held');

# the queue's row and the message agree on the end of its time
$pg->do(q{update sms.message set expires_at = now() - interval '1 second'
           where "to" = 905380000003});
$pg->do(q{update sms.queue q set expires_at = now() - interval '1 second' from sms.message m
           where m.message_id = q.message_id and m."to" = 905380000003});

my $m = $account->wait_state($nginx, $id{claim}, qr/^expired$/, 15);
is($m->{state}, 'expired', 'expired in the queue, by upkeep');
is($m->{refunded}{amount_micro}, 100_000, 'refunded');
is($m->{cause}{code}, 'expired', 'its cause');

my $accepted = $pg->value('select extract(epoch from min(accepted_at)) from sms.submission');
sleep 0.2 while time < $accepted + 31;
$smsc->restart;

$m = $account->wait_state($nginx, $id{otp}, qr/^(?!queued)/, 15);
is($m->{state}, 'expired', 'the OTP of 30 s is not sent late');
is($m->{refunded}{amount_micro}, 100_000, 'refunded');

$m = $account->wait_state($nginx, $id{$_}, qr/^(?:delivered|expired)$/, 15),
is($m->{state}, 'delivered', "$_: in time") for qw(info later);

ok(!(grep { $_->{dest} =~ /90538000000[13]$/ } $smsc->messages), 'neither was on the wire');
is($account->balance, $start - 200_000, 'two were paid for');

subtest 'the claim looks at the time itself' => sub {
    # an account with a revoked sender takes the queue; upkeep cannot be the one: it
    # sees this row no sooner than the claim does
    $pg->do(q{insert into sms.sender (account_id, sender, classes, revoked_at)
              values (?, 'ESKI', '{otp}', now())}, $account->id);
    $pg->do(q{create function sms.test_age() returns trigger language plpgsql as $$
              begin new.expires_at := now() - interval '1 ms'; return new; end $$});
    $pg->do(q{create trigger test_age before insert on sms.queue
              for each row execute function sms.test_age()});
    my $id = send_one($account, $nginx, class => 'otp', to => '905380000005',
                      text => 'Örnek giriş kodu: 500600');
    my $m = $account->wait_state($nginx, $id, qr/^(?!queued|submitted|accepted)/, 15);
    is($m->{state}, 'expired', 'expired');
    ok(!(grep { $_->{dest} =~ /905380000005$/ } $smsc->messages), 'not on the wire');
    $pg->do('drop trigger test_age on sms.queue');
    $pg->do('drop function sms.test_age()');
};

ok(wait_ended($pg), 'every message has ended');
books_balance($pg);

done_testing;
