#!/usr/bin/perl

# A campaign: requests with many recipients wait for screen and pass it together,
# however its rounds overlap, whatever is cancelled meanwhile, and also when the
# workers die between the taking and the storing.

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

my $brand = 100300;
my $next = 905330000000;
my %refuses;
my @numbers = map { [ map { $next++ } 1 .. 60 ] } 1 .. 9;

# every tenth number has not given its consent
$refuses{$_} = 1 for grep { $_ % 10 == 3 } map { @$_ } @numbers;

my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola',
                brands => [[ $brand, $brand ]] }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [ map { { brandCode => $brand, recipient => "+$_", recipientType => 'BIREYSEL',
                          type => 'MESAJ', status => 'ONAY', source => 'HS_WEB',
                          consentDate => '2026-01-05 10:00:00',
                          creationDate => '2026-01-05 10:00:00' } }
                  grep { !$refuses{$_} } map { @$_ } @numbers ] });
my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand,
                                credit => 1_000_000_000);
my $smsc = SMS::Smsc->start(receipt_ms => 30);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2,
                            conf => conf(smsc => $smsc, iys => $iys, window => 50));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub campaign {
    my ($numbers, %body) = @_;
    my $r = $account->post($nginx, '/v1/messages', {
        class => 'commercial', recipient_type => 'BIREYSEL', brand => $account->brand_id,
        sender => $account->{sender}, to => [ map { "$_" } @$numbers ],
        text => 'Kampanya', %body });

    die 'not accepted: ' . $r->status . ' ' . $r->body . "\n" if $r->status != 202;
    return $r->json;
}


sub states_of {
    my ($submission) = @_;
    return $account->get($nginx, "/v1/submissions/$submission->{submission_id}")->json->{states};
}


sub waiting {
    return $pg->value(q{select (select count(*) from sms.due where lane is null)
                             + (select coalesce(sum(messages), 0) from sms.due_submission)});
}


sub decided { return wait_until { !waiting() } slow(30), 'everything to be decided' }


subtest 'from acceptance to delivery' => sub {
    my $s = campaign($numbers[0]);

    is($pg->value('select count(*) from sms.due'), 0, 'none of it waits alone');
    ok(wait_until { !(states_of($s)->{accepted} || states_of($s)->{queued}
                      || states_of($s)->{submitted}) } slow(30), 'all to end');
    is_deeply(states_of($s), { delivered => 54, refused => 6 }, 'delivered, or refused');

    my $m = message($account, $nginx, $s->{messages}[0]{id}, '/explain');
    is($m->{consent}{state}, 'granted', 'explain: its consent') or diag(explain($m));
    ok(length($m->{consent}{proof} // ''), 'and whose word that is');
    is_deeply([ map { "$_->{stage} $_->{outcome}" } grep { $_->{stage} ne 'intake' }
                @{ $m->{verdicts} } ], ['screen passed'], 'its verdict');

    $m = message($account, $nginx, $s->{messages}[3]{id}, '/explain');
    is($m->{cause}{code}, 'consent-not-granted', 'and that of one who was refused');

    $s = campaign($numbers[0], text => 'Kampanya: ikinci');
    ok(wait_until { (states_of($s)->{delivered} // 0) == 54 } slow(30), 'once more');
    $m = message($account, $nginx, $s->{messages}[0]{id}, '/explain');
    is($m->{consent}{proof}, 'mirror', 'from the mirror');
};

subtest 'some are known, some must be asked for' => sub {
    my $s = campaign([ @{ $numbers[0] }[ 0 .. 9 ], @{ $numbers[1] }[ 0 .. 9 ] ],
                     text => 'Kampanya: karma');
    ok(wait_until { (states_of($s)->{delivered} // 0) == 18 } slow(30), 'all to arrive');
    is_deeply(states_of($s), { delivered => 18, refused => 2 }, 'each as it should');
};

subtest 'cancelled while İYS is asked' => sub {
    $iys->control('faults', [{ name => 'bulk_status', times => 100, delay => 1.5 }]);

    my $one = campaign($numbers[2]);
    my $all = campaign($numbers[3]);
    ok(wait_until { ($iys->control('stats')->{bulk_status}{count} // 0) >= 3 } slow(15),
       'the questions to leave');
    is($account->delete($nginx, "/v1/messages/$one->{messages}[0]{id}")->status, 200, 'one');
    my $r = $account->delete($nginx, "/v1/submissions/$all->{submission_id}");
    is_deeply($r->json->{states}, { cancelled => 60 }, 'the whole') or diag($r->body);

    ok(wait_until { (states_of($one)->{delivered} // 0) == 53 } slow(30), 'the others to arrive');
    is_deeply(states_of($one), { cancelled => 1, delivered => 53, refused => 6 }, 'all but one');
    is_deeply(states_of($all), { cancelled => 60 }, 'and of the other none');
    is(scalar(grep { $_->{dest} =~ /$numbers[2][0]$/ } $smsc->messages), 0, 'it never left');
};

subtest 'killed between the taking and the storing' => sub {
    # what is on the wire would be in doubt, which is another matter
    $smsc->stop;
    my @s = map { campaign($numbers[$_]) } 4 .. 6;

    for (1 .. 2) {
        sleep 0.7;
        $nginx->kill_worker($_) for 0 .. 1;
    }

    $iys->control('faults', []);
    ok(decided(), 'decided all the same');
    $smsc->restart;

    for my $s (@s) {
        ok(wait_until { (states_of($s)->{delivered} // 0) == 54 } slow(90), 'all to arrive')
            or diag(explain(states_of($s)));
        is_deeply(states_of($s), { delivered => 54, refused => 6 }, 'nothing lost');
    }
};

subtest 'rounds overlap while İYS is slow' => sub {
    $pg->do('delete from sms.consent');
    $iys->control('faults', [{ name => 'bulk_status', times => 100, delay => 1.5 }]);

    my $begin = time;
    my @s = map { campaign($numbers[$_], text => "Kampanya $_") } 0 .. 6;
    ok(decided(), 'decided');
    my $took = time - $begin;

    $iys->control('faults', []);
    cmp_ok($took, '<', slow(7), "sooner than one after another ($took s)");
};

subtest 'scheduled' => sub {
    my @t = gmtime(time + 4);
    my $s = campaign($numbers[7], schedule_at => sprintf('%d-%02d-%02dT%02d:%02d:%02dZ',
                                     $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0]));

    is_deeply(states_of($s), { held => 60 }, 'held until its time');
    $pg->do('select sms.optout_put(?, ?, ?, now(), ?, null)', $account->id, $account->brand,
            $numbers[7][0], 'sms');
    ok(wait_until { (states_of($s)->{delivered} // 0) >= 53 } slow(40), 'then sent');
    my $states = states_of($s);
    is_deeply($states, { delivered => 53, refused => 6, opted_out => 1 }, 'but for who opted out')
        or diag(explain($states));
};

ok(wait_ended($pg), 'every message has ended');
is($pg->value('select count(*) from sms.due') + $pg->value('select count(*) from sms.due_submission'),
   0, 'nothing waits');
my %seen;
$seen{"$_->{dest} $_->{text}"}++ for $smsc->messages;
is_deeply([ grep { $seen{$_} > 1 } keys %seen ], [], 'nothing went out twice');
is(scalar(grep { $refuses{ $_->{dest} =~ s/^\+//r } } $smsc->messages), 0,
   'nothing to who had not given his consent');
is($pg->value('select sum(held_micro) from sms.book'), 0, 'nothing is held any more');
books_balance($pg);

done_testing;
