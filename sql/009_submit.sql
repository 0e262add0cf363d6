-- expand: what an operator answered, and parts of which nobody knows

set role sms_owner;

-- What is done about parts whose fate is unknown (D7), as the link says for their
-- class; where it says nothing OTP and informational messages are sent once more, and
-- the rest is held for a receipt until validity + 10 minutes.  A message that was sent
-- again once is held the next time.  One row per part; the parts' submit rows with
-- outcome 5 are there already.
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
    v_link      int[];
    v_class     smallint[];
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
               case when w.policy <> 'resend' then w.policy
                    when m.expires_at > p_now
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
               select coalesce((select l.policy from link_doubt l
                                 where l.link_id = u.link_id and l.class = m.class),
                               case when m.class in (1, 2) then 'resend'
                               else 'hold' end) as policy) w
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
        returning account_id, message_id, attempt, part, policy
    ), asking as (
        insert into ask (account_id, at, submitted_at, link_id, attempt, part, total,
                         message_id)
        select p.account_id, p_now, p.at, p.link_id, p.attempt, p.part, p.total, p.message_id
          from noted n
          join part p using (account_id, message_id, attempt, part, policy)
         where n.policy = 'ask'
            on conflict do nothing
    ), again as (
        select distinct p.account_id, p.message_id, p.attempt, p.parts, p.expires_at,
               p.link_id, p.class
          from noted n
          join part p using (account_id, message_id, attempt, policy)
         where n.policy = 'resend'
    )
    select array_agg(account_id), array_agg(message_id), array_agg(link_id),
           array_agg(class), array_agg(attempt), array_agg(parts), array_agg(expires_at)
      into v_acct, v_id, v_link, v_class, v_attempt, v_parts, v_expires
      from again;

    if v_id is not null then
        perform account_lock(v_acct);
        perform send_again(p_now, v_link, v_acct, v_id, v_attempt, v_class, v_parts, v_expires);
    end if;

    return cardinality(p_message);
end
$$;

-- Stores what became of parts, one row per part, and moves their messages on:
--     1 sent       waits for its receipt (or ends as "sent" on a link without)
--     2 rejected   the message ends, refunded by the reason
--     3 retry, 4 throttled, 7 the link rests
--                  back into p_next_lane at p_next_at with the next attempt, but
--                  only when no part of this attempt is on the wire; commercial
--                  messages go back through screen, their consent has aged.
--                  p_next_lane NULL: screen chooses a route again
--     5 unknown    written, no answer: in doubt
--     6 failover   back to screen at once, as 3 with p_next_lane NULL, which takes
--                  another link than those that said so of this message
-- A message is decided when all its parts have a row, or one was rejected, or
-- one came back with none on the wire.  The parts of a message may come in
-- several calls.  Sent again, a call changes nothing.
--
-- p_claim: the claims that these messages are of.  p_to, p_class and p_price:
-- what the claim told of the message.  Answers how many messages were decided, and
-- whether all of these rows were new.
create function sms.submitted(
    p_link_id int, p_now timestamptz, p_claim uuid[], p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_part smallint[], p_total smallint[], p_outcome smallint[],
    p_reason smallint[], p_code int[], p_operator_id text[], p_next_at timestamptz[],
    p_next_lane int[], p_to bigint[], p_class smallint[], p_price bigint[],
    out decided int, out fresh boolean)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_receipts  text := (select receipts from link where link_id = p_link_id);
    v_claimed   timestamptz;
    v_messages  int;
    v_whole     boolean := false;
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_decision  text[];
begin
    decided := 0;
    fresh := true;

    if coalesce(cardinality(p_message), 0) = 0 then
        return;
    end if;

    -- The claim is the right to decide: it is gone when this call came before,
    -- or when the doubt was decided in the meantime.
    select sum(cardinality(c.message_id)), min(c.claimed_at)
      into v_messages, v_claimed
      from (select x.message_id, x.claimed_at from claim x
             where x.claim_id = any (p_claim)
             order by x.claim_id
               for update) c;

    -- A part of which nothing is known may have been on the wire since its claim.
    begin
        insert into submit (account_id, "to", id_hash, price_micro, at, operator_code, link_id,
                            attempt, part, total, outcome, reason, class, message_id,
                            operator_id)
        select u.account_id, u."to", hashtextextended(u.operator_id, 0), u.price,
               case when u.outcome = 5 then coalesce(v_claimed, p_now) else p_now end,
               u.code, p_link_id, u.attempt, u.part, u.total, u.outcome, u.reason, u.class,
               u.message_id, u.operator_id
          from (select unnest(p_account) as account_id, unnest(p_to) as "to",
                       unnest(p_operator_id) as operator_id, unnest(p_price) as price,
                       unnest(p_code) as code, unnest(p_attempt) as attempt,
                       unnest(p_part) as part, unnest(p_total) as total,
                       unnest(p_outcome) as outcome, unnest(p_reason) as reason,
                       unnest(p_class) as class, unnest(p_message) as message_id) u;
    exception
        when unique_violation then
            fresh := false;
    end;

    if not fresh then
        -- An answer that comes after its part was declared in doubt takes the
        -- doubt's place; any other second answer is a repetition.
        insert into submit as s (account_id, "to", id_hash, price_micro, at, operator_code,
                                 link_id, attempt, part, total, outcome, reason, class,
                                 message_id, operator_id)
        select u.account_id, u."to", hashtextextended(u.operator_id, 0), u.price,
               case when u.outcome = 5 then coalesce(v_claimed, p_now) else p_now end,
               u.code, p_link_id, u.attempt, u.part, u.total, u.outcome, u.reason, u.class,
               u.message_id, u.operator_id
          from unnest(p_account, p_to, p_operator_id, p_price, p_code, p_attempt, p_part,
                      p_total, p_outcome, p_reason, p_class, p_message)
               u (account_id, "to", operator_id, price, code, attempt, part, total, outcome,
                  reason, class, message_id)
         order by u.account_id, u.message_id, u.attempt, u.part
            on conflict (account_id, message_id, attempt, part) do update
               set outcome = excluded.outcome, reason = excluded.reason,
                   operator_code = excluded.operator_code, operator_id = excluded.operator_id,
                   id_hash = excluded.id_hash, price_micro = null
             where s.outcome = 5 and excluded.outcome <> 5;
    end if;

    perform submit_far(p_link_id, p_now, p_account, p_message, p_attempt, p_part, p_outcome,
                       p_operator_id);

    if 2 = any (p_reason) then
        perform sender_refused(p_link_id, p_account, p_message, p_reason, p_code);
    end if;

    if v_receipts is distinct from 'none' and 1 = any (p_outcome) then
        if 1 = all (p_outcome) then
            insert into receipt_watch (at, link_id, account_id, message_id)
            values (p_now, p_link_id, p_account, p_message);
        else
            insert into receipt_watch (at, link_id, account_id, message_id)
            select p_now, p_link_id, array_agg(u.a), array_agg(u.m)
              from unnest(p_account, p_message, p_outcome) u (a, m, o)
             where u.o = 1;
        end if;
    end if;

    -- All parts of all messages of these claims, which is how a worker brings
    -- them: nothing need be looked up of those that were sent.
    v_whole := coalesce(
        fresh
        and v_messages = cardinality(array_positions(p_part, 1::smallint))
        and cardinality(p_part) = (select sum(u.t) from (select unnest(p_part) as p,
                                                                unnest(p_total) as t) u
                                    where u.p = 1), false);

    if v_whole then
        delete from claim c where c.claim_id = any (p_claim);

        if v_receipts = 'none' then
            perform submitted_end(p_now, p_account, p_message, p_part, p_total, p_outcome,
                                  p_class, p_price);
        end if;

        if 1 <> any (p_outcome) then
            select array_agg(d.a), array_agg(d.m), array_agg(d.t)
              into v_acct, v_id, v_attempt
              from (select distinct u.a, u.m, u.t
                      from unnest(p_account, p_message, p_attempt, p_outcome) u (a, m, t, o)
                     where u.o <> 1) d;
        end if;

    else
        select array_agg(d.a), array_agg(d.m), array_agg(d.t)
          into v_acct, v_id, v_attempt
          from (select distinct unnest(p_account) as a, unnest(p_message) as m,
                       unnest(p_attempt) as t) d;
    end if;

    if v_id is not null then
        select d.account_id, d.message_id, d.attempt, d.decision
          into v_acct, v_id, v_attempt, v_decision
          from submitted_decision(v_acct, v_id, v_attempt) d;

        if not v_whole then
            select m.account_id, m.message_id, m.attempt, m.decision
              into v_acct, v_id, v_attempt, v_decision
              from submitted_mine(p_now, p_claim, v_acct, v_id, v_attempt, v_decision) m;
        end if;
    end if;

    if v_id is not null and (v_receipts = 'none' or 'sent' <> any (v_decision)) then
        perform submitted_decide(p_link_id, p_now, v_acct, v_id, v_attempt, v_decision,
                                 p_message, p_attempt, p_next_at, p_next_lane, v_receipts);

    elsif (select true from receipt_orphan where link_id = p_link_id limit 1) then
        -- Receipts that were faster than this answer.  Not after the other
        -- branch: it holds account rows, and receipts are stored before
        -- accounts are locked, everywhere; the sweep takes them a second later.
        perform orphan_match(p_now, array(
                    select o.place
                      from unnest(p_operator_id) i (id)
                     cross join lateral (select x.ctid as place from receipt_orphan x
                                          where x.link_id = p_link_id
                                            and x.id_hash = hashtextextended(i.id, 0)
                                         offset 0) o));
    end if;

    decided := case when v_whole then v_messages else coalesce(cardinality(v_id), 0) end;
end
$$;

grant execute on function sms.submitted(
    int, timestamptz, uuid[], bigint[], uuid[], smallint[], smallint[], smallint[], smallint[],
    smallint[], int[], text[], timestamptz[], int[], bigint[], smallint[], bigint[])
    to sms_worker;

-- Messages are looked for by operator's id among the ids of the last days.  What
-- was accepted before, for a time to come, is kept where it is found all the same.
create function sms.submit_far(
    p_link_id int, p_now timestamptz, p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_part smallint[], p_outcome smallint[], p_operator_id text[])
returns void
language plpgsql
as $$
declare
    v_near  uuid := submit_near(p_now, 0);
begin
    if v_near <= all (p_message) then
        return;
    end if;

    insert into submit_far (account_id, id_hash, created_at, link_id, attempt, part, message_id)
    select u.a, hashtextextended(u.i, 0), p_now, p_link_id, u.t, u.p, u.m
      from unnest(p_account, p_message, p_attempt, p_part, p_outcome, p_operator_id)
           u (a, m, t, p, o, i)
     where u.m < v_near and u.o = 1 and u.i is not null
        on conflict do nothing;
end
$$;

-- The smallest id among which receipts of the last p_days days are looked for.
create function sms.submit_near(p_now timestamptz, p_days int)
returns uuid
language plpgsql immutable
as $$
begin
    return id_low(p_now - (p_days + 3) * interval '1 day');
end
$$;

-- Ends what went whole over a link that gives no receipts.
create function sms.submitted_end(
    p_now timestamptz, p_account bigint[], p_message uuid[], p_part smallint[],
    p_total smallint[], p_outcome smallint[], p_class smallint[], p_price bigint[])
returns void
language plpgsql
as $$
declare
    v_odd   uuid[];
    v_acct  bigint[];
    v_id    uuid[];
    v_class smallint[];
    v_price bigint[];
begin
    if 1 = all (p_outcome) and 1 = all (p_total) then
        v_acct := p_account;
        v_id := p_message;
        v_class := p_class;
        v_price := p_price;

    else
        v_odd := array(select u.m from unnest(p_message, p_outcome) u (m, o) where u.o <> 1);

        select array_agg(u.a), array_agg(u.m), array_agg(u.c), array_agg(u.p)
          into v_acct, v_id, v_class, v_price
          from unnest(p_account, p_message, p_part, p_class, p_price) u (a, m, n, c, p)
         where u.n = 1 and u.m <> all (v_odd);
    end if;

    if v_id is null then
        return;
    end if;

    begin
        perform settle_kept(p_now, v_acct, v_id, v_class, v_price, 10::smallint, 'no-receipts',
                            null, null, null);
    exception
        when unique_violation then
            perform settle(p_now, v_acct, v_id, array_fill(10::smallint, array[cardinality(v_id)]),
                           array_fill('no-receipts'::text, array[cardinality(v_id)]),
                           array_fill(false, array[cardinality(v_id)]));
    end;
end
$$;

-- What the rows of these messages' parts say, each array one element a message:
-- rejected, back (for another attempt), doubt, broken (some parts out, others
-- given back), sent.  Messages of which nothing can be said yet are left out.
create function sms.submitted_decision(
    p_account bigint[], p_message uuid[], p_attempt smallint[],
    out account_id bigint[], out message_id uuid[], out attempt smallint[],
    out decision text[])
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_low   uuid := id_min(p_message);
    v_high  uuid := id_max(p_message);
begin
    select array_agg(d.account_id), array_agg(d.message_id), array_agg(d.attempt),
           array_agg(d.decision)
      into account_id, message_id, attempt, decision
      from (select u.account_id, u.message_id, u.attempt,
                   case when s.rejected then 'rejected'
                        when s.back and not s.wire then 'back'
                        when s.parts < s.total then null
                        when s.doubt then 'doubt'
                        when s.back then 'broken'
                        else 'sent' end as decision
              from unnest(p_account, p_message, p_attempt) u (account_id, message_id, attempt)
             cross join lateral (
                   select bool_or(x.outcome = 2) as rejected,
                          bool_or(x.outcome in (1, 5)) as wire,
                          bool_or(x.outcome in (3, 4, 6, 7)) as back,
                          bool_or(x.outcome = 5) as doubt,
                          count(*) as parts, max(x.total) as total
                     from submit x
                    where x.account_id = u.account_id and x.message_id = u.message_id
                      and x.message_id >= v_low and x.message_id <= v_high
                      and x.attempt = u.attempt) s) d
     where d.decision is not null;
end
$$;

-- Those of the decided messages that are this call's to decide: in a claim that
-- is still there, which they leave, or held in doubt, which ends.
create function sms.submitted_mine(
    p_now timestamptz, p_claim uuid[], p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_decision text[],
    out account_id bigint[], out message_id uuid[], out attempt smallint[],
    out decision text[])
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
    with claimed as (
        select c.claim_id, u.account_id, u.message_id, u.attempt,
               u.message_id = any (p_message) as decided
          from claim c
         cross join lateral unnest(c.account_id, c.message_id, c.attempt)
                            u (account_id, message_id, attempt)
         where c.claim_id = any (p_claim)
    ), done as (
        delete from claim c
         where c.claim_id = any (array(select d.claim_id from claimed d
                                        group by d.claim_id having bool_and(d.decided)))
    ), smaller as (
        update claim c
           set account_id = r.account_id, message_id = r.message_id, attempt = r.attempt
          from (select d.claim_id, array_agg(d.account_id) as account_id,
                       array_agg(d.message_id) as message_id, array_agg(d.attempt) as attempt
                  from claimed d
                 where not d.decided
                 group by d.claim_id) r
         where c.claim_id = r.claim_id and c.claim_id = any (p_claim)
    ), held as (
        update in_doubt d
           set closed_at = p_now, outcome = 'matched'
          from unnest(p_account, p_message, p_attempt, p_decision)
               u (account_id, message_id, attempt, decision)
         where d.account_id = u.account_id and d.message_id = u.message_id
           and d.attempt = u.attempt and d.closed_at is null
           and d.message_id = any (p_message)
           and u.decision <> 'doubt'
        returning d.account_id, d.message_id, d.attempt
    ), mine as (
        select c.account_id, c.message_id, c.attempt from claimed c where c.decided
        union
        select h.account_id, h.message_id, h.attempt from held h
    )
    select array_agg(m.account_id), array_agg(m.message_id), array_agg(m.attempt),
           array_agg(u.decision)
      into account_id, message_id, attempt, decision
      from mine m
      join unnest(p_account, p_message, p_attempt, p_decision)
           u (account_id, message_id, attempt, decision)
           using (account_id, message_id, attempt);
end
$$;

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
           -- one part that may not go this way, and none may
           select max(n.at) as at,
                  case when bool_and(n.lane is not null) then max(n.lane) end as lane
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

-- Links that said of a message that it shall go over another, "sender-refused 2 7": why
-- the last one did, and all of them; where an operator refused the sender, all links of
-- that operator (C9).  One element a message, null where there are none;
-- null altogether where no message has any.
create function sms.submit_tried(p_now timestamptz, p_account bigint[], p_message uuid[])
returns text[]
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low   uuid := id_min(p_message);
    v_high  uuid := id_max(p_message);
    v_tried text[];
begin
    select array_agg(s.tried order by u.i)
      into v_tried
      from unnest(p_account, p_message) with ordinality u (account_id, message_id, i)
      left join lateral (
           select (array_agg(coalesce(f.code, 'operator-rejected') order by x.attempt desc))[1]
                  || ' ' || string_agg(distinct o.link_id::text, ' ') as tried
             from submit x
             left join link k on k.link_id = x.link_id
             join link o on o.link_id = x.link_id
                         or x.reason = 2 and o.operator = k.operator
             left join lateral refund_cause_find('submit', k.operator, 0, x.operator_code,
                                                 x.reason, p_now) f on true
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
              and x.outcome = 6
           having count(*) > 0) s on true;

    return case when array_remove(v_tried, null) <> '{}' then v_tried end;
end
$$;
