#!/usr/bin/perl

# Every hot statement reads the partitions of its own batch and no others, also
# when there are a thousand of each table (D2).  auto_explain tells the plans of
# the statements inside the functions.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use FindBin;
use lib "$FindBin::Bin/lib";
use SMS::Pg;
use SMS::Tap;

my $count = 1000;
my @tables = qw(message verdict verdict_passed submit receipt receipt_late settlement);

# A part is looked for by its operator's id in the days of the setting, three more,
# and what is made ahead.
my %most = (submit => 10);

my $pg = SMS::Pg->new(own => 1, settings => { max_locks_per_transaction => 256 });

$pg->psql("$FindBin::Bin/sql/fixture.psql");
$pg->do("select t.account('a', 1000000000)");

# days of the past, as three years of daily partitions leave them
my $began = time;
for my $table (@tables) {
    for my $from (map { $_ * 250 } 0 .. $count / 250 - 1) {
        $pg->do("select sms.partition_make(?, d, d + interval '1 day')
                   from (select date_trunc('month', now(), 'UTC') - i * interval '1 day' as d
                           from generate_series(?::int + 1, ?::int + 250) i) x",
                $table, $from, $from);
    }
}
note sprintf '%d partitions in %.0f s', $count * @tables, time - $began;
$pg->do('analyze sms.partition');

my $db = $pg->connect(user => 'postgres');
my (%plans, $label, $inside);

local $SIG{__WARN__} = sub {
    my ($text) = @_;

    return if $text !~ /duration: [\d.]+ ms\s+plan:\s+Query Text: (.*?)\n(?=\S[^\n]*\(cost)(.*)/s;
    my ($query, $plan) = ($1, $2);
    return if $query =~ /\bt\.\w+|^\s*select \* from t\./;      # the test's own

    my %seen;
    $seen{$1}{$2} = 1 while $plan =~ /\bon (\w+?)_(\d{8})\b/g;
    push @{ $plans{$label} }, { query => $query, plan => $plan, seen => \%seen };
};

$db->do("load 'auto_explain'");
$db->do("set $_") for 'auto_explain.log_min_duration = 0',
                      'auto_explain.log_nested_statements = on',
                      'auto_explain.log_level = notice', 'client_min_messages = notice';

sub step {
    ($label, my $sql, my @bind) = @_;

    my $rows = eval { $db->selectall_arrayref($sql, undef, @bind) };
    is $@, '', "$label runs";
    my @plans = @{ $plans{$label} // [] };
    my $tables = 0;
    my @wide;

    for my $plan (@plans) {
        for my $table (sort keys %{ $plan->{seen} }) {
            my $n = keys %{ $plan->{seen}{$table} };

            $tables++;
            push @wide, "$n partitions of $table: $plan->{query}" if $n > ($most{$table} // 2);
        }
    }

    # A step that reads none would prove nothing; the first intake only inserts.
    cmp_ok $tables, '>', 0, "$label reads partitioned tables" unless $label eq 'intake';
    is_deeply \@wide, [], "$label reads few partitions";
    return $rows;
}

$pg->do(q{select t.make('[{"who":"a","name":"m","parts":2,"key":"k"},{"who":"a","class":1,"name":"o"},
                          {"who":"a","class":3,"lane":null,"name":"c"},
                          {"who":"a","class":3,"lane":null,"name":"w"},
                          {"who":"a","class":3,"lane":null,"n":3,"name":"t"},
                          {"who":"a","name":"r"}]')});

step('intake', 'select * from t.run((select batch from t.batch))');
step('intake, again', 'select * from t.run((select batch from t.batch))');
step('submission_rows', "select * from sms.submission_rows(t.acct('a'), t.key('k'), sha256(''))");
step('screen_take', q{select * from sms.screen_take(10, t.now(), '{}', true)});
step('screened', q{select sms.screened(t.now(), array[t.msg('c'), t.msg('w')],
    array[t.acct('a'), t.acct('a')], '{1,2}', '{96,null}', '{null,null}', '{null,null}',
    '{null,consent-refused}', '{1,2}', '{null,null}', '{null,null}', '{iys,iys}')});
step('screen_take, together', q{select * from sms.screen_take(10, t.now(), '{}', false)});
step('screened_submission', q{select t.answer_together('t', 2, '{0,2}', 'consent-refused')});
step('GET messages/{id}/explain, together', q{select c.* from api.call(t.acct('a'), 1,
    '{messages:read}', 'GET', '/v1/messages/' || sms.id_text('msg', t.msg('t', 2)) || '/explain',
    '', null) c});
$pg->do("delete from sms.queue where message_id in (select id from t.msg where name = 't')");
step('claim', 'select * from t.claim()');
step('submitted', "select t.answer(t.msg('o'), 1, 'o-1'), t.answer(t.msg('c'), 1, 'c-1')");
step('submitted, parts', "select t.answer(t.msg('m'), 1, 'm-1', 1, 2),
                                 t.answer(t.msg('m'), 1, 'm-2', 2, 2)");
step('submitted, rejected', "select t.answer(t.msg('r'), 2, null, p_reason => 1)");
$pg->do("select sms.webhook_create(t.acct('a'), 'https://a.example/')");
step('receipts', "select t.receipt('o-1', 2), t.receipt('c-1', 5)");
step('receipts, parts', "select t.receipt('m-1', 2), t.receipt('m-2', 2)");
step('webhook_take', "select * from sms.webhook_take(t.now(), t.now() + interval '1 minute', 100,
                                                     10, 4, '{}')");
$pg->do("insert into sms.webhook_replay (account_id, from_at, until_at, webhook_id, replay_id, position, types)
         select account_id, t.now() - interval '1 day', t.now() + interval '1 hour', webhook_id,
                sms.id_new(), sms.id_low(t.now() - interval '1 day'), '{}' from sms.webhook");
step('webhook_replay', 'select sms.webhook_replay_step(t.now(), 1000)');
step('receipts, again', "select t.receipt('o-1', 2)");
$pg->do("insert into sms.receipt_orphan
         select t.now(), t.now(), hashtextextended('c-1', 0), 0, 1, 0, 2, 0, 'c-1', null");
step('orphans', "select sms.upkeep('orphans', t.now(), 100)");

$pg->do(q{select t.send('[{"who":"a","class":3,"lane":96,"name":"x1","to":[905550000001]},
                          {"who":"a","name":"x2"},{"who":"a","name":"x3"},{"who":"a","name":"x4"}]')});
$pg->do("select sms.optout_put(t.acct('a'), t.brand('a'), 905550000001, t.now(), 'test', null)");
step('opted_out', "select sms.upkeep('opted_out', t.now(), 100)");
$pg->do('select t.claim(2)');
$pg->do('update sms.lease set expires_at = clock_timestamp()');
step('in_doubt', "select sms.upkeep('in_doubt', t.now(), 100)");
$pg->do('select t.claim(1)');
$pg->do("select t.answer(message_id, 1, 'late', p_attempt => attempt) from t.claimed");
step('expire', "select sms.upkeep('expire', t.now() + interval '2 days', 100)");
step('no_receipt', "select sms.upkeep('no_receipt', t.now() + i * interval '2 days', 100)
                      from generate_series(1, 2) i");

for my $path ('messages/%s', 'messages/%s/explain') {
    (my $name = $path) =~ s/%s/{id}/;
    step("GET $name", sprintf(q{select c.* from api.call(t.acct('a'), 1, '{messages:read}', 'GET',
        '/v1/} . $path . q{', '', null) c}, $pg->value("select sms.id_text('msg', t.msg('c'))")));
}
step('GET submissions/{id}', q{select c.* from api.call(t.acct('a'), 1, '{messages:read}', 'GET',
    '/v1/submissions/} . $pg->value("select sms.id_text('sub', t.sub('m'))") . q{', '', null) c});

# The counting would see a statement without bounds.
$label = 'control';
$db->selectall_arrayref("select count(*) from sms.message where price_micro = 1");
my ($control) = @{ $plans{control} };
cmp_ok scalar keys %{ $control->{seen}{message} }, '>=', $count, 'a statement without bounds is seen';

is $pg->value("select string_agg(t.state(x), ' ') from unnest(array['m', 'o', 'c', 'w', 'r']) x"),
   'delivered/delivered delivered/delivered undelivered/undelivered refused/consent-refused '
   . 'rejected/invalid-number', 'and all of it did its work';

# What a batch of a hundred costs there; for the reader, not for judging.
$db->do('set auto_explain.log_min_duration = -1');
for my $round (1 .. 4) {
    $pg->do(q{select t.make(jsonb_build_array(jsonb_build_object('who', 'a', 'n', 100)))});
    my @times;
    for my $sql ('select * from t.run((select max(batch::text)::uuid from t.batch))',
                 'create temp table claimed as select * from t.claim(100)',
                 q{select t.all_sent()},
                 q{select sms.receipts(1, t.now(), array_agg(message_id::text),
                     array_agg(0::bigint), array_agg(2::smallint), array_agg(0),
                     array_agg(0::smallint), array_agg(t.now())) from claimed})
    {
        my $start = time;
        $db->do($sql);
        push @times, 1000 * (time - $start);
    }
    $db->do('drop table claimed');
    note sprintf 'round %d, 100 messages at %d partitions: intake %.1f, claim %.1f, '
                 . 'submitted %.1f, receipts %.1f ms', $round, $count, @times;
}

done_testing;
