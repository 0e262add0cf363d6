#!/usr/bin/perl

# Evidence over the API, held against docs/openapi.yaml.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use SMS::Account;
use SMS::Nginx;
use SMS::OpenApi;
use SMS::Pg;
use SMS::Tap;
use Test::More;

my $api = SMS::OpenApi->new;
my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
my $key = $account->key('live', waived => 'test',
                        scopes => [ 'evidence:read', 'evidence:write' ]);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());

$pg->do(q{select sms.setting_set('evidence_minutes', '0')});
$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');

my $sent = $account->send($nginx, { to => [ '0532 111 22 33', '0532 111 22 34' ] })->json;
$account->wait_state($nginx, $_->{id}, qr/^delivered$/) for @{ $sent->{messages} };
$pg->do(q{select sms.upkeep('evidence', now() + interval '1 second', 100)});

my $day = POSIX::strftime('%Y-%m-%d', gmtime(time + 3 * 3600 - 86400));
my $ask = sub {
    my ($method, $path, %opt) = @_;
    return $account->request($nginx, $method, "/v1/$path", key => $key, %opt);
};

# ---- packs -----------------------------------------------------------------------

my $pack = $api->holds('getEvidence',
                       $ask->(GET => "evidence?number=%2B905321112233&date=$day&days=3"), 200);
is(scalar @{ $pack->{records} }, 2, 'a submission and a message');
is($pack->{signature}, undef, 'there is no key');
like($pack->{report}{tr}[0], qr/\+905321112233.*teslim edildi/, 'a sentence');
$api->holds('getEvidence', $ask->(GET => "evidence?$_"), 400, 'invalid-parameter')
    for 'number=1&date=2026-12-01', 'number=05321112233&date=2026-13-01',
        'number=05321112233', "number=05321112233&date=$day&days=0";
$api->holds('getEvidence', $ask->(GET => 'evidence?to=1'), 400, 'unknown-parameter');

done_testing;
