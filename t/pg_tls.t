#!/usr/bin/perl

# TLS to PostgreSQL: verify-full accepts the right certificate and nothing else, and
# the reason of a refusal is in /health and the log.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;

my $dir = temporary('tls');
my $pg = SMS::Pg->new(listen => 1);
my $account = SMS::Account->new($pg);
my $conf = SMS::Account::conf() =~ s/"%%DATABASE%%"/"%%CONNINFO%%"/r;


sub openssl {
    my ($command) = @_;

    my $out = qx{cd $dir && openssl $command 2>&1};
    die "openssl $command: $out" if $?;
    return;
}


sub authority {
    my ($name) = @_;

    openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            . "-subj /CN=$name -keyout $name.key -out $name.crt");
    return;
}


sub certificate {
    my ($name, $ca, $san, $days) = @_;

    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$name "
            . "-keyout $name.key -out $name.csr");
    spew("$dir/$name.ext", "subjectAltName=$san\n");
    openssl("x509 -req -in $name.csr -CA $ca.crt -CAkey $ca.key -CAcreateserial "
            . "-days $days -extfile $name.ext -out $name.crt");
    return;
}


# the server's files, and a server that has read them

sub serve {
    my ($name) = @_;

    my $data = $pg->dir . '/data';
    my (undef, undef, undef, undef, $uid, $gid) = stat $data;

    for my $end (qw(crt key)) {
        spew("$data/server.$end", slurp("$dir/$name.$end"));
        chown $uid, $gid, "$data/server.$end";
        chmod 0600, "$data/server.$end";
    }

    $pg->do('alter system set ssl = on');
    $pg->do('select pg_reload_conf()');
    return;
}


sub server {
    my (%opt) = @_;

    my $conninfo = join ' ', "host=$opt{host}", 'port=' . $pg->port, 'dbname=' . $pg->name,
                             'user=sms_nginx', "sslmode=$opt{mode}",
                             $opt{ca} ? "sslrootcert=$dir/$opt{ca}.crt" : ();
    my $nginx = SMS::Nginx->new(pg => $pg, conf => $conf, vars => { CONNINFO => $conninfo });
    $nginx->start;
    return $nginx;
}


authority($_) for qw(ours theirs);
certificate('good', 'ours', 'IP:127.0.0.1,DNS:localhost', 2);
certificate('elsewhere', 'ours', 'DNS:db.example.com', 2);
certificate('expired', 'ours', 'IP:127.0.0.1', 0);
chmod 0644, glob "$dir/*.crt";
Time::HiRes::sleep(1.1);

spew($pg->dir . '/data/pg_hba.conf',
     "local all all trust\nhostssl all all 127.0.0.1/32 trust\n");


# the right one

serve('good');

{
    my $nginx = server(host => '127.0.0.1', mode => 'verify-full', ca => 'ours');
    ok($nginx->ready, 'verify-full with the right authority and name: ready');
    is($pg->value(q{select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid)
                     where a.usename = 'sms_nginx' and s.ssl}), 5, 'five connections, all TLS');
    is($account->send($nginx, {})->status, 202, 'a message is accepted');
    is($account->send($nginx, { to => [ map { sprintf '90533%07d', $_ } 1 .. 1000 ] })->status,
       202, 'and a large one');

    $pg->do(q{select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sms_nginx'});
    ok($nginx->ready, 'all terminated: ready again');
    is($account->send($nginx, {})->status, 202, 'and accepts');
    $nginx->reload;
    ok($nginx->ready, 'reloaded');
    $nginx->end;
}

for my $mode (qw(verify-ca require)) {
    my $nginx = server(host => '127.0.0.1', mode => $mode, ca => 'ours');
    ok($nginx->ready, "$mode: ready");
    $nginx->end;
}


sub refused {
    my ($name, $why, %opt) = @_;

    my $nginx = server(host => '127.0.0.1', mode => 'verify-full', ca => 'ours', %opt);
    ok($nginx->wait_log($why), "$name: the log says why");

    # the one that has said so may be another worker's, or another connection
    my $r;
    wait_until {
        $r = $nginx->http->get('/health');
        $r->json->{database}{connections}[0]{reason} ne 'not started';
    } slow(10), 'the first connection to try';
    is($r->status, 503, 'not ready');
    is($r->json->{database}{connections}[0]{reason}, 'cannot connect', 'nor in /health');
    is($account->send($nginx, {})->status, 503, 'nothing is accepted');
    is($pg->value(q{select count(*) from pg_stat_activity where usename = 'sms_nginx'}), 0,
       'no session was made');
    $nginx->end;
    return;
}


refused('another authority', qr/certificate verify failed/, ca => 'theirs');
refused('another authority, name not looked at', qr/certificate verify failed/,
        ca => 'theirs', mode => 'verify-ca');

serve('elsewhere');
refused('another name', qr/server certificate for "\.\." .*does not match host name/);

{
    my $nginx = server(host => '127.0.0.1', mode => 'verify-ca', ca => 'ours');
    ok($nginx->ready, 'which verify-ca does not look at');
    $nginx->end;
}

serve('expired');
refused('an expired certificate', qr/certificate (?:verify failed|has expired)/);


# plain where TLS is asked for, and TLS where the server wants it

$pg->do('alter system set ssl = off');
$pg->do('select pg_reload_conf()');
refused('a server without TLS', qr/does not support SSL|SSL/);

serve('good');
refused('a client without TLS', qr/no encryption|no pg_hba/, mode => 'disable');


# at the configuration

for my $case ([ 'sslmode=prefer', qr/sslmode "prefer" is not one of/ ],
              [ 'sslmode=allow', qr/sslmode "allow" is not one of/ ])
{
    my $nginx = SMS::Nginx->new(pg => $pg, conf => $conf,
                                vars => { CONNINFO => "host=127.0.0.1 $case->[0]" });
    my ($ok, $out) = $nginx->check;
    ok(!$ok, "$case->[0] is refused");
    like($out, $case->[1], 'for its reason');
}

done_testing;
