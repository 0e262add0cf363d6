#!/usr/bin/perl

# İYS's feed of changes: a refusal that a citizen tells İYS stops what is queued; pages,
# outages, faults and crashes lose nothing and count nothing twice.

# limit: 600

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

my ($brand, $other) = (100200, 300400);
my @known = map { sprintf '9053211200%02d', $_ } 1 .. 40;

my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola' }],
    brands => [map { +{ iysCode => $_, brandCode => $_, name => "M$_" } } $brand, $other],
    consents => [map { my $code = $_; map { +{ brandCode => $code, recipient => "+$_",
        recipientType => 'BIREYSEL', type => 'MESAJ', status => 'ONAY', source => 'HS_WEB',
        consentDate => '2026-01-05 10:00:00', creationDate => '2026-01-05 10:00:00' } } @known }
        $brand, $other ] });
# the feed hides nothing, and İYS counts no seconds: what is tested is not the pace
my %knobs = (feed_hidden => -5, limit_rps => 0);
$iys->control(knobs => \%knobs);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand);
my $second = SMS::Account->new($pg, operators => ['turkcell'], iys => $other, sender => 'IKINCI',
                               keyword => 'IKINCI');
my $smsc = SMS::Smsc->start(receipt_ms => 30);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, iys => $iys,
    iys_keys => 'feed 1s; feed_page 50; reconcile off;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub commercial {
    my ($a, $to, $text) = @_;
    return scalar send_one($a, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
                           brand => $a->brand_id, to => $to, text => $text // "Kampanya $to");
}


sub ends {
    my ($a, $id, $state, $name) = @_;
    my $m = $a->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 20);
    is($m->{state}, $state, $name) or diag(explain($m));
    return $m;
}


sub citizen { $iys->control(citizen => $#_ ? [@_] : $_[0]); return }

sub moves { return $pg->value('select count(*) from sms.iys_move where ' . ($_[0] // 'true')) }

sub refusal {
    my ($a, $to) = @_;
    return $pg->value('select count(*) from sms.consent where brand_id = ? and number = ?
                       and state = 2 and source = ?', $a->brand, $to, 'feed');
}

sub until_ {
    my ($name, $code, $seconds) = @_;
    ok(wait_until(\&$code, slow($seconds // 30), $name), $name) or diag($nginx->tail);
    return;
}

sub metric {
    my ($name) = @_;
    my ($n) = $nginx->http->get('/metrics')->body =~ /^sms_plugin_iys_${name}(?:\{[^}]*\})? (\S+)/m;
    return $n // 'none';
}


subtest 'a refusal stops what waits' => sub {
    $smsc->stop;
    my $id = commercial($account, $known[0]);
    my $mine = commercial($second, $known[0]);
    my $approval = $account->wait_state($nginx, $id, qr/^queued$/);
    is($approval->{state}, 'queued', 'approved, and waits in the queue');
    is($second->wait_state($nginx, $mine, qr/^queued$/)->{state}, 'queued', 'another brand, too');

    citizen({ brandCode => $brand, recipient => "+$known[0]", status => 'RET' });
    until_('the feed tells it', sub { refusal($account, $known[0]) == 1 });
    $smsc->restart;

    my $m = ends($account, $id, 'refused', 'refused, though the answer was fresh');
    is($m->{cause}{code}, 'consent-refused', 'its cause');
    is($m->{refunded}{amount_micro}, 150_000, 'refunded');
    ends($second, $mine, 'delivered', 'the other brand sends');
    is(scalar(grep { $_->{dest} =~ /$known[0]$/ } $smsc->messages), 1, 'one on the wire');
};

subtest 'an approval of the feed permits nothing' => sub {
    my $to = '905321129001';
    citizen({ brandCode => $brand, recipient => "+$to", status => 'ONAY', source => 'IYS_WEB_YENI' });
    until_('it is history', sub { moves("address = '+$to'") == 1 });
    is($pg->value('select count(*) from sms.consent where number = ?', $to), 0,
       'not in the mirror');
    is($pg->value(q{select count(*) from sms.iys_move m where m::text like '%Yurttas%'}), 0,
       'whose name it is is not kept');
    $iys->control('forget');
    ends($account, commercial($account, $to), 'delivered', 'sent');
    is($iys->control('stats')->{bulk_status}{numbers}, 1, 'after İYS was asked');
};

subtest 'a closed line ends every consent of the number' => sub {
    $smsc->stop;
    my @id = map { commercial($_, $known[1]) } $account, $second;
    $_->[0]->wait_state($nginx, $_->[1], qr/^queued$/) for [$account, $id[0]], [$second, $id[1]];

    # only one of the brands hears of it in this page
    citizen({ action => 'close_line', recipient => "+$known[1]" });
    until_('told', sub { refusal($account, $known[1]) >= 1 && refusal($second, $known[1]) >= 1 });
    $smsc->restart;
    ends($account, $id[0], 'refused', 'one brand');
    ends($second, $id[1], 'refused', 'the other');
};

subtest 'pages, with faults and crashes between them' => sub {
    my $before = moves();
    my @people = map { sprintf '+9053301%05d', $_ } 1 .. 600;

    $iys->control(faults => [
        { name => 'changes', skip => 2, times => 1, status => 503, body => 'x' },
        { name => 'changes', skip => 1, times => 1, drop => 1 },
        { name => 'changes', skip => 1, times => 1, truncate => 200 },
        { name => 'changes', skip => 1, times => 1, status => 200, body => '{"list":[{' },
        { name => 'changes', skip => 1, times => 1, status => 429, code => 'H124' },
        { name => 'changes', skip => 1, times => 1, status => 401, code => 'H351' },
        { name => 'changes', skip => 0, times => 1, delay => 3 },
    ]);
    citizen(map { +{ brandCode => $brand, recipient => $_, status => 'RET' } } @people);

    for my $round (1 .. rounds(2, 10)) {
        wait_until { moves() > $before + $round * 40 } slow(20), 'some pages';
        $nginx->crash;
        $nginx->start;
    }

    until_('all are here', sub { moves("address like '+9053301%'") == 600 }, 90);
    is($pg->value(q{select count(*) from sms.consent where number between 905330100001 and
                    905330100600 and state = 2}), 600, 'each refusal once');
    is($pg->value(q{select max(n) from (select count(*) as n from sms.consent
                    where number between 905330100001 and 905330100600 group by number) x}), 1,
       'none twice');
};

subtest 'an outage' => sub {
    $iys->control(faults => [{ path => '.', times => 100_000, status => 503, body => 'x' }]);
    citizen(map { +{ brandCode => $_, recipient => "+$known[2]", status => 'RET' } } $brand, $other);
    my $gone = $pg->value('select max(tries) from sms.iys_task');
    until_('it is asked again and again', sub {
        $pg->value(q{select max(tries) from sms.iys_task where kind = 'feed'}) >= 2 });
    is(refusal($account, $known[2]), 0, 'nothing is known');
    $iys->control(faults => []);
    $pg->do('update sms.iys_task set next_at = now()');
    until_('then it is', sub { refusal($account, $known[2]) == 1 && refusal($second, $known[2]) == 1 });
    ok(metric('failures_total') > 0, 'failures are counted');
};

subtest 'the same rows again, and in another order' => sub {
    my $before = $pg->value('select count(*) from sms.consent');
    my $rows = moves();

    # İYS forgets the cursors
    $iys->control(faults => [{ name => 'changes', times => 4, status => 400, code => 'H098' }]);
    until_('from the beginning of the window', sub {
        $pg->value('select count(*) from sms.iys_cursor where dropped_at is not null') });
    $iys->control(faults => []);
    $pg->do(q{update sms.iys_task set next_at = now() where kind = 'feed'});
    until_('and on', sub { !$pg->value('select count(*) from sms.iys_cursor where dropped_at is not null
                                        and after is null') });
    $pg->do('update sms.iys_cursor set after = null, read_at = null');
    until_('read anew', sub {
        !$pg->value('select count(*) from sms.iys_cursor where read_at is null') });
    is(moves(), $rows, 'no movement twice');
    is($pg->value('select count(*) from sms.consent'), $before, 'no refusal twice');
};

subtest 'a gap' => sub {
    ends($account, commercial($account, $known[5], 'Kampanya: önce'), 'delivered', 'asked');
    $iys->control('forget');
    ends($account, commercial($account, $known[5], 'Kampanya: sonra'), 'delivered', 'and known');
    is($iys->control('stats')->{bulk_status}{count} // 0, 0, 'not asked again');

    $pg->do(q{update sms.iys_cursor set read_at = now() - interval '8 days' where brand_id = ?
              and source = 'IYS'}, $account->brand);
    until_('the mirror of the brand is gone through', sub {
        !$pg->value('select count(*) from sms.consent where brand_id = ? and permits',
                    $account->brand) });
    ok(wait_until(sub { metric('feed_gaps_total') == 1 }, slow(10), 'it'), 'counted');
    like($nginx->log, qr/look at it: code=feed-gap what=feed iys=100200 brand=100200/, 'told');
    ends($account, commercial($account, $known[5], 'Kampanya: yine'), 'delivered', 'sent');
    is($iys->control('stats')->{bulk_status}{count}, 1, 'after İYS was asked anew');
};

subtest 'one worker of all asks; another takes over' => sub {
    my $holder = $pg->value(q{select holder from sms.lease where name like '%errand'});
    ok($holder, 'a lease');
    $nginx->kill_worker($_, 9) for 0, 1;
    citizen({ brandCode => $brand, recipient => "+$known[7]", status => 'RET' });
    until_('the next one reads', sub { refusal($account, $known[7]) == 1 }, 90);
};

unlike($nginx->log, qr/90532112\d{4}/, 'no number in the log');
is_deeply([ grep { /[0-9]{10}/ && !/after=/ } map { $_->{path} } @{ $iys->control('log') } ], [],
          'nor in a path');
books_balance($pg);
done_testing;
