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
    expires_at  timestamptz not null,

    -- What the holder last told of a bind, in the write that renews its lease: at
    -- most 3 s old while it holds.  Of other leases nothing is told.
    state       smallint not null default 0,    -- sms_bind_state_t
    "window"    int not null default 0,         -- parts that may be unanswered
    inflight    int not null default 0,         -- parts that are
    rate        int not null default 0,         -- parts a second now; 0: no limit
    throttled   bigint not null default 0,      -- times the operator asked for less
    error_code  bigint not null default 0,      -- the last failure, as the operator codes it
    error       text,                           -- and in words, without personal data
    since       timestamptz,                    -- of the state
    retry_at    timestamptz,                    -- next try, where it waits
    told_at     timestamptz
) with (fillfactor = 50);

-- Takes what is free or expired, renews what is held.  One row per name; epoch
-- and time left are those of whoever holds it.  A holder whose lease has run
-- out gets a new epoch even when nobody took it: its claims are in doubt.
--
-- Of a link's binds no more than an eighth, but one, is taken in a call, so that
-- workers that begin together have one each: what a worker without a bind takes
-- cannot be claimed with its acceptance.
--
-- p_told: names of binds of which the arrays behind it tell, one element a bind; of
-- the others what was told last stays.  Only what the caller holds is written.  The
-- last error outlives the holder, for those who look for why it went.
create function sms.lease_renew(
    p_names text[], p_holder text, p_ttl_ms int, p_told text[] default null,
    p_state smallint[] default null, p_window int[] default null,
    p_inflight int[] default null, p_rate int[] default null,
    p_throttled bigint[] default null, p_error_code bigint[] default null,
    p_error text[] default null, p_since timestamptz[] default null,
    p_retry_at timestamptz[] default null)
returns table (name text, held boolean, epoch bigint, expires_in_ms int)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_now   timestamptz := clock_timestamp();
begin
    insert into lease (name, holder, epoch, expires_at, state, "window", inflight, rate,
                       throttled, error_code, error, since, retry_at, told_at)
    select s.n, p_holder, 1, v_now + p_ttl_ms * interval '1 ms', coalesce(t.state, 0),
           coalesce(t."window", 0), coalesce(t.inflight, 0), coalesce(t.rate, 0),
           coalesce(t.throttled, 0), coalesce(t.code, 0), t.error, t.since, t.retry_at,
           case when t.name is not null then v_now end
      from (select w.n, w.mine, w.free, w.link, count(*) over (partition by w.link) as binds,
                   row_number() over (partition by w.link, w.free and not w.mine
                                      order by w.n) as nth
              from (select u.n, coalesce(l.holder = p_holder, false) as mine,
                           coalesce(l.expires_at <= v_now, true) as free,
                           substring(u.n from '^bind/(\d+)/') as link
                      from (select distinct unnest(p_names) as n) u
                      left join lease l on l.name = u.n) w) s
      left join unnest(p_told, p_state, p_window, p_inflight, p_rate, p_throttled,
                       p_error_code, p_error, p_since, p_retry_at)
                t (name, state, "window", inflight, rate, throttled, code, error, since,
                   retry_at) on t.name = s.n
     where s.mine or s.free and (s.link is null or s.nth <= greatest(1, s.binds / 8))
     order by s.n
        on conflict (name) do update
           set holder = excluded.holder,
               epoch = lease.epoch + (lease.expires_at <= v_now)::int,
               expires_at = excluded.expires_at,
               (state, "window", inflight, rate, throttled, since, retry_at, told_at) = (
               select excluded.state, excluded."window", excluded.inflight, excluded.rate,
                      excluded.throttled, excluded.since, excluded.retry_at, excluded.told_at
                where excluded.told_at is not null or lease.expires_at <= v_now
                union all
               select lease.state, lease."window", lease.inflight, lease.rate,
                      lease.throttled, lease.since, lease.retry_at, lease.told_at
                where excluded.told_at is null and lease.expires_at > v_now),
               error_code = case when excluded.error is null then lease.error_code
                            else excluded.error_code end,
               error = coalesce(excluded.error, lease.error)
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
       set expires_at = '-infinity', holder = '', state = 0, "window" = 0, inflight = 0,
           rate = 0, throttled = 0, since = null, retry_at = null, told_at = clock_timestamp()
     where name = any (p_names) and holder = p_holder;

    get diagnostics n = row_count;
    return n;
end
$$;

grant execute on function
    sms.lease_renew(text[], text, int, text[], smallint[], int[], int[], int[], bigint[],
                    bigint[], text[], timestamptz[], timestamptz[]),
    sms.lease_release(text[], text) to sms_worker;

create function sms.bind_state_name(p_state int)
returns text
language sql immutable
return (array['down', 'connecting', 'binding', 'bound', 'waiting', 'resting'])[p_state + 1];

-- Every bind that ever was, and who holds it.  A holder that has died without a
-- word is told by the clock: what nobody renews is down.
create view sms.bind with (security_invoker = true) as
select substring(l.name from '^bind/(\d+)/')::int as link_id,
       substring(l.name from '^bind/\d+/(.*)$') collate "default" as bind,
       case when h.held then l.holder end as holder,
       sms.bind_state_name(case when h.held then l.state else 0 end) as state,
       case when h.held then l."window" else 0 end as "window",
       case when h.held then l.inflight else 0 end as inflight,
       case when h.held then l.rate else 0 end as rate,
       case when h.held then l.throttled else 0 end as throttled,
       l.error_code, l.error,
       case when h.held then l.since
            else least(l.told_at, nullif(l.expires_at, '-infinity')) end as since,
       case when h.held then l.retry_at end as retry_at, l.told_at
  from sms.lease l
 cross join lateral (select l.expires_at > clock_timestamp() as held) h
 where l.name like 'bind/%';

-- Is the lease still that of this epoch?  The fence of every claim.
create function sms.lease_held(p_name text, p_epoch bigint)
returns boolean
language plpgsql
as $$
begin
    return exists (select from lease l
                    where l.name = p_name and l.epoch = p_epoch
                      and l.expires_at > clock_timestamp());
end
$$;


-- ---- claim ------------------------------------------------------------------

-- Takes messages of the link's lanes that may go to the wire now: OTP first,
-- then in the order of turns, together no more than p_max_parts parts.  p_idle:
-- nothing of this bind is in flight, so one message may be larger than the
-- window.  p_bind: the bind's name, or the full name of its lease.  p_claim: the
-- id that the claim shall have, made by the worker.  p_otp: OTP alone.
--
-- What may have changed since screen is looked at again in this call: ended or
-- expired, account, blacklist, opt-out, a newer refusal, age of the consent, the
-- sender and its approval on this link's operator (C1, C3, C9).
--
-- One array a column, one element a message, in the order in which they shall
-- go; null when there is nothing.  doc: the declaration, of OTP and exempt messages
-- only.  drained: nothing was left that could have been taken.
--
-- Raises SMS01 lease-lost when the epoch is not the lease's, SMS06 link-halted when the
-- link is drained or stopped.
create function sms.claim(
    p_link_id int, p_bind text, p_epoch bigint, p_max_parts int, p_now timestamptz,
    p_idle boolean, p_claim uuid, p_otp boolean,
    out account_id bigint[], out message_id uuid[], out attempt smallint[],
    out submission_id uuid[], out "to" bigint[], out sender text[], out class smallint[],
    out rtype smallint[], out brand_id bigint[], out body text[], out enc smallint[],
    out parts smallint[], out price bigint[], out accepted_at timestamptz[],
    out expires_at timestamptz[], out test boolean[], out doc text[], out drained boolean)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_lease     text := case when p_bind like 'bind/%' then p_bind
                        else 'bind/' || p_link_id || '/' || p_bind end;
    v_beyond    int := p_link_id * 64 + case when p_otp then 16 else 64 end;
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_expires   timestamptz[];
    v_fresh     timestamptz[];
    v_place     tid[];
    v_parts     smallint[];
    v_lane      int[];
    v_turn      bigint[];
    v_sub       uuid[];
    v_text_id   uuid[];
    v_low       uuid;
    v_high      uuid;
    v_verdict   int[];
    n           int;
begin
    if not lease_held(v_lease, p_epoch) then
        raise exception 'lease-lost' using errcode = 'SMS01', detail = v_lease;
    end if;

    if p_max_parts <= 0 then
        return;
    end if;

    -- A message has at least one part, so p_max_parts rows are enough to look at.
    select array_agg(q.place), array_agg(q.account_id), array_agg(q.message_id),
           array_agg(q.attempt), array_agg(q.expires_at), array_agg(q.fresh_until),
           array_agg(q.lane), array_agg(q.turn), array_agg(q.parts)
      into v_place, v_acct, v_id, v_attempt, v_expires, v_fresh, v_lane, v_turn, v_parts
      from (select x.ctid as place, x.*
              from queue x
             where x.lane >= p_link_id * 64 and x.lane < v_beyond
             order by x.lane, x.turn, x.message_id
             limit p_max_parts
               for update skip locked) q;

    drained := coalesce(cardinality(v_id), 0) < p_max_parts;

    if v_id is null then
        return;
    end if;

    if 1 <> any (v_parts) then
        select count(*) into n
          from (select sum(u.parts) over (order by u.i) as total, u.i
                  from unnest(v_parts) with ordinality u (parts, i)) t
         where t.total <= p_max_parts or (p_idle and t.i = 1);

        drained := drained and n = cardinality(v_id);

        if n = 0 then
            return;
        end if;

        v_place := v_place[1 : n];
        v_acct := v_acct[1 : n];
        v_id := v_id[1 : n];
        v_attempt := v_attempt[1 : n];
        v_expires := v_expires[1 : n];
        v_fresh := v_fresh[1 : n];
        v_lane := v_lane[1 : n];
        v_turn := v_turn[1 : n];
    end if;

    delete from queue q where q.ctid = any (v_place);

    perform lane_passed(v_lane, v_turn);

    v_low := id_min(v_id);
    v_high := id_max(v_id);

    select array_agg(m.submission_id), array_agg(m."to"), array_agg(m.sender),
           array_agg(m.class), array_agg(m.recipient_type), array_agg(m.brand_id),
           array_agg(m.text), array_agg(m.text_id), array_agg(m.encoding), array_agg(m.parts),
           array_agg(m.price_micro), array_agg(m.accepted_at), array_agg(m.test),
           array_agg(m.doc)
      into v_sub, "to", sender, class, rtype, brand_id, body, v_text_id, enc, parts, price,
           accepted_at, test, doc
      from (select unnest(v_acct) as account_id, unnest(v_id) as message_id) u
      left join lateral (
           select x.*
             from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m on true;

    account_id := v_acct;
    message_id := v_id;
    attempt := v_attempt;
    submission_id := v_sub;
    expires_at := v_expires;

    -- the row of the declaration, and that of the text, are not above their message
    if array_remove(v_text_id, null) <> '{}' then
        v_low := id_min(v_sub);

        select array_agg(case when u.text_id is null then u.text
                         else (select x.text from message x
                                where x.account_id = u.account_id and x.message_id = u.text_id
                                  and x.message_id >= v_low and x.message_id <= v_high) end
                         order by u.i)
          into body
          from unnest(v_acct, body, v_text_id) with ordinality u (account_id, text, text_id, i);
    end if;

    if 1 = any (class) or 4 = any (class) then
        v_low := id_min(v_sub);

        select array_agg(case when u.class in (1, 4)
                         then coalesce(u.doc, (
                              select x.doc from message x
                               where x.account_id = u.account_id and x.message_id = u.first
                                 and x.message_id >= v_low and x.message_id <= v_high)) end
                         order by u.i)
          into doc
          from unnest(v_acct, v_sub, class, doc) with ordinality
               u (account_id, first, class, doc, i);
    else
        doc := null;
    end if;

    v_verdict := claim_look(p_link_id, p_now, v_acct, v_id, v_attempt, v_expires, v_fresh,
                            class, "to", rtype, brand_id, sender, test, accepted_at, v_low,
                            v_high, body);

    if 4 = any (v_verdict) then
        v_verdict := notices_pass(v_acct, v_id, v_verdict, 4);
    end if;

    if v_verdict is not null then
        perform claim_decide(p_now, v_acct, v_id, v_attempt, v_expires, v_verdict);

        -- the rest is the claim
        select array_agg(u.c1), array_agg(u.c2), array_agg(u.c3), array_agg(u.c4),
               array_agg(u.c5), array_agg(u.c6), array_agg(u.c7), array_agg(u.c8),
               array_agg(u.c9), array_agg(u.c10), array_agg(u.c11), array_agg(u.c12),
               array_agg(u.c13), array_agg(u.c14), array_agg(u.c15), array_agg(u.c16),
               array_agg(u.c17)
          into account_id, message_id, attempt, submission_id, "to", sender, class, rtype,
               brand_id, body, enc, parts, price, accepted_at, expires_at, test, doc
          from unnest(account_id, message_id, attempt, submission_id, "to", sender, class,
                      rtype, brand_id, body, enc, parts, price, accepted_at, expires_at, test,
                      doc, v_verdict)
               u (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, v)
         where u.v = 0;

        if message_id is null then
            return;
        end if;
    end if;

    insert into claim (epoch, claimed_at, link_id, claim_id, lease, account_id, message_id,
                       attempt)
    values (p_epoch, p_now, p_link_id, p_claim, v_lease, account_id, message_id, attempt);
end
$$;

grant execute on function
    sms.claim(int, text, bigint, int, timestamptz, boolean, uuid, boolean) to sms_worker;

-- Moves the clocks of the lanes that a claim went through.  They need not be
-- exact, so binds of one link do not wait for each other over them.
create function sms.lane_passed(p_lane int[], p_turn bigint[])
returns void
language plpgsql
as $$
declare
    n   int := cardinality(p_lane);
begin
    -- turns rise within a lane
    if p_lane[1] = p_lane[n] then
        update lane l
           set clock = p_turn[n]
         where l.lane = p_lane[n] and l.clock < p_turn[n]
           and l.lane in (select k.lane from lane k where k.lane = p_lane[n]
                             for update skip locked);
        return;
    end if;

    update lane l
       set clock = t.turn
      from (select u.lane, max(u.turn) as turn
              from unnest(p_lane, p_turn) u (lane, turn)
             group by u.lane) t
     where l.lane = t.lane and l.clock < t.turn
       and l.lane = any (array(select k.lane from lane k
                                where k.lane = any (p_lane)
                                  for update skip locked));
end
$$;

-- What has changed for messages since they were queued, one number each:
--     0 goes, 1 ended before, 2 expired, 3 account closed, 4 blacklisted,
--     5 opted out, 6 refused in İYS since; held: 7 account suspended,
--     8 consent too old, or not listed any more by a later answer, 9 sender not
--     approved here, 10 sender revoked; halted by an administrator: held, 11 the
--     account, 12 the sender, 13 a host in the text; refused, 14 to 16 the same; held:
--     17 what people have refused of the brand is overdue in İYS (C5)
-- or null when all may go, which is nearly always: what can be asked once for
-- all of them is, and each is looked at only when that says there is a reason.
create function sms.claim_look(
    p_link_id int, p_now timestamptz, p_acct bigint[], p_id uuid[], p_attempt smallint[],
    p_expires timestamptz[], p_fresh timestamptz[], p_class smallint[], p_to bigint[],
    p_rtype smallint[], p_brand bigint[], p_sender text[], p_test boolean[],
    p_accepted timestamptz[], p_low uuid, p_high uuid, p_body text[])
returns int[]
language plpgsql
as $$
declare
    v_operator  text;
    v_since     timestamptz;
    v_halt      smallint;
    v_stop      smallint[];
    -- only who is sent a second time may have ended meanwhile
    v_again     boolean := 1 <> any (p_attempt) or array_position(p_class, null) is not null;
    v_account   boolean := exists (select from account a
                                    where a.account_id = any (p_acct) and a.state <> 1);
    v_black     boolean := exists (select from blacklist b
                                    where b.account_id = any (p_acct || 0::bigint));
    v_late      boolean := 3 = any (p_class)
                           and exists (select from brand b
                                        where (b.late_since is not null or b.standing <> '')
                                          and b.brand_id = any (p_brand));
    v_sender    boolean;
    v_verdict   int[];
begin
    -- Stops first: whoever makes one waits for those who are reading here, so what is
    -- asked afterwards is asked after it.
    perform stop_reads();

    if exists (select from stop s where s.lifted_at is null) then
        v_stop := stopped(p_now, p_acct, p_sender, p_body);
    end if;

    select k.operator, k.operator_since, k.halt into v_operator, v_since, v_halt
      from link k
     where k.link_id = p_link_id;

    -- Workers are told of it and do not ask; this is for those who are not told yet.
    if v_halt <> 0 then
        raise exception 'link-halted' using errcode = 'SMS06', detail = p_link_id;
    end if;

    -- Whoever routed these messages saw senders that were approved on the link's
    -- operator; rows are marked, never deleted.
    v_sender := v_since >= any (p_accepted)
                or exists (select from sender s
                            where s.account_id = any (p_acct) and s.revoked_at is not null)
                or exists (select from sender_approval p
                            where p.account_id = any (p_acct) and p.operator = v_operator
                              and p.state <> 'approved');

    if not (v_again or v_account or v_black or v_sender or v_stop is not null
            or 3 = any (p_class) or p_now >= any (p_expires) or coalesce(p_now > any (p_fresh), false))
    then
        return null;
    end if;

    select array_agg(case
               when v_again and (u.class is null
                    or (select true from settlement x
                         where x.account_id = u.account_id and x.message_id = u.message_id
                           and x.message_id >= p_low and x.message_id <= p_high
                         limit 1)) then 1
               when u.expires_at <= p_now then 2
               when v_account and a.state = 3 then 3
               when u.class = 3
                    and (select true from optout o
                          where o.owner_account_id = brand_owner(u.brand_id)
                            and o.brand_id = u.brand_id and o.number = u."to"
                            and o.lifted_at is null
                          limit 1) then 5
               when c.state = 2 then 6
               when u.stop > 0 then u.stop + 10
               when v_account and a.state = 2 then 7
               when u.fresh_until < p_now or (c.state = 3 and u.fresh_until is not null) then 8
               when v_sender and not u.test
                    and (select s.revoked_at is null from sender s
                          where s.account_id = u.account_id and s.sender = u.sender
                          limit 1) is not true then 10
               when v_sender and not u.test
                    and (select p.state = 'approved' from sender_approval p
                          where p.account_id = u.account_id and p.sender = u.sender
                            and p.operator = v_operator
                          limit 1) is not true then 9
               when v_late and u.class = 3
                    and (select true from brand b
                          where b.account_id = brand_owner(u.brand_id)
                            and b.brand_id = u.brand_id and b.late_since is not null
                          limit 1) then 17
               when v_late and u.class = 3
                    and (select true from brand b
                          where b.account_id = brand_owner(u.brand_id)
                            and b.brand_id = u.brand_id and b.standing <> ''
                          limit 1) then 18
               -- after all that holds: a notice passes this one (notices_pass)
               when v_black
                    and (select true from blacklist b
                          where b.account_id in (0, u.account_id) and b.number = u."to"
                            and (b.scope = 1 or u.class = 3)
                          limit 1) then 4
               else 0 end)
      into v_verdict
      from (select unnest(p_acct) as account_id, unnest(p_id) as message_id,
                   unnest(p_expires) as expires_at, unnest(p_fresh) as fresh_until,
                   unnest(p_class) as class, unnest(p_to) as "to", unnest(p_rtype) as rtype,
                   unnest(p_brand) as brand_id, unnest(p_sender) as sender,
                   unnest(p_test) as test, unnest(v_stop) as stop) u
      left join lateral (
           select x.state
             from consent x
            where u.class = 3
              and x.owner_account_id = brand_owner(u.brand_id)
              and x.brand_id = u.brand_id and x.number = u."to"
              and x.recipient_type = u.rtype
              and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c on true
      left join lateral (select x.state from account x
                          where v_account and x.account_id = u.account_id limit 1) a on true;

    return case when 0 <> any (v_verdict) then v_verdict end;
end
$$;

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
    v_code  text[] := array['expired', 'account-closed', 'blacklisted', 'opted-out',
                            'consent-refused', 'account-suspended', 'consent-stale',
                            'sender-not-approved', 'sender-revoked', 'account-stopped',
                            'sender-stopped', 'url-host-stopped', 'account-stopped',
                            'sender-stopped', 'url-host-stopped', 'consents-overdue',
                            'brand-not-authorised'];
begin
    perform settle(p_now, array_agg(u.a), array_agg(u.m),
                   array_agg(case u.v when 2 then 3 when 5 then 9 else 5 end::smallint),
                   array_agg(v_code[u.v - 1]), array_agg(true))
       from unnest(p_acct, p_id, p_verdict) u (a, m, v)
      where u.v between 2 and 6 or u.v between 14 and 16;

    -- Stale consent goes back to screen at once, the others when something may
    -- have changed; all of them end with the validity.
    insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
    select case u.v when 8 then p_now else p_now + v_hold end,
           u.a, u.e, u.t, m.parts, u.m, v_code[u.v - 1]
      from unnest(p_acct, p_id, p_attempt, p_expires, p_verdict) u (a, m, t, e, v)
     cross join lateral (
           select x.parts from message x
            where x.account_id = u.a and x.message_id = u.m
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
     where u.v between 7 and 13 or u.v in (17, 18);

    insert into verdict (account_id, at, message_id, stage, outcome, code)
    select u.a, p_now, u.m, 2, case when u.v between 7 and 13 or u.v in (17, 18) then 3
                                          else 2 end,
           v_code[u.v - 1]
      from unnest(p_acct, p_id, p_verdict) u (a, m, v)
     where u.v >= 2
        on conflict do nothing;
end
$$;
