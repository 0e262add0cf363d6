#!/usr/bin/perl

# The API of webhooks: endpoints, their secrets, tests, replays, what they answered;
# nobody sees another account's; each mistake has its place.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use SMS::Account;
use SMS::Flow qw(books_balance wait_ended);
use SMS::Hook;
use SMS::Nginx;
use SMS::OpenApi;
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $hook = SMS::Hook->start;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $other = SMS::Account->new($pg, keyword => 'BASKA', sender => 'BASKASI');
my $api = SMS::OpenApi->new;

$pg->do('select sms.tariff_set(1, ?, ?, 100000)', '90', $_) for qw(otp informational commercial);
$pg->do("select sms.setting_set('webhook_http', 'on')");

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    priced => 1, http => 'sms_webhook_private on;'));
my %key = map { $_ => key($_ eq 'other' ? $other : $account) } qw(mine other);

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready') or BAIL_OUT($nginx->tail);
ok(wait_until { $account->send($nginx, {})->status == 202 } slow(10), 'prices are there');
ok(wait_ended($pg, 20), 'and what it sent has ended');

is(sign('MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3', 'evt_1', 1795428000,
        '{"type":"message.delivered","timestamp":"2026-11-23T10:00:00Z","data":{"id":"msg_1"}}'),
   'v1,vkRsWjrTMOibMbHupzaWRPBuQYkBbROpo+hZzv5UXI8=',
   'signatures are checked as npm standardwebhooks 1.1.1 makes them');

# ---- endpoints ------------------------------------------------------------------

my $made = call('createWebhook', 201, { url => $hook->url('one'), description => 'Muhasebe' });
my ($id, $secret) = @{$made}{qw(id secret)};
like($id, qr/^end_[0-9a-z]{26}$/, 'an id');
like($secret, qr/^whsec_[A-Za-z0-9+\/]{43}=$/, 'a secret');
is_deeply([ @{$made}{qw(url description batch state failures failing_since replay)} ],
          [ $hook->url('one'), 'Muhasebe', 1, 'on', 0, undef, undef ], 'as it was asked for');
is(scalar @{ $made->{types} }, 11, 'of all events');
my $got = call('getWebhook', 200, undef, $id);
is($got->{secret}, undef, 'the secret is shown once');
is_deeply($got, { map { $_ => $made->{$_} } grep { $_ ne 'secret' } keys %$made }, 'the rest again');
is_deeply(call('listWebhooks', 200), { webhooks => [$got] }, 'in the list');
is_deeply(call('listWebhooks', 200, undef, undef, 'other'), { webhooks => [] }, 'of its account only');

for my $op (qw(getWebhook deleteWebhook testWebhook rotateWebhookSecret listDeliveries)) {
    problem($op, 404, 'not-found', undef, $id, 'other');
    problem($op, 400, 'invalid-id', undef, 'end_1');
}
problem('changeWebhook', 404, 'not-found', { batch => 2 }, $id, 'other');
problem('replayWebhook', 404, 'not-found', { from => '2026-01-01T00:00:00Z' }, $id, 'other');
is(call('getWebhook', 200, undef, $id)->{batch}, 1, 'nothing of it happened');

my $changed = call('changeWebhook', 200, { types => [ 'message.expired', 'message.delivered',
                                                      'message.delivered' ] }, $id);
is_deeply($changed->{types}, [ 'message.delivered', 'message.expired' ], 'other events');
is($changed->{description}, 'Muhasebe', 'and the rest as it was');
is(call('changeWebhook', 200, { enabled => JSON::PP::false }, $id)->{state}, 'off', 'turned off');
problem('testWebhook', 409, 'webhook-off', undef, $id);
problem('replayWebhook', 409, 'webhook-off', { from => '2026-01-01T00:00:00Z' }, $id);
is(call('changeWebhook', 200, { enabled => JSON::PP::true }, $id)->{state}, 'on', 'and on again');

# ---- mistakes ---------------------------------------------------------------------

my @mistakes = (
    [ {}, 'missing-field', '/url' ],
    [ { url => undef }, 'missing-field', '/url' ],
    [ { url => 7 }, 'invalid-field', '/url' ],
    [ { url => '' }, 'invalid-field', '/url' ],
    [ { url => 'ftp://a.example/' }, 'invalid-field', '/url' ],
    [ { url => 'https://u:p@a.example/' }, 'invalid-field', '/url' ],
    [ { url => 'https://a.example/' . 'x' x 2000 }, 'invalid-field', '/url' ],
    [ { url => 'https://a.example/', colour => 1 }, 'unknown-field', '/colour' ],
    [ { url => 'https://a.example/', 'a/b~' => 1 }, 'unknown-field', '/a~1b~0' ],
    [ { url => 'https://a.example/', batch => 0 }, 'invalid-field', '/batch' ],
    [ { url => 'https://a.example/', batch => 501 }, 'invalid-field', '/batch' ],
    [ { url => 'https://a.example/', batch => 1.5 }, 'invalid-field', '/batch' ],
    [ { url => 'https://a.example/', batch => '2' }, 'invalid-field', '/batch' ],
    [ { url => 'https://a.example/', types => 'message.sent' }, 'invalid-field', '/types' ],
    [ { url => 'https://a.example/', types => [ 'message.sent', 'x' ] }, 'invalid-field', '/types/1' ],
    [ { url => 'https://a.example/', types => [7] }, 'invalid-field', '/types/0' ],
    [ { url => 'https://a.example/', description => 'x' x 201 }, 'invalid-field', '/description' ],
    [ [], 'invalid-field' ],
);
problem('createWebhook', 400, $_->[1], $_->[0], undef, 'mine', $_->[2]) for @mistakes;
problem('changeWebhook', 400, 'invalid-field', { enabled => 'yes' }, $id, 'mine', '/enabled');
problem('changeWebhook', 400, 'invalid-field', { url => 'https://[::1' }, $id, 'mine', '/url');
problem('rotateWebhookSecret', 400, 'invalid-field', { overlap_s => -1 }, $id, 'mine', '/overlap_s');
problem('replayWebhook', 400, 'missing-field', {}, $id, 'mine', '/from');
problem('replayWebhook', 400, 'invalid-field', { from => $_ }, $id, 'mine', '/from')
    for '2026-02-30T00:00:00Z', '2026-02-01', 'dün', '2027-02-30T00:00:00', 5;
problem('replayWebhook', 400, 'invalid-field', { from => '2026-02-01T00:00:00Z',
        until => '2026-01-01T00:00:00Z' }, $id, 'mine', '/from');
problem('replayWebhook', 400, 'invalid-field', { from => '2026-02-01T00:00:00Z',
        types => ['message.received'] }, $id, 'mine', '/types/0');
query($_->[0], $_->[1]) for [ 'limit=0', 'invalid-parameter' ], [ 'limit=x', 'invalid-parameter' ],
    [ 'limit=101', 'invalid-parameter' ], [ 'cursor=dlv_1', 'invalid-parameter' ],
    [ 'outcome=lost', 'invalid-parameter' ], [ 'limit=1&limit=2', 'invalid-parameter' ],
    [ 'limit=%f', 'invalid-parameter' ], [ 'limit=%ff', 'invalid-parameter' ],
    [ 'limit=%00', 'invalid-parameter' ], [ 'sort=up', 'unknown-parameter' ];
$api->holds('createWebhook', raw('{"url":'), 400, 'invalid-json');
$api->holds('createWebhook', raw('{"url":"a","url":"b"}'), 400, 'duplicate-key');
$api->holds('createWebhook', raw("{\"url\":\"\xff\"}"), 400, 'invalid-utf8');
$api->holds('createWebhook', raw('{"url":"\u0000"}'), 400, 'invalid-json');
$api->holds('createWebhook', raw(''), 400, 'empty-body');

my @more = map { call('createWebhook', 201, { url => "https://a.example/$_" }) } 2 .. 10;
problem('createWebhook', 409, 'too-many-webhooks', { url => 'https://a.example/' });
call('deleteWebhook', 200, undef, $_->{id}) for @more;
is(scalar @{ call('listWebhooks', 200)->{webhooks} }, 1, 'taken away');

# ---- events -------------------------------------------------------------------------

call('testWebhook', 202, undef, $id);
my ($test) = came('one', 1);
is($test->{events}[0]{type}, 'webhook.test', 'a test comes');
is($test->{events}[0]{data}{webhook}, $id, 'and says of what');
is_deeply([ sort keys %{ JSON::PP::decode_json($test->{body}) } ], [qw(data timestamp type)],
          'a request is an event');
ok(signed($test, $secret), 'signed');

my $rotated = call('rotateWebhookSecret', 200, { overlap_s => 3600 }, $id);
isnt($rotated->{secret}, $secret, 'a new secret');
like($rotated->{old_secret_until}, qr/^\d{4}-/, 'beside the old one');
call('testWebhook', 202, undef, $id);
my $both = (came('one', 2))[1];
ok(signed($both, $secret), 'the old one is still good');
ok(signed($both, $rotated->{secret}), 'and the new one');
$rotated = call('rotateWebhookSecret', 200, { overlap_s => 0 }, $id);
call('testWebhook', 202, undef, $id);
my $new = (came('one', 3))[2];
ok(signed($new, $rotated->{secret}), 'the new one');
ok(!signed($new, $secret), 'alone');

my $second = call('createWebhook', 201, { url => $hook->url('two'), batch => 100,
                                          types => ['message.undelivered'] });
my @sent = map { $account->send($nginx, { to => [ '0532 111 22 33', '0532 111 0001' ],
                                          text => "Sipariş $_" })->json } 1 .. 3;
my %good = map { $_->{messages}[0]{id} => 1 } @sent;
my %bad = map { $_->{messages}[1]{id} => 1 } @sent;
my @one = grep { $_->{type} =~ /^message/ } map { @{ $_->{events} } } came('one', 6);
is_deeply({ map { $_->{data}{id} => 1 } @one }, \%good, 'one endpoint gets what it wants');
my @two = wait_until {
    my @e = map { @{ $_->{events} } } $hook->requests('two');
    @e == 3 ? \@e : undef;
} slow(10), 'the others';
is_deeply({ map { $_->{data}{id} => 1 } $hook->events('two') }, \%bad, 'and the other the rest');

# ---- once more, and what was answered -------------------------------------------------

my $replay = call('replayWebhook', 202, { from => '2026-01-01T00:00:00+03:00',
                                          types => ['message.undelivered'] }, $second->{id});
like($replay->{replay}{id}, qr/^rpl_/, 'a replay');
ok(wait_until(sub { $hook->events('two') == 6 }, slow(10)), 'tells all again');
ok(wait_until(sub { call('getWebhook', 200, undef, $second->{id})->{replay}{state} eq 'done' },
              slow(10)), 'and is done');
is(call('getWebhook', 200, undef, $second->{id})->{replay}{events}, 3, 'with so many');
is_deeply({ map { $_->{data}{id} => 1 } $hook->events('two') }, \%bad, 'the same ones');

# much is waiting for it already
$pg->do("insert into sms.outbox (account_id, not_before, outbox_id, topic, key, payload)
         select account_id, 'infinity', sms.id_new(), 'webhook_post', webhook_id::text, '{}'
           from sms.webhook cross join generate_series(1, 1000) where webhook_id = sms.id_parse('end', ?)",
        $second->{id});
call('replayWebhook', 202, { from => '2026-01-01T00:00:00Z' }, $second->{id});
problem('replayWebhook', 409, 'replay-running', { from => '2026-01-01T00:00:00Z' }, $second->{id});

$hook->answer(one => 503);
call('testWebhook', 202, undef, $id);
my $list;
ok(wait_until(sub {
    $list = call('listDeliveries', 200, undef, $id)->{deliveries};
    @$list == 7;
}, slow(10)), 'every request is in the log') or diag(explain($list));
is_deeply([ @{ $list->[0] }{qw(outcome status error attempt events)} ], [ 'failed', 503, undef, 1, 1 ],
          'the last one failed');
like($list->[0]{next_try_at}, qr/^\d{4}-/, 'and is tried again');
is_deeply([ @{ $list->[1] }{qw(outcome status next_try_at)} ], [ 'taken', 200, undef ], 'the others not');
unlike(JSON::PP::encode_json($list), qr/905\d{9}|msg_/, 'nothing personal');
my $page = call('listDeliveries', 200, undef, $id, 'mine', 'limit=3&outcome=taken');
is(scalar @{ $page->{deliveries} }, 3, 'a page');
my $next = call('listDeliveries', 200, undef, $id, 'mine', "limit=3&outcome=taken&cursor=$page->{next_cursor}");
is_deeply([ map { $_->{id} } @{ $page->{deliveries} }, @{ $next->{deliveries} } ],
          [ map { $_->{id} } @{$list}[1 .. 6] ], 'and the next');
is(call('getWebhook', 200, undef, $id)->{failures}, 1, 'it is known to fail');
is(call('deleteWebhook', 200, undef, $id)->{id}, $id, 'deleted');
problem('getWebhook', 404, 'not-found', undef, $id);

books_balance($pg);
done_testing;


sub key {
    my ($who) = @_;

    return $who->key('live', waived => 'test', scopes => ['webhooks:manage']);
}


sub ask {
    my ($op, $body, $at, $who, $query) = @_;

    my ($method, $path) = @{ $api->operation($op) }{qw(method path)};
    $path =~ s/\{id\}/$at/ if defined $at;
    $path .= "?$query" if defined $query;
    return $nginx->http->request($method, $path, defined $body ? (json => $body) : (),
                                 headers => { Authorization => 'Bearer ' . $key{ $who // 'mine' } });
}


sub call {
    my ($op, $status, $body, $at, $who, $query) = @_;

    my $r = ask($op, $body, $at, $who, $query);
    $api->holds($op, $r, $status);
    return $r->json;
}


sub problem {
    my ($op, $status, $code, $body, $at, $who, $pointer) = @_;

    my $r = ask($op, $body, $at, $who);
    $api->holds($op, $r, $status, $code);
    is($r->json->{errors}[0]{pointer}, $pointer, "$code names $pointer")
        if defined $pointer;
    return;
}


sub query {
    my ($query, $code) = @_;

    return $api->holds('listDeliveries', ask('listDeliveries', undef, $id, 'mine', $query), 400, $code);
}


sub raw {
    my ($body) = @_;

    return $nginx->http->request('POST', '/v1/webhooks', body => $body, headers => {
        Authorization => "Bearer $key{mine}", 'Content-Type' => 'application/json' });
}


# requests that came to an endpoint, at least so many
sub came {
    my ($name, $n) = @_;

    ok(wait_until(sub { $hook->requests($name) >= $n }, slow(10)), "$n requests");
    return $hook->requests($name);
}


sub sign {
    my ($key, $request, $at, $body) = @_;

    return 'v1,' . encode_base64(hmac_sha256("$request.$at.$body", decode_base64($key)), '');
}


sub signed {
    my ($r, $text) = @_;

    my $body = $r->{body};
    utf8::encode($body) if utf8::is_utf8($body);
    my $wanted = sign($text =~ s/^whsec_//r, @{ $r->{headers} }{qw(webhook-id webhook-timestamp)}, $body);
    return scalar grep { $_ eq $wanted } split / /, $r->{headers}{'webhook-signature'};
}
