#!/usr/bin/perl
# runs: alone

# PostgreSQL goes away in every phase of a worker's life, in every way: nothing that
# was answered with 202 is lost or doubled, and nobody has to restart anything.

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
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new(durable => 1);
my $account = SMS::Account->new($pg);
my $conf = SMS::Account::conf() =~ s/sms_unsafe_database on;//r;


sub server {
    return SMS::Nginx->new(pg => $pg, workers => 2, conf => $conf);
}


sub states {
    my ($nginx) = @_;

    return map { "$_->{name}=$_->{state}" } @{ $nginx->http->get('/health')->json->{database}{connections} };
}


# of both workers; /health is answered by either
sub ready {
    my ($nginx) = @_;

    return $nginx->ready && wait_until {
        $nginx->http->get('/metrics')->body =~ /^sms_pg_connections\{state="ready"\} 10$/m
    } slow(20), 'both workers';
}


sub send_one { return $account->send($_[0], {}) }


# before connect: nginx starts first

{
    $pg->stop;
    my $nginx = server();
    $nginx->start;
    is($nginx->http->get('/health')->status, 503, 'no database at the start: not ready');
    my $r = send_one($nginx);
    is($r->status, 503, 'nothing is accepted');
    ok($r->header('Retry-After'), 'come again');
    is($r->json->{code}, 'unavailable', 'the problem says why');
    $pg->start;
    ok(ready($nginx), 'it comes: ready');
    is(send_one($nginx)->status, 202, 'accepted');
    $nginx->end;
}


# in the middle of connecting and of the setup: again and again while it comes up

{
    my $nginx = server();
    $nginx->start;
    my $seen = 0;

    for my $round (1 .. rounds(6, 30)) {
        $pg->kill9;
        $pg->start;
        # connections are somewhere between connecting and ready
        sleep 0.03 * ($round % 7);
        $seen++ if grep { !/=ready/ } states($nginx);
    }

    ok(ready($nginx), 'killed again and again while workers connect: ready in the end');
    # under valgrind the question takes longer than the connections do
    cmp_ok($seen, '>', 0, "$seen times somebody was not ready") if !valgrind();
    is(send_one($nginx)->status, 202, 'accepted');

    # idle
    for my $how ('kill9', 'fast', 'immediate') {
        $how eq 'kill9' ? $pg->kill9 : $pg->stop($how);
        ok(wait_until(sub { $nginx->http->get('/health')->status == 503 }),
           "idle, ended by $how: not ready");
        is(send_one($nginx)->status, 503, 'nothing is accepted');
        $pg->start;
        ok(ready($nginx), 'back: ready');
        is(send_one($nginx)->status, 202, 'accepted');
    }

    # A prepared statement, a listen, session settings: all are made anew
    ok(wait_until(sub { $account->get($nginx, '/v1/balance')->status == 200 }), 'reads work');
    $nginx->end;
}


# under load

{
    my $nginx = server();
    $nginx->start;
    ok($nginx->ready, 'ready');
    my $load = numbered($nginx, $account, clients => 4, pause => 0.002);

    my @how = ('kill9', 'immediate', 'fast', 'kill9', 'kill9');

    for my $round (1 .. rounds(5, 50)) {
        my $how = $how[$round % @how];
        my $n = $load->count;
        wait_until { $load->count > $n + 40 } slow(20), 'load';
        sleep rand 0.05;
        $how eq 'kill9' ? $pg->kill9 : $pg->stop($how);
        sleep 0.3 if $round % 2;
        $pg->start;
        wait_until { $nginx->http->get('/health')->status == 200 } slow(20), 'it to come back';
    }

    my $n = $load->count;
    wait_until { $load->count > $n + 40 } slow(20), 'load';
    my @accepted = each_once($pg, $load, 'killed under load');
    cmp_ok(scalar @accepted, '>', 200, 'and there were some');

    # answers in between were 503 and said so; never a 500
    my @bad = map { @{ $_->{bad} } } $load->answers;
    is_deeply([ grep { !/^(?:503|409) |^no answer/ } @bad ], [],
              scalar(@bad) . ' others were 503');

    my $drift = $pg->value(q{select sms.upkeep('check', now(), 100)});
    like($drift, qr/"drift"\s*:\s*\[\]/, 'the books balance') or diag($drift);
    $nginx->end;
}


# stopped, not dead: the worker gives it up and takes it again

{
    my $nginx = SMS::Nginx->new(pg => $pg, workers => 1,
        conf => $conf =~ s/sms_plugin_path/sms_database_timeout 1s; sms_plugin_path/r);
    $nginx->start;
    ok($nginx->ready, 'ready');
    my $postmaster = $pg->postmaster;
    $pg->drop_handle;
    my @stopped = ($postmaster, slurp("/proc/$postmaster/task/$postmaster/children") =~ /(\d+)/g);
    kill 'STOP', @stopped;

    my $http = $nginx->http(timeout => slow(20));
    my $from = time;
    my $r = $account->post($nginx, '/v1/messages', $account->message, timeout => slow(20));
    kill 'CONT', @stopped;
    is($r->status, 503, sprintf('a stopped server: 503 after %.1f s', time - $from));
    ok($nginx->ready, 'it goes on: ready');
    is(send_one($nginx)->status, 202, 'accepted');
    ok(wait_until(sub { $pg->value('select count(*) from pg_stat_activity
                                     where application_name like ?', 'ngx_sms%') == 5 }),
       'five connections, none left over');
    $nginx->end;
}

done_testing;
