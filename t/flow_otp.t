#!/usr/bin/perl

# A one-time code that is accepted where no bind of its link is held: whoever holds
# one is told, and it does not wait for a look at the queue.  Where there are enough
# binds each worker has one.

# runs: alone
# limit: 300

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
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
my $smsc = SMS::Smsc->start(receipt_ms => 50);

# two nodes: the first has the only bind
my ($holder, $other) = map { SMS::Nginx->new(pg => $pg, conf => conf(smsc => $smsc)) } 1 .. 2;
ok(begin($holder), 'the first is ready') or BAIL_OUT($holder->tail);
ok(wait_until { $smsc->stats->{binds} } 20, 'and has bound');
ok(begin($other), 'the second is ready') or BAIL_OUT($other->tail);

# what is told
my $ear = $pg->connect;
$ear->do('listen sms_queue');

sub heard {
    my @links;

    while (my $n = $ear->func('pg_notifies')) {
        push @links, $n->[2];
    }

    return @links;
}

# ms from the 202 until the operator has it; what is sent waits until looks are rare
sub travel {
    my ($nginx, $class) = @_;
    my $to = number();

    sleep 0.4;
    send_one($account, $nginx, class => $class, to => $to, text => 'Örnek giriş kodu: 100200');
    my $begin = time;
    my $there = wait_until { grep { $_->{dest} eq $to } $smsc->messages } 20;
    return $there ? 1000 * (time - $begin) : 20_000;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ @sorted / 2 ];
}

# the profile is read, the lanes were looked at
travel($_, 'informational') for $holder, $other;
heard();

subtest 'told, and looked for' => sub {
    travel($holder, 'otp') for 1 .. 2;
    travel($other, 'informational');
    is(scalar(heard()), 0, 'who holds a bind tells nobody; of others than codes nobody is told');

    travel($other, 'otp');
    is_deeply([ heard() ], ['2'], 'of a code all are told, by its link');
};

subtest 'at once' => sub {
    my (@otp, @rest, $otp, $rest);

    # where other programs take the machine, more of them tell the two apart
    for (1 .. 5) {
        for (1 .. 15) {
            push @otp, travel($other, 'otp');
            push @rest, travel($other, 'informational');
        }

        ($otp, $rest) = (median(@otp), median(@rest));
        last if $otp < 0.75 * $rest;
    }

    cmp_ok($otp, '<', 0.75 * $rest,
           sprintf 'a code takes %.0f ms, what waits for a look %.0f ms', $otp, $rest);
};

subtest 'not one by one' => sub {
    heard();
    my $n = 150;
    my $begin = time;
    my @pids = map {
        my $pid = fork // die "fork: $!\n";

        if (!$pid) {
            my @sent = map { send_one($account, $other, class => 'otp', to => number(),
                                      text => 'Örnek giriş kodu: 100200') } 1 .. $n / 3;
            require POSIX;
            POSIX::_exit(@sent == $n / 3 ? 0 : 1);
        }

        $pid;
    } 1 .. 3;

    my $failed = 0;
    for (@pids) {
        waitpid $_, 0;
        $failed++ if $?;
    }

    my $took = 1000 * (time - $begin);
    is($failed, 0, 'all are taken');
    ok(wait_ended($pg, 60), 'and have ended');

    my $told = heard();
    cmp_ok($told, '<=', $took / 5 + 2, sprintf '%d notices for %d codes in %.0f ms', $told, $n,
           $took);
    cmp_ok($told, '>=', 1, 'but some');
};

books_balance($pg);

subtest 'each worker has a bind' => sub {
    my $own = SMS::Pg->new;
    prices($own);
    SMS::Account->new($own, operators => ['turkcell']);
    my $nginx = SMS::Nginx->new(pg => $own, workers => 2,
                                conf => conf(smsc => $smsc, smpp => 'binds 3;'));
    my $held = q{select count(*) from sms.lease where name like 'bind/%' and expires_at > now()};
    my $of = q{select count(distinct holder) from sms.lease
                where name like 'bind/%' and expires_at > now()};

    ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
    ok(wait_until { $own->value($held) == 3 } 20, 'all binds are held');
    is($own->value($of), 2, 'by both');

    # those of a worker that is gone go to the other
    my ($holder) = $own->value(q{select holder from sms.lease where name like 'bind/%'
                                  order by name limit 1}) =~ /:(\d+):/;
    kill 'STOP', $holder;
    ok(wait_until { $own->value($held) == 3 && $own->value($of) == 1 } 15 + slow(5),
       'one that stands still loses its own');
    kill 'CONT', $holder;
};

done_testing;
