#!/usr/bin/perl

# Calls that wait: completed by a timer, from inside, with an error, twice, late, too
# late, never, by somebody else.  The client may leave, the worker may have to.

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
use Time::HiRes qw(time);

my $stale = -7;             # SMS_E_STALE
my $judge = 3;              # seconds that a rule may take: NGX_SMS_JUDGE_TIMEOUT
my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);

install('puppet', 'puppet.so');
install('puppet_rude', 'rude.so');

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    extra => block('a', grant => 'metric') . block('b') . block('deny', on_error => 'deny')
             . block('rude', file => 'rude.so')));

$nginx->start;
ok($nginx->ready, 'ready');


# a request whose answer is read later

sub ask {
    my ($text) = @_;

    my $http = $nginx->http(key => $account->{key}, timeout => slow(10));
    $http->send($http->format('POST', '/v1/messages', json => $account->message(text => $text)));
    return $http;
}


sub status {
    my ($http) = @_;

    my $r = $http->answer('POST');
    $http->close;
    return $r ? $r->status : 0;
}


sub pending {
    my ($name) = @_;

    return metric($nginx, "sms_plugin_run_pending{plugin=\"$name\"}") // 0;
}


sub stale { return metric($nginx, 'sms_plugin_stale_total') // 0 }


# by a timer, many at once

{
    my $from = time;
    my @asked = map { ask("a:pend=300 b:pend=100 nr $_") } 1 .. 20;
    is_deeply([ map { status($_) } @asked ], [ (202) x 20 ], 'twenty calls pend in two plugins');
    cmp_ok(time - $from, '>=', 0.4, 'one plugin after the other');
    cmp_ok(time - $from, '<', slow(2), 'all at the same time');
    is(heard($nginx, qr/puppet a: complete 0/), 20, 'each completed once');
    is(pending('a') + pending('b'), 0, 'nothing pends any more');
}

is(status(ask('a:inside')), 202, 'completed before it returned SMS_PENDING');
is(status(ask('a:fail=50')), 503, 'completed with an error: the policy answers');
is(status(ask('deny:fail=50')), 422, 'and another one');
is(status(ask('a:tag b:pend=50')), 422, 'a finding, and a call that pends after it');


# twice: the second is refused

{
    my $before = stale();
    is(status(ask('a:twice=50')), 202, 'completed twice');
    ok($nginx->wait_log(qr/puppet a: again $stale/), 'the second is stale');
    is(stale(), $before + 1, 'and counted');
}


# tokens that were never given

{
    my $before = stale();
    is(status(ask('a:forge')), 202, 'a plugin that invents tokens');
    like($nginx->log, qr/puppet a: forged refused 8\b/, 'all of them are refused');
    cmp_ok(stale(), '>=', $before + 8, 'and counted');
}

# a token of another plugin

{
    my $http = ask('a:pend=800');
    ok(wait_until(sub { pending('a') == 1 }), 'a call pends in a');
    is(status(ask('b:steal')), 202, 'b completes it');
    like($nginx->log, qr/puppet b: stolen $stale/, 'which is refused');
    is(pending('a'), 1, 'the call goes on');
    is(status($http), 202, 'until its own plugin completes it');
}


# never: the deadline ends it

for my $case ([ 'a', 503 ], [ 'deny', 422 ]) {
    my ($name, $status) = @$case;
    my $timeouts = metric($nginx, 'sms_plugin_timeouts_total') // 0;
    my $cancels = heard($nginx, qr/puppet $name: cancel/);
    my $from = time;
    my $http = ask("$name:never");
    is(status(ask('Siparişiniz')), 202, 'others do not wait');
    is(status($http), $status, "never completed: $status");
    cmp_ok(time - $from, '>=', $judge - 0.1, 'at the deadline');
    is(heard($nginx, qr/puppet $name: cancel/), $cancels + 1, 'it was cancelled');
    is(metric($nginx, 'sms_plugin_timeouts_total'), $timeouts + 1, 'and counted');
}

# late: after the deadline, with and without cancel()

for my $name ('a', 'rude') {
    my $before = stale();
    my $late = heard($nginx, qr/puppet $name: complete $stale/);
    is(status(ask("$name:late=3500")), 503, "$name: completed after the deadline: 503");
    ok(wait_until(sub { heard($nginx, qr/puppet $name: complete $stale/) == $late + 1 }),
       'its completion is stale');
    is(stale(), $before + 1, 'and counted');
    is(pending($name), 0, 'nothing pends');
    is(status(ask("$name:pend=50")), 202, 'the next call is a good one');
}


# the client leaves

{
    my $cancels = heard($nginx, qr/puppet a: cancel/);
    my $rows = $pg->value('select count(*) from sms.message');
    my @asked = map { ask("a:pend=1500 nr $_") } 1 .. 5;
    ok(wait_until(sub { pending('a') == 5 }), 'five calls pend');
    $_->reset for @asked;
    ok(wait_until(sub { heard($nginx, qr/puppet a: cancel/) == $cancels + 5 }),
       'their clients leave: they are cancelled');
    is(pending('a'), 0, 'none pends');
    is(status(ask('a:pend=50')), 202, 'the next call is a good one');
    is($pg->value('select count(*) from sms.message'), $rows + 1, 'nothing of them is stored');

    my $stale_before = stale();
    my $http = ask('rude:pend=700');
    ok(wait_until(sub { pending('rude') == 1 }), 'a call pends in a plugin without cancel()');
    $http->reset;
    ok(wait_until(sub { stale() == $stale_before + 1 }), 'it completes a call that has ended');
}


# the worker has to leave while calls pend

{
    my @asked = map { ask("a:pend=1200 b:pend=100 nr $_") } 1 .. 5;
    ok(wait_until(sub { pending('a') == 5 }), 'five calls pend');
    ok($nginx->reload(wait => 0), 'a reload');
    is_deeply([ map { status($_) } @asked ], [ (202) x 5 ],
              'the old worker completes them, also in the next plugin');
    ok(wait_until(sub { $nginx->worker_pids == 1 }), 'and leaves');

    my $never = ask('a:never');
    ok(wait_until(sub { pending('a') == 1 }), 'a call that nobody will complete');
    ok($nginx->reload(wait => 0), 'a reload');
    is(status($never), 503, 'ends at its deadline in the old worker');
    ok(wait_until(sub { $nginx->worker_pids == 1 }), 'which leaves');

    my $orphan = ask('rude:late=4500');
    ok(wait_until(sub { pending('rude') == 1 }), 'a call that outlives its deadline');
    ok($nginx->reload(wait => 0), 'a reload');
    is(status($orphan), 503, 'it is answered at the deadline');
    ok(wait_until(sub { $nginx->worker_pids == 1 }, slow(10)), 'and the worker leaves');
}


# killed by TERM in the middle of everything

{
    my @asked = map { ask("$_ nr $_") } ('a:pend=5000', 'a:never', 'rude:late=5000');
    ok(wait_until(sub { pending('a') == 2 && pending('rude') == 1 }), 'calls of all sorts');
    $nginx->stop;
    ok(!alive($nginx->{master}), 'nginx ends');
    is(heard($nginx, qr/\[alert\]/), 0, 'without an alert');
}

done_testing;
