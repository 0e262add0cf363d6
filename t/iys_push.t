#!/usr/bin/perl

# What İYS posts when a citizen approves or refuses: it counts at once, once, and only from
# İYS.  And each day of İYS against ours: what only its file has takes effect.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(encode_json);
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Iys;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $brand = 100200;
# its file is there whatever the time is now
my $day = strftime('%Y-%m-%d', gmtime(time + 3 * 3600 - 2 * 86_400));
my @known = map { sprintf '9053211300%02d', $_ } 1 .. 20;

my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola' }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [map { +{ brandCode => $brand, recipient => "+$_", recipientType => 'BIREYSEL',
        type => 'MESAJ', status => 'ONAY', source => 'HS_WEB', consentDate => "$day 10:00:00",
        creationDate => "$day 10:00:00" } } @known ] });
$iys->control(knobs => { push_allow_http => 1, limit_rps => 0, feed_hidden => -5 });

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand);
my $smsc = SMS::Smsc->start(receipt_ms => 30);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, iys => $iys,
    iys_keys => 'feed 0; reconcile off; push on; push_url http://127.0.0.1:%%PORT_0%%/iys/push;
                 push_username iys; push_password "gizli parola";',
    server => 'location = /iys/push { sms_plugin_location iys; client_max_body_size 1m; }'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
ok(scalar(wait_until { $smsc->stats->{bound} } slow(15), 'a bind'), 'bound');

my $basic = 'Basic ' . encode_base64('iys:gizli parola', '');
my $row = { iysCode => $brand, brandCode => $brand, recipient => "+$known[0]", recipientType => 'BIREYSEL',
            type => 'MESAJ', status => 'RET', source => 'IYS_WEB', consentDate => "$day 11:00:00",
            creationDate => "$day 11:00:00", transactionId => 'a' x 64 };

sub commercial {
    my ($to) = @_;
    return scalar send_one($account, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
        brand => $account->brand_id, to => $to, text => "Kampanya $to");
}
sub pushed {
    my ($auth, $body, $method) = @_;
    return $nginx->http->request($method // 'POST', '/iys/push', defined $auth ? (headers => { Authorization => $auth }) : (),
                                 ref $body ? (json => $body) : (body => $body))->status;
}
sub refusals { return $pg->value('select count(*) from sms.consent where number = ? and state = 2', $_[0]) }
sub metric {
    my ($n) = $nginx->http->get('/metrics')->body =~ /^sms_plugin_iys_$_[0](?:\{[^}]*\})? (\S+)/m;
    return $n;
}


subtest 'the address is registered by itself' => sub {
    ok(scalar(wait_until {
        my $r = $iys->get("/sps/$brand/brands/$brand/push/registration");
        $r->[0] == 200 && ref $r->[1] eq 'ARRAY' && @{ $r->[1] } } slow(30), 'it'), 'İYS has it');
    is($pg->value("select count(*) from sms.iys_move"), 0, 'the row of the test is nobody\'s');
};

subtest 'a citizen refuses' => sub {
    $smsc->stop;
    my $id = commercial($known[1]);
    is($account->wait_state($nginx, $id, qr/^queued$/)->{state}, 'queued', 'approved, and waits');
    $iys->control(citizen => { brandCode => $brand, recipient => "+$known[1]", recipientType => 'BIREYSEL',
                               type => 'MESAJ', status => 'RET', source => 'IYS_MOBIL' });
    ok(scalar(wait_until { refusals($known[1]) } slow(10), 'the push'), 'told at once: there is no feed');
    $smsc->restart;
    is($account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, slow(20))->{state}, 'refused',
       'not sent');
};

subtest 'only from İYS, and only what it is' => sub {
    is(pushed(undef, { list => [$row] }), 401, 'nobody');
    is(pushed('Basic ' . encode_base64('iys:parola', ''), { list => [$row] }), 401, 'another password');
    is(pushed('Bearer x', { list => [$row] }), 401, 'another scheme');
    is(pushed($basic, undef, 'GET'), 405, 'GET');
    is(pushed($basic, ''), 400, 'nothing');
    is(pushed($basic, '{"list":'), 400, 'half of it');
    is(pushed($basic, '{"list":1}'), 400, 'no list');
    is(pushed($basic, 'x' x 1_100_000), 413, 'too much');
    is(refusals($known[0]), 0, 'nothing of it counts');
    is(metric('push_denied_total') >= 6, 1, 'counted');
};

subtest 'once' => sub {
    is(pushed($basic, { list => [$row] }), 200, 'taken') for 1 .. 3;
    is(refusals($known[0]), 1, 'one refusal');
    is(pushed($basic, { list => [ { %$row, brandCode => 999, transactionId => 'b' x 64 },
                                  { %$row, status => 'X' }, 7,
                                  { %$row, recipient => "+$known[2]", transactionId => 'c' x 64 } ] }), 200,
       'among what is not ours, or not readable');
    is(refusals($known[2]), 1, 'what can be read counts');
};

subtest 'when it cannot be stored' => sub {
    my $lock = $pg->connect;
    $lock->do('begin');
    $lock->do('lock table sms.iys_move in access exclusive mode');
    is(pushed($basic, { list => [ { %$row, recipient => "+$known[3]", transactionId => 'd' x 64 } ] }), 503,
       'İYS is told so');
    $lock->do('rollback');
    is(pushed($basic, { list => [ { %$row, recipient => "+$known[3]", transactionId => 'd' x 64 } ] }), 200,
       'and may come again');
    is(refusals($known[3]), 1, 'once');
};

subtest 'a right that the brand takes back' => sub {
    my $told = sub { $pg->do('select sms.iys_standing_told(now(), ?::jsonb)', encode_json(\@_)) };
    my $mine = { iysCode => $brand, brandCode => $brand, MESAJ => 'write', ARAMA => 'none', EPOSTA => 'none' };

    $told->($mine);
    $smsc->stop;
    my $id = commercial($known[5]);
    is($account->wait_state($nginx, $id, qr/^queued$/)->{state}, 'queued', 'with its right it goes on');
    $told->();
    ok(scalar(wait_until {
        my $r = $account->post($nginx, '/v1/messages', { class => 'commercial', recipient_type => 'BIREYSEL',
            to => [$known[6]], brand => $account->brand_id, sender => $account->{sender}, text => 'Kampanya' });
        $r->status == 422 && $r->json->{errors}[0]{code} eq 'brand-not-authorised' } slow(10), 'the refusal'),
       'new ones are refused, with the step to take');
    $smsc->restart;
    my $m = $account->wait_state($nginx, $id, qr/^held$/, slow(20));
    is($m->{cause}{code}, 'brand-not-authorised', 'what waits is held');
    $told->($mine);
    $pg->do('update sms.due set at = now()');
    is($account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, slow(30))->{state}, 'delivered',
       'and sent when the right is back');
};

subtest 'each day' => sub {
    # a feed that reads, and a file that differs: two rows that it told nobody, one less
    my $extra = sub { return { %$row, recipient => "+$_[0]", status => $_[1], transactionId => $_[2] x 64,
                               creationDate => "$day 12:00:00", consentDate => "$day 12:00:00" } };
    $iys->control(day => { brandCode => $brand, day => $day, hide => ["+$known[9]"],
                           extra => [ $extra->($known[10], 'RET', 'e'), $extra->($known[11], 'ONAY', 'f') ] });
    my $more = SMS::Nginx->new(pg => $pg, workers => 1, conf => conf(smsc => $smsc, iys => $iys,
        iys_keys => 'feed 1s; reconcile on; agreement on;'));
    $nginx->stop;
    $pg->do('delete from sms.lease');
    ok(begin($more), 'ready');
    ok(scalar(wait_until { $pg->value('select count(*) from sms.iys_cursor where read_at is not null') == 2 }
              slow(20), 'the feed'), 'the feed is read');
    # the day counts when the feed has come past what it hides
    $pg->do(q{update sms.iys_task set next_at = now()});
    ok(scalar(wait_until {
        $pg->value(q{select compared_at is not null from sms.iys_day where day = ?}, $day) } slow(90),
        'the comparison'), 'compared');
    is($pg->value(q{select string_agg(kind || ' ' || status, ', ' order by kind, status) from sms.iys_drift
                    where day = ?}, $day), 'missing_here 1, missing_here 2, missing_there 1, missing_there 2, '
                    . 'missing_there 2, missing_there 2', 'what differs');
    is(refusals($known[10]), 1, 'the refusal takes effect');
    is($pg->value('select count(*) from sms.consent where number = ? and permits', $known[11]), 0,
       'the approval does not');
    like($more->log, qr/look at it: code=day-drift/, 'a person is told');
    is($pg->value('select agreed_at from sms.iys_day where day = ?', $day), undef, 'and it is not agreed upon');
    unlike($more->log, qr/90532113\d{4}/, 'no number in the log');
    $more->stop;
};

unlike($nginx->log, qr/90532113\d{4}|gizli/, 'no number and no password in the log');
books_balance($pg);

done_testing;
