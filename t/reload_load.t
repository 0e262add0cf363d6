#!/usr/bin/perl

# Reload under load, also to other plugin files: no error answer, no alert,
# nothing lost, nothing doubled, and leases go over at once.

# runs: alone
# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Load;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $reloads = rounds(4, 20);
my $seed = $ENV{SMS_SEED} // int(time) % 100000;
diag("SMS_SEED=$seed");
srand $seed;

# plugins of this test's own, to be replaced under the server
my $plugins = temporary('plugins');
copy($_, $plugins) or die "$_: $!\n" for glob build() . '/plugins/*.so';
chmod 0644, glob "$plugins/*.so";

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], credit => 1_000_000_000_000);
my $smsc = SMS::Smsc->start(receipt_ms => 50, delay_ms => 20, max_binds => 1);
my $conf = conf(smsc => $smsc, window => 20) =~ s/%%PLUGINS%%/$plugins/r;
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, level => 'notice', conf => $conf);

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub request {
    my ($client, $n) = @_;

    my $to = sub { sprintf '9053%d%07d', 3 + $client, $n * 20 + $_[0] };

    return { class => 'otp', sender => 'ORNEK', to => [ $to->(0) ],
             text => sprintf('Örnek giriş kodu: %06d', int rand 1e6) } if rand() < 0.3;
    return { class => 'informational', basis => 'order_delivery', sender => 'ORNEK',
             to => [ map { $to->($_) } 0 .. (rand() < 0.8 ? 0 : 9) ],
             text => 'Siparişiniz yolda. ' x (rand() < 0.8 ? 1 : 12) };
}


# a new connection for each request, so that new workers get theirs at once
my $load = SMS::Load->start(port => $nginx->port(0), key => $account->{key}, seed => $seed,
                            request => \&request, clients => 2, pause => 0.02, strict => 1,
                            keep => 0);

for my $i (1 .. $reloads) {
    my $seen = $load->count;
    wait_until { $load->count > $seen + 30 } slow(20), 'load';

    if ($i % 2 == 0) {
        # as a package manager does: a new file under the old name
        for my $file (glob "$plugins/operator_*.so $plugins/billing_*.so") {
            copy($file, "$file.new") or die "$file: $!\n";
            chmod 0644, "$file.new";
            rename "$file.new", $file or die "$file: $!\n";
        }
    }

    my $ended = $pg->value('select count(*) from sms.settlement');
    my $began = time;
    ok($nginx->reload, "reload $i" . ($i % 2 ? '' : ' with new files'));

    my $bound = wait_until { $smsc->stats->{binds} - $smsc->stats->{refused_binds} >= $i + 1 }
                slow(10), 'the new bind';
    ok($bound, "reload $i: the bind went over");
    cmp_ok(time - $began, '<', slow(4), "reload $i: at once, no lease had to run out");

    my $on = wait_until { $pg->value('select count(*) from sms.settlement') > $ended + 20 }
             slow(20), 'settlements';
    ok($on, "reload $i: messages end");
}

ok($load->stop, 'the load ends');

my @answers = $load->answers;
my @bad = grep { ($_->{status} // 0) != 202 } @answers;
is(scalar @bad, 0, scalar(@answers) . ' requests, none with an error') or diag(explain(@bad > 3 ? @bad[0 .. 2] : @bad));
ok(wait_ended($pg, 20), 'every message has ended');
is_deeply([ grep { $_ ne 'delivered' } keys %{ states($pg) } ], [], 'delivered, all');
is($pg->value('select count(*) from sms.message'), scalar(map { @{ $_->{ids} // [] } } @answers),
   'as many as were accepted');
is($pg->value('select count(*) from sms.in_doubt'), 0, 'nothing was in doubt');
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice at the SMSC');
books_balance($pg);
unlike($nginx->log, qr/\[(?:alert|emerg|crit)\]/, 'no alert in the log');

done_testing;
