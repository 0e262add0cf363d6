#!/usr/bin/perl

# Delivery is measured and acted upon: a link that refuses, and one that fails what it
# took, is pulled back; canaries go on over it; when it is good again it gets its
# traffic back.  Everybody sees it.

# limit: 400

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Puppet qw(metric);
use SMS::Route;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => [qw(good bad)],
                                 credit => 10_000_000_000);
my %smsc = map { $_ => SMS::Smsc->start(receipt_ms => 20) } qw(good bad);

my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(
    http => link_to($smsc{good}, 'good', 2) . link_to($smsc{bad}, 'bad', 3)
            . router("90 * bad good\n")
            . "sms_quality window=10m lost=40s flush=200ms min=20 trial=3 canary=20;\n"));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

# "n" messages, one request each time 20; how many the bad link got to see
sub send_some {
    my ($n) = @_;

    my $before = keys %{ went($smsc{bad}) };
    while ($n > 0) {
        my $r = message_of($account, $nginx, [ map { number() } 1 .. ($n > 20 ? 20 : $n) ],
                           text => 'ölçülen ileti');
        is($r->status, 202, 'taken') or diag($r->body);
        $n -= 20;
    }
    wait_ended($pg, 60);
    return keys(%{ went($smsc{bad}) }) - $before;
}

sub fallen {
    my ($want) = @_;

    return wait_until {
        (metric($nginx, 'sms_link_fallen{link="bad"}') // '') eq $want
    } slow(20), "sms_link_fallen $want";
}

is(send_some(40), 40, 'at first everything takes the first link');
ok(fallen(0), 'which does well');
ok(wait_until { (metric($nginx, 'sms_link_success_ratio{link="bad"}') // 0) == 1 } slow(20),
   'all was delivered');

subtest 'it fails what it takes' => sub {
    $smsc{bad}->set(receipt => 'UNDELIV');
    send_some(80);
    ok(fallen(1), 'pulled back') or diag(explain([ $pg->rows('table sms.link_standing') ]));

    my $counted = sub { metric($nginx, 'sms_route_canary_total')
                        + metric($nginx, 'sms_route_moved_total') };
    my $before = $counted->();
    my $seen = send_some(200);
    cmp_ok($seen, '>=', 10, "canaries go on: $seen of 200");
    cmp_ok($seen, '<=', 80, 'the others do not');
    is($counted->() - $before, 200, 'each is counted');
    cmp_ok(metric($nginx, 'sms_route_moved_total'), '>=', 120, 'as one or the other');
    my ($row) = $pg->rows(q{select *, fallen_at is not null as fallen from sms.link_quality_now
                             where name = 'bad'});
    ok($row->{fallen}, 'the view says it');
    cmp_ok($row->{failed}, '>=', 20, 'and why');
    is($pg->value(q{select success < bound from sms.link_standing
                     where link_id = 3 and sender = ''}), 1, 'below the bound');
};

subtest 'it recovers' => sub {
    $smsc{bad}->set(receipt => 'DELIVRD');
    my $back;

    # canaries only: trials are of three parts
    for (1 .. 150) {
        send_some(20);
        sleep 1;
        $back = metric($nginx, 'sms_link_fallen{link="bad"}') eq '0' and last;
    }
    ok($back, 'a good trial brings it back')
        or diag(explain([ $pg->rows('table sms.link_standing') ]));
    is(send_some(20), 20, 'with all of its traffic');
};

is($pg->value(q{select count(*) from sms.link_quality where link_id = 3 and sender = 'ORNEK'
                 and timed > 0 and delay_ms > 0}) > 0, 1, 'delay is measured, by sender');
books_balance($pg);
done_testing;
