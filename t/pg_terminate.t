#!/usr/bin/perl

# pg_terminate_backend() for each of the worker's connections by its name, idle and
# under load: it comes back by itself, and no acknowledged message is lost or doubled.

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
use Time::HiRes qw(sleep);

my @names = qw(write bulk read flow control);
my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());

$nginx->start;
ok($nginx->ready, 'ready');


sub pid_of {
    my ($name) = @_;

    return $pg->value('select pid from pg_stat_activity where application_name = ?
                         and datname = current_database()', "ngx_sms $name 0");
}


sub state_of {
    my ($name) = @_;

    my %state = map { @$_{qw(name state)} }
                @{ $nginx->http->get('/health')->json->{database}{connections} };
    return $state{$name};
}


is_deeply([ map { $_->{application_name} } $pg->rows(q{
              select application_name from pg_stat_activity
               where datname = current_database() and application_name like 'ngx%' order by 1}) ],
          [ sort map { "ngx_sms $_ 0" } @names ], 'a worker has these connections, by their names');

for my $name (@names) {
    ok(wait_until(sub { state_of($name) eq 'ready' }), "$name is ready");
    my $pid = pid_of($name);
    my $losses = metric($nginx, 'sms_pg_losses_total');
    $pg->do('select pg_terminate_backend(?)', $pid);
    ok(wait_until(sub { (pid_of($name) // $pid) != $pid && state_of($name) eq 'ready' }),
       "$name terminated: it is there again");
    like($nginx->log, qr/sms pg: $name: connection lost: sqlstate=57P01/, 'the log has the reason');
    is(metric($nginx, 'sms_pg_losses_total'), $losses + 1, 'and the metrics the loss');

    my $r = $account->send($nginx, {});
    is($r->status, 202, 'a message is accepted');
    is($account->wait_state($nginx, $r->json->{messages}[0]{id}, qr/^delivered$/)->{state},
       'delivered', 'and delivered');
}

# notices still arrive: a key that is revoked is refused without waiting for its age

{
    my $key = $account->key('live', waived => 'test');
    is($account->get($nginx, '/v1/balance', key => $key)->status, 200, 'a key works');
    $pg->do('update sms.api_key set revoked_at = now() where key_id = ?', substr $key, 9, 8);
    $pg->do(q{select pg_notify('sms_profile', ?)}, $account->id);
    ok(wait_until(sub { $account->get($nginx, '/v1/balance', key => $key)->status == 401 }),
       'a notice reaches the new control connection');
}


# under load, every connection again and again

my $load = numbered($nginx, $account, clients => 4, pause => 0.002);

for my $round (1 .. rounds(4, 20)) {
    for my $name (@names) {
        my $n = $load->count;
        wait_until { $load->count > $n + 10 } slow(10), 'load';
        sleep rand 0.02;
        $pg->do('select pg_terminate_backend(?)', pid_of($name) // 0);
    }
}

ok($nginx->ready, 'ready after all of it');
my $n = $load->count;
wait_until { $load->count > $n + 40 } slow(20), 'load';
my @accepted = each_once($pg, $load, 'terminated under load');
cmp_ok(scalar @accepted, '>', 100, 'and there were some');
is_deeply([ grep { !/^(?:503|409) / } map { @{ $_->{bad} } } $load->answers ], [],
          'whatever was not accepted was told so with a 503');
cmp_ok(metric($nginx, 'sms_pg_batches_total{outcome="resent"}'), '>=', 1,
       'batches whose fate nobody knew were sent again');

done_testing;
