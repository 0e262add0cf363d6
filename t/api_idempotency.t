#!/usr/bin/perl

# One Idempotency-Key, one submission: the stored answer comes back byte for
# byte, whoever asks, whenever, and however many ask at once (D6).

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $other = SMS::Account->new($pg, keyword => 'BASKA', sender => 'BASKASI');
my $poor = SMS::Account->new($pg, keyword => 'FAKIR', sender => 'FAKIR', credit => 250_000);

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);
$pg->do('select sms.blacklist_add(?, ?, ?, ?)', $account->id, 905321110099, 'all', 'test');

my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => SMS::Account::conf(
    priced => 1));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
wait_until { $account->send($nginx, {})->status == 202 } slow(10), 'prices'
    for 1 .. 6;

my $submissions = sub { $pg->value('select count(*) from sms.submission') };
my $mixed = $account->message(to => ['0532 111 22 33', 'x', '532 111 22 33', '05321110099',
                                     '+90 (532) 111 22 44'], reference => 'sipariş-1');

# ---- the same answer ----------------------------------------------------------

my $before = $submissions->();
my $balance = $account->balance;
my $first = keyed($mixed, 'mixed');

is($first->status, 202, 'accepted in part') or diag($first->body);
is($first->header('idempotency-replayed'), undef, 'not a replay');
is_deeply([ map { "$_->{index} $_->{code}" } @{ $first->json->{rejected} } ],
          ['1 invalid-number', '2 duplicate-recipient', '3 blacklisted'], 'rejected');

for my $n (1 .. 8) {
    my $again = keyed($mixed, 'mixed');
    is_deeply([ $again->status, $again->header('idempotency-replayed'), $again->body ],
              [ 202, 'true', $first->body ], "replay $n");
}

$nginx->kill_worker($_) for 0, 1;
ok($nginx->ready('/health', slow(10)), 'other workers');
replayed($mixed, 'mixed', $first, 'from other workers');

$nginx->restart;
ok($nginx->ready('/health', slow(10)), 'another master');
replayed($mixed, 'mixed', $first, 'after a restart');

is($submissions->() - $before, 1, 'one submission');
is($balance - $account->balance, 200_000, 'charged once');

# ---- forms of the key ---------------------------------------------------------

replayed($mixed, '"mixed"', $first, 'the key as an sf-string');
my $odd = keyed({}, '"a \\"b\\" \\\\c"');
is($odd->status, 202, 'an sf-string with escapes');
replayed({}, 'a "b" \\c', $odd, 'is the same as the bare text');
is(keyed({}, 'k' x 255)->status, 202, '255 characters');
isnt(keyed($mixed, 'Mixed')->body, $first->body, 'case matters');

# ---- another request ----------------------------------------------------------

for my $change ({ text => 'Başka' }, { reference => 'sipariş-2' }) {
    my $r = keyed({ %$mixed, %$change }, 'mixed');
    is_deeply([ $r->status, $r->json && $r->json->{code} ], [ 422, 'idempotency-key-reused' ],
              'another ' . (keys %$change)[0]);
}

# ---- another account ----------------------------------------------------------

my $theirs = $other->send($nginx, {}, headers => { 'Idempotency-Key' => 'mixed' });
is($theirs->status, 202, "another account's key of the same text");
isnt($theirs->json->{submission_id}, $first->json->{submission_id}, 'is another submission');
replayed($mixed, 'mixed', $first, 'and this one stays');

# ---- only a 202 is stored -----------------------------------------------------

is(keyed({ to => ['x'] }, 'refused')->status, 422, 'refused');
is(keyed({}, 'refused')->status, 202, 'the key is free after a refusal');

my $dear = $poor->message(to => [ map { "0532111000$_" } 1 .. 3 ]);
is($poor->post($nginx, '/v1/messages', $dear, headers => { 'Idempotency-Key' => 'dear' })
       ->status, 402, 'no credit');
$pg->do('select sms.fund(?, ?, ?)', $poor->id, 50_000, 'test');
my $paid = $poor->post($nginx, '/v1/messages', $dear,
                       headers => { 'Idempotency-Key' => 'dear' });
is($paid->status, 202, 'the same key once there is credit');
is($poor->balance, 0, 'all of it is spent');
is($poor->post($nginx, '/v1/messages', $dear, headers => { 'Idempotency-Key' => 'dear' })
       ->body, $paid->body, 'replayed although nothing is left');

# ---- a request that would be refused today was accepted yesterday ---------------

my $soon = $account->message(schedule_at => iso(time + 3));
my $scheduled = keyed($soon, 'soon');
is($scheduled->status, 202, 'scheduled');

my $headed = keyed({ sender => 'ORNEK', text => 'Bir' }, 'headed');
my $closing = $other->send($nginx, { text => 'Son' }, headers => { 'Idempotency-Key' => 'closing' });
is($closing->status, 202, 'accepted before the header goes');
$pg->do('select sms.sender_revoke(?, ?)', $other->id, 'BASKASI');
wait_until { $other->send($nginx, {})->status == 422 } slow(5), 'the header to go' for 1 .. 4;
my $late = $other->send($nginx, { text => 'Son' }, headers => { 'Idempotency-Key' => 'closing' });
is_deeply([ $late->status, $late->body ], [ 202, $closing->body ],
          'replayed after the header has gone');

sleep 3.2;
replayed($soon, 'soon', $scheduled, 'replayed after its time');

# ---- at once ------------------------------------------------------------------

$before = $submissions->();

for my $round (1 .. 5) {
    my @http = map { $nginx->http } 1 .. 12;
    my $text = $http[0]->format('POST', '/v1/messages', json => $mixed, headers => {
        Authorization => 'Bearer ' . $account->key, 'Idempotency-Key' => "race-$round" });

    $_->send($text) for @http;
    my @r = map { $_->answer('POST') } @http;
    my @odd = grep { !$_ || $_->status != 202 && $_->status != 409 } @r;
    my %body = map { $_->body => 1 } grep { $_ && $_->status == 202 } @r;

    is(scalar @odd, 0, 'only 202 and 409') or diag(map { $_ ? $_->text : 'none' } @odd);
    is(scalar keys %body, 1, 'one body');
    is(scalar(grep { $_->status == 202 && !$_->header('idempotency-replayed') } @r), 1,
       'one is the first');
}

is($submissions->() - $before, 5, 'a submission for each key');

# ---- in this very worker ------------------------------------------------------

my $single = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
$single->start;
ok($single->ready('/health', slow(10)), 'one worker');
is($account->send($single, {})->status, 202, 'its profile is there');

my $lock = $pg->connect;
$lock->begin_work;
$lock->do('select from sms.account where account_id = ? for update', undef, $account->id);

my @http = map { $single->http } 1, 2;
my $text = $http[0]->format('POST', '/v1/messages', json => $account->message, headers => {
    Authorization => 'Bearer ' . $account->key, 'Idempotency-Key' => 'held' });

$http[0]->send($text);
sleep 0.3;
$http[1]->send($text);
my $conflict = $http[1]->answer('POST');
is_deeply([ $conflict->status, $conflict->json && $conflict->json->{code} ],
          [ 409, 'idempotency-in-progress' ], 'while the first is being written');
$lock->rollback;
$lock->disconnect;
my $held = $http[0]->answer('POST');
is($held->status, 202, 'the first is accepted');
my $replay = $account->post($single, '/v1/messages', $account->message,
                            headers => { 'Idempotency-Key' => 'held' });
is($replay->body, $held->body, 'and replayed afterwards');

done_testing;


sub keyed {
    my ($body, $key) = @_;

    return $account->send($nginx, $body, headers => { 'Idempotency-Key' => $key });
}


sub replayed {
    my ($body, $key, $first, $name) = @_;

    my $r = keyed($body, $key);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply([ $r->status, $r->header('idempotency-replayed'), $r->body ],
              [ 202, 'true', $first->body ], $name);
    return;
}


sub iso {
    my ($time) = @_;

    my @t = gmtime $time;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
