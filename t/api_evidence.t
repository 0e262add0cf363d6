#!/usr/bin/perl

# Evidence over the API, held against docs/openapi.yaml.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
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

# ---- complaints ------------------------------------------------------------------

my %about = (number => '0532 111 22 33', date => $day, days => 3, source => 'ministry', reference => '2026/4411');
is_deeply([ $api->faults($api->schema('ComplaintRequest'), \%about) ], [], 'a complaint as documented');
my $c = $api->holds('openComplaint', $ask->(POST => 'complaints', json => \%about), 201);
is($c->{state}, 'open', 'it is open');
is($pg->value(q{select round(extract(epoch from due_at - opened_at) / 86400) from sms.complaint}), 15,
   'due in fifteen days');
my $late = $api->holds('openComplaint', $ask->(POST => 'complaints',
    json => { number => '05321112234', source => 'person', reference => 'x' }), 201);
$pg->do(q{update sms.complaint set due_at = now() - interval '1 day' where number = 905321112234});
$api->holds('openComplaint', $ask->(POST => 'complaints', json => { %about, @$_ }), 400, 'invalid-field')
    for [ number => '1' ], [ date => '2026-02-30' ], [ date => 'yesterday..' ], [ source => 'x' ], [ days => 0 ];
$api->holds('openComplaint', $ask->(POST => 'complaints', json => { number => '05321112233', source => 'iys' }),
            400, 'missing-field');
$api->holds('openComplaint', $ask->(POST => 'complaints', json => { %about, x => 1 }), 400, 'unknown-field');

is_deeply([ map { scalar @{ $api->holds('listComplaints', $ask->(GET => "complaints?state=$_"), 200)->{complaints} } }
            qw(open late closed) ], [ 2, 1, 0 ], 'open, late, closed');
my $page = $api->holds('listComplaints', $ask->(GET => 'complaints?limit=1'), 200);
is($page->{complaints}[0]{id}, $late->{id}, 'the newest first');
is($api->holds('listComplaints', $ask->(GET => "complaints?limit=1&cursor=$page->{next_cursor}"), 200)
   ->{complaints}[0]{id}, $c->{id}, 'then the other');
$api->holds('listComplaints', $ask->(GET => 'complaints?state=x'), 400, 'invalid-parameter');

is_deeply($api->holds('getComplaint', $ask->(GET => "complaints/$c->{id}"), 200)->{messages},
          [ $sent->{messages}[0]{id} ], 'what it is about');
my $file = $api->holds('exportComplaint', $ask->(GET => "complaints/$c->{id}:export"), 200);
is($file->{complaint}{reference}, '2026/4411', 'its file');
is(scalar @{ $file->{records} }, 2, 'has the records');
like($file->{report}{tr}[0], qr/Siparişiniz yola çıktı/, 'and the text');

my %end = (outcome => 'unjustified', answer => 'Onay vardı.',
           sent => [ { to => 'Ticaret Bakanlığı', what => 'kanıt dosyası' } ]);
is_deeply([ $api->faults($api->schema('ComplaintCloseRequest'), \%end) ], [], 'an answer as documented');
$api->holds('closeComplaint', $ask->(POST => "complaints/$c->{id}:close", json => { %end, @$_ }), 400, 'invalid-field')
    for [ outcome => 'x' ], [ sent => [] ], [ sent => [ { to => 'x' } ] ], [ sent => [ { to => 'x', what => 'y', at => 'z' } ] ];
$api->holds('closeComplaint', $ask->(POST => "complaints/$c->{id}:close", json => { outcome => 'unclear' }),
            400, 'missing-field');
is($api->holds('closeComplaint', $ask->(POST => "complaints/$c->{id}:close", json => \%end), 200)->{sent}[0]{to},
   'Ticaret Bakanlığı', 'closed with what was sent to whom');
$api->holds('closeComplaint', $ask->(POST => "complaints/$c->{id}:close", json => \%end), 409, 'complaint-closed');
$api->holds('getComplaint', $ask->(GET => 'complaints/cmp_' . '0' x 26), 404, 'not-found');
is($account->get($nginx, "/v1/complaints/$c->{id}")->status, 403, 'a right of its own');

# ---- holds -----------------------------------------------------------------------

is_deeply([ map { $_->{reason} } @{ $api->holds('listHolds', $ask->(GET => 'holds?active=true'), 200)->{holds} } ],
          [ qw(complaint complaint) ], 'complaints hold, also when they are closed');
$api->holds('closeComplaint', $ask->(POST => "complaints/$late->{id}:close",
            json => { %end, lift_hold => JSON::PP::true() }), 200);
my $hold = $api->holds('holdClocks', $ask->(POST => 'holds', json => { submission => $sent->{submission_id},
                                                                       reason => 'court', reference => '2026/7' }), 201);
$api->holds('holdClocks', $ask->(POST => 'holds', json => { reason => 'court', @$_ }), 400, 'missing-field')
    for [], [ number => '05321112233', submission => $sent->{submission_id} ];
$api->holds('holdClocks', $ask->(POST => 'holds', json => { reason => 'court', @$_ }), 400, 'invalid-field')
    for [ number => 'x' ], [ submission => 'sub_' . '0' x 26 ], [ number => '05321112233', reason => 'x' ];
is(scalar @{ $api->holds('listHolds', $ask->(GET => 'holds?active=false'), 200)->{holds} }, 1, 'one is lifted');
is($api->holds('liftHold', $ask->(POST => "holds/$hold->{id}:lift", json => { reason => 'karar' }), 200)->{lift_reason},
   'karar', 'lifted');
is($api->holds('liftHold', $ask->(POST => "holds/$hold->{id}:lift", json => { reason => 'x' }), 200)->{lift_reason},
   'karar', 'twice is not an error');
$api->holds('liftHold', $ask->(POST => 'holds/hld_' . '0' x 26 . ':lift', json => { reason => 'x' }), 404, 'not-found');

# ---- erasures --------------------------------------------------------------------

my $held = $api->holds('eraseNumber', $ask->(POST => 'erasures', json => { number => '05321112233' }), 201);
is($held->{state}, 'held', 'a number that is held waits');
my $gone = $api->holds('eraseNumber', $ask->(POST => 'erasures', json => { number => '05321112234', reference => 'B-17' }), 201);
is_deeply($gone->{result}{kept}, { messages => 1, consents => 0 }, 'what has a duty is kept');
$api->holds('eraseNumber', $ask->(POST => 'erasures', json => { number => 'x' }), 400, 'invalid-field');
$api->holds('eraseNumber', $ask->(POST => 'erasures', json => {}), 400, 'missing-field');
is($api->holds('listErasures', $ask->(GET => 'erasures?state=done'), 200)->{erasures}[0]{id}, $gone->{id}, 'done');
$api->holds('listErasures', $ask->(GET => 'erasures?state=x'), 400, 'invalid-parameter');

done_testing;
