#!/usr/bin/perl

# Upkeep: slow jobs cost no lease, a job with much to do goes on at once, a drift
# of the books is told, and a stopped worker leaves no lease behind (D14, D20).

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
my $account = SMS::Account->new($pg, operators => ['turkcell'], credit => 1_000_000_000_000);
my $smsc = SMS::Smsc->start(receipt_ms => 50);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 1, conf => conf(smsc => $smsc));

$pg->do('create table sms.test_slow (seconds float)');
$pg->do('alter function sms.upkeep(text, timestamptz, int) rename to upkeep_fast');
$pg->do(q{create function sms.upkeep(p_what text, p_now timestamptz, p_limit int) returns json
          language plpgsql security definer set search_path = sms, pg_temp as $$
          begin
              perform pg_sleep(seconds) from sms.test_slow;
              return upkeep_fast(p_what, p_now, p_limit);
          end $$});
$pg->do('grant execute on function sms.upkeep(text, timestamptz, int) to sms_worker');

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
my $bound = wait_until { $smsc->stats->{binds} } slow(10), 'a bind';
ok($bound, 'bound');

subtest 'slow jobs' => sub {
    $pg->do('insert into sms.test_slow values (4.5)');
    my $until = time + 20;
    my $i = 0;

    while (time < $until) {
        my $id = send_one($account, $nginx, text => 'arada ' . ++$i);
        is($account->wait_state($nginx, $id, qr/^delivered$/, 10)->{state}, 'delivered',
           "delivered meanwhile: $i");
        sleep 2;
    }

    $pg->do('truncate sms.test_slow');
    unlike($nginx->log, qr/lease: given up/, 'no lease was lost');
    is($pg->value('select max(epoch) from sms.lease'), 1, 'nor taken anew');
};

subtest 'more than one round' => sub {
    $smsc->stop;

    for my $n (1 .. 5) {
        my @ids = send_one($account, $nginx, text => "toplu $n",
                           to => [ map { number() } 1 .. 1000 ]);
    }

    is($pg->value('select count(*) from sms.queue'), 5000, 'five thousand wait');
    $pg->do(q{update sms.queue set expires_at = now() - interval '1 second'});
    my $ended = wait_until { !$pg->value('select count(*) from sms.queue') } slow(40),
                           'all to end';
    ok($ended, 'all have expired');

    my @at = map { /^\S+ (\d+):(\d+):(\d+) .*what=expire counts=.*"expired" : [1-9]/
                   ? $1 * 3600 + $2 * 60 + $3 : () } split /\n/, $nginx->log;
    cmp_ok(scalar @at, '>=', 5, 'in rounds');
    cmp_ok(($at[-1] - $at[0]) % 86400, '<', 15, 'without a pause of five seconds between them');
    ok(wait_ended($pg), 'refunded, all');
};

subtest 'the books' => sub {
    books_balance($pg);
    unlike($nginx->log, qr/do not balance/, 'nothing to tell');
    $pg->do('update sms.account set available_micro = available_micro + 1');
    $nginx->restart;
    my $told = wait_until { $nginx->log =~ /books do not balance: .*"what":"available"/ } slow(20),
                          'the drift to be told';
    ok($told, 'a drift is told');
    $pg->do('update sms.account set available_micro = available_micro - 1');
};

subtest 'a worker that is stopped at once' => sub {
    # bind, screen, inbound, upkeep, webhook
    my $held = wait_until {
        $pg->value('select count(*) from sms.lease where expires_at > now()') == 5
    } slow(10), 'its leases';
    ok($held, 'holds its leases');
    $nginx->stop;
    my $free = wait_until {
        $pg->value(q{select count(*) from sms.lease where expires_at = '-infinity'}) == 5
    } 5, 'them to be given up';
    ok($free, 'gives them up as the last thing it does');
};

done_testing;
