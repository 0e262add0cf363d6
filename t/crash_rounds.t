#!/usr/bin/perl

# Kill -9 at random moments under load, of whatever may die: a worker, the
# master, PostgreSQL, the SMSC.  What was answered with 202 is found and ends,
# nothing reaches the operator twice but what is recorded as in doubt, and the
# ledger balances.
#
#   SMS_CRASH_ROUNDS=5   SMS_SEED=n (printed)

# runs: alone
# limit: 900

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(shuffle);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Iys;
use SMS::Load;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{SMS_CRASH_ROUNDS} // rounds(5, 50);
my $seed = $ENV{SMS_SEED} // int(time) % 100000;
my $brand = 100200;

diag("SMS_SEED=$seed SMS_CRASH_ROUNDS=$rounds");
srand $seed;

# recipients of commercial messages have all agreed; each number is used once
my $agreed = 400 * $rounds;
my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola',
                brands => [[ $brand, $brand ]] }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [ map {
        { brandCode => $brand, recipient => sprintf('+90533%07d', $_),
          recipientType => 'BIREYSEL', type => 'MESAJ', status => 'ONAY', source => 'HS_WEB',
          consentDate => '2026-01-05 10:00:00', creationDate => '2026-01-05 10:00:00' }
        } 1 .. $agreed ] });

my $pg = SMS::Pg->new(durable => 1);
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand,
                                credit => 1_000_000_000_000);
my $smsc = SMS::Smsc->start(receipt_ms => 50, delay_ms => 5, rules => [
    '91=receipt:UNDELIV,err:1', '92=status:0x0B', '93=early:1', '94=copies:2' ]);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, level => 'notice',
    conf => conf(smsc => $smsc, iys => $iys, window => 20, durable => 1,
                 smpp => 'response_timeout 5s; enquire_link 2s;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my $brand_id = $account->brand_id;
my $start = $account->balance;


sub request {
    my ($client, $n) = @_;

    my $kind = rand;
    my $to = sub { sprintf '9053%d%07d', 3 + $client, $n * 20 + $_[0] };

    if ($kind < 0.15) {
        return { class => 'otp', sender => 'ORNEK', to => [ $to->(0) ],
                 text => sprintf('Örnek giriş kodu: %06d', int rand 1e6) };
    }

    my $i = $n * 2 + $client;

    if ($kind < 0.3 && $i <= $agreed) {
        return { class => 'commercial', recipient_type => 'BIREYSEL', brand => $brand_id,
                 sender => 'ORNEK', to => [ sprintf '90533%07d', $i ], text => 'Kampanya' };
    }

    my @to = map { $to->($_) } 0 .. ($kind < 0.9 ? 0 : int rand 15);
    return { class => 'informational', basis => 'order_delivery', sender => 'ORNEK', to => \@to,
             text => 'Siparişiniz yolda. ' x ($kind > 0.8 ? 12 : 1) };
}


my $load = SMS::Load->start(port => $nginx->port(0), key => $account->{key}, seed => $seed,
                            request => \&request, clients => 2, pause => 0.02);

my %kill = (
    worker => sub { $nginx->kill_worker(int rand 2) },
    master => sub { $nginx->kill_master; sleep 0.5 + rand; $nginx->crash; $nginx->start },
    postgres => sub { $pg->kill9; sleep rand 0.5; $pg->start },
    smsc => sub { $smsc->kill9; sleep rand; $smsc->restart },
);
my @kinds;

for my $round (1 .. $rounds) {
    @kinds = shuffle sort keys %kill unless @kinds;
    my $kind = shift @kinds;
    my $seen = $load->count;

    wait_until { $load->count > $seen + 20 } slow(30), 'load';
    sleep rand 2;
    $kill{$kind}->();

    # a second blow while it gets up
    if (rand() < 0.4) {
        my $other = (sort keys %kill)[int rand 4];
        sleep rand 3;
        $kill{$other}->();
        $kind .= " and $other";
    }

    $seen = $load->count;
    my $back = wait_until { $load->count > $seen + 5 } slow(30), 'answers';
    ok($back, "round $round: $kind: it serves again") or diag($nginx->tail);
    my $ended = $pg->value('select count(*) from sms.settlement');
    $back = wait_until { $pg->value('select count(*) from sms.settlement') > $ended } slow(30),
                       'settlements';
    ok($back, "round $round: $kind: messages end again") or diag($nginx->tail);
}

ok($load->stop(90), 'every request has its answer');

my @answers = $load->answers;
my @failed = grep { ($_->{status} // 0) != 202 } @answers;
is(scalar @failed, 0, scalar(@answers) . ' requests, all accepted in the end')
    or diag(explain($failed[0]));
my $again = grep { $_->{tries} > 1 } @answers;
note("$again requests were sent more than once");

# what needs no time ends by itself; what is held in doubt ends by its validity
wait_until {
    !$pg->value(q{select count(*) from sms.message m
                   where not exists (select from sms.settlement s
                                      where s.account_id = m.account_id
                                        and s.message_id = m.message_id)
                     and not exists (select from sms.in_doubt d
                                      where d.account_id = m.account_id
                                        and d.message_id = m.message_id
                                        and d.closed_at is null)})
} slow(60), 'the queue to drain' or diag(explain(states($pg)));
note('before the end of validities: ', explain(states($pg)));
upkeep($pg, 'in_doubt', '4 days');
ok(wait_ended($pg, 5), 'every message has ended')
    or diag(explain([ $pg->rows(q{
        select m.message_id, m.class, m.parts, m."to", m.expires_at,
               (select json_agg(c) from sms.claim c where m.message_id = any (c.message_id)) as claim,
               (select json_agg(c) from sms.queue c where c.message_id = m.message_id) as queue,
               (select json_agg(c) from sms.due c where c.message_id = m.message_id) as due,
               (select json_agg(c) from sms.submit c where c.message_id = m.message_id) as submit,
               (select json_agg(c) from sms.receipt c where c.message_id = m.message_id) as receipt,
               (select json_agg(c) from sms.in_doubt c where c.message_id = m.message_id) as doubt
          from sms.message m
         where not exists (select from sms.settlement s where s.account_id = m.account_id
                              and s.message_id = m.message_id) limit 5}) ]));

# every 202 is in the database, once
my %ids = map { $_ => 1 } map { @{ $_->{ids} // [] } } @answers;
my %have = map { $_->{id} => 1 }
           $pg->rows(q{select sms.id_text('msg', message_id) as id from sms.message});
my @lost = grep { !$have{$_} } keys %ids;
my @more = grep { !$ids{$_} } keys %have;
is(scalar @lost, 0, scalar(keys %ids) . ' accepted messages, all of them found');
is(scalar @more, 0, 'and no others: a request that was sent again made one submission');
is($pg->value('select count(*) from (select from sms.message group by "to"
                                      having count(*) > 1) x'), 0, 'each number once');

is_deeply([ twice($pg, $smsc) ], [], 'nothing twice at the SMSC that is not recorded as in doubt');

my %sent;
$sent{"$_->{dest} $_->{part}"}++ for $smsc->messages;
my @thrice = grep { $sent{$_} > 2 } keys %sent;
is(scalar @thrice, 0, 'and nothing three times');
my %commercial = map { $_->{to} => 1 }
                 $pg->rows('select "to"::text as "to" from sms.message where class = 3');
my @campaign = grep { $sent{$_} > 1 && $commercial{ (split ' ')[0] =~ s/^\+//r } } keys %sent;
is(scalar @campaign, 0, 'a commercial message is never sent again');

books_balance($pg);
is($pg->value('select sum(held_micro) from sms.book'), 0, 'nothing is held any more');
is($account->balance, $start - $pg->value('select sum(kept_micro) from sms.settlement'),
   'the balance is what was not kept');
note('states: ', explain(states($pg)), 'in doubt: ',
     $pg->value('select count(*) from sms.in_doubt'));
$nginx->expect(qr/worker process \d+ exited on signal/);

done_testing;
