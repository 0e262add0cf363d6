-- expand: consent mirror, opt-outs, screen
--
-- Consent and opt-outs belong to the owner of the brand, not to the account
-- that sends for it (D11): the keys begin with the owner's account.

set role sms_owner;

-- What İYS said, appended, never changed (D12).  counts_at is the moment from
-- which the answer counts: a permission as of the moment İYS stated it, a
-- refusal from the moment it was learnt where that is later, so that a feed,
-- which hides the last hour, stops at once what an older answer permitted.
-- Rows of a permission that did not come from a status query permit nothing
-- (C3); they are kept as history.
create table sms.consent (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    number          bigint not null,
    as_of           timestamptz not null,
    counts_at       timestamptz not null,
    recipient_type  smallint not null check (recipient_type in (1, 2)),
    -- 1 granted, 2 refused, 3 not granted (refusal or no record)
    state           smallint not null check (state in (1, 2, 3)),
    permits         boolean not null,
    batch_id        uuid not null,
    source          text not null,
    primary key (owner_account_id, brand_id, number, recipient_type, counts_at, state)
);

-- Stops commercial messages of the brand to the number, for both recipient
-- types (C1).  Taking effect is being committed here: screen and claim look.
create table sms.optout (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    number          bigint not null,
    received_at     timestamptz not null,
    lifted_at       timestamptz,
    source          text not null,
    -- the message that said it; null when it came another way
    inbound_id      uuid,
    lift_proof      text,
    -- when it was learnt, by which upkeep finds it; it may have been said long ago
    stored_at       timestamptz not null default clock_timestamp(),
    primary key (owner_account_id, brand_id, number, received_at)
);

create index optout_stored on sms.optout using brin (stored_at) with (pages_per_range = 16);

-- p_source: status, add, feed, push, upstream.
create function sms.consent_put(
    p_owner bigint[], p_brand bigint[], p_rtype smallint[], p_number bigint[],
    p_state smallint[], p_as_of timestamptz[], p_batch uuid, p_source text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    insert into consent (owner_account_id, brand_id, number, as_of, counts_at, recipient_type,
                         state, permits, batch_id, source)
    select u.owner, u.brand, u.number, u.as_of,
           case when u.state = 2 then greatest(u.as_of, clock_timestamp()) else u.as_of end,
           u.rtype, u.state, u.state = 1 and p_source = 'status', p_batch, p_source
      from unnest(p_owner, p_brand, p_rtype, p_number, p_state, p_as_of)
           u (owner, brand, rtype, number, state, as_of)
        on conflict do nothing;

    get diagnostics n = row_count;
    return n;
end
$$;

create function sms.optout_put(
    p_owner bigint, p_brand bigint, p_number bigint, p_received_at timestamptz,
    p_source text, p_inbound uuid)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    insert into optout (owner_account_id, brand_id, number, received_at, source, inbound_id)
    values (p_owner, p_brand, p_number, p_received_at, p_source, p_inbound)
        on conflict do nothing;

    return found;
end
$$;

-- Only a consent given later than the refusal lifts it, and it must be proved;
-- that İYS still lists an approval is no proof, it may not know of the refusal.
create function sms.optout_lift(
    p_owner bigint, p_brand bigint, p_number bigint, p_consent_at timestamptz, p_proof text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    if coalesce(p_proof, '') = '' then
        raise exception 'consent-proof-missing' using errcode = 'SMS02';
    end if;

    update optout
       set lifted_at = clock_timestamp(), lift_proof = p_proof
     where owner_account_id = p_owner and brand_id = p_brand and number = p_number
       and lifted_at is null and received_at < p_consent_at;

    get diagnostics n = row_count;
    return n;
end
$$;

grant execute on function
    sms.consent_put(bigint[], bigint[], smallint[], bigint[], smallint[], timestamptz[], uuid, text),
    sms.optout_put(bigint, bigint, bigint, timestamptz, text, uuid),
    sms.optout_lift(bigint, bigint, bigint, timestamptz, text) to sms_worker;

-- ---- screen -----------------------------------------------------------------

-- Puts messages that waited for a retry back into their lanes.  The accounts
-- are locked.
create function sms.due_release(p_id uuid[])
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_lane      int[];
    v_attempt   smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
    v_fresh     timestamptz[];
begin
    with gone as (
        delete from due d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_id) u (id)
                    cross join lateral (select x.ctid from due x
                                         where x.message_id = u.id and x.lane is not null
                                         limit 1
                                           for update skip locked) w))
        returning d.*
    )
    select array_agg(account_id), array_agg(message_id), array_agg(lane), array_agg(attempt),
           array_agg(parts), array_agg(expires_at), array_agg(fresh_until)
      into v_acct, v_id, v_lane, v_attempt, v_parts, v_expires, v_fresh
      from gone;

    if v_id is null then
        return 0;
    end if;

    perform enqueue(a.ids, array_fill(0::bigint, array[cardinality(a.ids)]),
                    v_acct, v_id, v_lane, places(v_acct, v_lane), v_attempt, v_parts,
                    v_expires, v_fresh)
       from (select array(select distinct unnest(v_acct)) as ids) a;

    return cardinality(v_id);
end
$$;

-- Messages whose time has come, oldest first.  What needs no asking is decided
-- here and not returned: expired; opted out and blacklisted (refused, refunded);
-- account closed (refused); account suspended or sender revoked (held, looked
-- at again later, ends with its validity: C9).  One screener holds the lease
-- "screen"; until sms.screened() has answered a row comes again.
--
-- Retries, which need no screening, go back into their lanes; p_limit 0 does
-- this alone, for while the screener waits for answers.
create function sms.screen_take(p_limit int, p_now timestamptz)
returns table (
    message_id uuid, account_id bigint, submission_id uuid, "to" bigint, class smallint,
    rtype smallint, brand_id bigint, owner_account bigint, sender text, body text,
    enc smallint, parts smallint, price bigint, accepted_at timestamptz,
    expires_at timestamptz, test boolean, doc text, consent_state smallint,
    consent_as_of timestamptz)
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_at        timestamptz[];
    v_verdict   int[];
    v_first     uuid[];
    v_low       uuid;
    v_high      uuid;
    v_first_low uuid;
    v_retry     uuid[];
    v_lock      bigint[];
begin
    select array_agg(r.message_id), array_agg(r.account_id)
      into v_retry, v_lock
      from (select w.message_id, w.account_id
              from due w
             where w.at <= p_now and w.lane is not null
             order by w.at, w.message_id
             limit greatest(p_limit, 1000)) r;

    select array_agg(d.account_id order by d.at, d.message_id),
           array_agg(d.message_id order by d.at, d.message_id),
           array_agg(d.at order by d.at, d.message_id)
      into v_acct, v_id, v_at
      from (select w.account_id, w.message_id, w.at
              from due w
             where w.at <= p_now and w.lane is null
             order by w.at, w.message_id
             limit p_limit) d;

    v_low := id_min(v_id);
    v_high := id_max(v_id);

    -- 0 return it, 1 expired, 2 opted out, 3 blacklisted, 4 account closed,
    -- 5 account suspended, 6 sender revoked
    select array_agg(case
               when m.expires_at <= p_now then 1
               when a.state = 3 then 4
               when (select true from blacklist b
                      where b.account_id in (0, u.account_id) and b.number = m."to"
                        and (b.scope = 1 or m.class = 3)
                      limit 1) then 3
               when m.class = 3
                    and (select true from optout o
                          where o.owner_account_id = brand_owner(m.brand_id)
                            and o.brand_id = m.brand_id and o.number = m."to"
                            and o.lifted_at is null
                          limit 1) then 2
               when a.state = 2 then 5
               when not m.test
                    and (select s.revoked_at is not null from sender s
                          where s.account_id = u.account_id and s.sender = m.sender
                          limit 1) then 6
               else 0 end order by u.i),
           array_agg(m.submission_id)
      into v_verdict, v_first
      from unnest(v_acct, v_id) with ordinality u (account_id, message_id, i)
      left join lateral (
           select x."to", x.class, x.brand_id, x.sender, x.test, x.expires_at,
                  x.submission_id
             from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m on true
      left join lateral (select x.state from account x
                          where x.account_id = u.account_id limit 1) a on true;

    -- All accounts of this call at once, or two calls could meet crosswise.
    v_lock := v_lock || array(select u.a from unnest(v_acct, v_verdict) u (a, v)
                               where u.v between 1 and 4);

    if v_lock <> '{}' then
        perform account_lock(v_lock);
    end if;

    if v_retry is not null then
        perform due_release(v_retry);
    end if;

    if v_verdict && array[1, 2, 3, 4, 5, 6] then
        perform screen_decide(p_now, v_acct, v_id, v_at, v_verdict);
    end if;

    -- the row of the declaration, and that of the text, are not above their message
    v_first_low := id_min(v_first);

    return query
    select u.message_id, u.account_id, m.submission_id, m."to", m.class, m.recipient_type,
           m.brand_id, brand_owner(m.brand_id), m.sender, coalesce(m.text, t.text), m.encoding,
           m.parts, m.price_micro, m.accepted_at, m.expires_at, m.test,
           coalesce(m.doc, s.doc), c.state, c.as_of
      from unnest(v_acct, v_id, v_verdict) with ordinality
           u (account_id, message_id, verdict, i)
     cross join lateral (
           select x.* from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
      left join lateral (
           select x.doc from message x
            where x.account_id = u.account_id and x.message_id = m.submission_id
              and m.doc is null
              and x.message_id >= v_first_low and x.message_id <= v_high
            limit 1) s on true
      left join lateral (
           select x.text from message x
            where x.account_id = u.account_id and x.message_id = m.text_id
              and x.message_id >= v_first_low and x.message_id <= v_high
            limit 1) t on true
      left join lateral (
           select x.state, x.as_of from consent x
            where m.class = 3
              and x.owner_account_id = brand_owner(m.brand_id) and x.brand_id = m.brand_id
              and x.number = m."to" and x.recipient_type = m.recipient_type
              and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c on true
     where u.verdict = 0
     order by u.i;
end
$$;

grant execute on function sms.screen_take(int, timestamptz) to sms_worker;

-- Carries out what screen_take() decided by itself.
create function sms.screen_decide(
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
    v_state smallint[];
    v_code  text[];
    v_hold  int := setting_int('hold_retry_seconds');
begin
    -- Only what could be deleted here is ours to end.  A message that was held
    -- for a reason and ran out of time was refused for that reason.
    with gone as (
        delete from due d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_id, p_at, p_verdict) u (id, at, verdict)
                    cross join lateral (select x.ctid from due x
                                         where x.at = u.at and x.message_id = u.id
                                         limit 1
                                           for update skip locked) w
                    where u.verdict between 1 and 4))
        returning d.account_id, d.message_id, d.code
    )
    select array_agg(g.account_id), array_agg(g.message_id),
           array_agg(case u.verdict
                     when 1 then case when g.code is null or g.code = 'retry' then 3
                                 else 5 end
                     when 2 then 9
                     else 5 end::smallint),
           array_agg(case u.verdict
                     when 1 then coalesce(nullif(g.code, 'retry'), 'expired')
                     when 2 then 'opted-out'
                     when 3 then 'blacklisted'
                     else 'account-closed' end)
      into v_acct, v_id, v_state, v_code
      from gone g
      join unnest(p_id, p_verdict) u (id, verdict) on u.id = g.message_id;

    if v_id is not null then
        perform settle(p_now, v_acct, v_id, v_state, v_code,
                       array_fill(true, array[cardinality(v_id)]));
    end if;

    -- Accounts are locked by now, so a row that a cancel holds is not waited for.
    with held as materialized (
        select w.place, w.code is distinct from u.code as news, u.code
          from (select x.id, x.at, case x.verdict when 5 then 'account-suspended'
                                   else 'sender-revoked' end as code
                  from unnest(p_id, p_at, p_verdict) x (id, at, verdict)
                 where x.verdict in (5, 6)) u
         cross join lateral (select x.ctid as place, x.code from due x
                              where x.at = u.at and x.message_id = u.id
                              limit 1
                                for update skip locked) w
    ), moved as (
        update due d
           set at = p_now + v_hold * interval '1 second', code = h.code
          from held h
         where d.ctid = h.place and d.ctid = any (array(select x.place from held x))
        returning d.account_id, d.message_id, d.code, h.news
    )
    -- told once for each reason
    insert into verdict (account_id, at, message_id, stage, outcome, code)
    select account_id, p_now, message_id, 1, 3, code from moved where news
        on conflict do nothing;
end
$$;

-- The screener's answers.  p_outcome: 1 queue (lane, fresh_until), 2 refuse
-- (code; refunded), 3 wait until p_at (code).  Only rows that are still due
-- count, so an answer that is sent twice, or after a cancel, does nothing.
create function sms.screened(
    p_now timestamptz, p_message uuid[], p_account bigint[], p_outcome smallint[],
    p_lane int[], p_fresh_until timestamptz[], p_at timestamptz[], p_code text[],
    p_consent_state smallint[], p_consent_as_of timestamptz[], p_proof text[],
    p_plugin text[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_outcome   smallint[];
    v_lane      int[];
    v_attempt   smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
    v_fresh     timestamptz[];
    v_at        timestamptz[];
    v_code      text[];
begin
    with gone as (
        delete from due d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_message) u (id)
                    cross join lateral (select x.ctid from due x
                                         where x.message_id = u.id and x.lane is null
                                         limit 1
                                           for update skip locked) w))
        returning d.account_id, d.message_id, d.attempt, d.parts, d.expires_at
    )
    select array_agg(g.account_id), array_agg(g.message_id), array_agg(u.outcome),
           array_agg(case when u.outcome = 1 then u.lane end), array_agg(g.attempt),
           array_agg(g.parts), array_agg(g.expires_at), array_agg(u.fresh_until),
           array_agg(u.at), array_agg(u.code)
      into v_acct, v_id, v_outcome, v_lane, v_attempt, v_parts, v_expires, v_fresh, v_at, v_code
      from gone g
      join unnest(p_message, p_outcome, p_lane, p_fresh_until, p_at, p_code)
           u (id, outcome, lane, fresh_until, at, code) on u.id = g.message_id;

    if v_id is null then
        return 0;
    end if;

    perform account_lock(v_acct);

    insert into verdict (account_id, at, message_id, stage, outcome, consent_state,
                         consent_as_of, code, plugin, proof)
    select u.account_id, p_now, u.id, 1, u.outcome, u.consent_state, u.consent_as_of, u.code,
           u.plugin, u.proof
      from unnest(p_message, p_account, p_outcome, p_consent_state, p_consent_as_of, p_code,
                  p_plugin, p_proof)
           u (id, account_id, outcome, consent_state, consent_as_of, code, plugin, proof)
     where u.id = any (v_id)
        on conflict do nothing;

    if 1::smallint = any (v_outcome) then
        perform enqueue(a.ids, array_fill(0::bigint, array[cardinality(a.ids)]),
                        v_acct, v_id, v_lane, places(v_acct, v_lane), v_attempt, v_parts,
                        v_expires, v_fresh)
           from (select array(select distinct unnest(v_acct)) as ids) a;
    end if;

    if 2::smallint = any (v_outcome) then
        perform settle(p_now, array_agg(u.a), array_agg(u.m), array_agg(5::smallint),
                       array_agg(u.c), array_agg(true))
           from unnest(v_acct, v_id, v_outcome, v_code) u (a, m, o, c)
          where u.o = 2;
    end if;

    if 3::smallint = any (v_outcome) then
        insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
        select u.at, u.a, u.e, u.t, u.p, u.m, u.c
          from unnest(v_acct, v_id, v_outcome, v_at, v_expires, v_attempt, v_parts, v_code)
               u (a, m, o, at, e, t, p, c)
         where u.o = 3;
    end if;

    return cardinality(v_id);
end
$$;

grant execute on function sms.screened(
    timestamptz, uuid[], bigint[], smallint[], int[], timestamptz[], timestamptz[], text[],
    smallint[], timestamptz[], text[], text[]) to sms_worker;
