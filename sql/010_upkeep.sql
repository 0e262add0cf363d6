-- expand: what the maintenance lease does, a bit at a time
--
-- Every function here does one thing, at most p_limit rows of it, and locks
-- accounts once, in order.  Call it again while it answers "more".

set role sms_owner;

-- Claims that nobody will answer any more: made under an older epoch of their
-- lease, or under one that has run out.  What has no submit row gets one with
-- outcome 5, and the message is decided as if the worker had said so.
create function sms.upkeep_in_doubt(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_link      int[];
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_claimed   timestamptz[];
    v_low       uuid;
    v_high      uuid;
    v_end_acct  bigint[];
    v_end_id    uuid[];
    n           int;
    m           int;
    k           int;
    s           int := 0;
begin
    -- The row lock keeps a late answer of the old holder out until this commits.
    -- A claim is as large as a window: some of them are enough for one call.
    with lost as (
        select c.claim_id
          from claim c
          left join lease l on l.name = c.lease
         where l.name is null or l.epoch <> c.epoch or l.expires_at <= clock_timestamp()
         order by c.claim_id
         limit greatest(p_limit / 500, 1)
           for update of c skip locked
    ), gone as (
        delete from claim c
         where c.claim_id in (select claim_id from lost)
        returning c.*
    )
    select array_agg(g.link_id), array_agg(u.account_id), array_agg(u.message_id),
           array_agg(u.attempt), array_agg(g.claimed_at)
      into v_link, v_acct, v_id, v_attempt, v_claimed
      from gone g
     cross join lateral unnest(g.account_id, g.message_id, g.attempt)
                        u (account_id, message_id, attempt);

    -- Held parts whose time is over.
    select array_agg(h.account_id), array_agg(h.message_id)
      into v_end_acct, v_end_id
      from (select distinct d.account_id, d.message_id
              from in_doubt d
             where d.closed_at is null and d.hold_until <= p_now
             limit p_limit) h;

    if v_end_id is not null then
        delete from ask a
         using unnest(v_end_acct, v_end_id) u (a, m)
         where a.account_id = u.a and a.message_id = u.m;
    end if;

    if v_id is not null or v_end_id is not null then
        perform account_lock(v_acct || v_end_acct);
    end if;

    if v_id is not null then
        v_low := id_min(v_id);
        v_high := id_max(v_id);

        -- The number of parts that were to be written is known when one was
        -- answered; else it is the one the customer pays for.  They may have
        -- been on the wire since the claim.
        insert into submit (account_id, "to", at, operator_code, link_id, attempt, part, total,
                            outcome, reason, class, message_id)
        select u.a, y."to", u.at, 0, u.l, u.t, p.part, s.total, 5, 0, y.class, u.m
          from unnest(v_link, v_acct, v_id, v_attempt, v_claimed) u (l, a, m, t, at)
         cross join lateral (
               select x.parts, x."to", x.class from message x
                where x.account_id = u.a and x.message_id = u.m
                  and x.message_id >= v_low and x.message_id <= v_high
                limit 1) y
         cross join lateral (
               select coalesce((select x.total from submit x
                                 where x.account_id = u.a and x.message_id = u.m
                                   and x.message_id >= v_low and x.message_id <= v_high
                                   and x.attempt = u.t
                                 limit 1), y.parts) as total) s
         cross join lateral generate_series(1, s.total) p (part)
            on conflict (account_id, message_id, attempt, part) do nothing;

        perform doubt(p_now, v_link, v_acct, v_id, v_attempt);
    end if;

    if v_end_id is not null then
        m := settle(p_now, v_end_acct, v_end_id,
                    array_fill(7::smallint, array[cardinality(v_end_id)]),
                    array_fill('in-doubt'::text, array[cardinality(v_end_id)]),
                    array_fill(true, array[cardinality(v_end_id)]));

        update in_doubt d
           set closed_at = p_now, outcome = 'settled'
          from unnest(v_end_acct, v_end_id) u (a, m)
         where d.account_id = u.a and d.message_id = u.m and d.closed_at is null;
    end if;

    n := coalesce(cardinality(v_id), 0);

    -- one round of accounts a call
    if v_id is null and v_end_id is null then
        s := sender_refusals(p_now, p_limit);
        if s = 0 then
            k := asked_again(p_now, p_limit);
        end if;
        if s = 0 and k = 0 then
            s := optout_recalled(p_now, p_limit);
        end if;
    end if;

    return json_build_object('in_doubt', n, 'unknown', coalesce(m, 0),
                             'sent_again', coalesce(k, 0),
                             'more', n > 0 or coalesce(cardinality(v_end_id), 0) = p_limit
                                     or coalesce(k, 0) > 0 or s > 0);
end
$$;

-- The state of a message whose validity is over.  One that was held for a reason was
-- refused for it; who only waited, for an operator, for a sending window or for its
-- place in a rate, expired.
create function sms.late_state(p_code text)
returns smallint
language sql immutable
as $$
    select case when p_code in ('expired', 'retry', 'quiet-window', 'paced') then 3
                else 5 end::smallint
$$;

-- Queued and due messages past their validity.
create function sms.upkeep_expire(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_acct  bigint[];
    v_id    uuid[];
    v_code  text[];
    v_sub   uuid[];
    n       int;
begin
    -- a submission has up to a thousand messages
    with gone as (
        delete from due_submission d
         where d.ctid = any (array(select w.ctid from due_submission w
                                    where w.expires_at <= p_now
                                    limit p_limit / 1000 + 1
                                      for update skip locked))
        returning d.account_id, d.submission_id, coalesce(d.code, 'expired') as code
    )
    select array_agg(account_id), array_agg(submission_id), array_agg(code)
      into v_acct, v_sub, v_code
      from gone;

    if v_sub is not null then
        n := submission_settle(p_now, v_acct, v_sub, v_code);
        return json_build_object('expired', n, 'more', true);
    end if;

    with queued as (
        delete from queue q
         where q.ctid = any (array(select w.ctid from queue w
                                    where w.expires_at <= p_now
                                    limit p_limit
                                      for update skip locked))
        returning q.account_id, q.message_id, null::text as code
    ), waiting as (
        delete from due d
         where d.ctid = any (array(select w.ctid from due w
                                    where w.expires_at <= p_now
                                    limit p_limit
                                      for update skip locked))
        returning d.account_id, d.message_id, nullif(d.code, 'retry')
    )
    select array_agg(account_id), array_agg(message_id), array_agg(code)
      into v_acct, v_id, v_code
      from (select * from queued union all select * from waiting) g;

    n := settle(p_now, v_acct, v_id,
                array(select late_state(coalesce(c, 'expired'))
                        from unnest(v_code) with ordinality u (c, i) order by i),
                array(select coalesce(c, 'expired')
                        from unnest(v_code) with ordinality u (c, i) order by i),
                array_fill(true, array[coalesce(cardinality(v_id), 0)]));

    return json_build_object('expired', n, 'more', coalesce(cardinality(v_id), 0) >= p_limit);
end
$$;

-- Ends commercial messages that opt-outs of these brands, learnt since p_since, have
-- stopped: of these numbers, null: of all.  It looks at the first p_look rows of each
-- lane, and of what waits for screen, and at the first p_limit / 20 submissions of
-- those that send for the brands; what lies behind is refused when its turn comes
-- (D11).  Answers how many it ended.
create function sms.optout_end(
    p_now timestamptz, p_brand bigint[], p_number bigint[], p_since timestamptz, p_look int,
    p_limit int)
returns int
language plpgsql
set search_path = sms, pg_temp
-- bounds are planned with their values, as in sms.text_erase
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
    -- whoever sends for these brands
    v_from  bigint[] := array(select brand_owner(b) from unnest(p_brand) b
                              union
                              select g.account_id from brand_grant g
                               where g.brand_id = any (p_brand));
    v_low   uuid;
    v_high  uuid;
    v_acct  bigint[];
    v_id    uuid[];
    v_lane  int[];
    v_turn  bigint[];
    n       int;
begin
    select array_agg(w.account_id), array_agg(w.message_id), array_agg(w.lane),
           array_agg(w.turn)
      into v_acct, v_id, v_lane, v_turn
      from (select q.account_id, q.message_id, q.lane, q.turn
              from lane l
             cross join lateral (
                   select x.account_id, x.message_id, x.lane, x.turn from queue x
                    where x.lane = l.lane
                    order by x.turn, x.message_id
                    limit p_look) q
             where l.lane % 64 / 16 = 2
            union all
            select d.account_id, d.message_id, null, null
              from (select x.account_id, x.message_id from due x
                     order by x.at, x.message_id
                     limit p_look) d) w
     where w.account_id = any (v_from);

    if v_id is not null then
        v_low := id_min(v_id);
        v_high := id_max(v_id);

        select array_agg(h.message_id), array_agg(h.lane), array_agg(h.turn)
          into v_id, v_lane, v_turn
          from (select w.*
                  from unnest(v_acct, v_id, v_lane, v_turn) w (account_id, message_id, lane, turn)
                 cross join lateral (
                       select x.class, x.brand_id, x."to" from message x
                        where x.account_id = w.account_id and x.message_id = w.message_id
                          and x.message_id >= v_low and x.message_id <= v_high
                        limit 1) m
                 where m.class = 3 and (p_number is null or m."to" = any (p_number))
                   and (select true from optout o
                         where o.owner_account_id = brand_owner(m.brand_id)
                           and o.brand_id = m.brand_id and o.number = m."to"
                           and o.stored_at > p_since and o.lifted_at is null
                         limit 1)
                 limit p_limit) h;

        with queued as (
            delete from queue q
             where q.ctid = any (array(
                       select w.ctid
                         from unnest(v_lane, v_turn, v_id) u (lane, turn, id)
                        cross join lateral (select x.ctid from queue x
                                             where x.lane = u.lane and x.turn = u.turn
                                               and x.message_id = u.id
                                             limit 1
                                               for update skip locked) w))
            returning q.account_id, q.message_id
        ), held as (
            delete from due d
             where d.ctid = any (array(
                       select w.ctid
                         from unnest(v_lane, v_id) u (lane, id)
                        cross join lateral (select x.ctid from due x
                                             where x.message_id = u.id
                                             limit 1
                                               for update skip locked) w
                        where u.lane is null))
            returning d.account_id, d.message_id
        )
        select array_agg(account_id), array_agg(message_id)
          into v_acct, v_id
          from (select * from queued union all select * from held) g;
    end if;

    -- what waits in submissions; of these, too, it looks at the first
    select v_acct || o.account_id, v_id || o.message_id
      into v_acct, v_id
      from due_submission_opted_out(v_from, p_number, p_since, p_limit / 20 + 1) o;

    n := coalesce(cardinality(v_id), 0);

    return settle(p_now, v_acct, v_id, array_fill(9::smallint, array[n]),
                  array_fill('opted-out'::text, array[n]), array_fill(true, array[n]));
end
$$;

-- Opt-outs act at once by being committed; this only ends what they stopped
-- before its turn comes, so that the refund is not late (D11).
create function sms.upkeep_opted_out(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_start timestamptz := clock_timestamp();
    -- a minute for those that were being committed the last time
    v_since timestamptz := coalesce((select at from sweep where name = 'opted_out'),
                                    v_start - interval '1 day') - interval '1 minute';
    v_brand bigint[];
    n       int := 0;
begin
    -- Opt-outs are few, what waits may be millions: nothing new, nothing read.
    select array_agg(distinct o.brand_id) into v_brand
      from optout o
     where o.stored_at > v_since and o.lifted_at is null;

    if v_brand is not null then
        n := optout_end(p_now, v_brand, null, v_since, p_limit * 50, p_limit);
    end if;

    if n < p_limit then
        insert into sweep (name, at) values ('opted_out', v_start)
            on conflict (name) do update set at = excluded.at;
    end if;

    return json_build_object('opted_out', n, 'more', n >= p_limit);
end
$$;

-- Receipts without a message: matched, or after two days counted and dropped.
-- Those of the last minute may have crossed their submit answer and are looked
-- at each time; the others, an answer may be late, a stretch at a time, in turn,
-- so that strangers' receipts do not hide them.
create function sms.upkeep_orphans(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_keep  interval := setting_int('orphan_hours') * interval '1 hour';
    v_fresh timestamptz := p_now - interval '1 minute';
    v_walk  timestamptz := coalesce((select at from sweep where name = 'orphans'), '-infinity');
    v_next  timestamptz;
    v_place tid[];
    matched int;
    doubted int := 0;
    dropped int;
begin
    -- all rows of one time together: the walk goes on behind it
    select r.received_at into v_next
      from receipt_orphan r
     where r.received_at > v_walk and r.received_at <= v_fresh
     order by r.received_at
     limit 1 offset p_limit - 1;

    v_place := array(select o.ctid from receipt_orphan o
                      where o.received_at > v_fresh
                      order by o.received_at desc
                      limit p_limit)
               || array(select o.ctid from receipt_orphan o
                         where o.received_at > v_walk
                           and o.received_at <= coalesce(v_next, v_fresh));

    insert into sweep (name, at) values ('orphans', coalesce(v_next, '-infinity'))
        on conflict (name) do update set at = excluded.at
        where sweep.at is distinct from excluded.at;

    matched := orphan_match(p_now, v_place);

    -- one round of receipts and accounts a call: see sms.submitted
    if matched = 0 then
        doubted := orphan_match_doubt(p_now);
    end if;

    delete from receipt_orphan
     where received_at < p_now - v_keep;
    get diagnostics dropped = row_count;

    return json_build_object('matched', matched, 'matched_doubt', doubted, 'dropped', dropped,
                             'more', matched > 0);
end
$$;

-- Submitted messages that no final receipt has come for.  Two steps: what was sent is
-- looked at once, a day after, and what has not ended by then waits for its own
-- validity + 24 h, and for what its operator says when it is asked then.
create function sms.upkeep_no_receipt(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_after interval := setting_int('no_receipt_hours') * interval '1 hour';
    v_low   uuid;
    v_high  uuid;
    v_acct  bigint[];
    v_id    uuid[];
    v_link  int[];
    v_keep  boolean[];
    n       int;
    waits   int;
    watched int;
begin
    with old as (
        delete from receipt_watch w
         where w.ctid = any (array(select x.ctid from receipt_watch x
                                    where x.at <= p_now - v_after
                                    order by x.at
                                    -- a row is a batch of some dozen
                                    limit p_limit / 10
                                      for update skip locked))
        returning w.link_id, w.account_id, w.message_id
    )
    select array_agg(o.account_id), array_agg(o.message_id), array_agg(o.link_id),
           (select count(*) from old)
      into v_acct, v_id, v_link, watched
      from (select distinct on (u.account_id, u.message_id)
                   u.account_id, u.message_id, w.link_id
              from old w
             cross join lateral unnest(w.account_id, w.message_id) u (account_id, message_id)) o;

    if v_id is not null then
        v_low := id_min(v_id);
        v_high := id_max(v_id);

        insert into receipt_wait (account_id, at, link_id, message_id)
        select u.account_id, m.expires_at + v_after, u.link_id, u.message_id
          from unnest(v_acct, v_id, v_link) u (account_id, message_id, link_id)
         cross join lateral (
               select x.expires_at from message x
                where x.account_id = u.account_id and x.message_id = u.message_id
                  and x.message_id >= v_low and x.message_id <= v_high
                limit 1) m
         where (select true from settlement s
                 where s.account_id = u.account_id and s.message_id = u.message_id
                   and s.message_id >= v_low and s.message_id <= v_high
                 limit 1) is null
            on conflict do nothing;
    end if;

    perform ask_overdue(p_now, p_limit);

    with over as (
        delete from receipt_wait w
         where w.ctid = any (array(select x.ctid from receipt_wait x
                                    where x.at <= p_now
                                    order by x.at
                                    limit p_limit
                                      for update skip locked))
        returning w.*
    )
    select array_agg(o.account_id), array_agg(o.message_id),
           array_agg(coalesce(l.receipts <> 'refund', false))
      into v_acct, v_id, v_keep
      from over o
      left join link l using (link_id);

    waits := coalesce(cardinality(v_id), 0);

    delete from ask a
     using unnest(v_acct, v_id) u (a, m)
     where a.account_id = u.a and a.message_id = u.m;

    n := settle(p_now, v_acct, v_id, array_fill(8::smallint, array[waits]),
                array_fill('no-receipt'::text, array[waits]),
                array(select not k from unnest(v_keep) with ordinality u (k, i) order by i));

    return json_build_object('no_receipt', n,
                             'more', waits >= p_limit or watched >= p_limit / 10);
end
$$;

-- Deletes what is older from the next pages of a table that has created_at.
-- No index says what is old: every request would pay for it (measured:
-- docs/decisions/one-row.md), and to read the table once an hour costs little.
-- Page -1: at the end, and waiting for the other tables of the walk.
create function sms.walk_step(
    p_table text, p_before timestamptz, p_pages bigint,
    out deleted int, out at_end boolean)
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_page  bigint := coalesce((select w.page from walk w where w.name = p_table), 0);
    v_next  bigint := v_page + p_pages;
begin
    if v_page < 0 then
        deleted := 0;
        at_end := true;
        return;
    end if;

    execute format('delete from sms.%I
                     where ctid >= $1 and ctid < $2 and created_at < $3', p_table)
      using format('(%s,0)', v_page)::tid, format('(%s,0)', v_next)::tid, p_before;
    get diagnostics deleted = row_count;

    at_end := v_next * current_setting('block_size')::bigint
              >= pg_relation_size(format('sms.%I', p_table)::regclass);

    insert into walk (name, page)
    values (p_table, case when at_end then -1 else v_next end)
    on conflict (name) do update set page = excluded.page;
end
$$;

-- Keys after a day, where receipts look far after ten.
-- p_limit: about so many rows are read.
create function sms.upkeep_sweep(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_pages bigint := greatest(p_limit / 50, 1);
    keys    record;
    far     record;
begin
    -- of links that nobody asks any more
    delete from ask where at < p_now - interval '3 days';

    keys := walk_step('idempotency',
                      p_now - setting_int('idempotency_hours') * interval '1 hour', v_pages);
    far := walk_step('submit_far',
                     p_now - setting_int('ref_keep_days') * interval '1 day', v_pages);

    if keys.at_end and far.at_end then
        update walk set page = 0 where name in ('idempotency', 'submit_far');
    end if;

    return json_build_object('keys', keys.deleted, 'far', far.deleted,
                             'more', not (keys.at_end and far.at_end));
end
$$;

create function sms.upkeep_partitions()
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int := partitions_ahead(2);
begin
    return json_build_object('made', n, 'more', n = 500);
end
$$;

create function sms.upkeep(p_what text, p_now timestamptz, p_limit int)
returns json
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return case p_what
        when 'in_doubt' then upkeep_in_doubt(p_now, p_limit)
        when 'orphans' then upkeep_orphans(p_now, p_limit)
        when 'expire' then upkeep_expire(p_now, p_limit)
        when 'opted_out' then upkeep_opted_out(p_now, p_limit)
        when 'no_receipt' then upkeep_no_receipt(p_now, p_limit)
        when 'idempotency' then upkeep_sweep(p_now, p_limit)
        when 'partitions' then upkeep_partitions()
        when 'retention' then upkeep_retention(p_now, p_limit)
        when 'webhooks' then upkeep_webhooks(p_now, p_limit)
        when 'inbound' then upkeep_inbound(p_now, p_limit)
        when 'stops' then upkeep_stops(p_now, p_limit)
        when 'consents' then upkeep_consents(p_now, p_limit)
        when 'evidence' then upkeep_evidence(p_now, p_limit)
        when 'clocks' then upkeep_clocks(p_now, p_limit)
        when 'books' then upkeep_books(p_limit)
        when 'check' then upkeep_check(p_limit)
        end;
end
$$;

grant execute on function sms.upkeep(text, timestamptz, int) to sms_worker;
