-- expand: why a message ended, receipts, orphans

set role sms_owner;

-- Words for every final code, for people.
create table sms.cause (
    code    text primary key,
    tr      text not null,
    en      text not null
);

-- What a receipt or a submit answer means and whether it refunds (C12): data
-- with dates.  '*', 0 and -1 stand for "any"; the most exact row wins, operator
-- before error before reason before state.
create table sms.refund_cause (
    source      text not null check (source in ('receipt', 'submit')),
    operator    text not null default '*',
    -- receipt: SMPP message state; submit: 0
    state       smallint not null default 0,
    error       int not null default -1,
    -- sms_reason_t of the contract
    reason      smallint not null default 0,
    valid_from  timestamptz not null default '-infinity',
    code        text not null,
    -- the final state it gives: sms.state_name()
    final       smallint not null,
    refund      boolean not null,
    primary key (source, operator, state, error, reason, valid_from)
);

create function sms.refund_cause_find(
    p_source text, p_operator text, p_state int, p_error int, p_reason int, p_now timestamptz)
returns setof sms.refund_cause
language sql stable
as $$
    select c.*
      from sms.refund_cause c
     where c.source = p_source
       and c.operator in ('*', p_operator)
       and c.state in (0, p_state)
       and c.error in (-1, p_error)
       and c.reason in (0, p_reason)
       and c.valid_from <= p_now
     order by (c.operator <> '*') desc, (c.error <> -1) desc, (c.reason <> 0) desc,
              (c.state <> 0) desc, c.valid_from desc
     limit 1
$$;


-- ---- receipts of known parts ------------------------------------------------

-- Records receipts of parts that were found, and ends the messages that they
-- end.  A message is delivered when every part is, and fails when one does; a
-- part that was sent again while in doubt cannot fail the message, the later
-- attempt decides.  Answers how many rows went where.
create function sms.receipt_apply(
    p_now timestamptz, p_link int[], p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_part smallint[], p_total smallint[], p_state smallint[],
    p_code int[], p_reason smallint[], p_at timestamptz[],
    out final int, out duplicate int, out intermediate int, out settled int, out late int)
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid;
    v_high      uuid;
    v_link      int[];
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_total     smallint[];
    v_state     smallint[];
    v_code      int[];
    v_reason    smallint[];
    v_final     smallint[];
    v_cause     text[];
    v_refund    boolean[];
begin
    v_low := id_min(p_message);
    v_high := id_max(p_message);

    -- In key order, so that two calls with the same parts do not deadlock.  What
    -- was delivered has its receipt in the settlement: whatever comes is second.
    with came as materialized (
        select u.*,
               row_number() over (partition by account_id, message_id, attempt, part,
                                               state in (1, 6) order by i)
               + case when (select true from settlement e
                             where e.account_id = u.account_id
                               and e.message_id = u.message_id
                               and e.message_id >= v_low and e.message_id <= v_high
                               and e.receipt_at is not null and e.attempt = u.attempt
                             limit 1) then 1 else 0 end as nth
          from unnest(p_link, p_account, p_message, p_attempt, p_part, p_total, p_state,
                      p_code, p_reason, p_at) with ordinality
               u (link_id, account_id, message_id, attempt, part, total, state, code, reason,
                  at, i)
    ), first as (
        insert into receipt (account_id, at, stored_at, operator_code, attempt, part, state,
                             reason, message_id)
        select account_id, at, p_now, code, attempt, part, state, reason, message_id
          from came
         where state not in (1, 6) and nth = 1
         order by account_id, message_id, attempt, part
            on conflict (account_id, message_id, attempt, part) do nothing
        returning account_id, message_id, attempt, part
    ), judged as materialized (
        select c.*, f.part is not null as is_first
          from came c
          left join first f
            on f.account_id = c.account_id and f.message_id = c.message_id
               and f.attempt = c.attempt and f.part = c.part
               and c.nth = 1 and c.state not in (1, 6)
    ), other as (
        insert into receipt_late (account_id, at, stored_at, operator_code, attempt, part,
                                  state, reason, why, message_id)
        select account_id, at, p_now, code, attempt, part, state, reason,
               case when state in (1, 6) then 1 else 2 end, message_id
          from judged
         where not is_first
         order by account_id, message_id, attempt, part, state, at
            on conflict do nothing
    )
    select count(*) filter (where is_first),
           count(*) filter (where not is_first and state not in (1, 6)),
           count(*) filter (where state in (1, 6)),
           array_agg(link_id) filter (where is_first),
           array_agg(account_id) filter (where is_first),
           array_agg(message_id) filter (where is_first),
           array_agg(attempt) filter (where is_first),
           array_agg(total) filter (where is_first),
           array_agg(state) filter (where is_first),
           array_agg(code) filter (where is_first),
           array_agg(reason) filter (where is_first)
      into final, duplicate, intermediate,
           v_link, v_acct, v_id, v_attempt, v_total, v_state, v_code, v_reason
      from judged;

    settled := 0;
    late := 0;

    if v_id is null then
        return;
    end if;

    -- Two calls may each hold one part of a message and not see the other's row:
    -- whoever comes second waits here and then counts both.  Buckets, in order,
    -- so that a batch cannot fill the lock table.
    if exists (select from unnest(v_total) t where t > 1) then
        perform pg_advisory_xact_lock(1397969747, b.bucket)
           from (select distinct (hashtextextended(u.m::text, 0) & 255)::int as bucket
                   from unnest(v_id, v_total) u (m, t)
                  where u.t > 1
                  order by 1) b;
    end if;

    with part as (
        select u.link_id, u.account_id, u.message_id, u.state, u.code, u.reason,
               case when u.state <> 2
                    then (select true from in_doubt d
                           where d.account_id = u.account_id and d.message_id = u.message_id
                             and d.attempt = u.attempt and d.outcome = 'resent'
                           limit 1) is not true
                    when u.total = 1 then true
                    else (select count(*) = u.total from receipt r
                           where r.account_id = u.account_id and r.message_id = u.message_id
                             and r.message_id >= v_low and r.message_id <= v_high
                             and r.attempt = u.attempt and r.state = 2) end as ends
          from unnest(v_link, v_acct, v_id, v_attempt, v_total, v_state, v_code, v_reason)
               u (link_id, account_id, message_id, attempt, total, state, code, reason)
    ), message_end as (
        select distinct on (p.account_id, p.message_id)
               p.account_id, p.message_id,
               case when p.state = 2 then 1 else coalesce(c.final, 2) end as final,
               case when p.state = 2 then 'delivered'
                    else coalesce(c.code, 'undelivered') end as code,
               case when p.state = 2 then false else coalesce(c.refund, true) end as refund
          from part p
          left join link k on k.link_id = p.link_id
          left join lateral (
               select f.* from refund_cause_find('receipt', k.operator, p.state, p.code,
                                                 p.reason, p_now) f
                where p.state <> 2) c on true
         where p.ends
         order by p.account_id, p.message_id, (p.state = 2)
    )
    select array_agg(e.account_id), array_agg(e.message_id), array_agg(e.final::smallint),
           array_agg(e.code), array_agg(e.refund)
      into v_acct, v_id, v_final, v_cause, v_refund
      from message_end e;

    if v_id is not null then
        settled := settle(p_now, v_acct, v_id, v_final, v_cause, v_refund);
        late := cardinality(v_id) - settled;
    end if;
end
$$;


-- ---- receipts from operators ------------------------------------------------

-- The part that an operator's id names, accepted long before it was submitted;
-- the newest.  p_dest: 0 where the receipt does not tell.
create function sms.submit_found_far(p_link_id int, p_operator_id text, p_dest bigint)
returns setof sms.submit
language plpgsql stable
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_part      smallint[];
    v_low       uuid;
    v_high      uuid;
begin
    select array_agg(f.account_id), array_agg(f.message_id), array_agg(f.attempt),
           array_agg(f.part)
      into v_acct, v_id, v_attempt, v_part
      from submit_far f
     where f.link_id = p_link_id and f.id_hash = hashtextextended(p_operator_id, 0);

    if v_id is null then
        return;
    end if;

    v_low := id_min(v_id);
    v_high := id_max(v_id);

    return query
    select s.*
      from unnest(v_acct, v_id, v_attempt, v_part) f (account_id, message_id, attempt, part)
     cross join lateral (
           select x.* from submit x
            where x.account_id = f.account_id and x.message_id = f.message_id
              and x.message_id >= v_low and x.message_id <= v_high
              and x.attempt = f.attempt and x.part = f.part
              and x.operator_id = p_operator_id and (p_dest = 0 or x."to" = p_dest)
            limit 1) s
     order by s.at desc
     limit 1;
end
$$;

-- Applies the receipts at these places of the arrays of one call.
create function sms.receipts_rest(
    p_link_id int, p_now timestamptz, p_place int[], p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_part smallint[], p_total smallint[], p_state smallint[],
    p_code int[], p_reason smallint[], p_at timestamptz[],
    out final int, out duplicate int, out intermediate int, out settled int, out late int)
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if coalesce(cardinality(p_place), 0) = 0 then
        final := 0;
        duplicate := 0;
        intermediate := 0;
        settled := 0;
        late := 0;
        return;
    end if;

    select a.* into final, duplicate, intermediate, settled, late
      from (select array_agg(p_link_id) as link, array_agg(p_account[i]) as acct,
                   array_agg(p_message[i]) as id, array_agg(p_attempt[i]) as attempt,
                   array_agg(p_part[i]) as part, array_agg(p_total[i]) as total,
                   array_agg(p_state[i]) as state, array_agg(p_code[i]) as code,
                   array_agg(p_reason[i]) as reason, array_agg(p_at[i]) as at
              from unnest(p_place) i) x
     cross join lateral receipt_apply(p_now, x.link, x.acct, x.id, x.attempt, x.part, x.total,
                                      x.state, x.code, x.reason, x.at) a;
end
$$;

-- One call for a batch of receipts of one link, in any order and as often as
-- the operator sends them.  p_dest: 0 where the receipt does not tell; p_sender:
-- the header it was sent under, NULL where unknown.  A receipt whose id is not
-- known waits as an orphan: it may be faster than the submit answer (D8).
--
-- p_readings: three for each receipt, its id in every base it may be written in;
-- p_reading: which of them p_operator_id is, 0 where the link has not told yet,
-- NULL where there is only one.  What is not told waits for sms.orphan_match too.
--
-- p_account … p_price: what the part's row in sms.submit says, NULL where the caller
-- does not have it in hand: then it is looked up.
create function sms.receipts(
    p_link_id int, p_now timestamptz, p_operator_id text[], p_dest bigint[],
    p_state smallint[], p_code int[], p_reason smallint[], p_at timestamptz[],
    p_sender text[] default null, p_reading smallint[] default null,
    p_readings text[] default null,
    p_account bigint[] default null, p_message uuid[] default null,
    p_attempt smallint[] default null, p_part smallint[] default null,
    p_total smallint[] default null, p_class smallint[] default null,
    p_price bigint[] default null)
returns table (final int, duplicate int, intermediate int, orphan int, settled int, late int)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_low       uuid := submit_near(p_now, setting_int('receipt_days'));
    v_high      uuid := id_low(p_now + interval '1 minute');
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_part      smallint[];
    v_total     smallint[];
    v_class     smallint[];
    v_price     bigint[];
    -- places in the arrays; when that part was sent
    v_place     int[];
    v_sent      timestamptz[];
    v_lost      int[];
    v_plain     int[];
    v_rest      int[];
    v_known     smallint;
    r           record;
begin
    final := 0;
    duplicate := 0;
    intermediate := 0;
    orphan := 0;
    settled := 0;
    late := 0;

    if 0 < any (p_reading) then
        select u.reading into v_known
          from unnest(p_reading) with ordinality u (reading, i)
         where u.reading > 0
         order by u.i desc
         limit 1;

        perform orphan_read(p_link_id, v_known)
           from (select from receipt_orphan where link_id = p_link_id and unsure limit 1) o;
    end if;

    if cardinality(p_total) = cardinality(p_operator_id)
       and array_position(p_total, null) is null
    then
        v_acct := p_account;
        v_id := p_message;
        v_attempt := p_attempt;
        v_part := p_part;
        v_total := p_total;
        v_class := p_class;
        v_price := p_price;
    else
        select array_agg(u.i), array_agg(o.at),
               array_agg(coalesce(u.account_id, o.account_id)),
               array_agg(coalesce(u.message_id, o.message_id)),
               array_agg(coalesce(u.attempt, o.attempt)), array_agg(coalesce(u.part, o.part)),
               array_agg(coalesce(u.total, o.total)), array_agg(coalesce(u.class, o.class)),
               array_agg(coalesce(u.price, o.price_micro))
          into v_place, v_sent, v_acct, v_id, v_attempt, v_part, v_total, v_class, v_price
          from (select generate_subscripts(p_operator_id, 1) as i,
                       unnest(p_operator_id) as operator_id, unnest(p_dest) as dest,
                       unnest(p_reading) as reading, unnest(p_account) as account_id,
                       unnest(p_message) as message_id, unnest(p_attempt) as attempt,
                       unnest(p_part) as part, unnest(p_total) as total,
                       unnest(p_class) as class, unnest(p_price) as price) u
          left join lateral (
               select x.account_id, x.message_id, x.attempt, x.part, x.total, x.class,
                      x.price_micro, x.at
                 from submit x
                where u.total is null
                  and u.reading is distinct from 0
                  and x.link_id = p_link_id
                  and x.id_hash = hashtextextended(u.operator_id, 0)
                  and x.message_id >= v_low and x.message_id < v_high
                  and x.operator_id = u.operator_id
                  and (u.dest = 0 or x."to" = u.dest)
               offset 0) o on true;

        -- Mostly an id is one part's alone; else the newest is meant.  To ask for it in
        -- the look-up would sort for each receipt.
        if cardinality(v_total) > cardinality(p_operator_id) then
            select array_agg(d.a), array_agg(d.m), array_agg(d.n), array_agg(d.p),
                   array_agg(d.t), array_agg(d.c), array_agg(d.price)
              into v_acct, v_id, v_attempt, v_part, v_total, v_class, v_price
              from (select distinct on (u.i) u.*
                      from unnest(v_place, v_sent, v_acct, v_id, v_attempt, v_part, v_total,
                                  v_class, v_price) u (i, at, a, m, n, p, t, c, price)
                     order by u.i, u.at desc) d;
        end if;
    end if;

    if array_position(v_total, null) is not null then

        if (select true from submit_far where link_id = p_link_id limit 1) then
            select array_agg(coalesce(u.a, f.account_id) order by u.i),
                   array_agg(coalesce(u.m, f.message_id) order by u.i),
                   array_agg(coalesce(u.n, f.attempt) order by u.i),
                   array_agg(coalesce(u.p, f.part) order by u.i),
                   array_agg(coalesce(u.t, f.total) order by u.i),
                   array_agg(coalesce(u.c, f.class) order by u.i),
                   array_agg(coalesce(u.price, f.price_micro) order by u.i)
              into v_acct, v_id, v_attempt, v_part, v_total, v_class, v_price
              from unnest(p_operator_id, p_dest, p_reading, v_acct, v_id, v_attempt, v_part,
                          v_total, v_class, v_price)
                   with ordinality u (id, dest, reading, a, m, n, p, t, c, price, i)
              left join lateral submit_found_far(p_link_id, u.id, u.dest) f
                   on u.t is null and u.reading is distinct from 0;
        end if;

        v_lost := array_positions(v_total, null);
    end if;

    if v_lost <> '{}' then
        insert into receipt_orphan (received_at, at, id_hash, "to", link_id, operator_code,
                                    state, reason, operator_id, sender, unsure, readings)
        select p_now, u.at, hashtextextended(u.operator_id, 0), u.dest,
               p_link_id, u.code, u.state, u.reason, u.operator_id, u.sender,
               coalesce(u.reading = 0, false),
               case when u.reading is not null
                    then p_readings[3 * u.i - 2 : 3 * u.i] end
          from unnest(p_operator_id, p_dest, p_state, p_code, p_reason, p_at, p_sender,
                      p_reading)
               with ordinality u (operator_id, dest, state, code, reason, at, sender, reading,
                                  i)
         where u.i = any (v_lost)
            on conflict do nothing;

        orphan := cardinality(v_lost);
    end if;

    -- Delivered, of one part, never in doubt: nothing is looked up, and one row
    -- says all.  The others first, they lock accounts.
    if not (1 = all (v_total) and 2 = all (p_state)
            and array_position(v_price, null) is null)
    then
        select array_agg(u.i) filter (where u.t = 1 and u.s = 2 and u.p is not null),
               array_agg(u.i) filter (where u.t > 1 or u.t = 1 and (u.s <> 2 or u.p is null))
          into v_plain, v_rest
          from unnest(v_total, p_state, v_price) with ordinality u (t, s, p, i);

        r := receipts_rest(p_link_id, p_now, v_rest, v_acct, v_id, v_attempt, v_part, v_total,
                           p_state, p_code, p_reason, p_at);
        final := r.final;
        duplicate := r.duplicate;
        intermediate := r.intermediate;
        settled := r.settled;
        late := r.late;

        if v_plain is null then
            return next;
            return;
        end if;
    end if;

    begin
        if v_plain is null then
            perform settle_kept(p_now, v_acct, v_id, v_class, v_price, 1::smallint, 'delivered',
                                p_at, p_code, v_attempt);
        else
            perform settle_kept(p_now, array_agg(v_acct[i]), array_agg(v_id[i]),
                                array_agg(v_class[i]), array_agg(v_price[i]), 1::smallint,
                                'delivered', array_agg(p_at[i]), array_agg(p_code[i]),
                                array_agg(v_attempt[i]))
               from unnest(v_plain) i;
        end if;

        final := final + coalesce(cardinality(v_plain), cardinality(v_id));
        settled := settled + coalesce(cardinality(v_plain), cardinality(v_id));
    exception
        when unique_violation then
            -- one of them came before
            v_rest := coalesce(v_plain, array(select generate_subscripts(v_id, 1)));
            r := receipts_rest(p_link_id, p_now, v_rest, v_acct, v_id, v_attempt, v_part,
                               v_total, p_state, p_code, p_reason, p_at);
            final := final + r.final;
            duplicate := duplicate + r.duplicate;
            intermediate := intermediate + r.intermediate;
            settled := settled + r.settled;
            late := late + r.late;
    end;

    return next;
end
$$;

grant execute on function sms.receipts(
    int, timestamptz, text[], bigint[], smallint[], int[], smallint[], timestamptz[], text[],
    smallint[], text[], bigint[], uuid[], smallint[], smallint[], smallint[], smallint[],
    bigint[]) to sms_worker;


-- ---- orphans ----------------------------------------------------------------

-- Which reading the link's ids have is known: the receipts that wait for it get
-- that one.  Those that were stored twice under different guesses become one.
create function sms.orphan_read(p_link_id int, p_reading int)
returns void
language sql
set search_path = sms, pg_temp
as $$
    with waiting as (
        select o.ctid as place from receipt_orphan o
         where o.link_id = p_link_id and o.unsure
           for update skip locked
    ), taken as (
        delete from receipt_orphan o
         where o.ctid = any (array(select w.place from waiting w))
        returning o.*, coalesce(o.readings[p_reading], o.operator_id) as id
    )
    insert into receipt_orphan (received_at, at, id_hash, "to", link_id, operator_code, state,
                                reason, operator_id, sender, readings)
    select received_at, at, hashtextextended(id, 0), "to", link_id, operator_code, state,
           reason, id, sender, readings
      from taken
        on conflict do nothing
$$;

-- Matches those of these waiting receipts (rows of receipt_orphan) whose parts
-- are known by now.
--
-- An id that may be read in several bases finds the part that one of its readings
-- names, when it is the only one and its destination agrees: for a link that has
-- not told yet after two seconds, because the submit answer may be on its way; for
-- one that was believed to have told after ten, because it may have changed.
create function sms.orphan_match(p_now timestamptz, p_place tid[])
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid := submit_near(p_now, setting_int('receipt_days'));
    v_high      uuid := id_low(p_now + interval '1 minute');
    v_unsure    timestamptz := p_now - interval '2 seconds';
    v_long      timestamptz := p_now - interval '10 seconds';
    v_link      int[];
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_part      smallint[];
    v_total     smallint[];
    v_state     smallint[];
    v_code      int[];
    v_reason    smallint[];
    v_at        timestamptz[];
begin
    with found as materialized (
        select p.place, x.account_id, x.message_id, x.attempt, x.part, x.total
          from (select o.ctid as place, o.*
                  from receipt_orphan o
                 where o.ctid = any (p_place)
                   and (not o.unsure or o.received_at <= v_unsure)
                   for update skip locked) p
         cross join lateral (
               select f.*, f.operator_id = p.operator_id and not p.unsure as best,
                      count(*) over () as fits
                 from unnest(case when p.readings is null
                                       or not p.unsure and p.received_at > v_long
                                  then array[p.operator_id] else p.readings end) r (id)
                cross join lateral (
                      select g.account_id, g.message_id, g.attempt, g.part, g.total,
                             g.operator_id
                        from (select x.* from submit x
                               where x.link_id = p.link_id
                                 and x.id_hash = hashtextextended(r.id, 0)
                                 and x.message_id >= v_low and x.message_id < v_high
                                 and x.operator_id = r.id
                              union all
                              select x.* from submit_found_far(p.link_id, r.id, p."to") x) g
                       where g."to" = p."to"
                          or p."to" = 0 and r.id = p.operator_id and not p.unsure
                       order by g.at desc
                       limit 1) f
                order by best desc
                limit 1) x
         where x.best or x.fits = 1
    ), gone as (
        delete from receipt_orphan o
         where o.ctid = any (array(select f.place from found f))
        returning o.ctid as place, o.*
    )
    select array_agg(g.link_id order by g.received_at),
           array_agg(f.account_id order by g.received_at),
           array_agg(f.message_id order by g.received_at),
           array_agg(f.attempt order by g.received_at),
           array_agg(f.part order by g.received_at),
           array_agg(f.total order by g.received_at),
           array_agg(g.state order by g.received_at),
           array_agg(g.operator_code order by g.received_at),
           array_agg(g.reason order by g.received_at),
           array_agg(g.at order by g.received_at)
      into v_link, v_acct, v_id, v_attempt, v_part, v_total, v_state, v_code, v_reason, v_at
      from gone g
      join found f using (place);

    if v_id is null then
        return 0;
    end if;

    perform receipt_apply(p_now, v_link, v_acct, v_id, v_attempt, v_part, v_total, v_state,
                          v_code, v_reason, v_at);
    return cardinality(v_id);
end
$$;

-- A receipt with an unknown id belongs to a part in doubt when exactly one held
-- part of that link fits by destination and sender, and one receipt fits that
-- part (D7).  Only receipts that have waited a while: the submit answer, which
-- knows for sure, may still be coming.
create function sms.orphan_match_doubt(p_now timestamptz)
returns int
language plpgsql
set search_path = sms, pg_temp
-- as in sms.text_erase
set plan_cache_mode = force_custom_plan
as $$
declare
    v_link      int[];
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_part      smallint[];
    v_total     smallint[];
    v_state     smallint[];
    v_code      int[];
    v_reason    smallint[];
    v_at        timestamptz[];
    v_operator  text[];
begin
    with fit as materialized (
        select o.ctid as place, o.link_id, o.state, o.operator_code, o.reason, o.at,
               o.operator_id, d."to", d.since, d.account_id, d.message_id, d.attempt, d.part,
               d.total,
               count(*) over (partition by o.ctid) as parts,
               count(*) over (partition by d.account_id, d.message_id, d.attempt, d.part)
                   as receipts
          from receipt_orphan o
          join in_doubt d
            on d.closed_at is null and d.policy <> 'resend' and d.link_id = o.link_id
           and d."to" = o."to"
           -- claimed before: clocks of two machines differ by 10 s at the most
           and d.since <= o.received_at + interval '10 seconds'
           and (o.sender is null or o.sender = '' or d.sender = o.sender)
         where o.received_at <= p_now - interval '10 seconds'
           and o.state not in (1, 6)
    ), gone as (
        delete from receipt_orphan o
         where o.ctid = any (array(select f.place from fit f
                                    where f.parts = 1 and f.receipts = 1))
        returning o.ctid as place
    )
    select array_agg(f.link_id), array_agg(f.account_id), array_agg(f.message_id),
           array_agg(f.attempt), array_agg(f.part), array_agg(f.total), array_agg(f.state),
           array_agg(f.operator_code), array_agg(f.reason), array_agg(f.at),
           array_agg(f.operator_id)
      into v_link, v_acct, v_id, v_attempt, v_part, v_total, v_state, v_code, v_reason, v_at,
           v_operator
      from gone g
      join fit f using (place);

    if v_id is null then
        return 0;
    end if;

    update in_doubt d
       set closed_at = p_now, outcome = 'matched'
      from unnest(v_acct, v_id, v_attempt, v_part) u (a, m, t, p)
     where d.account_id = u.a and d.message_id = u.m and d.attempt = u.t and d.part = u.p;

    update submit s
       set outcome = 1, operator_id = u.o, id_hash = hashtextextended(u.o, 0),
           price_micro = null
      from unnest(v_acct, v_id, v_attempt, v_part, v_operator) u (a, m, t, p, o)
     where s.account_id = u.a and s.message_id = u.m and s.attempt = u.t and s.part = u.p
       and s.message_id >= id_min(v_id) and s.message_id <= id_max(v_id);

    perform receipt_apply(p_now, v_link, v_acct, v_id, v_attempt, v_part, v_total, v_state,
                          v_code, v_reason, v_at);
    return cardinality(v_id);
end
$$;
