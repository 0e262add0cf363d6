#!/usr/bin/perl

# A worker that has waited for long enough leaves, although a plugin asks again as
# soon as its request is ended.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Puppet;
use SMS::Tap;
use Time::HiRes qw(time);

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
install('puppet', 'puppet.so');

# takes connections and says nothing
my $deaf = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die "listen: $!\n";
my $nginx = SMS::Nginx->new(pg => $pg);
$nginx->conf($nginx->expand(SMS::Account::conf(extra => block('a', grant => 'http')))
             =~ s/worker_shutdown_timeout \S+;/worker_shutdown_timeout 2s;/r);
$nginx->start;
ok($nginx->ready, 'ready');
is(say($account, $nginx, 'a:fetch=' . $deaf->sockport)->status, 202, 'a plugin asks somebody deaf')
    for 1 .. 3;

my ($worker) = $nginx->worker_pids;
my $started = time;
kill 'QUIT', $nginx->master;
ok(wait_until(sub { !alive($worker) }, slow(15)), 'the worker leaves') or kill 'KILL', $worker;
cmp_ok(time - $started, '>', 1, 'not before its time');
cmp_ok(heard($nginx, qr/puppet a: fetched -6/), '>=', 3, 'each request was ended');
is(heard($nginx, qr/puppet a: exit/), 1, 'and the plugin');

done_testing;
