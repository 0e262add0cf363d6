#!/usr/bin/perl
# runs: alone

# Group commit and durability (D1, D23): what arrives together is committed together,
# what comes alone is committed alone, and nothing is accepted by a database that may
# forget it.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Once;
use SMS::Pg;
use SMS::Puppet;
use SMS::Tap;

# nothing of the server's own: no vacuum, no checkpoint, no background writer
my $pg = SMS::Pg->new(durable => 1, settings => {
    autovacuum => 'off', checkpoint_timeout => '1h', wal_writer_delay => '10s' });
my $account = SMS::Account->new($pg);
my $conf = SMS::Account::conf(sim => 'receipt_delay 30s;') =~ s/sms_unsafe_database on;//r;
my $nginx = SMS::Nginx->new(pg => $pg, conf => $conf);

$nginx->start;
ok($nginx->ready, 'ready on a durable database');

my $health = $nginx->http->get('/health')->json->{database};
is_deeply([ @$health{qw(fsync full_page_writes synchronous_commit unsafe)} ],
          [ JSON::PP::true, JSON::PP::true, 'on', JSON::PP::false ], '/health says so');


# A backend tells its statistics when it likes, at the latest when it ends: nginx
# leaves before they are read.

sub syncs {
    my ($what) = @_;

    $nginx->start;
    $nginx->ready or die "not ready\n";
    $what->();
    $nginx->quit;
    $pg->drop_handle;
    wait_until {
        !$pg->value(q{select count(*) from pg_stat_activity where usename = 'sms_nginx'})
    } slow(10), 'the backends to end';

    return $pg->value('select wal_sync from pg_stat_wal');
}


sub batches {
    return metric($nginx, 'sms_pg_batches_total{outcome="committed"}') // 0;
}


sub rows { return metric($nginx, 'sms_pg_batch_rows_sum') // 0 }


# sandbox texts: no operator, so that the sends themselves are all that is written

my %test = (key => $account->test_key);

{
    $nginx->quit;
    my $first = syncs(sub { });
    my $second = syncs(sub { });
    my ($bad, $commits, $rows);

    my $third = syncs(sub {
        ($commits, $rows) = (batches(), rows());
        $bad = grep { $_->status != 202 }
               map { $account->send($nginx, {}, %test) } 1 .. 100;
        $commits = batches() - $commits;
        $rows = rows() - $rows;
    });

    is($bad, 0, '100 requests one after another are accepted');
    is($commits, 100, 'in 100 commits');
    is($rows, 100, 'of one row');

    my ($idle, $busy) = ($second - $first, $third - $second);
    cmp_ok($busy, '>=', 100, "wal_sync rose by $busy");
    cmp_ok($busy - $idle, '>=', 90, "a start and an end alone: $idle");
    $nginx->start;
    ok($nginx->ready, 'ready again');
}


# together: many in one commit

{
    my ($batches, $rows) = (batches(), rows());
    my @http = map { $nginx->http(key => $account->test_key, keep => 1) } 1 .. 60;
    my $rounds = 10;
    my $bad = 0;

    # a first one each, so that the connections stand
    $_->get('/v1/balance') for @http;

    for my $round (1 .. $rounds) {
        $_->send($_->format('POST', '/v1/messages', json => $account->message)) for @http;
        $bad += grep { !$_ || $_->status != 202 } map { $_->answer('POST') } @http;
    }

    is($bad, 0, 'sixty clients at once, ten times: all accepted');
    is(rows() - $rows, 60 * $rounds, 'each is a row of a batch');
    my $commits = batches() - $batches;
    my $mean = 60 * $rounds / $commits;
    cmp_ok($mean, '>=', 3, sprintf '%.1f rows a commit', $mean);
    is($pg->value('select count(*) from sms.message'), 100 + 60 * $rounds,
       'and each is in the database');
    $_->close for @http;
}

# Not all in one: then all would be answered together, and come again together, and
# of worker and database one would always wait for the other.

{
    my $clients = 180;
    my @http = map { $nginx->http(key => $account->test_key, keep => 1) } 1 .. $clients;
    my ($since, $waiting) = ($pg->value('select clock_timestamp()'), 0);

    $_->get('/v1/balance') for @http;

    # the first ones wait for the account, so that the rest is there together
    my $db = $pg->connect;
    $db->begin_work;
    $db->do('select from sms.account where account_id = ? for update', undef, $account->id);
    $_->send($_->format('POST', '/v1/messages', json => $account->message)) for @http;
    my $stand = wait_until {
        my $last = $waiting;
        $waiting = metric($nginx, 'sms_pg_waiting_rows') // 0;
        $waiting > 0 && $waiting == $last;
    } slow(10), 'the others to stand in line';
    ok($stand, "$waiting of $clients wait for their batch");
    $db->commit;
    $db->disconnect;

    is(scalar(grep { !$_ || $_->status != 202 } map { $_->answer('POST') } @http), 0,
       'all are accepted');
    $_->close for @http;

    my ($all, $most) = map { $pg->value("select $_(n) from (select count(*) as n from sms.message
        where accepted_at >= ? group by batch_id) b", $since) } qw(sum max);
    is($all, $clients, 'once each');
    cmp_ok($most, '<=', $clients / 3, "at most a third in one commit: $most");
    cmp_ok($most, '>', 1, 'and not one by one');
}

# one large request is one commit

{
    my ($batches, $rows) = (batches(), rows());
    my @to = map { sprintf '90532%07d', $_ } 1 .. 1000;
    my $r = $account->send($nginx, { to => \@to }, %test);
    is($r->status, 202, 'a thousand recipients');
    is($r->json->{accepted}, 1000, 'are accepted');
    is(batches() - $batches, 1, 'in one commit');
    is(rows() - $rows, 1000, 'of a thousand rows');
}

$nginx->end;


# what may forget is refused, unless the operator of the server insists

for my $case ([ 'fsync', 'server has fsync off' ],
              [ 'full_page_writes', 'server has full_page_writes off' ],
              [ 'synchronous_commit', 'synchronous_commit is off' ])
{
    my ($setting, $why) = @$case;

    # of the server, and of the session alone
    my $alter = $setting eq 'synchronous_commit' ? 'alter role sms_nginx' : 'alter system';

    $pg->do("$alter set $setting = off");
    $pg->do('select pg_reload_conf()');

    my $server = SMS::Nginx->new(pg => $pg, conf => $conf);
    $server->start;
    ok($server->wait_log(qr/sms pg: write: \Q$why\E/), "$setting=off: the log says why");
    my $r = $server->http->get('/health');
    is($r->status, 503, 'not ready');
    my %reason = map { @$_{qw(name reason)} } @{ $r->json->{database}{connections} };
    is($reason{write}, $why, 'for that reason');
    is($r->json->{database}{$setting}, $setting eq 'synchronous_commit' ? 'off' : JSON::PP::false,
       'with the setting in /health');

    my $sent = $account->send($server, {}, %test);
    is($sent->status, 503, 'nothing is accepted');
    ok($sent->header('Retry-After'), 'and the client is told when to come again');

    $pg->do("$alter reset $setting");
    $pg->do('select pg_reload_conf()');
    ok($server->ready, 'mended: it becomes ready by itself');
    is($account->send($server, {}, %test)->status, 202, 'and accepts');
    $server->end;
}

{
    $pg->do('alter system set fsync = off');
    $pg->do('select pg_reload_conf()');
    my $server = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $server->start;
    ok($server->ready, 'fsync=off, sms_unsafe_database on: ready');
    my $database = $server->http->get('/health')->json->{database};
    is($database->{unsafe}, JSON::PP::true, '/health does not hide it');
    is($database->{fsync}, JSON::PP::false, 'nor the setting');
    $server->end;
}

done_testing;
