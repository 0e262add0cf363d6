#!/usr/bin/perl

# What all workers share, and what a reload keeps: counters, rate limits, the
# dictionary of the plugins.

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
my $workers = 2;

install('puppet', 'puppet.so');


sub conf {
    my (%opt) = @_;

    my $conf = SMS::Account::conf(
        http => $opt{zone} // 'sms_zone zone=sms:8m;',
        extra => block('a', grant => 'dict metric') . block('b', grant => 'dict'));
    $conf =~ s/sms_rate off;/sms_rate $opt{rate};/ if $opt{rate};
    $conf =~ s/sms_health;/sms_health; add_header X-Pid \$pid always;/;
    return $conf;
}


sub accepted {
    my ($nginx) = @_;

    return metric($nginx, 'sms_accepted_total{class="informational"}');
}


# A connection to each worker: many at once, so that no worker can take them all.

sub to_each {
    my ($nginx) = @_;

    my %found;

    for (1 .. 50) {
        my @http = map { $nginx->http(keep => 1, key => $account->{key}) } 1 .. 16;
        $_->send($_->format('GET', '/health')) for @http;

        for my $http (@http) {
            my $r = $http->answer('GET') // next;
            $found{$r->header('X-Pid')} //= $http;
        }

        last if keys %found == $workers;
    }

    return %found;
}


sub by_each {
    my ($nginx, $what) = @_;

    my %http = to_each($nginx);

    for my $pid (sort keys %http) {
        $what->($pid, $http{$pid});
        $http{$pid}->close;
    }

    return scalar keys %http;
}


sub text {
    my ($http, $text) = @_;

    return $http->post('/v1/messages', $account->message(text => $text))->status;
}


sub seen {
    my ($http, $name) = @_;

    return $http->get('/metrics')->body =~ /^\Q$name\E (\S+)$/m ? $1 : undef;
}


my $nginx = SMS::Nginx->new(pg => $pg, workers => $workers, conf => conf());
$nginx->start;
ok($nginx->ready, 'ready');


# counters are of all workers

is(by_each($nginx, sub { is(text($_[1], 'Siparişiniz'), 202, 'accepted') for 1 .. 3 }), 2,
   'three texts to each of two workers');
by_each($nginx, sub {
    is(seen($_[1], 'sms_accepted_total{class="informational"}'), 6, "worker $_[0] shows all six");
});


# the dictionary is one for all workers, and each plugin has its own

my $n = 0;
by_each($nginx, sub {
    text($_[1], 'a:count=10');
    $n += 10;
    ok($nginx->wait_log(qr/$_[0]#\d+: sms a: puppet a: count $n\b/), "worker $_[0] counts on: $n");
});
by_each($nginx, sub { text($_[1], 'b:count=1') });
like($nginx->log, qr/puppet b: count 2\b/, 'another plugin has another number');


# a reload keeps both

my $before = accepted($nginx);
my $seconds = metric($nginx, 'sms_accept_seconds_count');
$nginx->reload;
ok($nginx->ready, 'reloaded');
is(accepted($nginx), $before, 'a reload keeps counters');
is(metric($nginx, 'sms_accept_seconds_count'), $seconds, 'and histograms');
is(metric($nginx, 'sms_plugin_deeds_total{plugin="a"}'), 2, 'and metrics of plugins');
ok(wait_until(sub { metric($nginx, 'sms_pg_connections{state="ready"}') == 10 }),
   'but gauges only of those who live') or diag(metric($nginx, 'sms_pg_connections{state="ready"}'));
say($account, $nginx, 'a:count=10');
$n += 10;
ok($nginx->wait_log(qr/puppet a: count $n\b/), "the dictionary goes on: $n");


# so does the death of a worker

$before = accepted($nginx);
$nginx->kill_worker(0);
ok($nginx->ready, 'a worker was killed');
is(accepted($nginx), $before, 'its counters stay');
ok(wait_until(sub { (metric($nginx, 'sms_pg_connections{state="ready"}') // 0) == 10 }),
   'its gauges do not');
say($account, $nginx, 'a:count=10');
$n += 10;
ok($nginx->wait_log(qr/puppet a: count $n\b/), "the dictionary goes on: $n");


# a new size is a new zone; a restart, too

$nginx->conf(conf(zone => 'sms_zone zone=sms:12m;'));
$nginx->reload;
ok($nginx->ready, 'reloaded with another size');
is(accepted($nginx), 0, 'counted anew');
is(say($account, $nginx, 'a:count=1')->status, 202, 'and it works');
ok($nginx->wait_log(qr/puppet a: count 1\b/), 'the dictionary is empty');
$nginx->restart;
ok($nginx->ready, 'restarted');
is(accepted($nginx), 0, 'a restart begins anew');
$nginx->end;


# one rate limit over all workers, kept by a reload

{
    my $limited = SMS::Nginx->new(pg => $pg, workers => $workers,
                                  conf => conf(rate => 'rate=6r/m burst=10'));
    $limited->start;
    ok($limited->ready, 'a limit of ten: ready');

    my @left;
    my @status;
    by_each($limited, sub {
        for (1 .. 4) {
            my $r = $_[1]->get('/v1/balance');
            push @status, $r->status;
            push @left, ($r->header('RateLimit') // $r->header('RateLimit-Remaining') // '')
                        =~ /(?:remaining=|r=|^)(\d+)/;
        }
    });
    is_deeply(\@status, [ (200) x 8 ], 'four requests to each worker');
    is_deeply(\@left, [ reverse 2 .. 9 ], 'from one bucket') or diag(explain(\@left));

    $limited->reload;
    ok($limited->ready, 'reloaded');
    my @then;
    by_each($limited, sub { push @then, map { $_[1]->get('/v1/balance')->status } 1 .. 2 });
    is(scalar(grep { $_ == 200 } @then), 2, 'two were left, over the reload');
    my $r = $account->get($limited, '/v1/balance');
    is($r->status, 429, 'then no more');
    cmp_ok($r->header('Retry-After') // 0, '>', 0, 'and it says when to come again');
    $limited->end;
}


# a zone that cannot be

for my $case ([ 'sms_zone zone=sms:1m;', qr/too small/ ], [ 'sms_zone sms;', qr/invalid zone "sms"/ ],
              [ 'sms_zone zone=a:8m; sms_zone zone=b:8m;', qr/is duplicate/ ])
{
    my $wrong = SMS::Nginx->new(pg => $pg);
    my ($ok, $out) = $wrong->check(conf(zone => $case->[0]));
    ok(!$ok, "$case->[0] is refused");
    like($out, $case->[1], 'for its reason');
}

done_testing;
