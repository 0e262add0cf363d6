#!/usr/bin/perl

# A link is drained and resumed without a reload: nothing is lost or sent twice, the
# others take over, the state outlives a restart, and the desk sees what links do.

# limit: 400

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Desk;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => [ 'turkcell', 'vodafone' ]);
my $desk = SMS::Desk->new($pg);
my ($one, $two) = map { SMS::Smsc->start(receipt_ms => 50, delay_ms => 20) } 1, 2;
my $dir = temporary('routes');
chmod 0755, $dir;
routes('* * turkcell vodafone');

my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $one, http => sprintf <<'EOC',
    sms_plugin operator vodafone operator_smpp.so link=3 operator=vodafone {
        grant stream inbound metric dict;
        host 127.0.0.1;
        port %d;
        system_id demo;
        password demo;
        window 10;
        reconnect_min 100ms;
        reconnect_max 1s;
    }
    sms_plugin router prefix router_prefix.so { table %s/routes; }
EOC
    $two->port, $dir));
ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
bound($one);
bound($two);


sub routes {
    my ($text) = @_;

    spew("$dir/routes", "$text\n");
    chmod 0644, "$dir/routes";
    return;
}


sub bound {
    my ($smsc) = @_;
    return wait_until { $smsc->stats->{bound} } slow(15), 'a bind';
}


sub campaign {
    my ($n) = @_;
    return map { send_one($account, $nginx, text => 'Yolda', to => [ map { number() } 1 .. 50 ]) } 1 .. $n / 50;
}


subtest 'drained under load' => sub {
    my @ids = campaign(500);
    wait_until { $one->messages >= 20 } slow(20), 'some over the first link';
    my $link = $desk->drain($nginx, 2, note => 'yeni hat');
    is($link->{state}, 'drained', 'the answer says so');
    is_deeply([ @{ $link->{halt} }{qw(reason note reroute)} ],
              [ 'maintenance', 'yeni hat', JSON::PP::false() ], 'and why');

    ok(wait_until(sub { $desk->link($nginx, 2)->{in_flight} == 0 }, slow(20)),
       'what was on its way is answered');
    my $taken = $one->messages;
    my $waits = $desk->link($nginx, 2)->{queued}[1]{messages};
    ok($waits, "the rest waits: $waits");
    is($taken + $waits, 500, 'nothing is missing');

    # new ones go over the other link, in every worker
    my @new = campaign(100);
    $account->wait_state($nginx, $_, qr/^delivered$/, 30) for @new;
    is(scalar @{[ $two->messages ]}, 100, 'new ones go over the other link');
    is(scalar @{[ $one->messages ]}, $taken, 'none over the drained one');
    ok($desk->link($nginx, 2)->{binds}[0]{node}, 'whose bind is kept');

    my $metrics = $nginx->http->get('/metrics')->body;
    like($metrics, qr/^sms_operator_halted\{link="turkcell",operator="turkcell"\} 1$/m, 'as a metric');
    like($metrics, qr/^sms_operator_queued\{link="turkcell",operator="turkcell",class="informational"\} $waits$/m,
         'and so is the queue');

    $nginx->restart;
    ok($nginx->ready, 'after a restart');
    bound($one);
    is($desk->link($nginx, 2)->{state}, 'drained', 'it still is');
    my @more = campaign(50);
    $account->wait_state($nginx, $_, qr/^delivered$/, 30) for @more;
    is(scalar @{[ $one->messages ]}, $taken, 'and nothing goes there');

    is($desk->resume($nginx, 2)->{state}, 'open', 'resumed');
    wait_ended($pg, 60);
    is_deeply(states($pg), { delivered => 650 }, 'all are delivered');
    is_deeply([ twice($pg, $one), twice($pg, $two) ], [], 'each once');
    is(@{[ $one->messages ]} + @{[ $two->messages ]}, 650, 'no more and no less');
    books_balance($pg);
};

subtest 'its messages are routed anew' => sub {
    $one->set(delay_ms => 300);
    my $before = @{[ $two->messages ]};
    my @ids = campaign(200);
    $desk->drain($nginx, 2, reroute => 1);
    wait_ended($pg, 60);
    is_deeply(states($pg), { delivered => 850 }, 'all are delivered');
    cmp_ok(@{[ $two->messages ]} - $before, '>', 100, 'most of them over the other link');
    is_deeply([ twice($pg, $one), twice($pg, $two) ], [], 'each once');
    $desk->resume($nginx, 2);
    $one->set(delay_ms => 5);
};

subtest 'without its bind' => sub {
    $desk->drain($nginx, 2, unbind => 1);
    ok(wait_until(sub { !$one->stats->{bound} }, slow(20)), 'the session is closed');
    is($desk->link($nginx, 2)->{binds}[0]{node}, undef, 'nobody holds its lease');
    my $id = send_one($account, $nginx, text => 'Yolda');
    is($account->wait_state($nginx, $id, qr/^delivered$/, 30)->{state}, 'delivered', 'the other works');
    $desk->resume($nginx, 2);
    ok(bound($one), 'resumed, it binds again');
};

subtest 'the only link of a message' => sub {
    routes('* * turkcell');
    ok(wait_until(sub {
        $nginx->reload;
        $account->post($nginx, '/v1/messages:preview', $account->message)->status == 200;
    }, slow(20)), 'one route');
    bound($one);
    $desk->drain($nginx, 2);
    my $id = send_one($account, $nginx, text => 'Yolda');
    is(message($account, $nginx, $id)->{state}, 'queued', 'it is taken, and waits');
    $desk->resume($nginx, 2);
    is($account->wait_state($nginx, $id, qr/^delivered$/, 30)->{state}, 'delivered', 'until it is resumed');

    my $stop = $desk->stop($nginx, target => 'link', link => 2, reason => 'authority_order',
                           reference => '2026/17');
    ok(wait_until(sub {
        my $r = $account->post($nginx, '/v1/messages', $account->message);
        $r->status == 422 && ($r->json->{code} // '') eq 'route-stopped'
            && $r->json->{rejected}[0]{code} eq 'route-stopped' }, slow(10)),
        'a stopped link is told before acceptance');
    is($desk->link($nginx, 2)->{state}, 'stopped', 'and at the desk');
    $desk->lift($nginx, $stop->{id});
    ok(wait_until(sub { $account->post($nginx, '/v1/messages', $account->message)->status == 202 }, slow(10)),
       'lifted');
    wait_ended($pg, 30);
    books_balance($pg);
};

done_testing;
