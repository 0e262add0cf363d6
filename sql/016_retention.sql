-- expand: what is dropped when it is old, and books that are looked at in bits
--
-- Messages and what follows them are kept for the days of sms.retention (049), in whole
-- partitions.
-- Postings, inbound messages, opt-outs and consents have clocks of their own and
-- are not touched here.

set role sms_owner;

-- How far a partition of message has been read for messages that have not ended.
create table sms.retiring (
    name        text primary key,
    account_id  bigint not null,
    message_id  uuid not null,
    ended       boolean not null
);

-- Reads the next p_limit messages of a partition; false when one has not ended.
create function sms.retire_read(p_name text, p_low uuid, p_high uuid, p_limit int)
returns boolean
language plpgsql
set search_path = sms, pg_temp
-- bounds are planned with their values, as in sms.text_erase
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
    v_at    retiring;
    v_acct  bigint[];
    v_id    uuid[];
    v_last  uuid[];
    v_open  bigint;
begin
    insert into retiring (name, account_id, message_id, ended)
    values (p_name, -1, '00000000-0000-0000-0000-000000000000', false)
        on conflict do nothing;

    select * into v_at from retiring where name = p_name;

    execute format('select array_agg(m.account_id), array_agg(m.message_id),
                           array_agg(m.high_message)
                      from (select account_id, message_id, high_message from sms.%I
                             where (account_id, message_id) > ($1, $2)
                             order by account_id, message_id
                             limit $3) m', p_name)
       into v_acct, v_id, v_last
      using v_at.account_id, v_at.message_id, p_limit;

    -- A submission at the edge has messages behind it, and its text is here.
    if exists (select
                 from unnest(v_acct, v_id, v_last) u (account_id, message_id, last)
                 join message m on m.account_id = u.account_id
                  and m.message_id >= p_high and m.message_id <= u.last
                  and m.submission_id = u.message_id
                where u.last >= p_high
                  and not exists (select from settlement s
                                   where s.account_id = m.account_id
                                     and s.message_id = m.message_id))
    then
        return false;
    end if;

    with ended as (
        select u.account_id, s.kept_micro
          from unnest(v_acct, v_id) u (account_id, message_id)
          left join lateral (
               select x.kept_micro from settlement x
                where x.account_id = u.account_id and x.message_id = u.message_id
                  and x.message_id >= p_low and x.message_id < p_high
                limit 1) s on true
    ), kept as (
        insert into retired as r (account_id, kept_micro, name)
        select account_id, sum(kept_micro), p_name
          from ended
         where not exists (select from ended where kept_micro is null)
         group by account_id
            on conflict (account_id, name) do update
               set kept_micro = r.kept_micro + excluded.kept_micro
    )
    select count(*) filter (where kept_micro is null) into v_open from ended;

    if v_open > 0 then
        return false;
    end if;

    update retiring
       set account_id = coalesce(v_acct[cardinality(v_acct)], account_id),
           message_id = coalesce(v_id[cardinality(v_id)], message_id),
           ended = coalesce(cardinality(v_id), 0) < p_limit
     where name = p_name;

    return true;
end
$$;

-- Drops one partition a call, the oldest first and message's before those of
-- what followed, but only when every message in it has ended and nothing of it
-- is queued, due, claimed, in doubt or waited for (D2).
--
-- A partition is dropped when all who use the table let go of it within a
-- quarter of a second, or the next time: whoever came behind would wait, too.
create function sms.upkeep_retention(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_before    timestamptz := p_now - retention_days('message') * interval '1 day';
    v_first     timestamptz := (select min(low) from partition where parent = 'message');
    v_low       uuid;
    v_high      uuid;
    p           partition;
    n           int;
begin
    -- what followed messages that are gone, and what people wrote
    select x.* into p
      from partition x
     where x.parent not in ('message', 'inbound')
       and x.high < v_before and x.high <= v_first
        or x.parent = 'inbound'
       and x.high < p_now - retention_days('inbound') * interval '1 day'
       and not inbound_held(x.low, x.high)
     order by x.low, x.parent
     limit 1;

    if not found then
        delete from in_doubt d
         where d.ctid = any (array(select x.ctid from in_doubt x
                                    where x.closed_at is not null
                                      and x.message_id < id_low(v_first)
                                    limit p_limit));

        select x.* into p
          from partition x
         where x.parent = 'message' and x.low = v_first and x.high < v_before;

        if not found then
            return json_build_object('dropped', null, 'more', false);
        end if;

        v_low := id_low(p.low);
        v_high := id_low(p.high);

        if not coalesce((select r.ended from retiring r where r.name = p.name), false) then
            return json_build_object('dropped', null, 'reads', p.name,
                                     'more', retire_read(p.name, v_low, v_high, p_limit));
        end if;

        if exists (select from queue where message_id >= v_low and message_id < v_high)
           or exists (select from due where message_id >= v_low and message_id < v_high)
           or exists (select from due_submission
                       where high_message >= v_low and submission_id < v_high)
           or exists (select from claim c cross join lateral unnest(c.message_id) m
                       where m >= v_low and m < v_high)
           or exists (select from in_doubt where closed_at is null
                         and message_id >= v_low and message_id < v_high)
           or exists (select from receipt_wait where message_id >= v_low and message_id < v_high)
           or partition_held(p.low, p.high)
        then
            return json_build_object('dropped', null, 'waits', p.name, 'more', false);
        end if;
    end if;

    perform set_config('lock_timeout', '250ms', true);

    begin
        execute format('drop table sms.%I', p.name);
    exception
        when lock_not_available then
            return json_build_object('dropped', null, 'busy', p.name, 'more', false);
    end;

    delete from partition where parent = p.parent and name = p.name;
    return json_build_object('dropped', p.name, 'more', true);
end
$$;


-- ---- do the books hold? -----------------------------------------------------

-- One statement, so one snapshot, beside any load (D14):
--   total       an account's pots sum to zero: settlements share out whole prices
--   available   the stored balance is what its book says
-- Of these accounts; answers what differs, at most p_limit rows of it.
create function sms.books_drift(p_accounts bigint[], p_limit int)
returns json
language plpgsql stable
set search_path = sms, pg_temp
set jit = off
as $$
begin
    return (
        select coalesce(json_agg(d order by d.account_id, d.what), '[]')
          from (select b.account_id, v.what, v.expected, v.found
                  from book b
                 cross join lateral (values
                       ('total', 0::bigint, b.total_micro),
                       ('available', b.available_micro, b.stored_micro))
                       v (what, expected, found)
                 where b.account_id = any (p_accounts) and v.expected <> v.found
                 limit p_limit) d);
end
$$;

-- All accounts, everything: on demand.
create function sms.upkeep_check(p_limit int)
returns json
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_accounts  bigint[] := array(select account_id from account);
begin
    return json_build_object('accounts', cardinality(v_accounts),
                             'drift', books_drift(v_accounts, p_limit));
end
$$;

-- Some accounts, as many as have about p_limit messages together,
-- from a random one on: every minute a little.  What is larger is left to
-- upkeep_check().
create function sms.upkeep_books(p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_start     bigint := floor(random() * (select coalesce(max(account_id), 0) + 1 from account));
    v_accounts  bigint[] := '{}';
    v_left      int := p_limit;
    v_large     int := 0;
    v_account   bigint;
    n           int;
begin
    for v_account in
        (select account_id from account where account_id >= v_start
          order by account_id limit 100)
        union all
        (select account_id from account where account_id < v_start
          order by account_id limit 100)
    loop
        select count(*) into n
          from (select from message where account_id = v_account limit p_limit) x;

        if n >= p_limit then
            v_large := v_large + 1;
            continue;
        end if;

        exit when n > v_left;

        v_accounts := v_accounts || v_account;
        v_left := v_left - n - 10;
    end loop;

    return json_build_object('accounts', cardinality(v_accounts), 'large', v_large,
                             'drift', books_drift(v_accounts, 100));
end
$$;
