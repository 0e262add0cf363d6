#!/usr/bin/perl

# Who may call: scopes, addresses, revoked keys, states of an account, rates;
# and what a test key may not do.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::IP;
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $other = SMS::Account->new($pg, keyword => 'BASKA', sender => 'BASKASI');

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);

my $ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1) ? 1 : 0;
my $listen = $ipv6 ? 'listen [::1]:%%PORT_0%%;' : '';
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => SMS::Account::conf(
    priced => 1, http => <<'EOH', server => <<"EOC"));
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location /v1/ { sms_api; sms_rate rate=60r/m burst=5; }
    }
    server {
        listen 127.0.0.1:%%PORT_2%%;
        sms_rate off;
        location /v1/ { sms_api; sms_rate rate=60r/m; }
    }
    server {
        listen 127.0.0.1:%%PORT_3%%;
        sms_rate rate=600r/m burst=100;
        location /v1/ { sms_api; sms_rate rate=2r/s; }
        location = /v1/balance { sms_api; }
    }
EOH
        $listen
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Client;
EOC

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
wait_until { $account->send($nginx, {})->status == 202 } slow(10) for 1 .. 4;

# ---- scopes --------------------------------------------------------------------

my $id = $account->send($nginx, {})->json->{messages}[0]{id};
my %call = (
    'messages:send' => [ [ POST => '/v1/messages', 202 ], [ POST => '/v1/messages:preview', 200 ],
                         [ DELETE => "/v1/messages/$id", 409 ] ],
    'messages:read' => [ [ GET => "/v1/messages/$id", 200 ],
                         [ GET => "/v1/messages/$id/explain", 200 ] ],
    'balance:read' => [ [ GET => '/v1/balance', 200 ] ],
    'inbox:read' => [ [ GET => '/v1/inbox', 200 ], [ GET => '/v1/numbers', 200 ],
                      [ GET => '/v1/keywords', 200 ] ],
    'inbox:write' => [ [ DELETE => '/v1/keywords/kwd_01m8554rhhe01b3nv4cpy36vc8', 404 ] ],
);

like($account->wait_state($nginx, $id, qr/^delivered$/)->{state}, qr/delivered/, 'delivered');

for my $scope (sort keys %call) {
    my $key = $account->key('live', waived => 'test', scopes => [$scope]);

    for my $of (sort keys %call) {
        for my $call (@{ $call{$of} }) {
            my ($method, $path, $status) = @$call;
            my $r = $account->request($nginx, $method, $path, key => $key,
                $method eq 'POST' ? (json => $account->message) : ());
            my $wanted = $scope eq $of ? $status : 403;
            is($r->status, $wanted, "$scope: $method $path") or diag($r->body);
        }
    }
}

is($nginx->http->get('/v1/version')->status, 200, 'the version needs no key');
my $lower = $nginx->http->get('/v1/balance', headers => {
    Authorization => 'bearer ' . $account->key });
is($lower->status, 200, 'the scheme in lower case');

# ---- addresses -----------------------------------------------------------------

for my $case (
    [ ['127.0.0.0/8'], undef, 200 ], [ ['127.0.0.1/32'], undef, 200 ],
    [ ['127.0.0.2/32'], undef, 403 ], [ ['10.0.0.0/8', '127.0.0.1/32'], undef, 200 ],
    [ ['10.1.0.0/16'], '10.1.255.255', 200 ], [ ['10.1.0.0/16'], '10.2.0.0', 403 ],
    [ ['2001:db8::/32'], undef, 403 ], [ ['2001:db8::/32'], '2001:db8:1::1', 200 ],
    [ ['2001:db8::/32'], '2001:db9::1', 403 ], [ ['0.0.0.0/0'], undef, 200 ],
    [ ['0.0.0.0/0'], '2001:db8::1', 403 ], [ ['::/0'], '2001:db8::1', 200 ])
{
    my ($ip, $from, $status) = @$case;
    my $key = $account->key('live', ip => $ip);
    my $r = $nginx->http->get('/v1/balance', headers => {
        Authorization => "Bearer $key", 'X-Client' => $from });
    is($r->status, $status, "@$ip from " . ($from // '127.0.0.1')) or diag($r->body);
}

SKIP: {
    skip 'no IPv6 on this machine', 2 unless $ipv6;

    for my $case ([ ['::1/128'], 200 ], [ ['127.0.0.0/8'], 403 ]) {
        my $key = $account->key('live', ip => $case->[0]);
        my $socket = IO::Socket::IP->new(PeerHost => '::1', PeerPort => $nginx->port(0))
            or die "::1: $@";
        print {$socket} "GET /v1/balance HTTP/1.0\r\nAuthorization: Bearer $key\r\n\r\n";
        like(scalar <$socket>, qr{^HTTP/1\.1 $case->[1] }, "@{ $case->[0] } from ::1");
    }
}

my $range = $account->key('test', ip => ['10.0.0.0/8']);
is($account->get($nginx, '/v1/balance', key => $range)->status, 403,
   'a test key keeps to its list, where it has one');

# ---- what changes, changes at once ---------------------------------------------

my $key = $account->key('live', waived => 'test');
is($account->get($nginx, '/v1/balance', key => $key)->status, 200, 'a key') for 1 .. 8;
$pg->do('select sms.key_revoke(account_id, key_no) from sms.api_key where key_id = ?',
        substr $key, 9, 8);
sleep 1;
is($account->get($nginx, '/v1/balance', key => $key)->status, 401, 'a second later') for 1 .. 8;

is($account->send($nginx, {}, key => $account->key)->status, 202, 'an active account');
$pg->do('select sms.account_state(?, ?)', $account->id, 'suspended');
sleep 1;

for (1 .. 4) {
    is($account->send($nginx, {})->status, 403, 'suspended: nothing is sent');
    is($account->get($nginx, "/v1/messages/$id")->status, 200, 'but read');
}

$pg->do('select sms.account_state(?, ?)', $account->id, 'active');
sleep 1;
is($account->send($nginx, {})->status, 202, 'active again') for 1 .. 4;

# a worker that has not heard of it finds out in the commit
$pg->do('alter table sms.account disable trigger account_changed');
$pg->do('select sms.account_state(?, ?)', $account->id, 'suspended');
my $deaf = $account->send($nginx, {});
is_deeply([ $deaf->status, $deaf->json && $deaf->json->{code} ],
          [ 403, 'account-not-active' ], 'not told, but found in the commit');
$pg->do('select sms.account_state(?, ?)', $account->id, 'active');
$pg->do('alter table sms.account enable trigger account_changed');

# ---- rates ---------------------------------------------------------------------

my $limited = sub {
    my ($key) = @_;
    return $nginx->http(port => $nginx->port(1))->get(
        '/v1/balance', headers => { Authorization => "Bearer $key" });
};

is($account->get($nginx, '/v1/balance')->header('ratelimit'), undef, 'no header without a limit');

# a rate of one's own has its own burst, whatever stands above it
for my $case ([ 2, '/v1/balance', 60, 60 ], [ 3, "/v1/messages/$id", 120, 60 ],
              [ 3, '/v1/balance', 100, 10 ])
{
    my ($port, $path, $burst, $seconds) = @$case;
    my $r = SMS::Http->new(port => $nginx->port($port),
                           key => $account->key('live', waived => 'test'))->get($path);
    is($r->status, 200, "$path of server $port") or diag($r->text);
    is($r->header('ratelimit-policy'), qq{"api";q=$burst;w=$seconds}, 'its own burst');
}

my $first = $limited->($account->key);
is($first->status, 200, 'within the limit') or diag($first->text);
is($first->header('ratelimit-policy'), '"api";q=5;w=5', 'the policy');
like($first->header('ratelimit'), qr/^"api";r=4;t=[1-5]$/, 'what is left');

my @r = map { $limited->($account->key) } 1 .. 6;
is((grep { $_->status == 200 } @r) + 1, 5, 'five at once');
my ($over) = grep { $_->status == 429 } @r;
ok($over, 'then 429');
is($over->json->{code}, 'rate-limited', 'its problem');
like($over->header('retry-after'), qr/^[1-5]$/, 'Retry-After');
like($over->header('ratelimit'), qr/^"api";r=0;t=[1-5]$/, 'nothing left');
is($limited->($other->key)->status, 200, "another account's key has its own");
is($limited->($account->key('live', waived => 'test'))->status, 200, 'and another key');
ok(wait_until { $limited->($account->key)->status == 200 } slow(5), 'later it goes on');

$pg->do('update sms.account_setting set rate = 2 where account_id = ?', $other->id);
sleep 1;
@r = map { $other->get($nginx, '/v1/balance') } 1 .. 4;
is_deeply([ map { $_->status } @r ], [ 200, 200, 429, 429 ], "the account's own rate comes first");

# ---- test keys -----------------------------------------------------------------

my $book = 'select stored_micro, held_micro, spent_micro from sms.book where account_id = ?';
my @before = $pg->rows($book, $account->id);
my $r = $account->send($nginx, { to => [ map { "053211100$_" } 10 .. 29 ] },
                       key => $account->test_key);
is($r->status, 202, 'a test key sends');
is($r->json->{price}{amount_micro}, 0, 'for nothing');
is_deeply([ map { $account->wait_state($nginx, $_->{id}, qr/^delivered$/)->{state} }
                @{ $r->json->{messages} } ], [ ('delivered') x 20 ], 'to the sandbox');
is_deeply([ $pg->rows($book, $account->id) ], \@before, 'the balance stays, and the book, too');
is($pg->value('select bool_and(test) from sms.message where sms.id_text(?, submission_id) = ?',
              'sub', $r->json->{submission_id}), 1, 'marked as a test');

my $commercial = $account->send($nginx, { class => 'commercial', basis => undef,
    recipient_type => 'BIREYSEL' }, key => $account->test_key);
is($commercial->status, 202, 'a commercial message in the sandbox');
is($account->wait_state($nginx, $commercial->json->{messages}[0]{id}, qr/^delivered$/)->{state},
   'delivered', 'asks nobody for consent');

done_testing;
