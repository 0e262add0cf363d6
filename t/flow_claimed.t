#!/usr/bin/perl

# What may go at once is claimed with its acceptance: it takes no queue, and what
# is not accepted is not sent.  A worker that dies with such a claim leaves it to
# upkeep, as any other.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use POSIX ();
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
my $poor = SMS::Account->new($pg, operators => ['turkcell'], name => 'Az A.Ş.', sender => 'AZ',
                             iys => 100300, keyword => 'AZ');
my $smsc = SMS::Smsc->start(receipt_ms => 50);
my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(smsc => $smsc, window => 16));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

# rows that were ever put into the queue
$pg->do('create table public.queued (message_id uuid)');
$pg->do(q{create function public.note() returns trigger language plpgsql security definer as
          $$ begin insert into public.queued values (new.message_id); return null; end $$});
$pg->do('create trigger note after insert on sms.queue
         for each row execute function public.note()');

my $queued = sub { $pg->value('select count(*) from public.queued') };
my $at_operator = sub { my ($to) = @_; scalar grep { $_->{dest} =~ /$to$/ } $smsc->messages };

# the first look at the lanes finds nothing
sleep 0.5;

subtest 'at once' => sub {
    my @id = map { scalar send_one($account, $nginx, to => number(), text => "Sipariş $_") } 1 .. 5;
    push @id, scalar send_one($account, $nginx, class => 'otp', to => number(),
                              text => 'Örnek giriş kodu: 100200');
    is($account->wait_state($nginx, $_, qr/^delivered$/, 15)->{state}, 'delivered', 'delivered')
        for @id;
    is($queued->(), 0, 'nothing was queued');
    is($pg->value('select count(*) from sms.claim'), 0, 'no claim stays behind');
};

subtest 'what is not accepted is not sent' => sub {
    $pg->do('select sms.blacklist_add(?, 905360000098, ?, ?)', $account->id, 'all', 'test');
    my $r = $account->send($nginx, { to => ['905360000098'], text => 'kara listede' });
    is($r->status, 422, 'blacklisted');

    $r = $account->send($nginx, { to => ['905360000098', '905360000099'], text => 'biri' });
    is($r->status, 202, 'one of two');

    $pg->do('update sms.account set available_micro = 0 where account_id = ?', $poor->id);
    $r = $poor->send($nginx, { to => ['905360000097'], text => 'parasız', sender => 'AZ' });
    is($r->status, 402, 'no credit') or diag($r->body);

    my @same = ({ to => ['905360000096'], text => 'bir kez' },
                headers => { 'Idempotency-Key' => 'bir' });
    is($account->send($nginx, @same)->status, 202, 'once') for 1 .. 2;

    wait_ended($pg, 20);
    is($at_operator->('905360000098'), 0, 'not the blacklisted one');
    is($at_operator->('905360000099'), 1, 'the other one');
    is($at_operator->('905360000097'), 0, 'not the unpaid one');
    is($at_operator->('905360000096'), 1, 'and a replay not again');
    $pg->do('update sms.account set available_micro = (select available_micro from sms.book
             where account_id = ?) where account_id = ?', ($poor->id) x 2);
};

subtest 'a receipt that comes soon is not looked up' => sub {
    $smsc->set(receipt_ms => 2000);
    my $id = send_one($account, $nginx, to => number(), text => 'birazdan');
    my $row = q{from sms.submit where sms.id_text('msg', message_id) = ?};
    ok(wait_until { $pg->value("select count(*) $row", $id) } 10, 'stored as sent');

    # its worker is answered a moment after the row can be seen
    sleep 0.3;
    $pg->do("delete $row", $id);
    is($account->wait_state($nginx, $id, qr/^delivered$/, 15)->{state}, 'delivered',
       'found by the worker that sent it');
    $smsc->set(receipt_ms => 50);
};

subtest 'a window that is full takes the queue' => sub {
    my $before = $queued->();
    my @to = map { number() } 1 .. 40;
    my @id = send_one($account, $nginx, to => \@to, text => 'kırk kişiye');
    ok(wait_ended($pg, 30), 'all have ended');
    cmp_ok($queued->() - $before, '==', 40, 'forty do not fit into sixteen');
    is(scalar(grep { $at_operator->($_) == 1 } @to), 40, 'each arrived once');
};

subtest 'while an account is asked for, no more than a window is claimed' => sub {
    $smsc->set(delay_ms => 100);
    send_one($account, $nginx, to => [ map { number() } 1 .. 80 ], text => 'seksen kişiye');

    # the profile is forgotten, and cannot be read; claims do not need this table
    my $lock = $pg->connect;
    $lock->begin_work;
    $lock->do('lock table sms.account_setting in access exclusive mode');
    $pg->do(q{select pg_notify('sms_profile', ?::text)}, $account->id);
    ok(wait_until { $pg->value(q{select count(*) from pg_stat_activity
                                  where wait_event_type = 'Lock' and query ~ 'sms.profiles'}) } 10,
       'the account is asked for');

    # The results of what was on the wire are stored by then; after two seconds the
    # account is given up, and what waited for it is stored while more is claimed.
    sleep 0.6;
    my $most = 0;
    for (1 .. 12) {
        my $n = $pg->value('select sum(cardinality(message_id)) from sms.claim') // 0;
        $most = $n if $n > $most;
        sleep 0.05;
    }

    $lock->rollback;
    $lock->disconnect;
    cmp_ok($most, '<=', 16, "$most claimed, in a window of sixteen");
    $smsc->set(delay_ms => 0);
    ok(wait_ended($pg, 60), 'and all have ended');
};

subtest 'the worker dies between claim and wire' => sub {
    sleep 1;
    my ($worker) = $nginx->worker_pids;

    # the commit waits until the worker is gone
    my $lock = $pg->connect;
    $lock->begin_work;
    $lock->do('lock table sms.claim in access exclusive mode');

    my $child = fork // die "fork: $!\n";
    if (!$child) {
        eval { $account->send($nginx, { to => ['905360000055'], text => 'ortada kalan' }) };
        POSIX::_exit(0);
    }

    ok(wait_until { $pg->value(q{select count(*) from pg_stat_activity
                                  where wait_event_type = 'Lock' and query ~ 'sms.intake'}) } 10,
       'intake is about to claim');
    kill 'STOP', $worker;
    $lock->commit;
    ok(wait_until { $pg->value('select count(*) from sms.claim') } 10, 'committed, and claimed');
    $nginx->expect(qr/worker process $worker exited on signal/);
    kill 'KILL', $worker;
    waitpid $child, 0;

    ok(wait_until { $at_operator->('905360000055') } 40, 'sent by whoever came after');
    ok(wait_ended($pg, 30), 'it has ended');
    is($at_operator->('905360000055'), 1, 'once');
    is($pg->value(q{select count(*) from sms.in_doubt where policy = 'resend'}), 1,
       'and it was in doubt');
};

books_balance($pg);
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice');

done_testing;
