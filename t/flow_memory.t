#!/usr/bin/perl

# A worker's memory does not grow with the number of messages it has handled.
#
#   SMS_MEMORY_MESSAGES=100000   (1,000,000 in test-long)

# runs: alone
# limit: 3000

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
use SMS::Tap;
use Time::HiRes qw(sleep time);

plan skip_all => 'sanitizers keep what is freed' if sanitized() || valgrind();

my $total = $ENV{SMS_MEMORY_MESSAGES} // rounds(100_000, 1_000_000);
my $first = int $total / 5;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['sim'], credit => 1_000_000_000_000);
my $nginx = SMS::Nginx->new(pg => $pg, level => 'notice',
    conf => conf(sim => 'receipt_delay 1ms; window 500;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
my ($worker) = $nginx->worker_pids;


sub rss { return (slurp("/proc/$worker/status") =~ /VmRSS:\s+(\d+)/)[0] / 1024 }


sleep 1;
my $rest = rss();
cmp_ok($rest, '<', 64, sprintf 'at rest %.1f MiB', $rest);

my $n = 0;
my $http = $nginx->http(key => $account->{key}, keep => 1, timeout => slow(30));


# never more than a few thousand under way: what is measured is what stays
sub send_until {
    my ($end) = @_;

    while ($n < $end) {
        # the simulator has its own ideas of numbers that end in 0001 to 0006
        my @to = map { sprintf '9053%07d9', $n + $_ } 1 .. 500;
        my $r = $http->post('/v1/messages', { class => 'informational',
            basis => 'order_delivery', sender => 'ORNEK', to => \@to,
            text => "Siparişiniz yolda, $n." });
        die $r->status . ' ' . $r->body unless $r->status == 202;
        $n += @to;

        if ($n % 5000 == 0) {
            wait_until {
                $n - $pg->value('select count(*) from sms.settlement') < 2000
            } slow(60), 'messages to end' or die "they do not end\n" . $nginx->tail;
        }
    }

    wait_ended($pg, 60) or die "they do not end\n";
    sleep 1;
    return rss();
}


my $after_first = send_until($first);
my $after_all = send_until($total);

note(sprintf 'MiB: %.1f at rest, %.1f after %d, %.1f after %d', $rest, $after_first, $first,
     $after_all, $total);
cmp_ok($after_all - $after_first, '<', 4,
       sprintf '%.1f MiB after %d messages, %.1f after %d', $after_first, $first, $after_all, $total);
cmp_ok($after_all, '<', 64, 'and still below 64 MiB');
is_deeply([ sort keys %{ states($pg) } ], ['delivered'], 'delivered, all');
is(($nginx->worker_pids)[0], $worker, 'by one worker');
books_balance($pg);

done_testing;
