#!/usr/bin/perl

# The variables for access logs, and the ready log format: everything that an
# operator needs, nothing of a person.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);
$pg->do('select sms.blacklist_add(?, ?, ?, ?)', $account->id, 905321110099, 'all', 'test');

my $format = root() . '/conf/log_format.conf';
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(priced => 1,
    http => slurp($format) . 'access_log %%DIR%%/json.log sms_json;'));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
ok(wait_until { $account->send($nginx, {})->status == 202 } slow(10), 'prices are there');

my $public = $pg->value(q{select sms.id_text('acc', public_id) from sms.account
                           where account_id = ?}, $account->id);
my %who = (account => $public, key => substr $account->key, 9, 8);
my %none = map { $_ => '0' } qw(accepted rejected parts cost_micro replayed);

my @to = ('0532 444 55 66', '0532 111 00 99', 'x');
my $secret = 'Gizli metin Ayşe';

is_deeply(logged($account->send($nginx, { to => \@to, text => $secret . 'a' x 160 },
                                headers => { 'Idempotency-Key' => 'log-1' })),
          { %who, accepted => '1', rejected => '2', parts => '2', cost_micro => '200000',
            replayed => '0', problem => '' }, 'accepted in part');
is(logged($account->send($nginx, { to => \@to, text => $secret . 'a' x 160 },
                         headers => { 'Idempotency-Key' => 'log-1' }))->{replayed}, '1',
   'a replay');
is_deeply(logged($account->send($nginx, { to => ['x', 'y'] })),
          { %who, %none, rejected => '2', problem => 'invalid-number' }, 'refused');
is_deeply(logged($account->post($nginx, '/v1/messages', '{')),
          { %who, %none, problem => 'invalid-json' }, 'not to be read');
is_deeply(logged($nginx->http->get('/v1/balance')),
          { %none, account => '', key => '', problem => 'missing-key' }, 'without a key');

my $wrong = SMS::Account::make_key('live');
substr($wrong, 9, 8) = substr $account->key, 9, 8;
is(logged($nginx->http->get('/v1/balance', headers => { Authorization => "Bearer $wrong" }))
       ->{account}, '', 'a wrong key is nobody');
is(logged($account->get($nginx, '/v1/nothing'))->{problem}, 'not-found', 'nothing there');
is(logged($account->get($nginx, '/v1/balance', headers => { Authorization =>
       'Bearer ' . $account->key, 'X-Request-Id' => 'log.42' }), 'request_id'), 'log.42',
   'the request id');
is_deeply(logged($account->post($nginx, '/v1/messages:preview', $account->message)),
          { %who, %none, accepted => '1', problem => '' }, 'a preview');
$account->get($nginx, "/v1/messages?to=05324445566&text=$_") for 'a"b', '%00';

my $log = slurp($nginx->dir . '/json.log');
my @lines = split /\n/, $log;
is(scalar(grep { !eval { JSON::PP->new->utf8->decode($_) } } @lines), 0,
   'each line is a JSON object');
like($log, qr/"status":200,[^\n]*"request_id":"",/, 'another location has no request id');
unlike($log, qr/$_/, "nothing of $_") for '532444', '5324445566', 'Gizli', 'Ayşe',
    quotemeta substr($account->key, 17, 20);
unlike($nginx->log, qr/$_/, "nor in the error log: $_") for '5324445566', 'Gizli',
    quotemeta substr($account->key, 17, 20);

done_testing;


# what the log says of a request: one member, or those of ours

sub logged {
    my ($r, $name) = @_;

    # nginx logs after it has answered
    my $id = $r->header('x-request-id');
    my $entry;

    wait_until {
        my @of = map { eval { JSON::PP->new->utf8->decode($_) } // () }
                 split /\n/, slurp($nginx->dir . '/json.log');
        ($entry) = grep { $_->{request_id} eq $id } @of;
    } slow(5), "a line about $id";

    is($entry->{status}, $r->status, 'logged with its status') or diag($r->text);
    return $entry->{$name} if $name;

    delete @$entry{qw(at remote_addr method status seconds bytes_in bytes_out request_id)};
    return $entry;
}
