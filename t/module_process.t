#!/usr/bin/perl

# Processes that are no workers: the cache manager and the cache loader run
# init_process as worker 0 and must not connect, load plugins or take a slot.  And
# nginx without a master.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Puppet;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);

install('puppet', 'puppet.so');


sub connections {
    return $pg->value(q{select count(*) from pg_stat_activity
                         where usename = 'sms_nginx' and datname = current_database()});
}


sub serves {
    my ($nginx, $name) = @_;

    my $r = $account->send($nginx, {});
    is($r->status, 202, "$name: a message is accepted");
    is($account->wait_state($nginx, $r->json->{messages}[0]{id}, qr/^delivered$/)->{state},
       'delivered', "$name: and delivered");
    return;
}


# two workers, a cache manager and a cache loader

{
    my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, level => 'debug',
        conf => SMS::Account::conf(
        # longer than reload() waits: a deadline is over with its answer
        api => 'sms_timeout 60s;',
        extra => block('a'), http => 'proxy_cache_path %%DIR%%/cache keys_zone=c:1m '
                                   . 'manager_sleep=100ms loader_sleep=50ms;'));
    $nginx->start;
    ok($nginx->ready, 'with a proxy_cache_path: ready');

    my $master = $nginx->master;
    my ($manager) = grep { $nginx->what_is($_) eq 'cache manager process' }
                    slurp("/proc/$master/task/$master/children") =~ /(\d+)/g;
    ok($manager, 'there is a cache manager') or diag($nginx->log);
    is(scalar($nginx->worker_pids), 2, 'and two workers');

    ok(wait_until(sub { connections() == 10 }), 'five connections each, none of the manager');
    is(heard($nginx, qr/puppet a: init one/), 2, 'the plugin is initialised twice');
    $nginx->wait_log(qr/sms lease: taken name=$_/) for qw(upkeep screen);
    is(heard($nginx, qr/sms lease: taken name=upkeep/), 1, 'one holds the upkeep');
    is(heard($nginx, qr/sms lease: taken name=screen/), 1, 'and one the screen');
    is($pg->value(q{select count(*) from sms.lease where name = 'upkeep'}), 1, 'in the database, too');

    # the jobs of upkeep come from one process, and are not told where they did nothing
    ok(wait_until(sub { heard($nginx, qr/\[debug\].* sms upkeep: what=/) >= 8 }), 'upkeep works');
    is(heard($nginx, qr/\[info\].* sms upkeep: what=(?!partitions)/), 0, 'in silence');
    my %pids = map { $_ => 1 } $nginx->log =~ /(\d+)#\d+: sms upkeep: what=/g;
    is(scalar keys %pids, 1, 'all of it in one process');
    ok(!$pids{$manager}, 'which is not the cache manager');

    serves($nginx, 'two workers');
    unlike($nginx->log, qr/\b$manager#\d+: sms /, 'the manager says nothing of ours');

    # the loader comes a minute after the start and goes; the manager stays
    $nginx->reload;
    ok($nginx->ready, 'reloaded');
    ok(wait_until(sub { connections() == 10 }), 'ten connections again, none left over');
    serves($nginx, 'reloaded');
    # connected is not yet prepared
    ok(wait_until(sub { metric($nginx, 'sms_pg_connections{state="ready"}') == 10 }),
       'ten in the metrics');

    # the death of the manager is nobody's business
    my $now = $nginx->master;
    my ($newer) = grep { $nginx->what_is($_) eq 'cache manager process' && alive($_) }
                  slurp("/proc/$now/task/$now/children") =~ /(\d+)/g;
    $nginx->expect(qr/cache manager process $newer exited on signal 9/);
    $nginx->{killed}{$newer} = 1;
    kill 'KILL', $newer;
    ok($nginx->wait_log(qr/cache manager process $newer exited/), 'the manager is killed');
    serves($nginx, 'the manager killed');
    is(connections(), 10, 'ten connections');
    is(metric($nginx, 'sms_plugin_blamed_total'), 0, 'no plugin is blamed for it');
    $nginx->end;
    ok(wait_until(sub { connections() == 0 }), 'all connections are closed at the end');
}


# without a master; nginx itself cannot reload there

{
    my $nginx = SMS::Nginx->new(pg => $pg, single => 1,
                                conf => SMS::Account::conf(extra => block('a')));
    $nginx->start;
    ok($nginx->ready, 'master_process off: ready');
    is(connections(), 5, 'five connections');
    serves($nginx, 'one process');
    is(say($account, $nginx, 'a:tag')->status, 422, 'a rule judges');
    is(say($account, $nginx, 'a:pend=100')->status, 202, 'and may take its time');
    like($nginx->http->get('/metrics')->body, qr/^sms_accepted_total\{class="informational"\} 2$/m,
         'the metrics count');

    $nginx->quit;
    ok(wait_until(sub { connections() == 0 }), 'it ends and closes them');
    $nginx->end;
}

done_testing;
