#!/usr/bin/perl

# A ported number goes to the link of its network: by a file, which may be replaced
# while nginx runs, and by an HTTP service, whose answers are kept; without an answer
# the prefix routes.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use POSIX ();
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Route;
use SMS::Smsc;
use SMS::Tap;

# a service of networks: numbers that end in 7 are Turk Telekom's, in 8 unknown
sub service {
    my $listen = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', ReuseAddr => 1)
        or die "listen: $!\n";
    my $log = temporary('service') . '/asked';
    my $parent = $$;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        $SIG{ALRM} = sub { POSIX::_exit(0) if getppid != $parent; alarm 1 };
        alarm 1;
        while (1) {
            my $c = $listen->accept or next;
            my $head = '';
            while ($head !~ /\r\n\r\n/) { sysread $c, $head, 4096, length $head or last }
            my ($number) = $head =~ m{^GET /np/(\d+)};
            open my $out, '>>', $log; print {$out} "$number\n"; close $out;
            my $body = $number =~ /7$/ ? '{"data":[{"mcc":"286","mnc":"03"}]}' : '{"data":[]}';
            syswrite $c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                . length($body) . "\r\nConnection: close\r\n\r\n$body";
            close $c;
        }
    }

    my $port = $listen->sockport;
    close $listen;
    return { port => $port, pid => $pid, log => $log };
}

sub asked {
    my ($service) = @_;

    open my $in, '<', $service->{log} or return {};
    my %n;
    while (my $line = <$in>) { chomp $line; $n{$line}++ }
    return \%n;
}

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => [qw(turkcell vodafone telekom)]);
my %smsc = map { $_ => SMS::Smsc->start(receipt_ms => 20) } qw(turkcell vodafone telekom);
my $service = service();

END { if ($service) { kill 'TERM', $service->{pid}; waitpid $service->{pid}, 0 } }

my $ported = table('ported', "# taşınmış numaralar\n905321000001 286-02\n905321000005 286-02\n");
my $networks = table('networks', "turkcell 286-01\nvodafone 286-02\ntelekom 286-03,286-04\n");
my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(
    http => link_to($smsc{turkcell}, 'turkcell', 2) . link_to($smsc{vodafone}, 'vodafone', 3)
            . link_to($smsc{telekom}, 'telekom', 4)
            . router("90 * turkcell\n90 * network=vodafone vodafone\n"
                     . "* * network=telekom telekom\n", "networks $networks;")
            . "sms_plugin lookup ported lookup_file.so { table $ported; check 100ms; }\n"
            . "sms_plugin lookup np lookup_http.so wait=2s { grant http dict;\n"
            . "url \"http://127.0.0.1:$service->{port}/np/{number}\";\n"
            . "mcc_path data.0.mcc; mnc_path data.0.mnc; retry 200ms; }\n"));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
ok(wait_until { $nginx->log =~ /ported numbers: read: 2/ } slow(10), 'the file is read');

sub goes {
    my ($to) = @_;

    my $r = message_of($account, $nginx, $to);
    return $r->status . ' ' . $r->body if $r->status != 202;
    wait_ended($pg, 30);
    my @links = grep { went($smsc{$_})->{$to} } sort keys %smsc;
    return join '+', @links;
}

is(goes('905321000001'), 'vodafone', 'ported: to its network');
is(goes('905321000002'), 'turkcell', 'not ported: by its prefix');
is(goes('905451000003'), 'vodafone', 'and a number of that network by birth');
is_deeply(asked($service), { 905321000002 => 1, 905451000003 => 1 },
          'the second is asked for what the first does not know');
is(goes('905321000017'), 'telekom', 'the service knows it');
is(goes('905321000018'), 'turkcell', 'and not this one');
is(goes($_), $_ eq '905321000017' ? 'telekom' : 'turkcell', 'again')
    for '905321000017', '905321000018';
is(asked($service)->{$_}, 1, 'asked once') for '905321000017', '905321000018';

table('ported', "905321000002 286-02\n905321000005 286-03\n905321000006 286-03\n");
ok(wait_until { $nginx->log =~ /ported numbers: read: 3/ } slow(10), 'the file was replaced');
is(goes('905321000005'), 'telekom', 'what it says counts');
is(goes('905321000002'), 'turkcell+vodafone', 'for all: before the other way');

table('ported', "905321000009 286-02\n905321000001 286-02\n");
ok(wait_until { $nginx->log =~ /not taken, the old ones stay: line 2: the number is not above/ }
   slow(10), 'a wrong one is not taken');
is(goes('905321000006'), 'telekom', 'the old one stays');

kill 'TERM', $service->{pid};
waitpid $service->{pid}, 0;
undef $service;
is(goes('905321000027'), 'turkcell', 'the service is down: the prefix routes');
is(goes('905321000017'), 'telekom', 'what was kept still counts');
is(goes("90532100003$_"), 'turkcell', "and on ($_)") for 1 .. 6;
like($nginx->log, qr/the service of networks fails/, 'told once it is certain');
is(goes('905321000006'), 'telekom', 'the file goes on');

books_balance($pg);
done_testing;
