#!/usr/bin/perl

# What the API tells afterwards, and what can still be taken back.

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
use Time::HiRes qw(time);

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $other = SMS::Account->new($pg, keyword => 'BASKA', sender => 'BASKASI');

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(priced => 1));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
ok(wait_until { $other->send($nginx, { sender => 'BASKASI' })->status == 202 } slow(10),
   'prices are there');

# ---- a message -------------------------------------------------------------------

my $sent = $account->send($nginx, { to => [ '0532 111 22 33', '0532 111 0001' ],
                                    reference => 'sipariş-7' })->json;
my ($id, $failing) = map { $_->{id} } @{ $sent->{messages} };
my $m = $account->wait_state($nginx, $id, qr/^delivered$/);

is($m->{state}, 'delivered', 'delivered');
is_deeply([ @$m{qw(id to sender class parts encoding)} ],
          [ $id, '+905321112233', 'ORNEK', 'informational', 1, 'turkish_single' ],
          'what it is') or diag(explain $m);
is_deeply($m->{price}, { amount_micro => 100_000, unit => 'TRY' }, 'its price');

my $u = $account->wait_state($nginx, $failing, qr/^undelivered$/);
is($u->{state}, 'undelivered', 'undelivered');

my $e = $account->get($nginx, "/v1/messages/$id/explain");
is($e->status, 200, 'explained') or diag($e->body);
my $x = $e->json;
is($x->{text}, 'Siparişiniz yola çıktı.', 'its text');
is($x->{declaration}{basis}, 'order_delivery', 'what was declared');
is($x->{declaration}{reference}, 'sipariş-7', 'the reference of the request');
is($x->{route}{operator}, 'sim', 'its way');
is($x->{tariff}{price_per_part}{amount_micro}, 100_000, 'its tariff');
is(scalar @{ $x->{receipts} }, 1, 'its receipt');
is_deeply([ map { $_->{kind} } @{ $x->{ledger} } ], [ qw(reserve keep) ], 'its money');

$x = $account->get($nginx, "/v1/messages/$failing/explain")->json;
is_deeply([ map { "$_->{kind} $_->{amount_micro}" } @{ $x->{ledger} } ],
          [ 'reserve 100000', 'refund 100000' ], 'an undelivered one is refunded')
    or diag(explain $x->{ledger});

# ---- a submission ----------------------------------------------------------------

my $s = $account->get($nginx, "/v1/submissions/$sent->{submission_id}");
is($s->status, 200, 'a submission') or diag($s->body);
is_deeply($s->json->{states}, { delivered => 1, undelivered => 1 }, 'its states');
is(scalar @{ $s->json->{messages} }, 2, 'its messages');

# ---- one-time codes --------------------------------------------------------------

my $otp = $account->send($nginx, { class => 'otp', basis => undef,
                                   text => 'Kodunuz 482915, 3 dakika geçerli.' })->json;
my $code = $account->get($nginx, "/v1/messages/$otp->{messages}[0]{id}/explain");
is($code->json->{text}, 'Kodunuz ******, * dakika geçerli.', 'its digits are masked');
unlike($code->body, qr/482915/, 'everywhere');
unlike($account->get($nginx, "/v1/submissions/$otp->{submission_id}")->body, qr/482915/,
       'in the submission, too');

# ---- taking back -----------------------------------------------------------------

my $balance = $account->balance;
my $later = $account->send($nginx, { schedule_at => '2027-11-01T10:00:00+03:00',
                                     to => [ '05321112233', '05321112234' ] });
$later = $account->send($nginx, { schedule_at => iso(time + 86400),
                                  to => [ '05321112233', '05321112234' ] })
    if $later->status != 202;
is($later->status, 202, 'scheduled') or diag($later->body);
my @ids = map { $_->{id} } @{ $later->json->{messages} };
is($balance - $account->balance, 200_000, 'reserved');
is($account->get($nginx, "/v1/messages/$ids[0]")->json->{state}, 'held', 'it waits');

is($other->delete($nginx, "/v1/messages/$ids[0]")->status, 404, 'not for others to delete');
my $d = $account->delete($nginx, "/v1/messages/$ids[0]");
is_deeply([ $d->status, $d->json && $d->json->{state} ], [ 200, 'cancelled' ], 'deleted')
    or diag($d->body);
is($balance - $account->balance, 100_000, 'refunded');
is($account->delete($nginx, "/v1/messages/$ids[0]")->status, 200, 'twice is not an error');
is($balance - $account->balance, 100_000, 'and not refunded twice');
$d = $account->delete($nginx, '/v1/submissions/' . $later->json->{submission_id});
is($d->status, 200, 'the rest of the submission') or diag($d->body);
is_deeply($d->json->{states}, { cancelled => 2 }, 'all of it');
is($account->balance, $balance, 'all refunded');

my $late = $account->delete($nginx, "/v1/messages/$id");
is_deeply([ $late->status, $late->json->{code} ], [ 409, 'already-submitted' ],
          'what has left cannot be deleted');
is($account->delete($nginx, "/v1/submissions/$sent->{submission_id}")->status, 409,
   'nor a submission of such');

# ---- others ----------------------------------------------------------------------

for my $path ("/v1/messages/$id", "/v1/messages/$id/explain",
              "/v1/submissions/$sent->{submission_id}")
{
    my $r = $other->get($nginx, $path);
    is_deeply([ $r->status, $r->json->{code} ], [ 404, 'not-found' ], "not for others: $path");
}

is($account->get($nginx, "/v1/messages/$id", key => $account->test_key)->status, 200,
   'every key of the account may read it');

# ---- balance, version ------------------------------------------------------------

my $b = $account->get($nginx, '/v1/balance');
is($b->status, 200, 'balance');
is_deeply($b->json->{available}, { amount_micro => $account->balance, unit => 'TRY' },
          'what is available');
my $v = $nginx->http->get('/v1/version');
is($v->status, 200, 'version');
is_deeply([ @{ $v->json }{qw(name api)} ], [ 'ngx_sms', 'v1' ], 'who it is');
like($v->json->{plugin_abi}, qr/^\d+\.\d+$/, 'for plugins');
cmp_ok($v->json->{schema}, '>=', 15, 'the schema');
is($account->get($nginx, '/v1/balance?a=b')->json->{code}, 'unknown-parameter', 'a query');
is($account->get($nginx, '/v1/balance?')->status, 200, 'an empty one is of no matter');

my $id_header = $nginx->http->get('/v1/version', headers => { 'X-Request-Id' => 'abc.DEF_1-2' });
is($id_header->header('x-request-id'), 'abc.DEF_1-2', "the caller's own request id");
like($v->header('x-request-id'), qr/^[0-9a-f]{32}$/, 'or one of ours');

done_testing;


sub iso {
    my ($time) = @_;

    my @t = gmtime $time;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
