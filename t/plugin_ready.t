#!/usr/bin/perl

# /health says "starting" until the plugins of a request are ready, and never "ok"
# before: one that says not yet, prices that are not read.  Results that are out of the contract take the
# plugin's failure policy.

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

my $pg = SMS::Pg->new(own => 1);
my $account = SMS::Account->new($pg);

install('puppet', 'puppet.so');
my $price = install('puppet_price', 'price.so');


sub server {
    my (@blocks) = @_;

    return SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(extra => join '', @blocks));
}


sub health {
    my ($nginx) = @_;

    my $r = $nginx->http->get('/health');
    return [ $r->status, $r->json ? $r->json->{status} : undef ];
}


# ---- a plugin that takes its time ----------------------------------------------------

{
    my $nginx = server(block('a', ready => '4s'), block('b', ready => '1d', on_error => 'allow'));
    $nginx->start;
    ok(awake($nginx), 'a worker with its database');
    is_deeply(health($nginx), [ 503, 'starting' ], 'a plugin is not ready: starting');
    is_deeply([ @{ plugin($nginx, 'a') }{qw(usable ready)} ], [ JSON::PP::true, JSON::PP::false ],
              'which is shown');
    ok($nginx->ready, 'then it is, and nobody waits for one that may be left out');
    is_deeply(health($nginx), [ 200, 'ok' ], 'ok');
    is_deeply([ map { plugin($nginx, $_)->{ready} } qw(a b) ], [ JSON::PP::true, JSON::PP::false ],
              'each with its own word');
    $nginx->end;
}

# ---- prices are read: the first 200 is followed by a 202 -----------------------------

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000) for qw(otp informational);

{
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(priced => 1));
    $nginx->start;

    for my $round (1 .. 5) {
        ok($nginx->ready, "ready, $round");
        my $plugin = plugin($nginx, 'prepaid');
        ok($plugin->{ready}, 'with prices');
        is($account->send($nginx, {})->status, 202, 'and a message is accepted');
        $nginx->kill_worker(0);
    }

    $pg->do('revoke execute on function sms.tariffs(timestamptz) from sms_worker');
    $nginx->kill_worker(0);
    ok(awake($nginx), 'prices that cannot be read');
    is_deeply(health($nginx), [ 503, 'starting' ], 'starting');
    $pg->do('grant execute on function sms.tariffs(timestamptz) to sms_worker');
    ok($nginx->ready, 'until they can');
    $nginx->end;
}

# ---- a database that is not there, and then is ---------------------------------------

{
    my $nginx = server(block('a'));
    $pg->stop('immediate');
    $nginx->start;
    is_deeply(health($nginx), [ 503, 'unavailable' ], 'no database: unavailable');
    $pg->start;
    ok($nginx->ready, 'it comes');
    $pg->stop('immediate');
    ok(wait_until(sub { health($nginx)->[1] eq 'unavailable' }, slow(10)), 'it goes: unavailable');
    $pg->start;
    ok($nginx->ready, 'and comes again');

    # ---- held back for no time there is ------------------------------------------

    for my $deed (qw(past ages)) {
        my $r = say($account, $nginx, "a:$deed");
        is_deeply([ $r->status, $r->json->{code} ], [ 503, 'unavailable' ], "a verdict of $deed");
    }

    ok(heard($nginx, qr/results out of the contract: name=a op=rule_evaluate/), 'is in the log');
    $nginx->end;
}

# ---- prices that no account can have -------------------------------------------------

for my $case ([ '9223372036854775807', 'TRY', 503 ], [ '1000000000000001', 'TRY', 503 ],
              [ '-1', 'TRY', 503 ], [ '5', 'TRYX', 503 ], [ '5', 'USD', 503 ], [ '5', 'TRY', 202 ])
{
    my ($micro, $unit, $status) = @$case;
    my $nginx = server("    sms_plugin billing far $price { price $micro; unit $unit; }\n");
    $nginx->start;
    ok($nginx->ready, "a price of $micro $unit");
    my $r = $account->send($nginx, { to => [ '05321112233', '05321112234' ] });
    is($r->status, $status, "is answered with $status") or diag($r->text);
    $nginx->end;
}

done_testing;
