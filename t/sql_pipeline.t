#!/usr/bin/perl

# Two accounts' calls of the management API in one pipeline: neither sees the
# other's rows, and nothing of the first is left for the second (D22).

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;

$pg->psql("$FindBin::Bin/sql/fixture.psql");
$pg->psql(q{select t.account('a'), t.account('b')});
$pg->psql(q{select t.send('[{"who":"a","name":"a"},{"who":"b","name":"b"}]')});

my %account = map { $_ => $pg->value('select t.acct(?)', $_) } qw(a b);
my %id = map { $_ => $pg->value("select sms.id_text('msg', t.msg(?))", $_) } qw(a b);

my ($pgbench) = sort glob '/usr/lib/postgresql/*/bin/pgbench';
plan skip_all => 'no pgbench' unless $pgbench;


# A call that fails (division by zero) unless it is answered with $status.
# pgbench takes a colon and a word for a variable of its own.
sub call {
    my ($who, $whose, $status) = @_;

    return "select 1 / (status = $status)::int from api.call($account{$who}, 1,"
         . " array['messages' || chr(58) || 'read'], 'GET', '/v1/messages/$id{$whose}', '', null);\n";
}


# The script in pipelines of one connection, by the workers' role.
sub run {
    my (@calls) = @_;

    my $folder = temporary('pipeline');
    spew("$folder/script", join '', "\\startpipeline\n", @calls, "\\endpipeline\n");

    my $out = qx{$pgbench -n -M prepared -t 20 -f $folder/script '@{[ $pg->conninfo ]}' 2>&1};
    return ($? == 0 && $out =~ m{actually processed: 20/20}, $out);
}


my ($ok, $out) = run(map { (call('a', 'a', 200), call('b', 'b', 200),
                            call('a', 'b', 404), call('b', 'a', 404)) } 1 .. 5);
ok $ok, 'interleaved calls each see their own account' or diag $out;

($ok) = run(call('a', 'a', 200), call('b', 'a', 200));
ok !$ok, 'the test would see it if one saw the other';

($ok, $out) = run(call('a', 'a', 200),
                  "select 1 / (coalesce(current_setting('sms.account', true), '') = '')::int;\n");
ok $ok, 'no account is left behind in the session' or diag $out;

($ok, $out) = run("select count(*) from sms.message;\n");
ok !$ok && $out =~ /permission denied/, 'and the role reads no table';

done_testing;
