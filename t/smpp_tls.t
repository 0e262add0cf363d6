#!/usr/bin/perl

# SMPP over TLS against an SMSC with certificates of its own: who is let in, and what
# the log and sms.bind say of who is not.

# limit: 300

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use POSIX ();
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
# each brings receipts over any of its sessions, so a link has one of its own
my $smsc = SMS::Smsc->start(receipt_ms => 50);
my $second = SMS::Smsc->start(receipt_ms => 50);
my $dir = temporary('tls');
chmod 0755, $dir;

authority('ca');
authority('other');
certificate('server', 'ca', 'smsc.test', 2);
certificate('old', 'ca', 'smsc.test', 0);
certificate('client', 'ca', 'us', 2);

my %server = (good => front('server', 0), expired => front('old', 0),
              strict => front('server', 1));
my %link = (
    good    => [ 2, 'good',    'tls_name smsc.test; ca %s/ca.crt;' ],
    mutual  => [ 3, 'strict',  'tls_name smsc.test; ca %s/ca.crt; cert %1$s/client.crt; key %1$s/client.key;' ],
    name    => [ 4, 'good',    'tls_name other.test; ca %s/ca.crt;' ],
    ca      => [ 5, 'good',    'tls_name smsc.test; ca %s/other.crt;' ],
    date    => [ 6, 'expired', 'tls_name smsc.test; ca %s/ca.crt;' ],
    nobody  => [ 7, 'strict',  'tls_name smsc.test; ca %s/ca.crt;' ]);
my $blocks = '';

for my $name (sort keys %link) {
    my ($id, $to, $keys) = @{ $link{$name} };
    $blocks .= sprintf <<'EOC', $name, $id, $server{$to}{port}, sprintf($keys, $dir);
    sms_plugin operator %s operator_smpp.so link=%d operator=turkcell {
        grant stream inbound metric dict;
        host 127.0.0.1; port %d; system_id demo; password demo; tls on;
        reconnect_min 200ms; reconnect_max 1s; %s
    }
EOC
}

my $nginx = SMS::Nginx->new(pg => $pg, workers => 1);
my $routes = spew("$nginx->{dir}/routes", "* * good\n90559 * mutual\n");
chmod 0644, $routes;
$nginx->conf(conf(sim => "receipt_delay 50ms;", http => <<"EOC"));
    sms_plugin router prefix router_prefix.so { table $routes; }
$blocks
EOC
ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

sub bind_of { return $pg->value("select $_[1] from sms.bind where link_id = ?", $link{ $_[0] }[0]) // '' }

for my $name (qw(good mutual)) {
    ok(scalar(wait_until { bind_of($name, 'state') eq 'bound' } slow(10), "$name bound"),
       "$name: bound") or diag($nginx->tail);
}

for my $to (qw(905321112233 905590000002)) {
    my $id = send_one($account, $nginx, to => $to, text => 'TLS ile');
    is($account->wait_state($nginx, $id, qr/^delivered$/, 10)->{state}, 'delivered', "$to: delivered");
}

my $certificate = qr/connect failed: the SMSC's certificate is not accepted \(ca, tls_name, dates\)/;
my %why = (name => $certificate, ca => $certificate, date => $certificate,
           nobody => qr/connection lost: .*does the SMSC want a client certificate/);

for my $name (sort keys %why) {
    ok(scalar(wait_until { bind_of($name, 'coalesce(error, $$$$)') =~ $why{$name} } slow(10),
              "$name refused"), "$name: sms.bind says why")
        or diag(bind_of($name, 'error'));
    isnt(bind_of($name, 'state'), 'bound', "$name: not bound");
}

# tried again and again, and said once
wait_until { ($nginx->http->get('/metrics')->body
              =~ /^sms_plugin_smpp_connects_total\{[^}]*"date"[^}]*\} (\d+)/m ? $1 : 0) > 3 }
           slow(15), 'more tries';

for my $name (sort keys %why) {
    my @lines = $nginx->log =~ /sms $name: bind 1: ($why{$name})/g;
    is(scalar @lines, 1, "$name: one line") or diag(explain(\@lines));
}

is($_->stats->{binds}, 1, 'nobody else came so far as to bind') for $smsc, $second;
kill 'TERM', $_->{pid} for values %server;
waitpid $_->{pid}, 0 for values %server;
done_testing;


sub openssl {
    my ($what) = @_;
    my $said = qx{cd $dir && openssl $what 2>&1};
    die "openssl $what: $said" if $?;
    return;
}


sub authority {
    my ($name) = @_;

    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
            . " -subj /CN=$name -keyout $name.key -out $name.crt");
    chmod 0644, "$dir/$name.crt", "$dir/$name.key";
    return;
}


# of no days: one that has run out
sub certificate {
    my ($name, $by, $host, $days) = @_;

    spew("$dir/$name.ext", "subjectAltName=DNS:$host\n");
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$host"
            . " -keyout $name.key -out $name.csr");
    openssl("x509 -req -in $name.csr -CA $by.crt -CAkey $by.key -CAcreateserial"
            . " -extfile $name.ext -days " . ($days || -1) . " -out $name.crt");
    chmod 0644, "$dir/$name.crt", "$dir/$name.key";
    return;
}


# TLS in front of the SMSC, a process a connection
sub front {
    my ($name, $strict) = @_;

    my $listen = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', ReuseAddr => 1)
        or die "listen: $!\n";
    my $port = $listen->sockport;
    my $to = ($strict ? $second : $smsc)->port;
    my $pid = fork // die "fork: $!\n";
    return { pid => $pid, port => $port } if $pid;

    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = sub { kill 'TERM', -$$; POSIX::_exit(0) };
    setpgrp;

    while (1) {
        my $c = $listen->accept or next;
        my $child = fork // POSIX::_exit(1);
        next if $child;
        $SIG{TERM} = 'DEFAULT';
        relay($c, $to, $name, $strict);
        POSIX::_exit(0);
    }
}


sub relay {
    my ($c, $to, $name, $strict) = @_;

    IO::Socket::SSL->start_SSL($c, SSL_server => 1, SSL_cert_file => "$dir/$name.crt",
        SSL_key_file => "$dir/$name.key", SSL_ca_file => "$dir/ca.crt",
        SSL_verify_mode => $strict ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                   : SSL_VERIFY_NONE) or return;
    my $far = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or return;
    my $both = IO::Select->new($c, $far);

    while (1) {
        for my $from ($c->pending ? $c : $both->can_read) {
            my $n = sysread $from, my $octets, 65536;
            return if !$n;
            my $other = $from == $c ? $far : $c;
            syswrite $other, $octets;
        }
    }
}
