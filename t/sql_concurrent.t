#!/usr/bin/perl

# What two transactions do to each other: crossing keys and accounts (D6), a
# receipt and its submit answer (D8), parts of one message, cancel and claim,
# and the books beside load (D14).

use strict;
use warnings;

use JSON::PP qw(encode_json decode_json);
use Test::More;
use Time::HiRes qw(sleep time);

use FindBin;
use lib "$FindBin::Bin/lib";
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;

$pg->psql("$FindBin::Bin/sql/fixture.psql");
$pg->do(<<'SQL');
select t.account(x, 1000000000) from unnest(array['a', 'b', 'c', 'd']) x
SQL
$pg->do(<<'SQL');
-- claims and answers "sent"; the operator ids
create function t.pump(p_bind text) returns setof text language plpgsql as $$
declare
    v_acct bigint[]; v_id uuid[]; v_attempt smallint[]; v_ref text[]; v_to bigint[];
    v_class smallint[]; v_price bigint[]; v_claim uuid[];
begin
    select array_agg(account_id), array_agg(message_id), array_agg(attempt),
           array_agg(gen_random_uuid()::text), array_agg("to"), array_agg(class), array_agg(price)
      into v_acct, v_id, v_attempt, v_ref, v_to, v_class, v_price
      from t.claim(50, false, p_bind);

    v_claim := array(select claim_id from sms.claim where v_id[1] = any (message_id));

    if v_id is not null then
        perform sms.submitted(1, t.now(), v_claim, v_acct, v_id, v_attempt,
            array_fill(1::smallint, array[cardinality(v_id)]),
            array_fill(1::smallint, array[cardinality(v_id)]),
            array_fill(1::smallint, array[cardinality(v_id)]),
            array_fill(0::smallint, array[cardinality(v_id)]),
            array_fill(0, array[cardinality(v_id)]), v_ref,
            array_fill(null::timestamptz, array[cardinality(v_id)]),
            array_fill(null::int, array[cardinality(v_id)]), v_to, v_class, v_price);
        return query select unnest(v_ref);
    end if;
end
$$
SQL
$pg->do(<<'SQL');
create function t.receive(p_ids text[]) returns void language sql as $$
    select sms.receipts(1, t.now(), array_agg(i), array_agg(0::bigint),
               array_agg(case when random() < 0.7 then 2 else 5 end::smallint), array_agg(0),
               array_agg(0::smallint), array_agg(t.now()))
      from unnest(p_ids) i
$$;
SQL


# Runs code in a child with a handle of its own; exit 0 when it did not die.
sub child {
    my ($code) = @_;

    my $pid = fork // die "fork: $!";
    return $pid if $pid;

    my $ok = eval { $code->($pg->connect); 1 };
    print STDERR "# child: $@" unless $ok;
    require POSIX;
    POSIX::_exit($ok ? 0 : 1);
}


sub wait_all {
    my $failed = 0;

    for my $pid (@_) {
        waitpid $pid, 0;
        $failed++ if $?;
    }

    return $failed;
}


sub send_batch {
    my ($db, @subs) = @_;

    return $db->selectall_arrayref('select * from t.send(?)', { Slice => {} },
                                   encode_json(\@subs));
}


subtest 'two workers with the same keys in opposite order' => sub {
    my @keys = map { "key-$_" } 1 .. 60;

    my @pids = map {
        my $side = $_;

        child(sub {
            my ($db) = @_;

            for my $i (0 .. $#keys) {
                my @pair = ({ who => 'a', key => "a$keys[$i]", hash => 'x' },
                            { who => 'b', key => "b$keys[$i]", hash => 'x' });

                send_batch($db, $side ? reverse @pair : @pair);
            }
        });
    } 0, 1;

    is wait_all(@pids), 0, 'no deadlock, no error';
    is $pg->value('select count(*) from sms.idempotency'), 120, 'each key once';
    is $pg->value('select count(*) from sms.message'), 120, 'each message once';
    is $pg->value("select string_agg(t.available(x)::text, ' ')
                     from unnest(array['a', 'b']) x"),
       '999994000 999994000', 'each charged once';
};


subtest 'the loser of a race for a key gets the stored answer' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);

    # a large body writes its key before it locks its account
    for my $body ({ key => 'race' }, { key => 'large', class => 3, lane => undef, n => 100 }) {
        my $before = $pg->value(q{select t.available('a')});

        $one->begin_work;
        is_deeply send_batch($one, { who => 'a', hash => 'x', %$body }), [],
           "$body->{key}: the first is taken";

        my $pid = child(sub {
            my ($db) = @_;

            my $rows = send_batch($db, { who => 'a', hash => 'x', %$body });
            die 'outcome ' . encode_json($rows) unless @$rows == 1 && $rows->[0]{outcome} == 2;
        });

        sleep 0.3;
        is waitpid($pid, 1), 0, 'the second waits';
        $one->commit;
        is wait_all($pid), 0, 'and is told: known, same request';
        is $before - $pg->value(q{select t.available('a')}), 100 * ($body->{n} // 1), 'paid once';
    }

    $pg->do('delete from sms.due_submission where account_id = t.acct(?)', 'a');
};


subtest 'a one-time code beside a large body of its account' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);
    my $available = sub { $pg->value(q{select t.available('a')}) };
    my $waits = q{select count(*) from pg_locks where locktype = 'advisory' and not granted};

    # whoever writes for the campaign waits in the middle of it
    $pg->do(q{create function public.pause() returns trigger language plpgsql as
              $$ begin perform pg_advisory_xact_lock_shared(4711); return new; end $$});

    for my $case ([ 'commercial', 'sms.message', 'new.class = 3',
                    { who => 'a', class => 3, lane => undef, n => 100, name => 'waits' } ],
                  [ 'informational', 'sms.message', 'new.class = 2',
                    { who => 'a', class => 2, n => 100, name => 'goes' } ],
                  [ 'screened', 'sms.queue', 'true' ])
    {
        my ($what, $table, $when, $body) = @$case;
        my $before = $available->();

        $pg->do("create trigger pause before insert on $table
                 for each row when ($when) execute function public.pause()");
        $one->do('select pg_advisory_lock(4711)');

        my $pid = child(sub {
            $body ? send_batch($_[0], $body) : $_[0]->do(q{select t.answer_together('waits')});
        });
        ok wait_until { $pg->value($waits) } 10, "$what: being written";

        $two->do(q{set lock_timeout = '5s'});
        $two->do('set search_path = sms, public');
        is_deeply send_batch($two, { who => 'a', class => 1, lane => undef, key => "otp $what" }),
            [], 'the code is taken'
            if $what ne 'screened';
        ok eval { $two->do(q{select account_charge(array[t.acct('a')], '{100}', '{1}', 64,
                                                   null, null)}) },
            'its account is free to be charged' or diag $@;

        $one->do('select pg_advisory_unlock(4711)');
        is wait_all($pid), 0, 'and then the rest';
        $pg->do("drop trigger pause on $table");
        is $before - $available->(), $what eq 'screened' ? 100 : 10_200, 'each is paid once';
    }

    is $pg->value("select count(distinct turn) from sms.queue q join t.msg m on m.id = q.message_id
                    where m.name = 'waits'"), 100, 'each has a turn of its own';
    is $pg->value("select turns[(select pos from sms.lane where lane = 96)]
                          - (select max(turn) from sms.queue where lane = 96)
                     from sms.account where account_id = t.acct('a')"), 0,
       'and the next comes after them';

    $pg->do('update sms.account set available_micro = available_micro + 300
              where account_id = t.acct(?)', 'a');
    $pg->do("delete from sms.queue where message_id in (select id from t.msg
               where name in ('waits', 'goes'))");
    $pg->do('delete from sms.due where account_id = t.acct(?)', 'a');
    $pg->do('drop function public.pause()');
};


subtest 'a large body that the account cannot pay any more' => sub {
    my ($one) = $pg->connect;

    $pg->do(q{select t.account('thin', 10000)});
    $one->begin_work;
    is_deeply send_batch($one, { who => 'thin', n => 60, price => 100 }), [], 'the first is taken';

    # it sees 10000 until then
    my $pid = child(sub {
        my $rows = send_batch($_[0], { who => 'thin', class => 3, lane => undef, n => 100,
                                       name => 'too much' });
        die 'outcome ' . encode_json($rows) unless @$rows == 1 && $rows->[0]{outcome} == 4;
    });
    sleep 0.3;
    is waitpid($pid, 1), 0, 'the second waits';
    $one->commit;
    is wait_all($pid), 0, 'and is told: not enough credit';
    is $pg->value(q{select t.available('thin')}), 4000, 'nothing of it is charged';
    is $pg->value(q{select count(*) from sms.message where account_id = t.acct('thin')}), 60,
       'or written';
};


subtest 'a receipt and its submit answer at the same time' => sub {
    for my $first ('answer', 'receipt') {
        my ($one, $two) = ($pg->connect, $pg->connect);

        send_batch($one, { who => 'a', name => "o-$first" });
        $one->do('select t.claim(10000)');

        my %do = (
            answer => sub { $_[0]->do("select t.answer(t.msg('o-$first'), 1, 'id-$first')") },
            receipt => sub { $_[0]->do("select t.receipt('id-$first', 5)") },
        );

        my ($second) = grep { $_ ne $first } sort keys %do;

        $one->begin_work;
        $two->begin_work;
        $do{$first}->($one);
        $do{$second}->($two);
        $one->commit;
        $two->commit;

        is $pg->value("select t.state('o-$first')"), 'submitted',
           "$first first: neither saw the other";
        is decode_json($pg->value("select sms.upkeep('orphans', t.now(), 10)"))->{matched}, 1,
           'the sweep does';
        is $pg->value("select t.state('o-$first')"), 'undelivered/undelivered', 'settled';
    }
};


subtest 'two parts of a message in two transactions' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);

    send_batch($one, { who => 'a', parts => 2, name => 'parts' });
    $one->do('select t.claim(10000)');
    $one->do("select t.answer(t.msg('parts'), 1, 'pt-$_', $_, 2)") for 1, 2;

    $one->begin_work;
    $one->do("select t.receipt('pt-1', 2)");

    my $pid = child(sub { $_[0]->do("select t.receipt('pt-2', 2)") });
    sleep 0.3;
    is waitpid($pid, 1), 0, 'the second waits for the first';
    $one->commit;
    is wait_all($pid), 0, 'and goes on';
    is $pg->value("select t.state('parts')"), 'delivered/delivered', 'together they end it';
};


subtest 'the same receipts in opposite order' => sub {
    my $db = $pg->connect;

    send_batch($db, { who => 'a', n => 40, name => 'cross' });
    my $ids = $db->selectcol_arrayref("select t.pump('a')");

    my @pids = map {
        my @list = $_ ? reverse @$ids : @$ids;

        child(sub {
            my ($handle) = @_;

            $handle->do('select t.receive(?)', undef, [ @list[ $_ .. $_ + 9 ] ])
                for 0, 10, 20, 30;
        });
    } 0, 1;

    is wait_all(@pids), 0, 'no deadlock';
    is $pg->value("select count(*) from t.msg m join sms.settlement s on s.message_id = m.id
                    where m.name = 'cross'"), 40, 'each ended once';
    is $pg->value("select sms.upkeep('check', t.now(), 10) ->> 'drift'"), '[]',
        'each refunded once';
};


subtest 'cancel and claim' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);
    my $delete = sub {
        my ($db, $name) = @_;

        return ($db->selectrow_array("select c.status from api.call(t.acct('a'), 1,
                    '{messages:send}', 'DELETE', '/v1/messages/'
                    || sms.id_text('msg', t.msg(?)), '', null) c", undef, $name))[0];
    };

    send_batch($one, { who => 'a', name => 'taken' });
    $one->begin_work;
    $one->do('select t.claim(10000)');

    my $pid = child(sub {
        my ($db) = @_;

        my $status = $delete->($db, 'taken');
        die "status $status" if $status != 409;
    });
    sleep 0.3;
    $one->commit;
    is wait_all($pid), 0, 'claimed first: the cancel waits and is refused';

    send_batch($one, { who => 'a', name => 'gone' });
    $one->begin_work;
    is $delete->($one, 'gone'), 200, 'cancelled first';
    is $two->selectrow_array('select count(*) from t.claim()'), 0, 'the claim passes it by';
    $one->commit;
    is $two->selectrow_array('select count(*) from t.claim()'), 0, 'for good';
};


subtest 'cancel and screen' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);
    my $delete = sub {
        my ($db, $name, $n) = @_;

        return ($db->selectrow_array("select c.status from api.call(t.acct('a'), 1,
                    '{messages:send}', 'DELETE', '/v1/messages/'
                    || sms.id_text('msg', t.msg(?, ?)), '', null) c", undef, $name, $n))[0];
    };

    send_batch($one, { who => 'a', class => 3, lane => undef, n => 3, name => 'answered' });
    $one->begin_work;
    $one->do("select t.answer_together('answered')");

    my $pid = child(sub {
        my ($db) = @_;

        my $status = $delete->($db, 'answered', 1);
        die "status $status" if $status != 200;
    });
    sleep 0.3;
    $one->commit;
    is wait_all($pid), 0, 'answered first: the cancel waits and takes it from the queue';
    is $one->selectrow_array("select string_agg(t.state(id), ' ' order by ord) from t.msg
                               where name = 'answered'"), 'queued cancelled/cancelled queued',
       'and only that one';

    send_batch($one, { who => 'a', class => 3, lane => undef, n => 3, name => 'taken back' });
    $one->begin_work;
    is $delete->($one, 'taken back', 1), 200, 'cancelled first';
    is $two->selectrow_array("select t.answer_together('taken back')"), 0,
       'an answer in the meantime does nothing';
    $one->commit;
    is $two->selectrow_array("select t.answer_together('taken back')"), 2, 'the next all the rest';

    send_batch($one, { who => 'a', class => 3, lane => undef, n => 3, name => 'twice' });
    my @pids = map { child(sub { $_[0]->do("select t.answer_together('twice')") }) } 1 .. 2;
    is wait_all(@pids), 0, 'two answers at once';
    is $one->selectrow_array("select count(*) from sms.queue
                               where message_id in (select id from t.msg where name = 'twice')"),
       3, 'count once';
    $one->do('delete from sms.queue where message_id in (select id from t.msg
               where name in (?, ?, ?))', undef, 'answered', 'taken back', 'twice');
};


subtest 'two binds of a link' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);

    send_batch($one, { who => 'a', n => 20, name => 'two' });
    $_->begin_work for $one, $two;
    my $a = $one->selectcol_arrayref("select message_id from t.claim(10, false, 'a')");
    my $b = $two->selectcol_arrayref("select message_id from t.claim(10, false, 'b')");
    $_->commit for $one, $two;

    my %seen = map { $_ => 1 } @$a, @$b;
    is @$a + @$b, 20, 'claim beside each other without waiting';
    is keys %seen, 20, 'and nothing twice';
};


subtest 'partitions beside a long reader' => sub {
    my ($one, $two) = ($pg->connect, $pg->connect);
    my $make = sub {
        return $two->selectrow_array('select sms.partitions_ahead(?)', undef, $_[0]);
    };

    $two->do(q{set lock_timeout = '5s'});
    $one->begin_work;
    $one->do('select from sms.message');
    cmp_ok $make->(4), '>', 0, 'new ones do not wait for it';

    $two->do(q{update sms.retention set days = 1000, least = 1 where class = 'message'});
    $two->do(q{select sms.partition_make(parent, '2019-01-01', '2019-02-01')
                 from sms.partitioned where parent in ('message', 'verdict')});
    my $retain = sub {
        return decode_json($two->selectrow_array(
            q{select sms.upkeep('retention', t.now(), 10)}));
    };
    is $retain->()->{reads}, 'message_20190101', 'an old one is read';
    is $retain->()->{busy}, 'message_20190101', 'but not dropped while somebody reads';
    send_batch($two, { who => 'a', name => 'beside' });
    $one->commit;
    is $retain->()->{dropped}, 'message_20190101', 'dropped afterwards';
    is $retain->()->{dropped}, 'verdict_20190101', 'with what followed';
};


# Accounts are debited, refunded and settled by three processes while the books
# are read in one snapshot each time.
subtest 'the books beside load' => sub {
    my $until = time + (long() ? 60 : 6);

    my @pids = map {
        my $me = $_;

        child(sub {
            my ($db) = @_;

            srand($$);
            while (time < $until) {
                my @who = (sort { rand() <=> 0.5 } qw(a b c d))[0, 1];

                send_batch($db, map { { who => $_, n => 1 + int rand 5,
                                        price => 10 + int rand 90 } } @who);
                my $ids = $db->selectcol_arrayref('select t.pump(?)', undef, "bind$me");
                $db->do('select t.receive(?)', undef, $ids) if @$ids;
                $db->do("select sms.upkeep('orphans', t.now(), 100)");
            }
        });
    } 1 .. 3;

    my ($checks, @drift) = (0);
    my $db = $pg->connect;

    while (time < $until) {
        $db->do('begin isolation level repeatable read');
        my ($json) = $db->selectrow_array("select sms.upkeep('check', t.now(), 10)");
        sleep 0.05;
        my ($bad) = $db->selectrow_array('select count(*) from sms.book
            where total_micro <> 0 or available_micro <> stored_micro');
        $db->do('commit');

        my $found = decode_json($json)->{drift};
        push @drift, @$found if @$found;
        push @drift, "$bad books" if $bad;
        $checks++;
    }

    is wait_all(@pids), 0, 'the load ran without an error';
    cmp_ok $checks, '>', 3, "$checks snapshots";
    is_deeply \@drift, [], 'every book holds in every snapshot';
    cmp_ok $pg->value('select count(*) from sms.settlement'), '>', 100, 'beside real work';
    cmp_ok $pg->value('select count(*) from sms.settlement where refunded_micro > 0'), '>', 10,
           'with refunds';
};

done_testing;
