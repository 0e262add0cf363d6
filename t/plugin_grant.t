#!/usr/bin/perl

# What is not granted is not there: the table is NULL.  core and loop always are.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Puppet;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
my @grants = qw(stream http db dict metric outbox);

install('puppet', 'puppet.so');

my %blocks = (
    none => '',
    some => 'dict metric',
    all  => "@grants",
    map { ("only-$_" => $_) } @grants,
);

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    extra => join '', map { block($_, grant => $blocks{$_}) } sort keys %blocks));

$nginx->start;
ok($nginx->ready, 'ready');

for my $name (sort keys %blocks) {
    is(say($account, $nginx, "$name:tables")->status, 202, "$name: asked");
    my ($tables) = $nginx->log =~ /puppet \Q$name\E: tables([^.]*)\./;
    is($tables, join('', map { " $_" } qw(core loop), split ' ', $blocks{$name}),
       "$name: has what was granted and no more");
}

# what works with a grant is simply not reached without it

is(say($account, $nginx, 'some:count=5')->status, 202, 'a dictionary');
like($nginx->log, qr/puppet some: count 5/, 'counts');
is(say($account, $nginx, 'only-dict:count=1')->status, 202, 'the same key of another plugin');
like($nginx->log, qr/puppet only-dict: count 1\b/, 'is another number');
is(say($account, $nginx, 'only-metric:count=1')->status, 202, 'without a dictionary');
unlike($nginx->log, qr/puppet only-metric: count/, 'nothing');
is(metric($nginx, 'sms_plugin_deeds_total{plugin="some"}'), 2, 'a metric where granted');
is(metric($nginx, 'sms_plugin_deeds_total{plugin="only-dict"}'), undef, 'none elsewhere');


# the configuration is checked

for my $case ([ 'magic', qr/unknown grant "magic": known are stream, http, db, dict, metric, outbox/ ],
              [ 'inbound', qr/grant "inbound" is for operators only/ ])
{
    my ($ok, $out) = $nginx->check(SMS::Account::conf(extra => block('x', grant => $case->[0])));
    ok(!$ok, "grant $case->[0] is refused");
    like($out, $case->[1], 'for its reason') or diag($out);
}

done_testing;
