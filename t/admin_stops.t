#!/usr/bin/perl

# Kill switches: after the answer nothing of what is stopped is accepted or submitted,
# in any worker; what waited is refunded or held; the record can be exported (C20).

# limit: 400

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Desk;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
my $other = SMS::Account->new($pg, operators => ['turkcell'], sender => 'BASKA', keyword => 'BASKA');
my $desk = SMS::Desk->new($pg);
my $smsc = SMS::Smsc->start(receipt_ms => 50, delay_ms => 50);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc));
ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub taken { my ($sender) = @_; return grep { $_->{source} eq $sender } $smsc->messages }


sub refused {
    my ($who, $code, $pointer, %change) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    # by each worker: connections are spread over them
    for (1 .. 6) {
        my $r = $who->post($nginx, '/v1/messages', $who->message(%change));
        return is($r->status . ' ' . ($r->json->{code} // ''), "4xx $code", "$code is refused")
            unless $r->status =~ /^4/ && $r->json->{code} eq $code;
        next if !defined $pointer;
        return is($r->json->{errors}[0]{pointer}, $pointer, 'with its place')
            if ($r->json->{errors}[0]{pointer} // '') ne $pointer;
    }
    return pass("$code is refused, every time");
}


subtest 'who may' => sub {
    for my $call ([ GET => 'operators' ], [ GET => 'stops' ], [ GET => 'in-doubt' ], [ GET => 'audit' ]) {
        my $r = $account->request($nginx, $call->[0], "/v1/admin/$call->[1]");
        is($r->status . ' ' . $r->json->{code}, '403 insufficient-scope', "$call->[1] is the desk's");
    }
    my $r = $desk->post($nginx, '/v1/messages', $account->message);
    is($r->status . ' ' . $r->json->{code}, '403 insufficient-scope', 'which can do nothing else');
};

subtest 'a sender in mid-campaign' => sub {
    send_one($_, $nginx, text => 'Yolda', to => [ map { number() } 1 .. 50 ]) for ($account) x 8, ($other) x 2;
    wait_until { taken('ORNEK') >= 20 } slow(20), 'it has begun';

    my $stop = $desk->stop($nginx, target => 'sender', sender => 'ornek', reason => 'authority_order',
                           reference => 'BTK 2026/1', until => '2030-01-01T00:00:00Z');
    my $at = taken('ORNEK');
    is($stop->{in_flight}, 0, 'nothing is on its way when the answer comes');
    refused($account, 'sender-stopped', '/sender');

    wait_ended($pg, 60);
    is(scalar(taken('ORNEK')), $at, 'and nothing of it is submitted after it');
    is(scalar(taken('BASKA')), 100, 'the other sender goes on');
    my %end = map { $_->{code} => $_->{n} } $pg->rows(q{
        select coalesce(s.code, 'delivered') as code, count(*) as n from sms.settlement s
         where account_id = ? group by 1}, $account->id);
    is_deeply(\%end, { delivered => $at, 'sender-stopped' => 400 - $at }, 'the rest is refused');
    is($account->balance, 100_000_000 - $at * 100_000, 'and refunded');
    books_balance($pg);

    $nginx->restart;
    ok($nginx->ready, 'after a restart');
    refused($account, 'sender-stopped', '/sender');
    my $lifted = $desk->lift($nginx, $stop->{id});
    is_deeply([ $lifted->{active}, $lifted->{lift_reason} ], [ JSON::PP::false(), 'over' ], 'lifted');
    my $id = send_one($account, $nginx, text => 'Yolda');
    is($account->wait_state($nginx, $id, qr/^delivered$/, 30)->{state}, 'delivered', 'and it sends again');
};

subtest 'an account' => sub {
    my $acc = $pg->value(q{select sms.id_text('acc', public_id) from sms.account where account_id = ?},
                         $account->id);
    my $stop = $desk->stop($nginx, target => 'account', account => $acc);
    refused($account, 'account-stopped');
    is($other->post($nginx, '/v1/messages', $other->message)->status, 202, 'others send');
    $desk->lift($nginx, $stop->{id});
};

subtest 'a host, in new texts and in those that wait' => sub {
    my $bad = 'Kargonuz: https://takip.kotu.example/1';
    $smsc->set(delay_ms => 400);
    my @ids = map { send_one($account, $nginx, text => "$bad$_") } 1 .. 30;
    my $stop = $desk->stop($nginx, target => 'url_host', url_host => 'KOTU.example', effect => 'hold');
    my $at = taken('ORNEK');
    refused($account, 'url-host-stopped', '/text', text => $bad);
    is($account->post($nginx, '/v1/messages', $account->message(text => 'iyi.example'))->status, 202,
       'other hosts pass');

    my %two = (to => undef, text => undef, messages => [
        { to => number(), text => $bad }, { to => number(), text => 'Kargonuz yolda' } ]);
    my $r = $account->post($nginx, '/v1/messages', $account->message(%two));
    is($r->status, 202, 'of two texts one is taken');
    is_deeply([ map { $_->{code} } @{ $r->json->{rejected} } ], ['url-host-stopped'], 'the other is told');

    ok(wait_until(sub { !$pg->value('select count(*) from sms.queue') }, slow(60)), 'the queue is worked off');
    my $held = $pg->value(q{select count(*) from sms.due where code = 'url-host-stopped'});
    cmp_ok($held, '>', 0, "held: $held");
    is(message($account, $nginx, $ids[-1])->{cause}{code}, 'url-host-stopped', 'and the message says why');
    $desk->lift($nginx, $stop->{id});
    $smsc->set(delay_ms => 5);
    $pg->do('update sms.due set at = now()');
    wait_ended($pg, 60);
    is(states($pg)->{refused}, $pg->value(q{select count(*) from sms.settlement where code = 'sender-stopped'}),
       'lifted, they go on');
    books_balance($pg);
};

subtest 'the record' => sub {
    my $r = $desk->get($nginx, '/v1/admin/stops?state=all&format=csv');
    like($r->header('content-type'), qr{^text/csv}, 'as a table');
    my @lines = split /\r\n/, $r->body;
    is(scalar @lines, 4, 'a line each, and the names');
    like($r->body, qr/"authority_order","BTK 2026\/1"/, 'with the order');
    is_deeply([ map { $_->{action} } @{ $desk->ask($nginx, 200, GET => '/v1/admin/audit')->{audit} } ],
              [ qw(stop.lift stop.create) x 3 ], 'who did what');
    my $bad = $desk->post($nginx, '/v1/admin/stops', { target => 'sender', reason => 'abuse', sender => 7 });
    is_deeply([ $bad->status, $bad->json->{code}, $bad->json->{errors}[0]{pointer} ],
              [ 400, 'invalid-field', '/sender' ], 'a mistake is told with its place');
};

done_testing;
