-- expand: measured delivery of links

set role sms_owner;

-- Workers sum in memory what became of parts, by link and sender, and hand the
-- sums over every few seconds; nothing here is written for a message.  sender '':
-- the whole link.
--
--     sent        taken by the operator
--     rejected    refused by it, but for what is the message's own fault
--     delivered, failed    by receipt; excused: failed by the message's own fault
--     timed, delay_ms      receipts whose part the worker still knew: how many, and
--                          the sum of what they took; within_*: how many of them
create table sms.link_quality (
    link_id     int not null,
    sender      text collate "C" not null,
    hour        timestamptz not null,
    sent        bigint not null default 0,
    rejected    bigint not null default 0,
    delivered   bigint not null default 0,
    failed      bigint not null default 0,
    excused     bigint not null default 0,
    timed       bigint not null default 0,
    delay_ms    bigint not null default 0,
    within_10s  bigint not null default 0,
    within_60s  bigint not null default 0,
    within_300s bigint not null default 0,
    primary key (link_id, sender, hour)
);

create index link_quality_hour on sms.link_quality (hour);

-- The same of the last hours in short slots: what links are judged by.
create table sms.link_recent (
    link_id     int not null,
    sender      text collate "C" not null,
    at          timestamptz not null,
    sent        int not null default 0,
    rejected    int not null default 0,
    delivered   int not null default 0,
    failed      int not null default 0,
    excused     int not null default 0,
    primary key (link_id, sender, at)
);

create index link_recent_at on sms.link_recent (at);

-- How links stand: a row for each link that had traffic, and one for each sender
-- whose delivery over a link has fallen.  Shares in thousandths.
create table sms.link_standing (
    link_id     int not null,
    sender      text collate "C" not null,
    judged_at   timestamptz not null,
    parts       bigint not null,
    success     int,
    -- of the link's own past, or of the others now; NULL: neither is known
    usual       int,
    -- below it the link falls
    bound       int not null,
    -- NULL: it has not fallen
    fallen_at   timestamptz,
    -- from when on its trial counts
    trial_at    timestamptz,
    primary key (link_id, sender)
);

-- One row: when links were judged last, by whichever worker came first.
create table sms.link_judged (
    one         boolean primary key default true check (one),
    at          timestamptz not null default '-infinity'
);

insert into sms.link_judged default values;

-- Parts, delivered ones and lost ones of links and senders since a moment.  A part
-- without a receipt after p_lost counts as lost; as receipts do not tell when their
-- part was sent, those of the whole time make up for it, so that loss is seen late
-- rather than too early.  A sender's loss is not told: operators may write it in
-- another form into receipts.  Links that give no receipts are judged by what they
-- refuse.
create function sms.link_sums(p_now timestamptz, p_lost interval, p_since timestamptz,
                              p_link int default null, p_sender text default null)
returns table (link_id int, sender text, parts bigint, good bigint)
language plpgsql stable
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select s.link_id, s.sender,
           case when k.receipts = 'none' then s.sent + s.rejected
                else s.delivered + s.failed + s.rejected + l.lost end,
           case when k.receipts = 'none' then s.sent else s.delivered end
      from (select r.link_id, r.sender, sum(r.sent) as sent, sum(r.rejected) as rejected,
                   sum(r.delivered) as delivered, sum(r.failed) as failed,
                   sum(r.excused) as excused,
                   coalesce(sum(r.sent) filter (where r.at < p_now - p_lost), 0) as due
              from link_recent r
             where r.at >= p_since
               and (p_link is null or r.link_id = p_link and r.sender = p_sender)
             group by r.link_id, r.sender) s
      left join link k on k.link_id = s.link_id
     cross join lateral (
           select case when s.sender = ''
                       then greatest(0, s.due - s.delivered - s.failed - s.excused)
                       else 0 end as lost) l;
end
$$;

-- What a link's success is measured against: its own of the last days, when that was
-- of enough parts; else that of the other links now.
create function sms.link_usual(p_now timestamptz, p_history interval, p_min int)
returns table (link_id int, usual int)
language plpgsql stable
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select k.link_id,
           coalesce(
               (select case when sum(q.sent + q.rejected) >= 10 * p_min then
                            case when k.receipts = 'none'
                                 then sum(q.sent) * 1000 / sum(q.sent + q.rejected)
                                 else sum(q.delivered) * 1000
                                      / greatest(sum(q.sent + q.rejected - q.excused), 1)
                            end end::int
                  from link_quality q
                 where q.link_id = k.link_id and q.sender = ''
                   and q.hour >= p_now - p_history
                   and q.hour < date_trunc('hour', p_now) - interval '1 hour'),
               (select avg(o.success)::int
                  from link_standing o
                 where o.sender = '' and o.link_id <> k.link_id and o.fallen_at is null
                   and o.parts >= p_min and o.judged_at > p_now - interval '10 minutes'))
      from link k;
end
$$;

-- Judges links: who falls below the bound is pulled back, and whose trial was good
-- comes back.  Sums are those of the shared tables, so it does not matter who judges.
create function sms.link_judge(
    p_now timestamptz, p_window interval, p_lost interval, p_drop int, p_floor int,
    p_min int, p_trial int, p_history interval)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    with usual as materialized (
        select u.link_id, u.usual,
               greatest(p_floor * 10, coalesce(u.usual, 0) * (100 - p_drop) / 100) as bound
          from link_usual(p_now, p_history, p_min) u
    ), sums as (
        select s.*, u.usual, u.bound,
               case when s.parts > 0
                    then least(s.good * 1000 / s.parts, 1000)::int end as success
          from link_sums(p_now, p_lost, p_now - p_window - p_lost) s
          join usual u on u.link_id = s.link_id
    )
    insert into link_standing (link_id, sender, judged_at, parts, success, usual, bound,
                               fallen_at, trial_at)
    select s.link_id, s.sender, p_now, s.parts, s.success, s.usual, s.bound,
           case when f.fell then p_now end, case when f.fell then p_now + p_lost end
      from sums s
     cross join lateral (
           select s.parts >= p_min and s.success < s.bound as fell) f
     where s.sender = '' or f.fell
     order by s.link_id, s.sender
        on conflict (link_id, sender) do update
       set judged_at = excluded.judged_at, parts = excluded.parts, success = excluded.success,
           usual = excluded.usual, bound = excluded.bound,
           fallen_at = coalesce(link_standing.fallen_at, excluded.fallen_at),
           trial_at = coalesce(link_standing.trial_at, excluded.trial_at);

    -- A trial is of p_trial parts; a bad one is followed by another.  Whoever had too
    -- few parts for six hours gets a chance: nobody else would give it one.
    update link_standing t
       set fallen_at = case when v.ends and not v.good then t.fallen_at end,
           trial_at = case when v.ends and not v.good then p_now end
      from (select o.link_id, o.sender,
                   coalesce(s.parts, 0) >= p_trial as ends,
                   coalesce(s.good * 1000 >= o.bound * s.parts, false) as good
              from link_standing o
              left join lateral link_sums(p_now, p_lost, o.trial_at, o.link_id, o.sender) s
                   on true
             where o.fallen_at is not null
               and (coalesce(s.parts, 0) >= p_trial
                    or o.trial_at < p_now - interval '6 hours')) v
     where t.link_id = v.link_id and t.sender = v.sender;

    delete from link_standing where sender <> '' and fallen_at is null;
end
$$;

-- Adds a worker's sums, judges the links if nobody did within p_every, and tells how
-- they stand.  Shares in thousandths, NULL: not known.
create function sms.quality(
    p_now timestamptz, p_link int[], p_sender text[], p_sent int[], p_rejected int[],
    p_delivered int[], p_failed int[], p_excused int[], p_timed int[], p_delay_ms bigint[],
    p_within_10s int[], p_within_60s int[], p_within_300s int[],
    p_window_ms int, p_lost_ms int, p_drop int, p_floor int, p_min int, p_trial int,
    p_history_s int, p_every_ms int)
returns table (link_id int, sender text, success int, usual int, fallen boolean)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_slot      timestamptz;
    v_width     int := greatest(p_window_ms / 60000, 1);
    v_last      timestamptz;
begin
    v_slot := to_timestamp(floor(extract(epoch from p_now) / v_width) * v_width);

    if cardinality(p_link) > 0 then
        -- in key order: several workers add to the rows of one link
        insert into link_quality (link_id, sender, hour, sent, rejected, delivered, failed,
                                  excused, timed, delay_ms, within_10s, within_60s, within_300s)
        select u.link_id, u.sender, date_trunc('hour', p_now, 'UTC'), sum(u.sent),
               sum(u.rejected), sum(u.delivered), sum(u.failed), sum(u.excused), sum(u.timed),
               sum(u.delay_ms), sum(u.within_10s), sum(u.within_60s), sum(u.within_300s)
          from (select x.link_id, s.sender, x.sent, x.rejected, x.delivered, x.failed,
                       x.excused, x.timed, x.delay_ms, x.within_10s, x.within_60s, x.within_300s
                  from unnest(p_link, p_sender, p_sent, p_rejected, p_delivered, p_failed,
                              p_excused, p_timed, p_delay_ms, p_within_10s, p_within_60s,
                              p_within_300s)
                       x (link_id, sender, sent, rejected, delivered, failed, excused, timed,
                          delay_ms, within_10s, within_60s, within_300s)
                 cross join lateral (
                       select '' as sender union all select x.sender where x.sender <> '') s) u
         group by u.link_id, u.sender
         order by u.link_id, u.sender
            on conflict (link_id, sender, hour) do update
           set sent = link_quality.sent + excluded.sent,
               rejected = link_quality.rejected + excluded.rejected,
               delivered = link_quality.delivered + excluded.delivered,
               failed = link_quality.failed + excluded.failed,
               excused = link_quality.excused + excluded.excused,
               timed = link_quality.timed + excluded.timed,
               delay_ms = link_quality.delay_ms + excluded.delay_ms,
               within_10s = link_quality.within_10s + excluded.within_10s,
               within_60s = link_quality.within_60s + excluded.within_60s,
               within_300s = link_quality.within_300s + excluded.within_300s;

        insert into link_recent (link_id, sender, at, sent, rejected, delivered, failed, excused)
        select u.link_id, u.sender, v_slot, sum(u.sent), sum(u.rejected), sum(u.delivered),
               sum(u.failed), sum(u.excused)
          from (select x.link_id, s.sender, x.sent, x.rejected, x.delivered, x.failed, x.excused
                  from unnest(p_link, p_sender, p_sent, p_rejected, p_delivered, p_failed,
                              p_excused)
                       x (link_id, sender, sent, rejected, delivered, failed, excused)
                 cross join lateral (
                       select '' as sender union all select x.sender where x.sender <> '') s) u
         group by u.link_id, u.sender
         order by u.link_id, u.sender
            on conflict (link_id, sender, at) do update
           set sent = link_recent.sent + excluded.sent,
               rejected = link_recent.rejected + excluded.rejected,
               delivered = link_recent.delivered + excluded.delivered,
               failed = link_recent.failed + excluded.failed,
               excused = link_recent.excused + excluded.excused;
    end if;

    select j.at into v_last
      from link_judged j
     where j.at <= p_now - p_every_ms * interval '1 millisecond'
       for update skip locked;

    if found then
        update link_judged set at = p_now;

        perform link_judge(p_now, p_window_ms * interval '1 millisecond',
                           p_lost_ms * interval '1 millisecond', p_drop, p_floor, p_min,
                           p_trial, p_history_s * interval '1 second');

        if date_trunc('hour', v_last) is distinct from date_trunc('hour', p_now) then
            delete from link_recent where at < p_now - interval '8 hours';
            delete from link_quality where hour < p_now - interval '90 days';
        end if;
    end if;

    return query
    select t.link_id, t.sender, t.success, t.usual, t.fallen_at is not null
      from link_standing t
     where t.fallen_at is not null or t.judged_at > p_now - interval '1 hour'
     order by t.link_id, t.sender;
end
$$;

grant execute on function sms.quality(
    timestamptz, int[], text[], int[], int[], int[], int[], int[], int[], bigint[], int[],
    int[], int[], int, int, int, int, int, int, int, int) to sms_worker;

-- ---- senders that an operator refuses ----------------------------------------

insert into sms.setting (name, value, doc) values
    ('sender_refusal_marks', 'on', 'a sender that an operator refused is rejected there until somebody approves it again; off: only the refused message takes another link');

-- Noted with the answer, marked by upkeep a second later: a changed approval writes to
-- the account's row, for which an answer must not wait.
create table sms.sender_refusal (
    account_id  bigint not null,
    sender      text collate "C" not null,
    operator    text collate "C" not null,
    link_id     int not null,
    code        int not null,
    primary key (account_id, sender, operator)
);

create function sms.sender_refused(
    p_link_id int, p_account bigint[], p_message uuid[], p_reason smallint[], p_code int[])
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_low   uuid := id_min(p_message);
    v_high  uuid := id_max(p_message);
begin
    if not setting_on('sender_refusal_marks') then
        return;
    end if;

    insert into sender_refusal (account_id, sender, operator, link_id, code)
    select u.a, m.sender, k.operator, p_link_id, max(u.c)
      from unnest(p_account, p_message, p_reason, p_code) u (a, m, r, c)
     cross join lateral (
           select x.sender from message x
            where x.account_id = u.a and x.message_id = u.m
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
      join link k on k.link_id = p_link_id
     where u.r = 2
     group by u.a, m.sender, k.operator
     order by u.a, m.sender, k.operator
        on conflict do nothing;
end
$$;

-- Answers how many senders were marked.  Each is in the audit, as of no key.
create function sms.sender_refusals(p_now timestamptz, p_limit int)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_acct      bigint[];
    v_sender    text[];
    v_operator  text[];
    v_link      int[];
    v_code      int[];
    n           int;
begin
    if not exists (select from sender_refusal) then
        return 0;
    end if;

    with taken as (
        delete from sender_refusal r
         where r.ctid = any (array(select x.ctid from sender_refusal x
                                    order by x.account_id, x.sender, x.operator
                                    limit p_limit
                                      for update skip locked))
        returning r.*
    )
    select array_agg(t.account_id), array_agg(t.sender), array_agg(t.operator),
           array_agg(t.link_id), array_agg(t.code)
      into v_acct, v_sender, v_operator, v_link, v_code
      from (select * from taken order by account_id, sender, operator) t;

    if v_acct is null then
        return 0;
    end if;

    perform account_lock(array(select distinct u from unnest(v_acct) u));

    with marked as (
        update sender_approval p
           set state = 'rejected', reason = 'refused by the operator, code ' || u.code,
               decided_at = p_now
          from unnest(v_acct, v_sender, v_operator, v_link, v_code)
               u (account, sender, operator, link, code)
         where p.account_id = u.account and p.sender = u.sender and p.operator = u.operator
           and p.state = 'approved'
        returning p.account_id, p.sender, p.operator, u.link, u.code
    )
    insert into audit (account_id, at, audit_id, key_no, action, target, reason, detail)
    select m.account_id, p_now, id_new(), 0, 'sender.refused', m.sender || ' ' || m.operator,
           'refused by the operator',
           json_build_object('account', id_text('acc', a.public_id), 'link', k.name,
                             'code', m.code)
      from marked m
      join account a using (account_id)
      join link k on k.link_id = m.link;

    get diagnostics n = row_count;
    return n;
end
$$;

-- How each link is doing, for people: the last hour and what it is judged by.
create view sms.link_quality_now with (security_invoker = true) as
    select k.link_id, k.name, k.operator,
           coalesce(q.sent, 0) as sent, coalesce(q.rejected, 0) as rejected,
           coalesce(q.delivered, 0) as delivered, coalesce(q.failed, 0) as failed,
           coalesce(q.excused, 0) as excused,
           case when q.timed > 0 then q.delay_ms / q.timed end as mean_delay_ms,
           case when q.timed > 0 then q.within_10s * 1000 / q.timed end as within_10s,
           t.success, t.usual, t.bound, t.parts, t.judged_at, t.fallen_at, t.trial_at,
           coalesce((select array_agg(f.sender order by f.sender) from sms.link_standing f
                      where f.link_id = k.link_id and f.sender <> ''
                        and f.fallen_at is not null), '{}') as fallen_senders
      from sms.link k
      left join lateral (
           select sum(h.sent) as sent, sum(h.rejected) as rejected,
                  sum(h.delivered) as delivered, sum(h.failed) as failed,
                  sum(h.excused) as excused, sum(h.timed) as timed,
                  sum(h.delay_ms) as delay_ms, sum(h.within_10s) as within_10s
             from sms.link_quality h
            where h.link_id = k.link_id and h.sender = ''
              and h.hour >= date_trunc('hour', now()) - interval '1 hour') q on true
      left join sms.link_standing t on t.link_id = k.link_id and t.sender = '';
