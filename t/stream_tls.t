#!/usr/bin/perl

# Many links with certificate authorities of their own, more than contexts are kept:
# each connection is verified by the authority of its own block and by no other.  The
# first link waits for its name server while the others push its context out.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use POSIX ();
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source;
use SMS::Tap;

my ($kept) = code('ngx_sms_module/loop/ngx_sms_tls.h') =~ /NGX_SMS_TLS_CONTEXTS\s+(\d+)/;
my $pg = SMS::Pg->new;
my $nginx = SMS::Nginx->new(pg => $pg);
my ($cert, $key) = $nginx->certificate;
my @port = map { free_port() } 0 .. 1;
my @server = map { server($_) } @port;

# the first has another authority, the others the right one, each in a file of its own
my $dir = temporary('authorities');
my $other = qx{openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \\
    -days 2 -subj /CN=other -keyout $dir/other.key 2>/dev/null};
my $blocks = '';

for my $n (1 .. 2 * $kept - 2) {
    my $ca = spew("$dir/ca$n.crt", $n > 1 ? slurp($cert) : $other);
    my ($host, $to) = $n == 1 ? ('smsc.test', $port[0]) : ('127.0.0.1', $port[1]);
    chmod 0644, $ca;
    $blocks .= <<"EOC";
    sms_plugin operator link$n operator_smpp.so link=$n {
        grant stream inbound;
        host $host; port $to; system_id demo; password demo;
        tls on; tls_name 127.0.0.1; ca $ca; reconnect_min 60s; reconnect_max 60s;
    }
EOC
}

chmod 0755, $dir;
my $names = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "udp: $!\n";
push @server, names($names);
$nginx->conf(SMS::Account::conf(http => "resolver 127.0.0.1:@{[ $names->sockport ]} ipv6=off;") =~
             s/sms_sandbox sim;\s+sms_plugin operator sim .*?\n    \}\n/$blocks/sr);
$nginx->start;
ok($nginx->ready, 'ready');

my $failed = qr/TLS handshake failed: peer="\S+" port=/;
ok(wait_until(sub { $nginx->log =~ /$failed$port[0]\b/ }, slow(10)),
   'the one whose authority is another is refused') or diag($nginx->tail);
is(scalar(() = $nginx->log =~ /$failed$port[1]\b/g), 0, 'the others are not');

kill 'TERM', @server;
waitpid $_, 0 for @server;
done_testing;


# a name server that answers everything with 127.0.0.1, after three seconds
sub names {
    my ($socket) = @_;

    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;

    while (defined(my $from = $socket->recv(my $query, 512))) {
        sleep 3;
        my ($question) = substr($query, 12) =~ /^((?:[^\0].*?)?\0.{4})/s;
        $socket->send(substr($query, 0, 2) . pack('n5', 0x8180, 1, 1, 0, 0) . $question
                      . pack('n3Nn', 0xc00c, 1, 1, 60, 4) . pack('C4', 127, 0, 0, 1), 0, $from);
    }

    POSIX::_exit(0);
}


sub server {
    my ($port) = @_;

    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', '/dev/zero';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec 'openssl', 's_server', '-accept', "127.0.0.1:$port", '-cert', $cert, '-key', $key,
             '-quiet' or POSIX::_exit(127);
    }

    wait_until { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) } slow(10),
               'openssl s_server';
    return $pid;
}
