#!/usr/bin/perl

# What citizens do in İYS is read from its feed of changes: a refusal stops what an
# answer of minutes ago permitted, and an approval permits nothing by itself.

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

sub consent {
    my ($to, $status) = @_;
    return { brandCode => $brand, recipient => "+$to", recipientType => 'BIREYSEL', type => 'MESAJ',
             status => $status, source => 'HS_WEB', consentDate => '2026-01-05 10:00:00',
             creationDate => '2026-01-05 10:00:00' };
}

my %number = map { $_ => sprintf '9053211100%02d', ord($_) - 96 } 'a' .. 'h';
my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola', brands => [[ $brand, $brand ]] }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [ map { consent($number{$_}, 'ONAY') } qw(a b c d e) ] });
$iys->control('knobs', { feed_hidden => 0 });

my $pg = SMS::Pg->new;
prices($pg);
$pg->do(q{select sms.setting_set('iys_feed_seconds', '1')});
$pg->do(q{select sms.setting_set('iys_hold_seconds', '3')});
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand);
my $smsc = SMS::Smsc->start(receipt_ms => 30);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, iys => $iys));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my $n = 0;
sub commercial {
    my ($who) = @_;
    my $id = send_one($account, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
        brand => $account->brand_id, to => $number{$who},
        text => 'Kampanya ' . ++$n . '. Ret: ORNEK RET 4605');
    return $account->wait_state($nginx, $id, qr/^(?!accepted|held|queued|submitted)/, slow(20))->{state};
}
sub citizen {
    my ($who, $status, %more) = @_;
    return $iys->control('citizen', { brandCode => $brand, recipient => "+$number{$who}",
        recipientType => 'BIREYSEL', type => 'MESAJ', status => $status, source => 'IYS_WEB', %more });
}
# rows of the mirror that did not come from a question of ours
sub told {
    my ($who) = @_;
    return $pg->value(q{select string_agg(source || ' ' || state, ', ' order by counts_at) from sms.consent
                         where number = ? and source <> 'status'}, $number{$who}) // '';
}
sub hears { my ($who, $what) = @_; return scalar wait_until { told($who) =~ $what } slow(20), "told of $who" }
sub asked { return $iys->control('stats', {})->{bulk_status}{count} // 0 }

subtest 'refused in İYS' => sub {
    is(commercial('a'), 'delivered', 'approved: sent');
    citizen('a', 'RET');
    ok(hears('a', qr/feed 2/), 'the feed tells');
    isnt(commercial('a'), 'delivered', 'the answer of a moment ago permits no more');
    is(scalar(grep { $_->{dest} =~ /$number{a}$/ } $smsc->messages), 1, 'one on the wire');
};

subtest 'approved in İYS' => sub {
    citizen('f', 'ONAY', source => 'IYS_WEB_YENI', citizenName => 'Ayşe Yılmaz');
    ok(hears('f', qr/feed 1/), 'the feed tells');
    is($pg->value('select bool_or(permits) from sms.consent where number = ?', $number{f}), 0, 'that permits nothing');
    is(commercial('f'), 'delivered', 'but İYS, asked, does');
    is($pg->value(q{select count(*) from sms.consent c where c::text like '%Ayşe%'}), 0, 'whose name it is stays there');
};

subtest 'the line was closed' => sub {
    is(commercial('b'), 'delivered', 'approved: sent');
    $iys->control('citizen', { action => 'close_line', recipient => "+$number{b}" });
    ok(hears('b', qr/feed 2/), 'told');
    isnt(commercial('b'), 'delivered', 'over');
};

subtest 'away, and back' => sub {
    $iys->control('faults', [{ path => '/changes', times => 3, status => 503, body => 'x' },
                             { path => '/changes', times => 1, truncate => 40 },
                             { path => '/changes', times => 1, drop => 1 }]);
    citizen('c', 'RET');
    ok(hears('c', qr/feed 2/), 'nothing is lost');
};

subtest 'killed in between' => sub {
    $iys->control('faults', [{ path => '/changes', times => 2, delay => 1 }]);
    citizen('d', 'RET');
    sleep 0.5;
    $nginx->expect(qr{worker process \d+ exited on signal 9});
    kill 'KILL', $_ for $nginx->worker_pids;
    ok(hears('d', qr/feed 2/), 'another worker reads on');
    is(told('d'), 'feed 2', 'once');
};

subtest 'more than a page' => sub {
    my @to = map { sprintf '+90533%07d', $_ } 1 .. 2300;
    $iys->control('citizen', [ map { { brandCode => $brand, recipient => $_, recipientType => 'BIREYSEL',
                                       type => 'MESAJ', status => 'RET', source => 'IYS_MOBIL' } } @to ]);
    ok(wait_until { $pg->value(q{select count(*) from sms.consent where source = 'feed'
                                  and number between 905330000001 and 905330002300}) == 2300 } slow(30),
       'all of it');
};

subtest 'how far it has been read' => sub {
    $pg->do(q{update sms.iys_feed set read_at = now() - interval '8 days'});
    citizen('e', 'RET');
    ok(hears('e', qr/feed 2/), 'read on');
    ok($pg->value(q{select gap_at < now() - interval '7 days' from sms.iys_feed where source = 'IYS'}),
       'a gap is on record: İYS tells seven days');
    $pg->do(q{update sms.iys_feed set cursor = 'x'});
    citizen('g', 'RET');
    ok(hears('g', qr/feed 2/), 'a cursor that İYS does not take: from the beginning');
};

unlike($nginx->log, qr/\+?905\d{9}/, 'no number is in the log');
books_balance($pg);

done_testing;
