#!/usr/bin/perl

# A database that is there and of no use: without a schema, with an older one, with
# another clock, without rights, without the database itself.  Not ready, with the
# reason in /health and the log; ready by itself once it is mended.

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

my $pg = SMS::Pg->new(own => 1);
my $account = SMS::Account->new($pg);
my $empty = SMS::Pg->new(schema => 0);

$empty->do('create role sms_nginx login')
    if !$empty->value(q{select count(*) from pg_roles where rolname = 'sms_nginx'});


sub health { return $_[0]->http->get('/health') }


sub reasons {
    my ($nginx) = @_;

    my %seen;
    $seen{$_->{reason}} = 1 for @{ health($nginx)->json->{database}{connections} };
    return join ' | ', sort keys %seen;
}


sub refused {
    my ($nginx, $name, $reason, $log) = @_;

    ok($nginx->wait_log($log), "$name: in the log");
    ok(wait_until(sub { reasons($nginx) eq $reason }), 'the reason in /health')
        or diag(reasons($nginx));
    is(health($nginx)->status, 503, 'not ready');
    is(health($nginx)->json->{status}, 'unavailable', 'and says so');
    my $r = $account->send($nginx, {});
    is($r->status, 503, 'nothing is accepted');
    ok($r->header('Retry-After'), 'come again');
    is($account->get($nginx, '/v1/balance')->status, 503, 'nothing is read');
    is($nginx->http->get('/metrics')->status, 200, 'the metrics are there');
    return;
}


sub mended {
    my ($nginx, $name) = @_;

    ok($nginx->ready('/health', slow(15)), "$name mended: ready without a restart");
    is($account->send($nginx, {})->status, 202, 'accepted');
    $nginx->end;
    return;
}


# no schema

{
    my $nginx = SMS::Nginx->new(pg => $empty, conf => SMS::Account::conf());
    $nginx->start;
    ok($nginx->wait_log(qr/sms pg: \w+: .*no ngx_sms schema: run sql\/migrate: sqlstate=3F000/),
       'no schema: in the log');
    unlike($nginx->log, qr/not prepared/, 'once, not for each statement');
    my $r = health($nginx);
    is($r->status, 503, 'not ready');
    is($r->json->{schema}, 0, 'schema 0');
    like(reasons($nginx), qr/no ngx_sms schema: run sql\/migrate/, 'the reason tells what to do');
    is($account->send($nginx, {})->status, 503, 'nothing is accepted');

    SMS::Pg::tool('database', $empty->dir, $empty->name);
    ok($nginx->ready('/health', slow(15)), 'migrated: ready without a restart');
    my ($newest) = map { m{/0*(\d+)_} } (sort glob root() . '/sql/[0-9]*.sql')[-1];
    is(health($nginx)->json->{schema}, $newest, 'with its version');
    my ($wanted) = slurp(root() . '/ngx_sms_module/store/ngx_sms_store.h')
                   =~ /SCHEMA_MIN\s+(\d+)/;
    is($wanted, $newest, 'workers do not begin while the last files are being applied');
    is($account->send($nginx, {})->status, 401, 'and serves, though not a stranger');
    $nginx->end;
}


# sms.ready() tells version and time: one that tells others is another database

sub pretend {
    my ($expression) = @_;

    $pg->do(q{alter function sms.ready() rename to ready_really});
    $pg->do(qq{create function sms.ready() returns json language sql volatile security definer
               as \$\$ select ($expression)::json \$\$});
    $pg->do('grant execute on function sms.ready() to sms_worker');
    return;
}


sub really {
    $pg->do('drop function sms.ready()');
    $pg->do('alter function sms.ready_really() rename to ready');
    return;
}


my $real = 'select sms.ready_really()';

for my $case (
    [ 'an older schema', qq{select (jsonb_set(sms.ready_really()::jsonb, '{schema}', '0'))},
      'the schema is older than this module: run sql/migrate', qr/schema is older than this module/ ],
    [ 'a clock six seconds behind',
      q{select jsonb_set(j, '{now}', to_jsonb((j->>'now')::int8 - 6000000))
          from (select sms.ready_really()::jsonb as j) r},
      "this machine's clock is more than 5 s off the database's", qr/clock is more than 5 s off/ ],
    [ 'a clock six seconds ahead',
      q{select jsonb_set(j, '{now}', to_jsonb((j->>'now')::int8 + 6000000))
          from (select sms.ready_really()::jsonb as j) r},
      "this machine's clock is more than 5 s off the database's", qr/clock is more than 5 s off/ ],
)
{
    my ($name, $expression, $reason, $log) = @$case;

    pretend($expression);
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $nginx->start;
    refused($nginx, $name, $reason, $log);
    really();
    mended($nginx, $name);
}

{
    pretend(q{select jsonb_set(j, '{now}', to_jsonb((j->>'now')::int8 - 4000000))
                from (select sms.ready_really()::jsonb as j) r});
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $nginx->start;
    ok($nginx->ready, 'a clock four seconds behind: ready');
    $nginx->end;
    really();
}


# what else may be wrong with it

{
    $pg->do('revoke sms_worker from sms_nginx');
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $nginx->start;
    ok($nginx->wait_log(qr/sms pg: \w+: .*42501/), 'without rights: in the log');
    is(health($nginx)->status, 503, 'not ready');
    $pg->do('grant sms_worker to sms_nginx');
    mended($nginx, 'rights');
}

{
    my $name = $pg->name;
    $pg->drop_handle;
    $pg->admin("alter database $name rename to elsewhere");
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $nginx->start;
    refused($nginx, 'no such database', 'cannot connect',
            qr/sms pg: \w+: cannot connect: .*does not exist/);
    $pg->admin("alter database elsewhere rename to $name");
    mended($nginx, 'the database');
}

{
    $pg->do('alter role sms_nginx connection limit 3');
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $nginx->start;
    ok($nginx->wait_log(qr/too many connections for role/), 'too few connections: in the log');
    $pg->do('alter role sms_nginx connection limit -1');
    ok(wait_until(sub { reasons($nginx) eq '' }, slow(15)), 'in the end all five stand');
    mended($nginx, 'the limit');
}

{
    $pg->do('alter database ' . $pg->name . ' set default_transaction_read_only = on');
    my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());
    $nginx->start;
    refused($nginx, 'a read-only database', 'session is read only',
            qr/sms pg: \w+: session is read only/);
    my $admin = $pg->connect;
    $admin->do('set default_transaction_read_only = off');
    $admin->do('alter database ' . $pg->name . ' reset default_transaction_read_only');
    $admin->disconnect;
    $pg->drop_handle;
    ok($nginx->ready('/health', slow(15)), 'writable: ready');
    ok(wait_until(sub { $account->send($nginx, {})->status == 202 }), 'and accepted');
    $nginx->end;
}

done_testing;
