#!/usr/bin/perl

# A new version of a plugin: the file by rename, then a reload.  The new workers
# have it, the old ones end their work with what they began it with, and under load
# nobody sees an error.

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

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);

install('puppet', 'a.so');

my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => SMS::Account::conf(
    extra => block('a', file => 'a.so', grant => 'dict metric') . block('b')));

install('puppet', 'puppet.so');
$nginx->start;
ok($nginx->ready, 'ready');


sub tag {
    my $r = say($account, $nginx, 'a:tag');
    my ($tag) = $r->body =~ /puppet-(one|two)/;
    return $r->status . ' ' . ($tag // '?');
}


is(tag(), '422 one', 'the first version');
my $before = metric($nginx, 'sms_plugin_deeds_total{plugin="a"}');
is($before, 1, 'which counts its deeds');

# a new file alone changes nothing

install('puppet_two', 'a.so');
is(tag(), '422 one', 'a new file without a reload: still the first');

$nginx->reload;
ok($nginx->ready, 'reloaded');
is(tag(), '422 two', 'the second version');
is(metric($nginx, 'sms_plugin_deeds_total{plugin="a"}'), 3, 'its metric goes on counting');
is(heard($nginx, qr/puppet a: drain/), 2, 'the old ones were told to drain');
is(heard($nginx, qr/puppet a: exit/), 2, 'and to exit');
is(heard($nginx, qr/puppet a: init two/), 2, 'the new ones were initialised');


# a version that does not pass its check leaves everything as it is

install('bad_abi', 'a.so');
$nginx->expect(qr/\[emerg\].*a\.so/);
my @workers = $nginx->worker_pids;
kill 'HUP', $nginx->master;
ok($nginx->wait_log(qr/\[emerg\].*a\.so.*ABI/), 'a bad version is refused at the reload');
is_deeply([ $nginx->worker_pids ], \@workers, 'the old workers stay');
is(tag(), '422 two', 'with the old version');
install('puppet', 'a.so');


# under load, back and forth; half of the texts pend for a while in the plugin

my $load = numbered($nginx, $account, clients => 2, pause => 0.002, strict => 1, keep => 0);
my $slow = numbered($nginx, $account, clients => 2, pause => 0.002, strict => 1, keep => 0,
                    text => 'a:pend=30 b:pend=30');

for my $round (1 .. rounds(3, 10)) {
    my ($n, $m) = ($load->count, $slow->count);
    wait_until { $load->count > $n + 30 && $slow->count > $m + 5 } slow(10), 'load';
    install($round % 2 ? 'puppet' : 'puppet_two', 'a.so');
    $nginx->reload;
}

my $n = $load->count;
wait_until { $load->count > $n + 30 } slow(10), 'load';

for my $one ([ $load, 'reloads under load' ], [ $slow, 'reloads while the plugin pends' ]) {
    my @accepted = each_once($pg, @$one);
    my @bad = grep { ($_->{status} // 0) != 202 } $one->[0]->answers;
    is(scalar @bad, 0, "$one->[1]: no answer but 202") or diag(explain($bad[0]{bad}));
    cmp_ok(scalar @accepted, '>', 15, "$one->[1]: and there were some");
}

done_testing;
