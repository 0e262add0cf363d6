-- expand: messages of one submission wait for screen together, and pass it together

set role sms_owner;

-- Messages without a lane wait: one of its own in due, several of a submission in
-- one row of due_submission.  The arrays are those of sms.intake().
create function sms.due_put(
    p_now timestamptz, m_acct bigint[], m_id uuid[], m_sub uuid[], m_lane int[],
    m_expires timestamptz[], m_due timestamptz[], m_parts smallint[], m_high uuid[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
begin
    -- a large body comes alone
    if cardinality(m_id) > 1 and cardinality(array_remove(m_high, null)) = 1 then
        insert into due_submission (at, account_id, expires_at, messages, submission_id,
                                    high_message)
        values (coalesce(m_due[1], p_now), m_acct[1], m_expires[1], cardinality(m_id), m_sub[1],
                m_high[1]);
        return;
    end if;

    with body as (
        select min(m.due_at) as due_at, min(m.account_id) as account_id,
               min(m.expires_at) as expires_at, count(*) as n, m.submission_id,
               (array_agg(m.high) filter (where m.high is not null))[1] as high,
               min(m.parts) as parts
          from unnest(m_acct, m_sub, m_lane, m_expires, m_due, m_parts, m_high)
               m (account_id, submission_id, lane, expires_at, due_at, parts, high)
         where m.lane is null and m.submission_id is not null
         group by m.submission_id
    ), alone as (
        insert into due (at, account_id, expires_at, attempt, parts, message_id)
        select coalesce(due_at, p_now), account_id, expires_at, 1, parts, submission_id
          from body
         where n = 1
    )
    insert into due_submission (at, account_id, expires_at, messages, submission_id,
                                high_message)
    select coalesce(due_at, p_now), account_id, expires_at, n, submission_id, high
      from body
     where n > 1;
end
$$;

-- What screen_decide() is for single messages.
create function sms.screen_decide_submission(
    p_now timestamptz, p_acct bigint[], p_id uuid[], p_at timestamptz[], p_verdict int[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_acct  bigint[];
    v_id    uuid[];
    v_code  text[];
    v_hold  int := setting_int('hold_retry_seconds');
begin
    with gone as (
        delete from due_submission d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_id, p_at, p_verdict) u (id, at, verdict)
                    cross join lateral (select x.ctid from due_submission x
                                         where x.at = u.at and x.submission_id = u.id
                                         limit 1
                                           for update skip locked) w
                    where u.verdict between 1 and 4 or u.verdict in (9, 10)))
        returning d.account_id, d.submission_id, d.code
    )
    select array_agg(g.account_id), array_agg(g.submission_id),
           array_agg(case u.verdict when 1 then coalesce(g.code, 'expired')
                     when 9 then 'account-stopped'
                     when 10 then 'sender-stopped'
                     else 'account-closed' end)
      into v_acct, v_id, v_code
      from gone g
      join unnest(p_id, p_verdict) u (id, verdict) on u.id = g.submission_id;

    if v_id is not null then
        perform submission_settle(p_now, v_acct, v_id, v_code);
    end if;

    with held as materialized (
        select w.place, w.code is distinct from u.code as news, u.code
          from (select x.id, x.at,
                       (array['account-suspended', 'sender-revoked', 'account-stopped',
                              'sender-stopped', null, null,
                              'consents-overdue', null,
                              'brand-not-authorised'])[x.verdict - 4] as code
                  from unnest(p_id, p_at, p_verdict) x (id, at, verdict)
                 where x.verdict between 5 and 8 or x.verdict in (11, 13)) u
         cross join lateral (select x.ctid as place, x.code from due_submission x
                              where x.at = u.at and x.submission_id = u.id
                              limit 1
                                for update skip locked) w
    ), moved as (
        update due_submission d
           set at = p_now + v_hold * interval '1 second', code = h.code
          from held h
         where d.ctid = h.place and d.ctid = any (array(select x.place from held x))
        returning d.account_id, d.submission_id, d.code, h.news
    )
    select array_agg(account_id), array_agg(submission_id), array_agg(code)
      into v_acct, v_id, v_code
      from moved
     where news;

    -- told once for each reason
    if v_id is not null then
        insert into verdict (account_id, at, message_id, stage, outcome, code)
        select u.account_id, p_now, m, 1, 3, u.code
          from unnest(v_acct, v_id, v_code) u (account_id, id, code)
         cross join lateral unnest(submission_open(u.account_id, u.id)) m
            on conflict do nothing;
    end if;
end
$$;

-- The messages of a submission that have not ended.
create function sms.submission_open(p_acct bigint, p_id uuid)
returns uuid[]
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_high  uuid := (select m.high_message from message m
                      where m.account_id = p_acct and m.message_id = p_id);
begin
    return array(
        select m.message_id
          from message m
         where m.account_id = p_acct and m.submission_id = p_id
           and m.message_id >= p_id and m.message_id <= v_high
           and (select true from settlement e
                 where e.account_id = p_acct and e.message_id = m.message_id
                   and e.message_id >= p_id and e.message_id <= v_high
                 limit 1) is null);
end
$$;

-- Ends what is left of submissions: expired, or refused with the code; refunded.
create function sms.submission_settle(
    p_now timestamptz, p_acct bigint[], p_id uuid[], p_code text[])
returns int
language plpgsql
as $$
begin
    return settle(p_now, array_agg(u.account_id), array_agg(m),
                  array_agg(late_state(u.code)), array_agg(u.code), array_agg(true))
      from unnest(p_acct, p_id, p_code) u (account_id, id, code)
     cross join lateral unnest(submission_open(u.account_id, u.id)) m;
end
$$;

-- The turn before the first that the accounts' next messages in a lane would get, and
-- how far each moves it on.  Nothing is locked or taken.
create function sms.account_turns_ahead(
    p_account bigint[], p_lane int, out turn bigint[], out step int[])
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_pos   int;
    v_clock bigint;
begin
    select p.pos, p.clock into v_pos, v_clock from lane_place(p_lane) p;

    select array_agg(greatest(a.turns[v_pos], v_clock)), array_agg(a.step)
      into turn, step
      from unnest(p_account) u
      left join lateral (select x.turns, x.step from account x
                          where x.account_id = u limit 1) a on true;
end
$$;

-- Takes the accounts' next turns in a lane, p_count each.  In the order of p_account,
-- which is that of the lock.
create function sms.account_turns(p_account bigint[], p_count int[], p_lane int)
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
-- what is left is a nested loop, which keeps the order of the array
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_sort = off
set jit = off
as $$
declare
    v_pos   int;
    v_clock bigint;
begin
    select p.pos, p.clock into v_pos, v_clock from lane_place(p_lane) p;

    update account a
       set turns[v_pos] = greatest(coalesce(a.turns[v_pos], 0), v_clock) + d.n * a.step
      from (select unnest(p_account) as account_id, unnest(p_count) as n) d
     where a.account_id = d.account_id;
end
$$;

-- The screener's answers to submissions that it took together: s_id, and s_count, how
-- many messages of each pass.  Of these, in the same order: q_lane, empty where p_lane
-- is that of all; q_as_of, of the permission, after which it may be used for p_life_ms;
-- p_plugin and q_proof say where it is from, one proof alone is that of all.  Of the
-- others: o_sub, the submission's place, and o_outcome
--     2 refuse (o_code; refunded), 3 wait until o_at (o_code),
--     4 look at it again, alone, 5 opted out, 6 blacklisted (both refunded)
-- Only submissions that still wait count, so answers that are sent twice, or after a
-- cancel, do nothing.
create function sms.screened_submission(
    p_now timestamptz, s_id uuid[], s_count int[], p_lane int, p_life_ms bigint, p_plugin text,
    q_id uuid[], q_parts smallint[], q_as_of timestamptz[], q_lane int[], q_proof text[],
    o_sub int[], o_id uuid[], o_outcome smallint[], o_parts smallint[], o_at timestamptz[],
    o_code text[], o_state smallint[], o_as_of timestamptz[], o_proof text[],
    o_plugin text[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_life      interval := p_life_ms * interval '1 ms';
    v_at        timestamptz[];
    v_acct      bigint[];
    v_expires   timestamptz[];
    v_high      uuid[];
    v_code      text[];
    v_ended     boolean;
    v_low       uuid;
    v_top       uuid;
    v_sub       int[];
    v_start     int[];
    v_before    int[];
    v_accounts  bigint[];
    v_count     int[];
    v_turn      bigint[];
    v_step      int[];
    -- when the account's sending window closes; null: it has none
    v_close     timestamptz[];
begin
    with gone as (
        delete from due_submission d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(s_id) u (id)
                    cross join lateral (select x.ctid from due_submission x
                                         where x.submission_id = u.id
                                         limit 1
                                           for update skip locked) w))
        returning d.*
    )
    select array_agg(g.at order by u.i), array_agg(g.account_id order by u.i),
           array_agg(g.expires_at order by u.i), array_agg(g.high_message order by u.i),
           array_agg(g.code order by u.i), bool_or(g.ended)
      into v_at, v_acct, v_expires, v_high, v_code, v_ended
      from unnest(s_id) with ordinality u (id, i)
      left join gone g on g.submission_id = u.id;

    -- what others have ended, or answered, is not ours to answer
    if v_ended or array_position(v_acct, null) is not null then
        v_low := id_min(s_id);
        v_top := id_max(v_high);
        v_sub := array(select k.i
                         from unnest(s_count) with ordinality k (n, i)
                        cross join lateral generate_series(1, k.n)
                        order by k.i);

        select array_agg(u.sub), array_agg(u.id), array_agg(u.parts), array_agg(u.as_of),
               array_agg(u.lane),
               case when cardinality(q_proof) = 1 then q_proof else array_agg(u.proof) end
          into v_sub, q_id, q_parts, q_as_of, q_lane, q_proof
          from unnest(v_sub, q_id, q_parts, q_as_of, q_lane, q_proof)
               u (sub, id, parts, as_of, lane, proof)
         where v_acct[u.sub] is not null
           and (select true from settlement e
                 where e.account_id = v_acct[u.sub] and e.message_id = u.id
                   and e.message_id >= v_low and e.message_id <= v_top
                 limit 1) is null;

        select array_agg(u.sub), array_agg(u.id), array_agg(u.outcome), array_agg(u.parts),
               array_agg(u.at), array_agg(u.code), array_agg(u.state), array_agg(u.as_of),
               array_agg(u.proof), array_agg(u.plugin)
          into o_sub, o_id, o_outcome, o_parts, o_at, o_code, o_state, o_as_of, o_proof,
               o_plugin
          from unnest(o_sub, o_id, o_outcome, o_parts, o_at, o_code, o_state, o_as_of, o_proof,
                      o_plugin)
               u (sub, id, outcome, parts, at, code, state, as_of, proof, plugin)
         where v_acct[u.sub] is not null
           and (select true from settlement e
                 where e.account_id = v_acct[u.sub] and e.message_id = u.id
                   and e.message_id >= v_low and e.message_id <= v_top
                 limit 1) is null;

        s_count := array(select count(f.sub)
                           from generate_series(1, cardinality(s_id)) i
                           left join unnest(v_sub) f (sub) on f.sub = i
                          group by i
                          order by i);
    end if;

    -- Where each submission's messages begin among those that pass, and how many of
    -- its account stand before them.
    select array_agg(k.start order by k.i), array_agg(k.before order by k.i)
      into v_start, v_before
      from (select u.i, sum(u.n) over (order by u.i) - u.n as start,
                   sum(u.n) over (partition by u.account_id order by u.i) - u.n as before
              from unnest(v_acct, s_count) with ordinality u (account_id, n, i)) k;

    select array_agg(a.account_id order by a.account_id), array_agg(a.n order by a.account_id)
      into v_accounts, v_count
      from (select u.account_id, sum(u.n) as n
              from unnest(v_acct, s_count) u (account_id, n)
             where u.account_id is not null
             group by u.account_id) a;

    if v_accounts is null then
        return 0;
    end if;

    v_close := quiet_closes(p_now, v_accounts);

    -- Accounts are locked when everything else is written, so that an OTP of theirs does
    -- not wait for it.  Turns are looked at here and taken there: one screener stores one
    -- answer after the other, and with a message that has come back, or was sent as a
    -- test, a turn may be shared.
    if p_lane is not null then
        select t.turn, t.step into v_turn, v_step
          from account_turns_ahead(v_accounts, p_lane) t;

        insert into queue (turn, account_id, expires_at, fresh_until, lane, attempt, parts,
                           message_id)
        select k.turn + i * k.step, k.account_id, k.expires_at,
               case when q_as_of[k.start + i] is not null
                    then least(q_as_of[k.start + i] + v_life, k.close) end, p_lane, 1,
               q_parts[k.start + i], q_id[k.start + i]
          from (select v_turn[w.at] + u.before * v_step[w.at] as turn, v_step[w.at] as step,
                       v_close[w.at] as close, u.account_id, u.expires_at, u.start, u.n
                  from unnest(v_acct, v_expires, v_start, v_before, s_count)
                       u (account_id, expires_at, start, before, n)
                 cross join lateral (select array_position(v_accounts, u.account_id) as at) w
                offset 0) k
         cross join lateral generate_series(1, k.n) i;
    end if;

    insert into verdict_passed (account_id, at, consent_state, submission_id, high_message,
                                plugin, message_id, consent_as_of, proof)
    select k.account_id, p_now, case when q_as_of[k.start + 1] is not null then 1 end, k.id,
           k.high, p_plugin, q_id[k.start + 1 : k.start + k.n],
           nullif(q_as_of[k.start + 1 : k.start + k.n], '{}'),
           case when cardinality(q_proof) <= 1 then nullif(q_proof, '{}')
           else q_proof[k.start + 1 : k.start + k.n] end
      from unnest(v_acct, s_id, v_high, v_start, s_count) k (account_id, id, high, start, n)
     where k.n > 0
        on conflict do nothing;

    if o_id <> '{}' then
        insert into verdict (account_id, at, message_id, stage, outcome, consent_state,
                             consent_as_of, code, plugin, proof)
        select v_acct[u.sub], p_now, u.id, 1, u.outcome, u.state, u.as_of, u.code, u.plugin,
               u.proof
          from unnest(o_sub, o_id, o_outcome, o_code, o_state, o_as_of, o_proof, o_plugin)
               u (sub, id, outcome, code, state, as_of, proof, plugin)
         where u.outcome in (2, 3)
            on conflict do nothing;

        insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
        select case u.outcome when 3 then u.at else v_at[u.sub] end, v_acct[u.sub],
               v_expires[u.sub], 1, u.parts, u.id,
               case u.outcome when 3 then u.code else v_code[u.sub] end
          from unnest(o_sub, o_id, o_outcome, o_parts, o_at, o_code)
               u (sub, id, outcome, parts, at, code)
         where u.outcome in (3, 4);
    end if;

    if p_lane is not null then
        perform account_turns(v_accounts, v_count, p_lane);
    else
        perform account_lock(v_accounts);
        perform enqueue(v_accounts, array_fill(0::bigint, array[cardinality(v_accounts)]),
                        q.acct, q_id, q_lane, places(q.acct, q_lane),
                        array_fill(1::smallint, array[cardinality(q_id)]), q_parts, q.expires,
                        q.fresh)
           from (select array_agg(k.account_id), array_agg(k.expires_at),
                        array_agg(case when q_as_of[k.start + i] is not null
                                  then least(q_as_of[k.start + i] + v_life,
                                             v_close[array_position(v_accounts, k.account_id)])
                                  end)
                   from unnest(v_acct, v_expires, v_start, s_count)
                        k (account_id, expires_at, start, n)
                  cross join lateral generate_series(1, k.n) i) q (acct, expires, fresh)
          where q.acct is not null;
    end if;

    if o_id <> '{}' then
        perform settle(p_now, array_agg(v_acct[u.sub]), array_agg(u.id),
                       array_agg(case u.outcome when 5 then 9 else 5 end::smallint),
                       array_agg(case u.outcome when 5 then 'opted-out'
                                 when 6 then 'blacklisted' else u.code end),
                       array_agg(true))
           from unnest(o_sub, o_id, o_outcome, o_code) u (sub, id, outcome, code)
          where u.outcome in (2, 5, 6);
    end if;

    return coalesce(cardinality(q_id), 0) + coalesce(cardinality(o_id), 0);
end
$$;

grant execute on function sms.screened_submission(
    timestamptz, uuid[], int[], int, bigint, text, uuid[], smallint[], timestamptz[], int[],
    text[], int[], uuid[], smallint[], smallint[], timestamptz[], text[], smallint[],
    timestamptz[], text[], text[]) to sms_worker;


-- ---- what ends while it waits -----------------------------------------------

-- So many messages of these submissions end now.  The rows are locked.
create function sms.due_submission_less(p_id uuid[], p_count int[])
returns void
language plpgsql
as $$
begin
    delete from due_submission d
     using unnest(p_id, p_count) u (id, n)
     where d.submission_id = u.id and d.messages <= u.n;

    update due_submission d
       set messages = d.messages - u.n, ended = true
      from unnest(p_id, p_count) u (id, n)
     where d.submission_id = u.id;
end
$$;

-- Takes those of an account's messages that wait with others of their submission, to
-- be ended in this transaction.  Rows are waited for, as in cancel().
create function sms.due_submission_take(p_account bigint, p_ids uuid[])
returns uuid[]
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_low   uuid := id_min(p_ids);
    v_high  uuid := id_max(p_ids);
    v_sub   uuid[] := array(select distinct m.submission_id
                              from message m
                             where m.account_id = p_account and m.message_id = any (p_ids)
                               and m.message_id >= v_low and m.message_id <= v_high);
    v_count int[];
    v_ids   uuid[];
begin
    perform from due_submission d
      where d.submission_id = any (v_sub) and d.account_id = p_account
      order by d.at, d.submission_id
        for update;

    if not found then
        return '{}';
    end if;

    select array_agg(o), array_agg(d.submission_id)
      into v_ids, v_sub
      from due_submission d
     cross join lateral unnest(submission_open(p_account, d.submission_id)) o
     where d.submission_id = any (v_sub) and d.account_id = p_account and o = any (p_ids);

    select array_agg(c.id), array_agg(c.n)
      into v_sub, v_count
      from (select u.id, count(*) as n from unnest(v_sub) u (id) group by u.id) c;

    perform due_submission_less(v_sub, v_count);

    return coalesce(v_ids, '{}');
end
$$;

-- Takes messages that an opt-out learnt since p_since stopped, of no more than
-- p_limit submissions of these accounts, to be ended in this transaction.  p_number:
-- of this one; null: of all.
create function sms.due_submission_opted_out(
    p_from bigint[], p_number bigint[], p_since timestamptz, p_limit int,
    out account_id bigint[], out message_id uuid[])
language plpgsql
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_acct  bigint[];
    v_sub   uuid[];
    v_high  uuid[];
    v_low   uuid;
    v_top   uuid;
    v_mine  uuid[];
    v_count int[];
begin
    select array_agg(d.account_id), array_agg(d.submission_id), array_agg(d.high_message)
      into v_acct, v_sub, v_high
      from (select x.*
              from due_submission x
             where x.account_id = any (p_from)
             order by x.at, x.submission_id
             limit p_limit) d;

    if v_sub is null then
        return;
    end if;

    v_low := id_min(v_sub);
    v_top := id_max(v_high);

    select array_agg(d.submission_id), array_agg(d.account_id), array_agg(m.message_id)
      into v_sub, account_id, message_id
      from unnest(v_acct, v_sub, v_high) d (account_id, submission_id, high_message)
     cross join lateral (
           select x.message_id, x.class, x.brand_id, x."to" from message x
            where x.account_id = d.account_id and x.submission_id = d.submission_id
              and x.message_id >= d.submission_id and x.message_id <= d.high_message
              and x.message_id >= v_low and x.message_id <= v_top
           offset 0) m
     where m.class = 3 and (p_number is null or m."to" = any (p_number))
       and (select true from optout o
             where o.owner_account_id = brand_owner(m.brand_id)
               and o.brand_id = m.brand_id and o.number = m."to"
               and o.stored_at > p_since and o.lifted_at is null
             limit 1);

    if message_id is null then
        return;
    end if;

    v_mine := array(select x.submission_id
                      from due_submission x
                     where x.submission_id = any (v_sub)
                     order by x.at, x.submission_id
                       for update skip locked);

    select array_agg(u.account_id), array_agg(u.message_id), array_agg(u.sub)
      into account_id, message_id, v_sub
      from unnest(v_sub, account_id, message_id) u (sub, account_id, message_id)
     where u.sub = any (v_mine)
       and (select true from settlement e
             where e.account_id = u.account_id and e.message_id = u.message_id
               and e.message_id >= v_low and e.message_id <= v_top
             limit 1) is null;

    select array_agg(c.id), array_agg(c.n)
      into v_sub, v_count
      from (select u.id, count(*) as n from unnest(v_sub) u (id) group by u.id) c;

    perform due_submission_less(v_sub, v_count);
end
$$;
