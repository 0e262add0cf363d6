-- expand: leases, claim, what an operator answered
--
-- A lease row is the only authority over a bind (D20): 9 s by the database's
-- clock, renewed every 3 s.  Every loss raises the epoch, and a claim names the
-- epoch it was made under.

set role sms_owner;

create table sms.lease (
    name        text collate "C" primary key,
    holder      text not null,
    epoch       bigint not null,
    expires_at  timestamptz not null
) with (fillfactor = 50);

-- Takes what is free or expired, renews what is held.  One row per name; epoch
-- and time left are those of whoever holds it.  A holder whose lease has run
-- out gets a new epoch even when nobody took it: its claims are in doubt.
create function sms.lease_renew(p_names text[], p_holder text, p_ttl_ms int)
returns table (name text, held boolean, epoch bigint, expires_in_ms int)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_now   timestamptz := clock_timestamp();
begin
    insert into lease (name, holder, epoch, expires_at)
    select n, p_holder, 1, v_now + p_ttl_ms * interval '1 ms'
      from (select distinct unnest(p_names) as n order by 1) s
        on conflict (name) do update
           set holder = excluded.holder,
               epoch = lease.epoch + (lease.expires_at <= v_now)::int,
               expires_at = excluded.expires_at
         where lease.holder = excluded.holder or lease.expires_at <= v_now;

    return query
    select l.name, l.holder = p_holder and l.expires_at > v_now, l.epoch,
           greatest(0, floor(extract(epoch from l.expires_at - v_now) * 1000))::int
      from lease l
     where l.name = any (p_names)
     order by l.name;
end
$$;

-- On drain, after everything on the wire has been answered and stored.
create function sms.lease_release(p_names text[], p_holder text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    update lease
       set expires_at = '-infinity', holder = ''
     where name = any (p_names) and holder = p_holder;

    get diagnostics n = row_count;
    return n;
end
$$;

grant execute on function sms.lease_renew(text[], text, int), sms.lease_release(text[], text)
    to sms_worker;


-- ---- claim ------------------------------------------------------------------

-- Takes messages of the link's lanes that may go to the wire now: OTP first,
-- then in the order of turns, together no more than p_max_parts parts.  p_idle:
-- nothing of this bind is in flight, so one message may be larger than the
-- window.  p_bind: the bind's name, or the full name of its lease.
--
-- What may have changed since screen is looked at again in this call: ended or
-- expired, account, blacklist, opt-out, a newer refusal, age of the consent, the
-- sender and its approval on this link's operator (C1, C3, C9).
--
-- Raises SMS01 lease-lost when the epoch is not the lease's.
create function sms.claim(
    p_link_id int, p_bind text, p_epoch bigint, p_max_parts int, p_now timestamptz,
    p_idle boolean default false)
returns table (
    account_id bigint, message_id uuid, attempt smallint, submission_id uuid, "to" bigint,
    sender text, class smallint, rtype smallint, brand_id bigint, body text, enc smallint,
    parts smallint, price bigint, accepted_at timestamptz, expires_at timestamptz,
    test boolean, doc text)
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_lease     text := case when p_bind like 'bind/%' then p_bind
                        else 'bind/' || p_link_id || '/' || p_bind end;
    v_operator  text;
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_expires   timestamptz[];
    v_fresh     timestamptz[];
    v_lane      int[];
    v_turn      bigint[];
    v_verdict   int[];
    v_row       message[];
    v_low       uuid;
    v_high      uuid;
    v_first_low uuid;
begin
    if (select true from lease l
         where l.name = v_lease and l.epoch = p_epoch and l.expires_at > clock_timestamp())
       is null
    then
        raise exception 'lease-lost' using errcode = 'SMS01', detail = v_lease;
    end if;

    if p_max_parts <= 0 then
        return;
    end if;

    -- A message has at least one part, so p_max_parts rows are enough to look at.
    with seen as materialized (
        select q.ctid as place, q.parts, q.lane, q.turn, q.message_id
          from queue q
         where q.lane >= p_link_id * 64 and q.lane < p_link_id * 64 + 64
         order by q.lane, q.turn, q.message_id
         limit p_max_parts
           for update skip locked
    ), taken as (
        select s.place,
               sum(s.parts) over w as total,
               row_number() over w as nth
          from seen s
        window w as (order by s.lane, s.turn, s.message_id)
    ), gone as (
        delete from queue q
         where q.ctid = any (array(select t.place from taken t
                                    where t.total <= p_max_parts
                                       or (p_idle and t.nth = 1)))
        returning q.*
    )
    select array_agg(g.account_id), array_agg(g.message_id), array_agg(g.attempt),
           array_agg(g.expires_at), array_agg(g.fresh_until), array_agg(g.lane),
           array_agg(g.turn)
      into v_acct, v_id, v_attempt, v_expires, v_fresh, v_lane, v_turn
      from (select * from gone order by lane, turn, message_id) g;

    if v_id is null then
        return;
    end if;

    -- The clock need not be exact, so binds of one link do not wait for each
    -- other over it.
    update lane l
       set clock = greatest(l.clock, t.turn)
      from (select u.lane, max(u.turn) as turn
              from unnest(v_lane, v_turn) u (lane, turn)
             group by u.lane) t
     where l.lane = t.lane and l.clock < t.turn
       and l.lane = any (array(select k.lane from lane k
                                where k.lane = any (v_lane)
                                  for update skip locked));

    select min(u::text collate "C")::uuid, max(u::text collate "C")::uuid
      into v_low, v_high
      from unnest(v_id) u;
    v_operator := (select k.operator from link k where k.link_id = p_link_id);

    -- 0 goes, 1 ended before, 2 expired, 3 account closed, 4 blacklisted,
    -- 5 opted out, 6 refused in İYS since; held: 7 account suspended,
    -- 8 consent too old, or not listed any more by a later answer, 9 sender not
    -- approved here, 10 sender revoked
    select array_agg(case
               when (m.row).message_id is null or s.ended then 1
               when u.expires_at <= p_now then 2
               when a.state = 3 then 3
               when (select true from blacklist b
                      where b.account_id in (0, u.account_id) and b.number = (m.row)."to"
                        and (b.scope = 1 or (m.row).class = 3)
                      limit 1) then 4
               when (m.row).class = 3
                    and (select true from optout o
                          where o.owner_account_id = brand_owner((m.row).brand_id)
                            and o.brand_id = (m.row).brand_id and o.number = (m.row)."to"
                            and o.lifted_at is null
                          limit 1) then 5
               when c.state = 2 then 6
               when a.state = 2 then 7
               when u.fresh_until < p_now or (c.state = 3 and u.fresh_until is not null) then 8
               when not (m.row).test
                    and (select s.revoked_at is null from sender s
                          where s.account_id = u.account_id and s.sender = (m.row).sender
                          limit 1) is not true then 10
               when not (m.row).test
                    and (select p.state = 'approved' from sender_approval p
                          where p.account_id = u.account_id and p.sender = (m.row).sender
                            and p.operator = v_operator
                          limit 1) is not true then 9
               else 0 end order by u.i),
           array_agg(m.row order by u.i)
      into v_verdict, v_row
      from unnest(v_acct, v_id, v_expires, v_fresh) with ordinality
           u (account_id, message_id, expires_at, fresh_until, i)
      left join lateral (
           select x as row
             from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m on true
      left join lateral (
           select true as ended
             from settlement x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) s on true
      left join lateral (
           select x.state
             from consent x
            where (m.row).class = 3
              and x.owner_account_id = brand_owner((m.row).brand_id)
              and x.brand_id = (m.row).brand_id and x.number = (m.row)."to"
              and x.recipient_type = (m.row).recipient_type
              and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c on true
      left join lateral (select x.state from account x
                          where x.account_id = u.account_id limit 1) a on true;

    if v_verdict && array[1, 2, 3, 4, 5, 6, 7, 8, 9, 10] then
        perform claim_decide(p_now, v_acct, v_id, v_attempt, v_expires, v_verdict);
    end if;

    insert into claim (account_id, epoch, claimed_at, link_id, attempt, message_id, lease)
    select u.account_id, p_epoch, p_now, p_link_id, u.attempt, u.message_id, v_lease
      from unnest(v_acct, v_id, v_attempt, v_verdict) u (account_id, message_id, attempt, verdict)
     where u.verdict = 0;

    -- the row of the declaration, and that of the text, are not above their message
    v_first_low := (select min(u.submission_id::text collate "C")::uuid from unnest(v_row) u);

    return query
    select m.account_id, m.message_id, u.attempt, m.submission_id, m."to", m.sender, m.class,
           m.recipient_type, m.brand_id, coalesce(m.text, t.text), m.encoding, m.parts,
           m.price_micro, m.accepted_at, m.expires_at, m.test, coalesce(m.doc, s.doc)
      from unnest(v_row) with ordinality m
      join unnest(v_attempt, v_verdict) with ordinality u (attempt, verdict, i)
        on u.i = m.ordinality
      left join lateral (
           select x.doc from message x
            where x.account_id = m.account_id and x.message_id = m.submission_id
              and m.doc is null
              and x.message_id >= v_first_low and x.message_id <= v_high
            limit 1) s on true
      left join lateral (
           select x.text from message x
            where x.account_id = m.account_id and x.message_id = m.text_id
              and x.message_id >= v_first_low and x.message_id <= v_high
            limit 1) t on true
     where u.verdict = 0
     order by u.i;
end
$$;

grant execute on function sms.claim(int, text, bigint, int, timestamptz, boolean) to sms_worker;

-- Carries out what claim() found changed.  The queue rows are deleted already,
-- in this transaction, so they are ours.
create function sms.claim_decide(
    p_now timestamptz, p_acct bigint[], p_id uuid[], p_attempt smallint[],
    p_expires timestamptz[], p_verdict int[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low   uuid := id_min(p_id);
    v_high  uuid := id_max(p_id);
    v_hold  interval := setting_int('hold_retry_seconds') * interval '1 second';
begin
    perform settle(p_now, array_agg(u.a), array_agg(u.m),
                   array_agg(case u.v when 2 then 3 when 5 then 9 else 5 end::smallint),
                   array_agg((array['expired', 'account-closed', 'blacklisted', 'opted-out',
                                    'consent-refused'])[u.v - 1]),
                   array_agg(true))
       from unnest(p_acct, p_id, p_verdict) u (a, m, v)
      where u.v between 2 and 6;

    -- Stale consent goes back to screen at once, the others when something may
    -- have changed; all of them end with the validity.
    insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
    select case u.v when 8 then p_now else p_now + v_hold end,
           u.a, u.e, u.t, m.parts, u.m,
           (array['account-suspended', 'consent-stale', 'sender-not-approved',
                  'sender-revoked'])[u.v - 6]
      from unnest(p_acct, p_id, p_attempt, p_expires, p_verdict) u (a, m, t, e, v)
     cross join lateral (
           select x.parts from message x
            where x.account_id = u.a and x.message_id = u.m
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
     where u.v >= 7;

    insert into verdict (account_id, at, message_id, stage, outcome, code)
    select u.a, p_now, u.m, 2, case when u.v >= 7 then 3 else 2 end,
           (array['expired', 'account-closed', 'blacklisted', 'opted-out', 'consent-refused',
                  'account-suspended', 'consent-stale', 'sender-not-approved',
                  'sender-revoked'])[u.v - 1]
      from unnest(p_acct, p_id, p_verdict) u (a, m, v)
     where u.v >= 2
        on conflict do nothing;
end
$$;
