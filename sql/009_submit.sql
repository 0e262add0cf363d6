-- expand: what an operator answered, and parts of which nobody knows

set role sms_owner;

-- What is done about parts whose fate is unknown (D7): OTP and informational
-- messages are sent once more, the rest is held for a receipt until validity +
-- 10 minutes.  A message that was sent again once is held the next time.  One
-- row per part; the parts' submit rows with outcome 5 are there already.
create function sms.doubt(
    p_now timestamptz, p_link int[], p_account bigint[], p_message uuid[],
    p_attempt smallint[])
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid := id_min(p_message);
    v_high      uuid := id_max(p_message);
    v_hold      interval := setting_int('doubt_hold_minutes') * interval '1 minute';
    v_acct      bigint[];
    v_id        uuid[];
    v_lane      int[];
    v_attempt   smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
begin
    if coalesce(cardinality(p_message), 0) = 0 then
        return 0;
    end if;

    with part as materialized (
        select u.account_id, u.message_id, u.attempt, u.link_id, s.part, s.total, s.at,
               m."to", m.sender, m.class, m.expires_at, m.parts,
               case when m.class in (1, 2) and m.expires_at > p_now
                         and (select true from in_doubt d
                               where d.account_id = u.account_id
                                 and d.message_id = u.message_id and d.policy = 'resend'
                               limit 1) is null
                    then 'resend' else 'hold' end as policy
          from unnest(p_link, p_account, p_message, p_attempt)
               u (link_id, account_id, message_id, attempt)
         cross join lateral (
               select x.* from message x
                where x.account_id = u.account_id and x.message_id = u.message_id
                  and x.message_id >= v_low and x.message_id <= v_high
                limit 1) m
         cross join lateral (
               select x.part, x.total, x.at from submit x
                where x.account_id = u.account_id and x.message_id = u.message_id
                  and x.message_id >= v_low and x.message_id <= v_high
                  and x.attempt = u.attempt and x.outcome = 5
               offset 0) s
    ), noted as (
        insert into in_doubt (account_id, "to", since, hold_until, closed_at, link_id, attempt,
                              part, total, message_id, policy, outcome, sender)
        select account_id, "to", at, expires_at + v_hold,
               case policy when 'resend' then p_now end, link_id, attempt, part, total,
               message_id, policy, case policy when 'resend' then 'resent' end, sender
          from part
         order by account_id, message_id, attempt, part
            on conflict do nothing
        returning account_id, message_id, attempt, policy
    ), again as (
        select distinct p.account_id, p.message_id, p.attempt, p.parts, p.expires_at,
               p.link_id * 64 + case p.class when 1 then 0 else 16 end as lane
          from noted n
          join part p using (account_id, message_id, attempt, policy)
         where n.policy = 'resend'
    )
    select array_agg(account_id), array_agg(message_id), array_agg(lane),
           array_agg((attempt + 1)::smallint), array_agg(parts), array_agg(expires_at)
      into v_acct, v_id, v_lane, v_attempt, v_parts, v_expires
      from again;

    if v_id is not null then
        perform account_lock(v_acct);
        perform enqueue(a.ids, array_fill(0::bigint, array[cardinality(a.ids)]), v_acct, v_id,
                        v_lane, places(v_acct, v_lane), v_attempt, v_parts, v_expires,
                        array_fill(null::timestamptz, array[cardinality(v_id)]))
           from (select array(select distinct unnest(v_acct)) as ids) a;
    end if;

    return cardinality(p_message);
end
$$;

-- Stores what became of parts, one row per part, and moves their messages on:
--     1 sent       waits for its receipt (or ends as "sent" on a link without)
--     2 rejected   the message ends, refunded by the reason
--     3 retry, 4 throttled
--                  back into p_next_lane at p_next_at with the next attempt, but
--                  only when no part of this attempt is on the wire; commercial
--                  messages go back through screen, their consent has aged.
--                  p_next_lane NULL: screen chooses a route again
--     5 unknown    written, no answer: in doubt
-- A message is decided when all its parts have a row, or one was rejected, or
-- one came back with none on the wire.  The parts of a message may come in
-- several calls.  Sent again, a call changes nothing.
-- Answers how many messages were decided.
create function sms.submitted(
    p_link_id int, p_now timestamptz, p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_part smallint[], p_total smallint[], p_outcome smallint[],
    p_reason smallint[], p_code int[], p_operator_id text[], p_next_at timestamptz[],
    p_next_lane int[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid;
    v_high      uuid;
    v_receipts  text := (select receipts from link where link_id = p_link_id);
    v_hash      bigint[];
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_decision  text[];
begin
    if coalesce(cardinality(p_message), 0) = 0 then
        return 0;
    end if;

    select min(u::text collate "C")::uuid, max(u::text collate "C")::uuid
      into v_low, v_high
      from unnest(p_message) u;

    -- An answer that comes after its part was declared in doubt takes the
    -- doubt's place; any other second answer is a repetition.  A part of which
    -- nothing is known may have been on the wire since its claim.
    with stored as (
        insert into submit as s (account_id, at, operator_code, link_id, attempt, part, total,
                                 outcome, reason, message_id, operator_id)
        select u.account_id,
               case when u.outcome = 5
                    then coalesce((select c.claimed_at from claim c
                                    where c.account_id = u.account_id
                                      and c.message_id = u.message_id
                                      and c.attempt = u.attempt
                                    limit 1), p_now)
                    else p_now end,
               coalesce(u.code, 0), p_link_id, u.attempt, u.part,
               u.total, u.outcome, coalesce(u.reason, 0), u.message_id, u.operator_id
          from unnest(p_account, p_message, p_attempt, p_part, p_total, p_outcome, p_reason,
                      p_code, p_operator_id)
               u (account_id, message_id, attempt, part, total, outcome, reason, code,
                  operator_id)
         order by u.account_id, u.message_id, u.attempt, u.part
            on conflict (account_id, message_id, attempt, part) do update
               set outcome = excluded.outcome, reason = excluded.reason,
                   operator_code = excluded.operator_code, operator_id = excluded.operator_id
             where s.outcome = 5 and excluded.outcome <> 5
        returning account_id, message_id, attempt, part, total, outcome, operator_id
    ), known as (
        insert into operator_ref (submitted_at, id_hash, account_id, "to", link_id, attempt,
                                  part, total, message_id, operator_id)
        select p_now, hashtextextended(coalesce(u.operator_id, ''), 0), u.account_id, m."to",
               p_link_id, u.attempt, u.part, u.total, u.message_id,
               coalesce(u.operator_id, '')
          from stored u
         cross join lateral (
               select x."to" from message x
                where x.account_id = u.account_id and x.message_id = u.message_id
                  and x.message_id >= v_low and x.message_id <= v_high
                limit 1) m
         where u.outcome = 1
        returning id_hash
    )
    select array_agg(id_hash) into v_hash from known;

    if 1 = all (p_outcome) and 1 = all (p_total) then
        v_acct := p_account;
        v_id := p_message;
        v_attempt := p_attempt;
        v_decision := array_fill('sent'::text, array[cardinality(p_message)]);
    else
        select array_agg(d.account_id), array_agg(d.message_id), array_agg(d.attempt),
               array_agg(d.decision)
          into v_acct, v_id, v_attempt, v_decision
          from (select u.account_id, u.message_id, u.attempt,
                       case when s.rejected then 'rejected'
                            when s.back and not s.wire then 'back'
                            when s.parts < s.total then null
                            when s.doubt then 'doubt'
                            when s.back then 'broken'
                            else 'sent' end as decision
                  from (select distinct unnest(p_account) as account_id,
                               unnest(p_message) as message_id,
                               unnest(p_attempt) as attempt) u
                 cross join lateral (
                       select bool_or(x.outcome = 2) as rejected,
                              bool_or(x.outcome in (1, 5)) as wire,
                              bool_or(x.outcome in (3, 4)) as back,
                              bool_or(x.outcome = 5) as doubt,
                              count(*) as parts, max(x.total) as total
                         from submit x
                        where x.account_id = u.account_id and x.message_id = u.message_id
                          and x.message_id >= v_low and x.message_id <= v_high
                          and x.attempt = u.attempt) s) d
         where d.decision is not null;
    end if;

    -- The claim is the right to decide: it is gone when this call came before,
    -- or when the doubt was decided in the meantime.
    if v_id is not null then
        with gone as (
            delete from claim c
             where c.ctid = any (array(
                       select w.place
                         from unnest(v_acct, v_id, v_attempt) u (account_id, message_id, attempt)
                        cross join lateral (
                              select x.ctid as place from claim x
                               where x.account_id = u.account_id
                                 and x.message_id = u.message_id and x.attempt = u.attempt
                               limit 1
                                 for update) w))
            returning c.account_id, c.message_id, c.attempt
        ), held as (
            update in_doubt d
               set closed_at = p_now, outcome = 'matched'
              from unnest(v_acct, v_id, v_attempt, v_decision)
                   u (account_id, message_id, attempt, decision)
             where d.account_id = u.account_id and d.message_id = u.message_id
               and d.attempt = u.attempt and d.closed_at is null and d.message_id = any (v_id)
               and u.decision <> 'doubt'
            returning d.account_id, d.message_id, d.attempt
        ), mine as (
            select * from gone union select * from held
        )
        select array_agg(account_id), array_agg(message_id), array_agg(attempt),
               array_agg(u.decision)
          into v_acct, v_id, v_attempt, v_decision
          from mine
          join unnest(v_acct, v_id, v_attempt, v_decision)
               u (account_id, message_id, attempt, decision)
               using (account_id, message_id, attempt);
    end if;

    if v_id is not null and (v_receipts = 'none' or 'sent' <> any (v_decision)) then
        perform submitted_decide(p_link_id, p_now, v_acct, v_id, v_attempt, v_decision,
                                 p_message, p_attempt, p_next_at, p_next_lane, v_receipts);

    elsif v_hash is not null
          and (select true from receipt_orphan where link_id = p_link_id limit 1)
    then
        -- Receipts that were faster than this answer.  Not after the other
        -- branch: it holds account rows, and receipts are stored before
        -- accounts are locked, everywhere; the sweep takes them a second later.
        perform orphan_match(p_now, array(
                    select o.place
                      from unnest(v_hash) h (id_hash)
                     cross join lateral (select x.ctid as place from receipt_orphan x
                                          where x.link_id = p_link_id and x.id_hash = h.id_hash
                                         offset 0) o));
    end if;

    return coalesce(cardinality(v_id), 0);
end
$$;

grant execute on function sms.submitted(
    int, timestamptz, bigint[], uuid[], smallint[], smallint[], smallint[], smallint[],
    smallint[], int[], text[], timestamptz[], int[]) to sms_worker;

-- Moves messages on whose submit did not simply succeed.
create function sms.submitted_decide(
    p_link_id int, p_now timestamptz, p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_decision text[], p_row_message uuid[], p_row_attempt smallint[],
    p_row_next_at timestamptz[], p_row_next_lane int[], p_receipts text)
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid := id_min(p_message);
    v_high      uuid := id_max(p_message);
    v_acct      bigint[];
    v_id        uuid[];
    v_final     smallint[];
    v_code      text[];
    v_refund    boolean[];
    v_lane      int[];
    v_at        timestamptz[];
    v_attempt   smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
begin
    perform account_lock(p_account);

    -- An upstream refusal for consent closes the number to the brand until İYS
    -- has been asked again (C8).
    insert into consent (owner_account_id, brand_id, number, as_of, counts_at, recipient_type,
                         state, permits, batch_id, source)
    select brand_owner(m.brand_id), m.brand_id, m."to", p_now, p_now, m.recipient_type, 2,
           false, u.message_id, 'upstream'
      from unnest(p_account, p_message, p_attempt, p_decision)
           u (account_id, message_id, attempt, decision)
     cross join lateral (
           select x.brand_id, x."to", x.recipient_type from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
              and x.class = 3 and x.brand_id is not null
            limit 1) m
     where u.decision = 'rejected'
       and (select true from submit s
             where s.account_id = u.account_id and s.message_id = u.message_id
               and s.message_id >= v_low and s.message_id <= v_high
               and s.attempt = u.attempt and s.outcome = 2 and s.reason = 4
             limit 1)
        on conflict do nothing;

    -- the end of: rejected, broken (some parts out, others given back), sent
    -- over a link that gives no receipts, and out of time for another attempt
    select array_agg(u.account_id), array_agg(u.message_id),
           array_agg(case u.decision when 'rejected' then coalesce(c.final, 4)
                                     when 'broken' then 2
                                     when 'sent' then 10 else 3 end::smallint),
           array_agg(case u.decision when 'rejected' then coalesce(c.code, 'operator-rejected')
                                     when 'broken' then 'incomplete'
                                     when 'sent' then 'no-receipts' else 'expired' end),
           array_agg(case u.decision when 'rejected' then coalesce(c.refund, true)
                                     when 'sent' then false else true end)
      into v_acct, v_id, v_final, v_code, v_refund
      from unnest(p_account, p_message, p_attempt, p_decision)
           u (account_id, message_id, attempt, decision)
     cross join lateral (
           select x.expires_at from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
      left join lateral (
           select f.*
             from submit s
            cross join link k
            cross join lateral refund_cause_find('submit', k.operator, 0, s.operator_code,
                                                 s.reason, p_now) f
            where u.decision = 'rejected' and k.link_id = p_link_id
              and s.account_id = u.account_id and s.message_id = u.message_id
              and s.message_id >= v_low and s.message_id <= v_high
              and s.attempt = u.attempt and s.outcome = 2
            order by s.part
            limit 1) c on true
     where u.decision in ('rejected', 'broken')
        or (u.decision = 'sent' and p_receipts = 'none')
        or (u.decision = 'back'
            and m.expires_at <= greatest(p_now, (select max(r.at)
                      from unnest(p_row_message, p_row_attempt, p_row_next_at) r (m, t, at)
                     where r.m = u.message_id and r.t = u.attempt)));

    perform settle(p_now, v_acct, v_id, v_final, v_code, v_refund);

    -- Another attempt: at once into the lane, or later through due.
    select array_agg(u.account_id), array_agg(u.message_id), array_agg((u.attempt + 1)::smallint),
           array_agg(m.parts), array_agg(m.expires_at),
           array_agg(case when m.class = 3 then null else r.lane end),
           array_agg(greatest(p_now, r.at))
      into v_acct, v_id, v_attempt, v_parts, v_expires, v_lane, v_at
      from unnest(p_account, p_message, p_attempt, p_decision)
           u (account_id, message_id, attempt, decision)
     cross join lateral (
           select x.parts, x.expires_at, x.class from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
     cross join lateral (
           select max(n.at) as at, max(n.lane) as lane
             from unnest(p_row_message, p_row_attempt, p_row_next_at, p_row_next_lane)
                  n (m, t, at, lane)
            where n.m = u.message_id and n.t = u.attempt) r
     where u.decision = 'back'
       and m.expires_at > greatest(p_now, r.at);

    if v_id is not null then
        insert into due (at, account_id, expires_at, lane, attempt, parts, message_id, code)
        select u.at, u.a, u.e, u.l, u.t, u.p, u.m, 'retry'
          from unnest(v_acct, v_id, v_attempt, v_parts, v_expires, v_lane, v_at)
               u (a, m, t, p, e, l, at)
         where u.l is null or u.at > p_now;

        perform enqueue(x.accts, array_fill(0::bigint, array[cardinality(x.accts)]),
                        x.acct, x.id, x.lane, places(x.acct, x.lane), x.attempt, x.parts,
                        x.expires,
                        array_fill(null::timestamptz, array[cardinality(x.id)]))
           from (select array_agg(distinct u.a) as accts, array_agg(u.a) as acct,
                        array_agg(u.m) as id, array_agg(u.l) as lane, array_agg(u.t) as attempt,
                        array_agg(u.p) as parts, array_agg(u.e) as expires
                   from unnest(v_acct, v_id, v_attempt, v_parts, v_expires, v_lane, v_at)
                        u (a, m, t, p, e, l, at)
                  where u.l is not null and u.at <= p_now) x
          where x.id is not null;
    end if;

    perform doubt(p_now, array_agg(p_link_id), array_agg(u.a), array_agg(u.m), array_agg(u.t))
       from unnest(p_account, p_message, p_attempt, p_decision) u (a, m, t, d)
      where u.d = 'doubt'
     having count(*) > 0;
end
$$;
