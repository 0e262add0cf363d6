#!/usr/bin/perl
# runs: alone

# A plugin that blocks the loop: counted, named in the log, and given no more calls
# when it happens too often.  Being slow once is no reason, and nobody else suffers.

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

# a callback that does nothing takes longer than 2 ms there
plan skip_all => 'under valgrind everything is slow' if valgrind();

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);

install('puppet', 'puppet.so');

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    extra => block('slow', on_error => 'deny') . block('quick')));

$nginx->start;
ok($nginx->ready, 'ready');


sub slow_of {
    return metric($nginx, "sms_plugin_callback_slow_total{plugin=\"$_[0]\"}") // 0;
}


# within the budget of 2 ms a callback may be

is(say($account, $nginx, 'Siparişiniz')->status, 202, 'a quick text');
is(slow_of('slow'), 0, 'is not slow');

# over it: counted, no more than that

for (1 .. 5) {
    is(say($account, $nginx, 'slow:wait=20')->status, 202, 'a slow text is accepted');
}

is(slow_of('slow'), 5, 'five slow callbacks counted');
is(slow_of('quick'), 0, 'none of the other plugin');
is(metric($nginx, 'sms_plugin_slow_total'), 5, 'and in the sum');
is(plugin($nginx, 'slow')->{usable}, JSON::PP::true, 'it is in use');
is(heard($nginx, qr/sms plugin: stall/), 0, 'and no stall yet');

# a stall: a quarter of a second.  Three of them in a minute are enough

for my $n (1 .. 2) {
    is(say($account, $nginx, 'slow:wait=300')->status, 202, 'a stall');
    is(heard($nginx, qr/sms plugin: stall: name=slow in=rule_evaluate ms=3\d\d/), $n,
       'is in the log');
    is(plugin($nginx, 'slow')->{usable}, JSON::PP::true, "$n: still in use");
}

is(say($account, $nginx, 'slow:wait=300')->status, 202,
   'the third: its own answer still counts');
is_deeply([ @{ plugin($nginx, 'slow') }{qw(usable reason)} ], [ JSON::PP::false, 'too slow' ],
          'but it is quarantined');
is(metric($nginx, 'sms_plugin_quarantined{plugin="slow"}'), 1, 'in the metrics, too');
like($nginx->log, qr/quarantined: name=slow: too slow; on_error=deny applies/, 'and in the log');

my $before = heard($nginx, qr/sms plugin: stall/);
my $r = say($account, $nginx, 'slow:wait=300');
is($r->status, 422, 'its policy answers now');
is(heard($nginx, qr/sms plugin: stall/), $before, 'it is not called any more');
is(plugin($nginx, 'quick')->{usable}, JSON::PP::true, 'the other plugin is in use');
is($account->get($nginx, '/v1/balance')->status, 200, 'the rest of the API works');

# a calm worker tries it again

$nginx->reload;
ok($nginx->ready, 'reloaded');
is(plugin($nginx, 'slow')->{usable}, JSON::PP::true, 'a new worker has it again');
is(say($account, $nginx, 'slow:tag')->status, 422, 'and it works');
is(metric($nginx, 'sms_plugin_quarantined{plugin="slow"}'), 0, 'not quarantined');

done_testing;
