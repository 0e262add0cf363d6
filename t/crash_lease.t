#!/usr/bin/perl

# A holder that stops and comes back too late: its lease has passed to another,
# and it writes nothing more (D20).

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
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2,
                            conf => conf(smsc => $smsc, smpp => 'enquire_link 1m;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub holder {
    my ($pid) = ($pg->value(q{select holder from sms.lease where name like 'bind/%'
                                 and expires_at > now()}) // '') =~ /:(\d+):/;
    return $pid // 0;
}


sub delivered {
    my ($text) = @_;
    my $id = send_one($account, $nginx, text => $text);
    return $account->wait_state($nginx, $id, qr/^delivered$/, 15)->{state};
}


my $bound = wait_until { $smsc->stats->{binds} } slow(10), 'a bind';
ok($bound, 'bound');
is(delivered('önce'), 'delivered', 'delivered');

my $old = holder();
my ($first) = $smsc->messages;
ok(grep({ $_ == $old } $nginx->worker_pids), 'the holder is one of the workers');

kill 'STOP', $old;
my $began = time;
my $taken = wait_until { my $now = holder(); $now && $now != $old } 9 + slow(4), 'another holder';
ok($taken, sprintf 'another holds the lease after %.1f s', time - $began);
my $again = wait_until { $smsc->stats->{binds} == 2 } slow(5), 'its bind';
ok($again, 'and has bound');

# the kernel may give a connection to the one that stands still
my @ids;
for (1 .. 10) {
    my $id = eval {
        local $SIG{ALRM} = sub { die "stands still\n" };
        alarm 3;
        my $id = send_one($account, $nginx, text => "arada $_");
        alarm 0;
        $id;
    };
    alarm 0;
    push @ids, $id if $id;
}
ok(scalar @ids, scalar(@ids) . ' accepted meanwhile');
my $last = wait_until { $smsc->messages >= 1 + @ids } slow(15), 'them on the wire';
ok($last, 'and on the wire');

kill 'CONT', $old;
my $gone = wait_until { grep { $_->{conn} == $first->{conn} } $smsc->events('closed') } slow(10),
                      'the old session to end';
ok($gone, 'the old session is closed when the worker comes back');
is(delivered('sonra'), 'delivered', 'delivered');
ok(!(grep { $_->{conn} == $first->{conn} && $_->{at} > $began } $smsc->messages),
   'it has written nothing after its time');

ok(wait_ended($pg, 20), 'every message has ended');
is_deeply([ keys %{ states($pg) } ], ['delivered'], 'delivered, all');
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice');
books_balance($pg);

done_testing;
