#!/usr/bin/perl

# Several hosts: tried in turn until one is a primary that keeps what it commits; a
# lost one is looked for again, the others as well.  Names, ports and their mistakes.

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

my $conf = SMS::Account::conf() =~ s/"%%DATABASE%%"/"%%CONNINFO%%"/r;
my $pg = SMS::Pg->new(listen => 1);
my $account = SMS::Account->new($pg);
my $dead = free_port();


sub server {
    my ($hosts, $ports, %opt) = @_;

    my $nginx = SMS::Nginx->new(pg => $pg, conf => $conf, %opt, vars => { CONNINFO =>
        "host=$hosts port=$ports dbname=" . $pg->name . ' user=sms_nginx connect_timeout=2' });
    $nginx->start if !$opt{idle};
    return $nginx;
}


# the dead one first, in the middle, and a socket directory that is not there

for my $case ([ "127.0.0.1,127.0.0.1", $dead . ',' . $pg->port ],
              [ "127.0.0.1,127.0.0.1", $pg->port . ",$dead" ],
              [ "/tmp/sms-nobody,127.0.0.1,127.0.0.1", "5432,$dead," . $pg->port ],
              [ $pg->socket . ',127.0.0.1', $pg->port . ",$dead" ])
{
    my $nginx = server(@$case);
    ok($nginx->ready, "host=$case->[0] port=$case->[1]: ready");
    is($account->send($nginx, {})->status, 202, 'a message is accepted');
    $nginx->end;
}


# servers that are there and may forget: each is looked at, none is taken

{
    my $other = SMS::Pg->new(listen => 1);
    my $nginx = SMS::Nginx->new(pg => $pg,
        conf => $conf =~ s/sms_unsafe_database on;//r,
        vars => { CONNINFO => 'host=127.0.0.1,127.0.0.1 port=' . $other->port . ',' . $other->port
                              . ' dbname=' . $other->name . ' user=sms_nginx' });
    $nginx->start;
    ok($nginx->wait_log(qr/sms pg: write: server has fsync off/), 'no host is fit: said in the log');
    is($nginx->http->get('/health')->status, 503, 'not ready');
    $nginx->end;
    $other->end;
}


# the primary moves: first it is one address, then the other

{
    my $other = SMS::Pg->new(listen => 1);
    my $nginx = SMS::Nginx->new(pg => $pg, conf => $conf, vars => { CONNINFO =>
        'host=127.0.0.1,127.0.0.1 port=' . $pg->port . ',' . $other->port
        . ' dbname=' . $pg->name . ' user=sms_nginx connect_timeout=2' });

    # of the same name and with the same customer
    $other->admin('alter database ' . $other->name . ' rename to ' . $pg->name)
        if $other->name ne $pg->name;
    $other->{name} = $pg->name;
    my $there = SMS::Account->new($other);

    $nginx->start;
    ok($nginx->ready, 'two servers: ready on the first');
    is($account->send($nginx, {})->status, 202, 'its customer is served');
    $pg->stop('immediate');
    ok(wait_until(sub { $there->send($nginx, {})->status == 202 }),
       'it goes away: the second takes over');
    is($nginx->http->get('/health')->status, 200, 'ready');
    $pg->start;
    $other->stop('immediate');
    ok(wait_until(sub { $account->send($nginx, {})->status == 202 }), 'and back again');
    ok($nginx->ready, 'ready');
    $nginx->end;
    $other->start;
    $other->end;
}


# mistakes are found by "nginx -t"

for my $case ([ 'host=127.0.0.1 port=1,2', qr/more ports than hosts/ ],
              [ 'host=127.0.0.1 port=99999', qr/invalid port "99999"/ ],
              [ 'host=no-such-host.invalid', qr/host "no-such-host\.invalid" not found/ ],
              [ 'hostaddr=1.2.3', qr/invalid hostaddr "1\.2\.3"/ ],
              [ 'host=127.0.0.1 connect_timeout=0', qr/connect_timeout "0"/ ],
              [ 'host=127.0.0.1 target_session_attrs=standby', qr/target_session_attrs "standby"/ ],
              [ 'host=127.0.0.1 password=geheim sslmod=x', qr/sslmod/ ],
              [ 'service=x', qr/"service" is not supported/ ])
{
    my ($conninfo, $why) = @$case;
    my $nginx = SMS::Nginx->new(pg => $pg, conf => $conf, vars => { CONNINFO => $conninfo });
    my ($ok, $out) = $nginx->check;
    ok(!$ok, "$conninfo: refused");
    like($out, $why, 'for its reason') or diag($out);
    unlike($out, qr/geheim/, 'and no password is shown');
}

done_testing;
