#!/usr/bin/perl

# Each of a worker's connections is cut, in turn and in the middle of work, and
# then the server is restarted: nothing is lost, nothing doubled.

# limit: 400

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Load;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $seed = $ENV{SMS_SEED} // int(time) % 100000;
diag("SMS_SEED=$seed");
srand $seed;

my $pg = SMS::Pg->new(own => 1);
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], credit => 1_000_000_000_000);
my $smsc = SMS::Smsc->start(receipt_ms => 30, delay_ms => 5);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, level => 'notice',
                            conf => conf(smsc => $smsc, window => 20));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


# every tenth request is large, so that "bulk" has work
sub request {
    my ($client, $n) = @_;

    my @to = map { sprintf '9053%d%07d', 3 + $client, $n * 100 + $_ }
             0 .. ($n % 10 == 9 ? 79 : 0);
    return { class => 'informational', basis => 'order_delivery', sender => 'ORNEK', to => \@to,
             text => 'Siparişiniz yolda. ' x ($n % 7 == 0 ? 12 : 1) };
}


my $load = SMS::Load->start(port => $nginx->port(0), key => $account->{key}, seed => $seed,
                            request => \&request, pause => 0.03);
my %names = map { $_->{name} => 1 } $pg->rows(q{
    select substring(application_name from '^ngx_sms ([a-z]+) [0-9]+$') as name
      from pg_stat_activity where application_name like 'ngx_sms %'});
is_deeply([ sort keys %names ], [qw(bulk control flow read write)],
          'connections name themselves') or diag(explain([ $pg->rows(
              'select application_name from pg_stat_activity') ]));

for my $name (qw(write bulk read flow control)) {
    my $cut = 0;

    # while it is at work, for whoever is often idle at any time
    for (1 .. 8) {
        my $end = time + 1;
        my $n = 0;

        until ($n || time > $end) {
            $n = $pg->value(q{
                select count(pg_terminate_backend(pid)) from pg_stat_activity
                 where application_name like 'ngx_sms ' || ? || ' %' and state = 'active'}, $name);
        }

        $n ||= $pg->value(q{select count(pg_terminate_backend(pid)) from pg_stat_activity
                             where application_name like 'ngx_sms ' || ? || ' %'}, $name);
        $cut += $n;
        sleep 0.1 + rand 0.4;
    }

    my ($seen, $ended) = ($load->count, $pg->value('select count(*) from sms.settlement'));
    my $goes = wait_until {
        $load->count > $seen + 5
            && $pg->value('select count(*) from sms.settlement') > $ended + 5
    } slow(30), 'work';
    ok($cut && $goes, "$name: cut $cut times, and work goes on") or diag($nginx->tail);
}

for my $mode (qw(fast immediate)) {
    $pg->restart($mode);
    my ($seen, $ended) = ($load->count, $pg->value('select count(*) from sms.settlement'));
    my $goes = wait_until {
        $load->count > $seen + 5
            && $pg->value('select count(*) from sms.settlement') > $ended + 5
    } slow(30), 'work';
    ok($goes, "restarted ($mode), and work goes on") or diag($nginx->tail);
}

ok($load->stop(60), 'every request has its answer');

my @answers = $load->answers;
is(scalar(grep { ($_->{status} // 0) != 202 } @answers), 0,
   scalar(@answers) . ' requests, all accepted in the end');
wait_until {
    !$pg->value(q{select count(*) from sms.message m
                   where not exists (select from sms.settlement s
                                      where s.account_id = m.account_id
                                        and s.message_id = m.message_id)
                     and not exists (select from sms.in_doubt d
                                      where d.message_id = m.message_id
                                        and d.closed_at is null)})
} slow(60), 'the queue to drain';
upkeep($pg, 'in_doubt', '4 days');
ok(wait_ended($pg, 5), 'every message has ended');
is($pg->value('select count(*) from sms.message'), scalar(map { @{ $_->{ids} // [] } } @answers),
   'as many as were accepted');
is($pg->value('select count(*) from (select from sms.message group by "to"
                                      having count(*) > 1) x'), 0, 'each number once');
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice at the SMSC that is not recorded as in doubt');
note('in doubt: ', $pg->value('select count(*) from sms.in_doubt'), ' ', explain(states($pg)));
books_balance($pg);
is($pg->value('select sum(held_micro) from sms.book'), 0, 'nothing is held any more');

done_testing;
