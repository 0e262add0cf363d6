#!/usr/bin/perl

# runs: alone

# Clients that are slow or leave, a database that stops, a reload under load: an
# answer in time or none at all, nothing sent that was refused, nothing kept.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use POSIX ();
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new(own => 1);
my $account = SMS::Account->new($pg, operators => ['sim'], credit => 10_000_000_000);

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    priced => 1, api => 'sms_timeout 3s; client_body_timeout 1s;',
    http => 'sms_database_timeout 1s; sms_database_queue 40;'));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
works('at first');

my $number = 0;
my %auth = (headers => { Authorization => 'Bearer ' . $account->key });

# ---- slow bodies ------------------------------------------------------------------

{
    my $http = $nginx->http;
    my $text = request('slow');
    my $started = time;
    $http->send_slowly($text, length($text) / 8, 0.5);
    is($http->answer('POST')->status, 202, 'a body that takes longer than sms_timeout');
    cmp_ok(time - $started, '>', 3, 'did');

    $http = $nginx->http;
    $http->send(substr $text, 0, -10);
    $started = time;
    is($http->answer('POST'), undef, 'a body that never ends has no answer');
    cmp_ok(time - $started, '<', slow(3), 'but an end');
}

# ---- the database stands still ----------------------------------------------------

works('before');
signal('STOP');
my @waiting = map { { reference => "stop-$_", http => $nginx->http, at => time } } 1 .. 60;
$_->{http}->send(request($_->{reference})) for @waiting;
answers(\@waiting);
signal('CONT');

my %code;
$code{ $_->{code} }++ for @waiting;
is_deeply([ grep { $_->{status} != 503 || !$_->{retry} } @waiting ], [],
          'each is told to try again') or diag(explain(\%code));
is_deeply([ sort keys %code ], ['busy', 'timeout', 'unavailable'],
          'how: on its way, waiting, too many') or diag(explain(\%code));
my $slowest = (sort { $b <=> $a } map { $_->{seconds} } @waiting)[0];
cmp_ok($slowest, '<', slow(3.5), 'in time');
works('when it goes on');

my %stored = map { $_->{r} => 1 } $pg->rows(
    q{select doc::json ->> 'reference' as r from sms.submission
       where doc::json ->> 'reference' like 'stop-%'});
is_deeply([ grep { $stored{$_->{reference}} && $_->{code} ne 'timeout' } @waiting ], [],
          'what was refused for certain was not sent');

# each has its own time, also while others come and are answered
signal('STOP');
my @late;

for my $n (1 .. 3) {
    push @late, { reference => "late-$n", http => $nginx->http, at => time };
    $late[-1]{http}->send(request($late[-1]{reference}));
    is($nginx->http->get('/v1/version')->status, 200, 'another is answered');
    sleep 0.7;
}

answers(\@late);
signal('CONT');
is_deeply([ grep { $_->{status} != 503 || $_->{seconds} < 2.9 || $_->{seconds} > slow(3.5) }
            @late ], [], 'three seconds each') or diag(explain [ map { $_->{seconds} } @late ]);
works('when it goes on again');

# ---- the database is gone ---------------------------------------------------------

$pg->stop;
my @gone = map { { reference => "gone-$_", http => $nginx->http, at => time } } 1 .. 10;
$_->{http}->send(request($_->{reference})) for @gone[0 .. 4];
$_->{http}->send($_->{http}->format('GET', '/v1/balance', %auth)) for @gone[5 .. 8];
$gone[9]{http}->send($gone[9]{http}->format('GET', '/v1/balance', headers => {
    Authorization => 'Bearer ' . SMS::Account::make_key('live') }));
answers(\@gone);
is_deeply([ grep { $_->{status} != 503 || !$_->{retry} || $_->{code} ne 'unavailable' } @gone ],
          [], 'unavailable, try again') or diag(explain [ map { $_->{code} } @gone ]);
cmp_ok((sort { $b <=> $a } map { $_->{seconds} } @gone)[0], '<', slow(3.5), 'in time');
is($nginx->http->get('/health')->status, 503, 'not in health');
is($nginx->http->get('/v1/version')->status, 200, 'the version needs no database');
$pg->start;
ok($nginx->ready('/health', slow(20)), 'healthy when it is back');
works('without a restart');
is($pg->value(q{select count(*) from sms.submission where doc::json ->> 'reference'
                 like 'gone-%'}), 0, 'nothing of what was refused was sent');

# ---- clients that leave -----------------------------------------------------------

leave() for 1 .. 2;
settled('after the first rounds');
my $before = memory();
my @files = files();
my $rounds = rounds(6, 40);

for my $round (1 .. $rounds) {
    signal('STOP') if $round % 2;
    leave();
    sleep 0.3;
    signal('CONT') if $round % 2;
    leave();
}

settled("after $rounds more");
is_deeply([ files() ], [ @files ], 'no connection is left open');
cmp_ok(memory() - $before, '<', 3000, 'the worker has not grown by 3 MB')
    if !sanitized() && !valgrind();

my $http = $nginx->http;
$http->send(request('half'));
$http->half_close;
my $half = $http->answer('POST');
ok(!$half || $half->status == 202, 'a client that closes its own side has left or is answered');
works('after it');

# ---- a reload ---------------------------------------------------------------------

my @children = map { client(150) } 1 .. 3;
$nginx->reload for 1 .. 4;
my @bad = map { my ($pid, $out) = @$_; local $/; my $text = <$out>; waitpid $pid, 0;
                length $text ? $text : () } @children;
is_deeply(\@bad, [], 'no error while it reloads');

done_testing;


sub request {
    my ($reference) = @_;

    return $nginx->http->format('POST', '/v1/messages', %auth, json => $account->message(
        reference => $reference, to => [ sprintf '0533%07d', 100 + $number++ % 9000 ]));
}


sub works {
    my ($when) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(wait_until { $account->send($nginx, {})->status == 202 } slow(15),
              "it accepts $when");
}


# postmaster and all of its children
sub signal {
    my ($name) = @_;

    my $pid = $pg->postmaster;
    kill $name, $pid, slurp("/proc/$pid/task/$pid/children") =~ /(\d+)/g;
    return;
}


sub answers {
    my ($waiting) = @_;

    my %open = map { fileno $_->{http}->socket => $_ } @$waiting;
    my $until = time + slow(20);

    while (%open && time < $until) {
        my $select = IO::Select->new(map { $_->{http}->socket } values %open);

        for my $socket ($select->can_read(1)) {
            my $one = delete $open{ fileno $socket };
            my $r = $one->{http}->answer('POST');
            $one->{seconds} = time - $one->{at};
            $one->{status} = $r ? $r->status : 0;
            $one->{code} = $r && $r->json ? $r->json->{code} // '' : '';
            $one->{retry} = $r && $r->header('retry-after');
            delete $one->{http};
        }
    }

    is(scalar keys %open, 0, 'everybody has an answer');
    return;
}


# each goes away at another point
sub leave {
    my $text = request('leave');
    my $end = index($text, "\r\n\r\n") + 4;

    for my $bytes (5, $end - 10, $end, $end + 20, (length $text) x 4) {
        my $http = $nginx->http;
        $http->send(substr $text, 0, $bytes);
        sleep 0.002 * int rand 5;
        $number % 2 ? $http->reset : $http->close;
        $number++;
    }

    # and in the middle of a body in chunks, and of an answer to two requests
    my $http = $nginx->http(keep => 1);
    $http->send($nginx->http->format('POST', '/v1/messages', %auth,
                                     chunks => [ 'x' x 5000, 'y' x 5000 ]) =~ s/\r\n0\r\n.*//sr);
    $http->reset;
    $http->send(request('leave') x 2);
    $http->answer('POST') if rand() < 0.3;
    $http->reset;
    return;
}


sub settled {
    my ($when) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    works($when);
    ok(wait_until { my $h = $nginx->http->get('/health')->json;
                    $h && $h->{status} eq 'ok' && $h->{waiting_rows} == 0
                    && !grep { $_->{state} ne 'ready' } @{ $h->{database}{connections} }
    } slow(15),
       "nothing waits for the database $when");
    return;
}


sub memory {
    my ($pid) = $nginx->worker_pids;
    return slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m ? $1 : 0;
}


# once what was closed is noticed
sub files {
    my ($pid) = $nginx->worker_pids;
    my @is;

    wait_until {
        my @was = @is;
        @is = sort map { (readlink // '') =~ s/\d+/N/gr } glob "/proc/$pid/fd/*";
        sleep 0.5;
        "@was" eq "@is";
    } slow(10);

    return @is;
}


sub client {
    my ($requests) = @_;

    pipe my $in, my $out or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        for (1 .. $requests) {
            my $r = $nginx->http->request('POST', '/v1/messages', %auth,
                                          json => $account->message);
            syswrite $out, ($r->text || 'no answer') . "\n" if $r->status != 202;
            sleep 0.02;
        }

        POSIX::_exit(0);
    }

    close $out;
    return [ $pid, $in ];
}
