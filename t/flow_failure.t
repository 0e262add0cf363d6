#!/usr/bin/perl

# What an operator refuses: for good, for now, or because of us.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Iys;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $brand = 100200;
my $agreed = '905391110001';
my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola',
                brands => [[ $brand, $brand ]] }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [{ brandCode => $brand, recipient => "+$agreed", recipientType => 'BIREYSEL',
                   type => 'MESAJ', status => 'ONAY', source => 'HS_WEB',
                   consentDate => '2026-01-05 10:00:00',
                   creationDate => '2026-01-05 10:00:00' }] });
my $pg = SMS::Pg->new;
prices($pg);
# what a refused header does to the sender is a matter of t/sql/failover.pg
$pg->do(q{select sms.setting_set('sender_refusal_marks', 'off')});
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand);
my $smsc = SMS::Smsc->start(receipt_ms => 50, rules => [
    '8001=status:0x0B', '8002=status:0x0A', '8003=status:0x08', '8005=status:0x0400' ]);
my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(smsc => $smsc, iys => $iys,
    smpp => 'status 0x400=consent; throttle_wait 200ms;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
my $start = $account->balance;


sub ends {
    my ($id, $state, $name, $seconds) = @_;
    my $m = $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/,
                                 $seconds // 15);
    is($m->{state}, $state, $name // $state) or diag(explain($m));
    return $m;
}


sub tries { my ($to) = @_; return grep { $_->{dest} =~ /$to$/ } $smsc->events('submit') }


subtest 'refused for good' => sub {
    # a header may be good on another link; here there is none
    my %state = (8001 => 'rejected', 8002 => 'refused');
    for my $suffix (sort keys %state) {
        my $to = "90539000$suffix";
        my $m = ends(send_one($account, $nginx, to => $to, text => 'son'), $state{$suffix},
                     "status of $suffix");
        is($m->{refunded}{amount_micro}, 100_000, 'refunded');
        ok(length $m->{cause}{code} && length $m->{cause}{tr}, "a cause in words: $m->{cause}{code}");
        is(scalar tries($to), 1, 'tried once');
    }
};

subtest 'a refusal of a part ends a long message' => sub {
    my $to = '905390018001';
    my $m = ends(send_one($account, $nginx, to => $to, text => 'Uzun bir metin, bölünür. ' x 12),
                 'rejected');
    ok($m->{parts} > 1, 'several parts');
    is($m->{refunded}{amount_micro}, $m->{price}{amount_micro}, 'refunded whole');
};

subtest 'throttled' => sub {
    $smsc->throttle(7);
    my @to = map { sprintf '90539100%04d', $_ } 1 .. 10;
    my @ids = send_one($account, $nginx, to => \@to, text => 'kısıtlı');
    ends($_, 'delivered') for @ids;
    is($smsc->stats->{throttled}, 7, 'seven were pushed back');
    is(scalar(map { my $to = $_; grep { $_->{status} == 0 } tries($to) } @to), 10,
       'each was taken once');
};

subtest 'a passing error is tried again, with growing pauses' => sub {
    my $to = '905390008003';
    my $id = send_one($account, $nginx, to => $to, text => 'geçici hata');
    my $enough = wait_until { tries($to) >= 3 } slow(15), 'three attempts';
    ok($enough, 'again and again');
    $smsc->rule('8003');
    ends($id, 'delivered', 'and delivered when it has passed', 30);

    my @at = map { $_->{at} } tries($to);
    cmp_ok($at[1] - $at[0], '>=', 0.7, 'a second before the next, give or take a quarter');
    cmp_ok($at[2] - $at[1], '>=', 1.4, 'two before the one after');
    is($pg->value('select max(attempt) from sms.submit s join sms.message m
                   using (account_id, message_id) where m."to" = ?', $to), scalar @at,
       'each attempt is recorded');
};

subtest 'refused upstream for want of consent' => sub {
    my %body = (class => 'commercial', recipient_type => 'BIREYSEL', brand => $account->brand_id,
                to => $agreed);
    ends(scalar send_one($account, $nginx, %body, text => 'Kampanya: bir'), 'delivered', 'first');

    $smsc->rule(substr($agreed, -4), status => 0x400);
    my $m = ends(scalar send_one($account, $nginx, %body, text => 'Kampanya: iki'), 'rejected',
                 'İYS said no to the operator');
    is($m->{refunded}{amount_micro}, 150_000, 'refunded');
    is(scalar(grep { $_->{status} == 0x400 } tries($agreed)), 1, 'final: tried once');

    # the mirror's older permission does not count any more, what İYS says now
    # does
    $smsc->rule(substr $agreed, -4);
    $m = ends(scalar send_one($account, $nginx, %body, text => 'Kampanya: üç'), 'refused',
              'the number is closed to the brand until İYS is asked again', 15);
    is($m->{refunded}{amount_micro}, 150_000, 'refunded');
};

subtest 'an OTP that has to be tried again does not wait for İYS' => sub {
    $nginx->conf(conf(smsc => $smsc, iys => $iys) =~ s/timeout 2s/timeout 15s/r);
    $nginx->reload;
    wait_until { $smsc->stats->{binds} >= 2 } slow(10), 'the bind';
    $iys->control('faults', [{ path => '.', times => 1000, delay => 12 }]);

    my %body = (class => 'commercial', recipient_type => 'BIREYSEL', brand => $account->brand_id);
    my $slow = send_one($account, $nginx, %body, to => '905391110002', text => 'Kampanya: dört');
    sleep 0.5;
    $smsc->throttle(1);
    my $otp = send_one($account, $nginx, class => 'otp', to => '905391110003',
                       text => 'Örnek giriş kodu: 700800');
    ends($otp, 'delivered', 'delivered while İYS is silent');
    like(message($account, $nginx, $slow)->{state}, qr{^(?:accepted|held)$},
         'before İYS has said anything');
    cmp_ok(scalar(tries('905391110003')), '==', 2, 'at the second try');
    $iys->control('faults', []);
    ends($slow, 'refused', 'the other ends when İYS answers', 60);
};

subtest 'results that the database refuses' => sub {
    my $to = '905391119999';
    $pg->do(q{create function sms.test_refuse() returns trigger language plpgsql as $$
              begin
                  if new.outcome = 1 and exists (select from sms.message m
                      where m.message_id = new.message_id and m."to" = 905391119999)
                  then raise exception 'not this one'; end if;
                  return new;
              end $$});
    $pg->do(q{create trigger test_refuse before insert on sms.submit
              for each row execute function sms.test_refuse()});

    my $id = send_one($account, $nginx, to => $to, text => 'sonucu yazılamayan');
    my $held = wait_until {
        $pg->value(q{select count(*) from sms.in_doubt where "to" = ? and policy = 'hold'}, $to)
    } slow(40), 'the doubt';
    ok($held, 'nobody knows: recorded as in doubt');
    is(scalar(grep { $_->{status} == 0 } tries($to)), 2, 'sent once more, as in doubt, and no more');
    is($pg->value('select count(*) from sms.claim'), 0, 'no claim stays behind');
    $pg->do('drop trigger test_refuse on sms.submit');

    ends(scalar send_one($account, $nginx, text => 'devam'), 'delivered',
         'the link goes on', 30);
    upkeep($pg, 'in_doubt', '4 days');
    ends($id, 'unknown', 'unknown in the end');
};

ok(wait_ended($pg, 30), 'every message has ended');
books_balance($pg);
is($account->balance, $start - $pg->value('select sum(kept_micro) from sms.settlement'),
   'what failed was refunded');

done_testing;
