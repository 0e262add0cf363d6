#!/usr/bin/perl

# A plugin that takes its worker down: a new one comes, the plugin is blamed, and
# after the third time no worker initialises it any more.  Everything else works on;
# a changed file or block is a new chance.

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

my $died = qr/worker process \d+ exited on signal 6/;
my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);


sub server {
    my ($workers, @blocks) = @_;

    my $nginx = SMS::Nginx->new(pg => $pg, workers => $workers,
                                conf => SMS::Account::conf(extra => join '', @blocks));
    $nginx->expect($died);
    return $nginx;
}


# the worker that answers, and the answer of every worker in the end

sub crash {
    my ($nginx, $times) = @_;

    my $r = eval { say($account, $nginx, 'bad:crash') };
    is($r ? $r->status : 0, 0, "crash $times: the connection ends without an answer");
    ok(wait_until(sub { heard($nginx, $died) == $times }), 'the master saw it');
    ok(wait_until(sub { heard($nginx, qr/worker \d+ died in it: name=bad in=rule_evaluate/)
                        == $times }), 'its successor blames the plugin');
    like($nginx->log, qr/died in it: name=bad in=rule_evaluate times=$times/, "for the $times. time");
    ok(wait_until(sub { $nginx->worker_pids == $nginx->{workers} && awake($nginx) }),
       'all workers are there');
    $nginx->{killed}{$_} = 1 for gone($nginx);
    return;
}


install('puppet', 'bad.so');
install('puppet', 'puppet.so');

{
    my $nginx = server(1, block('bad', file => 'bad.so', on_error => 'deny', grant => 'metric'),
                       block('good'));
    $nginx->start;
    ok($nginx->ready, 'ready');
    is(say($account, $nginx, 'good:tag')->json->{code}, 'content-refused', 'the other one works');

    for my $times (1 .. 2) {
        crash($nginx, $times);
        is(say($account, $nginx, 'Siparişiniz')->status, 202, 'other texts are accepted');
        is(plugin($nginx, 'bad')->{usable}, JSON::PP::true, 'it is in use again');
    }

    crash($nginx, 3);
    is_deeply([ @{ plugin($nginx, 'bad') }{qw(usable reason)} ],
              [ JSON::PP::false, 'crashed too often' ], 'after the third it is not: /health');
    is(plugin($nginx, 'good')->{usable}, JSON::PP::true, 'the other one is');
    is(metric($nginx, 'sms_plugin_quarantined{plugin="bad"}'), 1, 'quarantined in one worker');
    is(metric($nginx, 'sms_plugin_quarantined{plugin="good"}') // 0, 0, 'the other one in none');
    is(metric($nginx, 'sms_plugin_blamed_total'), 3, 'three deaths on its account');

    is(say($account, $nginx, 'bad:crash')->status, 422, 'its failure policy answers');
    is(say($account, $nginx, 'good:tag')->status, 422, 'the other one still judges');
    is($account->get($nginx, '/v1/balance')->status, 200, 'the rest of the API works');
    is(heard($nginx, $died), 3, 'no more deaths');
    is(heard($nginx, qr/puppet bad: init/), 3, 'and no more init()');

    # a worker that dies of something else does not bring it back
    $nginx->kill_worker(0);
    ok(awake($nginx), 'another worker');
    is(plugin($nginx, 'bad')->{reason}, 'crashed too often', 'still out');
    is(metric($nginx, 'sms_plugin_blamed_total'), 3, 'nobody is blamed for a kill');

    # nor does a reload of the same configuration
    $nginx->reload;
    ok(awake($nginx), 'reloaded');
    is(plugin($nginx, 'bad')->{reason}, 'crashed too often', 'still out after a reload');

    # but a repaired file does
    install('puppet_two', 'bad.so');
    $nginx->reload;
    ok($nginx->ready, 'reloaded with another file');
    is(plugin($nginx, 'bad')->{usable}, JSON::PP::true, 'it has a new chance');
    is(say($account, $nginx, 'bad:tag')->status, 422, 'and works');
    is(metric($nginx, 'sms_plugin_quarantined{plugin="bad"}'), 0, 'not quarantined any more');
    $nginx->end;
}


# in init(): no worker can start with it, and that is no loop

for my $workers (1, 2) {
    my $nginx = server($workers, block('bad', init => 'crash', on_error => 'allow'), block('good'));
    $nginx->start;
    ok($nginx->ready, "init() crashes, $workers worker(s): ready in the end");
    ok(wait_until(sub { heard($nginx, qr/quarantined: name=bad: crashed too often/) >= $workers }),
       'quarantined in all');
    my $deaths = heard($nginx, $died);
    cmp_ok($deaths, '>=', 3, "$deaths deaths");
    cmp_ok($deaths, '<=', 2 + $workers, 'no loop');
    is(say($account, $nginx, 'Siparişiniz')->status, 202, 'on_error=allow: texts pass');
    is(say($account, $nginx, 'good:tag')->status, 422, 'and the other one judges');
    is(heard($nginx, $died), $deaths, 'no more deaths');

    # any change of its block gives it another chance
    if ($workers == 1) {
        $nginx->conf(SMS::Account::conf(extra => block('bad', init => 'crash', on_error => 'allow',
                                                       grant => 'dict') . block('good')));
        $nginx->reload(wait => 0);
        ok(wait_until(sub { heard($nginx, qr/quarantined: name=bad: crashed too often/) == 2 }),
           'a grant more: out again');
        cmp_ok(heard($nginx, $died), '>=', $deaths + 3, 'after three more deaths');
    }

    $nginx->{killed}{$_} = 1 for gone($nginx);
    $nginx->end;
}


# under load in two workers: who was not in the plugin loses nothing

{
    install('puppet', 'bad.so');
    my $nginx = server(2, block('bad', file => 'bad.so', on_error => 'allow'), block('good'));
    $nginx->start;
    ok($nginx->ready, 'two workers, ready');

    my $load = numbered($nginx, $account, pause => 0.005);

    for my $times (1 .. 3) {
        wait_until { $load->count > 20 * $times } slow(10), 'some load';
        eval { say($account, $nginx, 'bad:crash') };
        wait_until { heard($nginx, $died) == $times && $nginx->worker_pids == 2 } slow(10),
                   'the worker to die and come back';
    }

    wait_until { heard($nginx, qr/quarantined: name=bad/) >= 1 } slow(10), 'quarantine';
    my $at = $load->count;
    wait_until { $load->count > $at + 20 } slow(10), 'load after it';
    my @accepted = each_once($pg, $load, 'a crashing plugin');
    cmp_ok(scalar @accepted, '>', 60, 'and there were some');
    $nginx->{killed}{$_} = 1 for gone($nginx);
    $nginx->end;
}

done_testing;
