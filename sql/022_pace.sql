-- expand: weights, sending windows, rates, and what is asked about parts in doubt
--
-- An account without a row in sms.pace, of weight 1, pays for nothing here: the hot
-- statements multiply by a step that they have read with the row, and screen asks once
-- a round whether any of its accounts has such a row.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('ask_minutes', '60', 'how long an operator is asked about overdue receipts before the end is "no_receipt"'),
    ('ask_again_seconds', '300', 'after which an operator that gave no usable answer is asked again'),
    ('ask_tries', '3', 'how often an operator is asked about a part');

insert into sms.cause (code, tr, en) values
    ('quiet-window', 'Hesabın gönderim saatleri dışında', 'Outside the sending hours of the account'),
    ('paced', 'Hesabın ya da başlığın gönderim hızı sınırı', 'The sending rate of the account or sender');


-- ---- windows and rates ------------------------------------------------------

-- One row an account that has set something (sender ''), and one a sender of it that
-- has a rate of its own.
create table sms.pace (
    account_id  bigint not null,
    -- the next message of this rate has its place then
    clock       timestamptz not null default '-infinity',
    -- messages a second; null: unbounded
    rate        double precision check (rate > 0 and rate <= 10000),
    -- minutes of the day, Turkish time (UTC+3); the window is [opens, closes)
    opens       smallint,
    closes      smallint,
    sender      text collate "C" not null,
    -- off: no window; warn: told; hold: kept until it opens
    quiet       text check (quiet in ('off', 'warn', 'hold')),
    -- 1 Monday to 7 Sunday
    days        int[],
    classes     text[],
    primary key (account_id, sender),
    check (sender = '' or quiet is null),
    check (quiet is null or quiet = 'off'
           or (opens is not null and closes is not null and opens >= 0 and opens < closes
               and closes <= 1440 and cardinality(days) between 1 and 7
               and cardinality(classes) >= 1))
) with (fillfactor = 50);

create trigger pace_changed after insert or delete or update of rate, quiet, opens, closes,
    days, classes on sms.pace for each row execute function sms.profile_changed();

-- What the profile of an account tells workers of it; null: nothing was set.
create function sms.pace_profile(p_account bigint)
returns json
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return (
        select json_build_object(
            'rated', bool_or(p.rate is not null),
            'quiet', max(p.quiet),
            'opens', max(p.opens),
            'closes', max(p.closes),
            'days', coalesce((array_agg(to_json(p.days)) filter (where p.sender = ''))[1], '[]'),
            'classes', coalesce((array_agg(to_json(p.classes)) filter (where p.sender = ''))[1],
                                '[]'))
          from pace p
         where p.account_id = p_account
        having count(*) > 0);
end
$$;

-- p_now where the window is open, else when it opens.
create function sms.quiet_opens(p_now timestamptz, p_opens int, p_closes int, p_days int[])
returns timestamptz
language plpgsql immutable
as $$
declare
    v_local timestamp := (p_now at time zone 'UTC') + interval '3 hours';
    v_day   timestamp := date_trunc('day', v_local);
begin
    for i in 0 .. 7 loop
        if extract(isodow from v_day)::int = any (p_days)
           and v_local < v_day + p_closes * interval '1 minute'
        then
            return (greatest(v_local, v_day + p_opens * interval '1 minute')
                    - interval '3 hours') at time zone 'UTC';
        end if;

        v_day := v_day + interval '1 day';
    end loop;

    return 'infinity';
end
$$;

-- When the accounts' windows, which are open now, close; null of those that have none,
-- and null when none of them has.
create function sms.quiet_closes(p_now timestamptz, p_account bigint[])
returns timestamptz[]
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    if not exists (select from pace p
                    where p.account_id = any (p_account) and p.quiet = 'hold')
    then
        return null;
    end if;

    return array(
        select (select (date_trunc('day', (p_now at time zone 'UTC') + interval '3 hours')
                        + p.closes * interval '1 minute' - interval '3 hours')
                       at time zone 'UTC'
                  from pace p
                 where p.account_id = u.a and p.sender = '' and p.quiet = 'hold'
                   and 'commercial' = any (p.classes))
          from unnest(p_account) with ordinality u (a, i)
         order by u.i);
end
$$;

-- Puts off what screen_take() has taken and shall not go yet; the rest keeps its
-- verdict, what was put off gets 12; null where nothing has one.  Messages, or
-- submissions that wait together, p_count each, in the order in which they go.
--
-- A message has its place in a rate once, when it is seen first; with places of a whole
-- second together, so that consent is asked for many.  A submission that is more than
-- a second's is taken apart, and its messages wait alone.
create function sms.screen_pace(
    p_now timestamptz, p_alone boolean, p_acct bigint[], p_id uuid[], p_at timestamptz[],
    p_code text[], p_count int[], p_class smallint[], p_sender text[], p_test boolean[],
    p_verdict int[])
returns int[]
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_until     timestamptz[];
    -- of those that need a place: the first message's, and how many seconds each takes
    v_slot      timestamptz[];
    v_step      double precision[];
    v_count     int[] := coalesce(p_count, array_fill(1, array[cardinality(p_id)]));
begin
    -- whoever changes a rate waits
    perform from pace p
      where p.account_id = any (p_acct)
      order by p.account_id, p.sender
        for update;

    v_until := array(
        select case when u.verdict = 0 and not u.test and u.class <> 1
                    then (select nullif(quiet_opens(p_now, p.opens, p.closes, p.days), p_now)
                            from pace p
                           where p.account_id = u.account_id and p.sender = ''
                             and p.quiet = 'hold'
                             and class_name(u.class) = any (p.classes)) end
          from unnest(p_acct, p_class, p_test, p_verdict) with ordinality
               u (account_id, class, test, verdict, i)
         order by u.i);

    with wants as (
        select u.i, u.n, p.account_id, p.sender, p.rate, greatest(p.clock, p_now) as clock,
               sum(u.n) over (partition by p.account_id, p.sender order by u.i) - u.n as before
          from unnest(p_acct, p_sender, v_count, p_code, p_class, p_test, p_verdict, v_until)
               with ordinality u (account_id, sender, n, code, class, test, verdict, until, i)
          join pace p on p.account_id = u.account_id and p.sender in ('', u.sender)
                     and p.rate is not null
         where u.verdict = 0 and u.until is null and not u.test and u.class <> 1
           -- what has its place keeps it; what was held for another reason had none
           and u.code is distinct from 'paced'
    ), moved as (
        update pace p
           set clock = w.clock + w.n / w.rate * interval '1 second'
          from (select x.account_id, x.sender, max(x.rate) as rate, max(x.clock) as clock,
                       sum(x.n) as n
                  from wants x
                 group by x.account_id, x.sender) w
         where p.account_id = w.account_id and p.sender = w.sender
           and p.account_id = any (p_acct)
    ), place as (
        select w.i, max(w.clock + w.before / w.rate * interval '1 second') as slot,
               max(1 / w.rate) as step
          from wants w
         group by w.i
    )
    select array_agg(p.slot order by u.i), array_agg(p.step order by u.i)
      into v_slot, v_step
      from generate_subscripts(p_id, 1) u (i)
      left join place p on p.i = u.i;

    if p_alone then
        v_until := array(
            select coalesce(u.until, case when u.slot >= p_now + interval '1 second'
                                          then date_trunc('second', u.slot) end)
              from unnest(v_until, v_slot) with ordinality u (until, slot, i)
             order by u.i);

        update due d
           set at = w.until, code = w.code
          from (select x.ctid as place, u.until,
                       case when u.slot is null then 'quiet-window' else 'paced' end as code
                  from unnest(p_id, p_at, v_until, v_slot) u (id, at, until, slot)
                 cross join lateral (select y.ctid from due y
                                      where y.at = u.at and y.message_id = u.id
                                      limit 1
                                        for update skip locked) x
                 where u.until is not null) w
         where d.ctid = w.place;
    else
        update due_submission d
           set at = w.until, code = 'quiet-window'
          from (select x.ctid as place, u.until
                  from unnest(p_id, p_at, v_until) u (id, at, until)
                 cross join lateral (select y.ctid from due_submission y
                                      where y.at = u.at and y.submission_id = u.id
                                      limit 1
                                        for update skip locked) x
                 where u.until is not null) w
         where d.ctid = w.place;

        v_until := array(
            select coalesce(u.until, case when u.slot + u.n * u.step * interval '1 second'
                                               > p_now + interval '1 second'
                                          then u.slot end)
              from unnest(v_until, v_slot, v_step, v_count) with ordinality
                   u (until, slot, step, n, i)
             order by u.i);

        perform pace_apart(p_now, array_agg(u.id), array_agg(u.at), array_agg(u.slot),
                           array_agg(u.step))
           from unnest(p_id, p_at, v_slot, v_step, v_until) u (id, at, slot, step, until)
          where u.slot is not null and u.until is not null
         having count(*) > 0;
    end if;

    return (
        select nullif(array_agg(case when u.until is not null then 12 else u.verdict end
                                order by u.i),
                      array_fill(0, array[cardinality(p_id)]))
          from unnest(v_until, p_verdict) with ordinality u (until, verdict, i));
end
$$;

-- The messages of submissions wait alone from now on, each for its place.
create function sms.pace_apart(
    p_now timestamptz, p_id uuid[], p_at timestamptz[], p_slot timestamptz[],
    p_step double precision[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_expires   timestamptz[];
    v_low       uuid;
    v_high      uuid;
begin
    with gone as (
        delete from due_submission d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_id, p_at) u (id, at)
                    cross join lateral (select x.ctid from due_submission x
                                         where x.at = u.at and x.submission_id = u.id
                                         limit 1
                                           for update skip locked) w))
        returning d.*
    )
    select array_agg(g.account_id), array_agg(g.submission_id), array_agg(g.expires_at),
           id_min(array_agg(g.submission_id)), id_max(array_agg(g.high_message))
      into v_acct, v_id, v_expires, v_low, v_high
      from gone g;

    if v_id is null then
        return;
    end if;

    insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
    select greatest(p_now, date_trunc('second', p_slot[w.at] + (o.i - 1) * p_step[w.at]
                                                 * interval '1 second')),
           u.account_id, u.expires_at, 1, m.parts, o.id, 'paced'
      from unnest(v_acct, v_id, v_expires) u (account_id, id, expires_at)
     cross join lateral (select array_position(p_id, u.id) as at) w
     cross join lateral unnest(submission_open(u.account_id, u.id)) with ordinality o (id, i)
     cross join lateral (
           select x.parts from message x
            where x.account_id = u.account_id and x.message_id = o.id
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m;
end
$$;


-- ---- in doubt: what is done about it, by link and class -------------------------

-- Without a row: OTP and informational resend, the others hold (D7).
create table sms.link_doubt (
    link_id     int not null,
    class       smallint not null,
    policy      text not null check (policy in ('resend', 'hold', 'ask')),
    primary key (link_id, class)
);

-- Parts about which the holder of a bind asks the operator: in doubt, or sent and the
-- receipt is overdue.  What became of the asking is the part's business elsewhere; a
-- row only says when it is asked next.
create table sms.ask (
    account_id  bigint not null,
    at          timestamptz not null,
    submitted_at timestamptz not null,
    link_id     int not null,
    attempt     smallint not null,
    part        smallint not null,
    total       smallint not null,
    tries       smallint not null default 0,
    message_id  uuid not null,
    -- it is to be taken back, not asked about: see optout_recall(); it has been
    recall      boolean not null default false,
    recalled    boolean not null default false,
    -- null: the operator's answer never came
    operator_id text,
    primary key (account_id, message_id, attempt, part)
);

create index ask_at on sms.ask (link_id, at);

-- Parts of the link to ask about now, no more than p_limit, for the holder of one of its
-- binds.  Handed out they are hidden for ask_again_seconds.  One array a column, the
-- first 17 as claim() gives them, but for body, which is not needed; null when there is
-- nothing.  Raises SMS01 lease-lost.
create function sms.ask_take(
    p_link_id int, p_lease text, p_epoch bigint, p_limit int, p_now timestamptz,
    out message_id uuid[], out account_id bigint[], out submission_id uuid[],
    out "to" bigint[], out class smallint[], out rtype smallint[], out brand_id bigint[],
    out attempt smallint[], out sender text[], out body text[], out enc smallint[],
    out parts smallint[], out price bigint[], out accepted_at timestamptz[],
    out expires_at timestamptz[], out test boolean[], out doc text[], out part smallint[],
    out total smallint[], out operator_id text[], out submitted_at timestamptz[],
    out recall boolean[])
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_again interval := setting_int('ask_again_seconds') * interval '1 second';
    v_acct  bigint[];
    v_id    uuid[];
    v_low   uuid;
    v_high  uuid;
begin
    if not lease_held(p_lease, p_epoch) then
        raise exception 'lease-lost' using errcode = 'SMS01', detail = p_lease;
    end if;

    update link
       set asks_at = p_now
     where link_id = p_link_id and (asks_at is null or asks_at < p_now - interval '1 minute');

    with taken as (
        update ask a
           set at = p_now + v_again, tries = a.tries + 1
         where a.ctid = any (array(select x.ctid from ask x
                                    where x.link_id = p_link_id and x.at <= p_now
                                    order by x.at
                                    limit p_limit
                                      for update skip locked))
        returning a.*
    )
    select array_agg(t.account_id), array_agg(t.message_id), array_agg(t.attempt),
           array_agg(t.part), array_agg(t.total), array_agg(t.operator_id),
           array_agg(t.submitted_at), array_agg(t.recall)
      into v_acct, v_id, attempt, part, total, operator_id, submitted_at, recall
      from taken t;

    if v_id is null then
        return;
    end if;

    v_low := id_min(v_id);
    v_high := id_max(v_id);

    -- what has ended meanwhile is not asked about
    delete from ask a
     using unnest(v_acct, v_id) u (a, m)
     where a.account_id = u.a and a.message_id = u.m
       and (select true from settlement e
             where e.account_id = u.a and e.message_id = u.m
               and e.message_id >= v_low and e.message_id <= v_high
             limit 1);

    select array_agg(m.message_id), array_agg(m.account_id), array_agg(m.submission_id),
           array_agg(m."to"), array_agg(m.class), array_agg(m.recipient_type),
           array_agg(m.brand_id), array_agg(u.attempt), array_agg(m.sender),
           array_agg(null::text), array_agg(m.encoding), array_agg(m.parts),
           array_agg(m.price_micro), array_agg(m.accepted_at), array_agg(m.expires_at),
           array_agg(m.test), array_agg(null::text), array_agg(u.part), array_agg(u.total),
           array_agg(u.operator_id), array_agg(u.submitted_at), array_agg(u.recall)
      into message_id, account_id, submission_id, "to", class, rtype, brand_id, attempt, sender,
           body, enc, parts, price, accepted_at, expires_at, test, doc, part, total,
           operator_id, submitted_at, recall
      from unnest(v_acct, v_id, attempt, part, total, operator_id, submitted_at, recall)
           u (a, m, attempt, part, total, operator_id, submitted_at, recall)
     cross join lateral (
           select x.* from message x
            where x.account_id = u.a and x.message_id = u.m
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
     where exists (select from ask a
                    where a.account_id = u.a and a.message_id = u.m
                      and a.attempt = u.attempt and a.part = u.part);
end
$$;

-- What the operator said of these parts, each once: rows that are not asked about any
-- more do not count.  p_answer
--     1 told: p_state, as in a receipt
--     2 taken back: it had arrived and has not gone out
--     3 not known to the operator, which was asked without an id of its own: it never
--       arrived
--     4 it cannot tell
--     5 no answer
-- A final state is the receipt.  When all parts in doubt of an attempt are of 2 or 3 and
-- none of it was sent, the message goes again, or has expired.  4, and 5 for ask_tries
-- times: it stays held as if nobody had asked.  2 of one that was to be taken back: see
-- optout_recalled().
create function sms.asked(
    p_link_id int, p_now timestamptz, p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_part smallint[], p_answer smallint[], p_state smallint[],
    p_code int[], p_reason smallint[], p_at timestamptz[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid := id_min(p_message);
    v_high      uuid := id_max(p_message);
    v_tries     int := setting_int('ask_tries');
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_part      smallint[];
    v_total     smallint[];
    v_state     smallint[];
    v_code      int[];
    v_reason    smallint[];
    v_at        timestamptz[];
    n           int;
begin
    -- Ours are those that are still asked about; in key order, as everybody locks them.
    select array_agg(a.account_id), array_agg(a.message_id), array_agg(a.attempt),
           array_agg(a.part), array_agg(a.total), array_agg(a.answer), array_agg(a.state),
           array_agg(a.code), array_agg(a.reason), array_agg(a.at), count(*)
      into v_acct, v_id, v_attempt, v_part, v_total, p_answer, v_state, v_code, v_reason, v_at,
           n
      from (select x.account_id, x.message_id, x.attempt, x.part, x.total,
                   case when u.answer = 5 and x.tries >= v_tries then 4
                        when u.answer = 3 and x.operator_id is not null then 4
                        when u.answer = 1 and u.state not between 1 and 8 then 4
                        when u.answer = 1 and u.state = 7 then 4
                        else u.answer end::smallint as answer,
                   u.state, u.code, u.reason, u.at
              from unnest(p_account, p_message, p_attempt, p_part, p_answer, p_state, p_code,
                          p_reason, p_at)
                   u (account_id, message_id, attempt, part, answer, state, code, reason, at)
              join ask x using (account_id, message_id, attempt, part)
             order by x.account_id, x.message_id, x.attempt, x.part
               for update of x) a;

    if n = 0 then
        return 0;
    end if;

    if 2 = any (p_answer) then
        update ask a
           set recalled = true, at = 'infinity'
          from unnest(v_acct, v_id, v_attempt, v_part, p_answer) u (a, m, t, p, answer)
         where a.account_id = u.a and a.message_id = u.m and a.attempt = u.t and a.part = u.p
           and u.answer = 2 and a.recall;
    end if;

    -- told that it is on its way, and those without an answer: asked again
    delete from ask a
     using unnest(v_acct, v_id, v_attempt, v_part, p_answer, v_state) u (a, m, t, p, answer, s)
     where a.account_id = u.a and a.message_id = u.m and a.attempt = u.t and a.part = u.p
       and u.answer <> 5 and not (u.answer = 1 and u.s in (1, 6)) and not a.recalled;

    -- Nobody can tell of an overdue receipt: it has been waited for long enough.
    if 4 = any (p_answer) then
        update receipt_wait w
           set at = least(w.at, p_now)
          from unnest(v_acct, v_id, p_answer) u (a, m, answer)
         where w.account_id = u.a and w.message_id = u.m and w.asked and u.answer = 4
           and (select true from ask k
                 where k.account_id = u.a and k.message_id = u.m
                 limit 1) is null;
    end if;

    update in_doubt d
       set answer = case u.answer when 1 then 'told' when 2 then 'taken-back'
                                  when 3 then 'not-known' else 'no-answer' end,
           closed_at = case when u.answer = 1 and u.s not in (1, 6) then p_now end,
           outcome = case when u.answer = 1 and u.s not in (1, 6) then 'matched' end
      from unnest(v_acct, v_id, v_attempt, v_part, p_answer, v_state) u (a, m, t, p, answer, s)
     where d.account_id = u.a and d.message_id = u.m and d.attempt = u.t and d.part = u.p
       and d.closed_at is null and u.answer <> 5;

    -- a part of which the operator tells was sent, whatever came back then
    update submit s
       set outcome = 1, price_micro = null
      from unnest(v_acct, v_id, v_attempt, v_part, p_answer) u (a, m, t, p, answer)
     where s.account_id = u.a and s.message_id = u.m and s.attempt = u.t and s.part = u.p
       and s.message_id = any (v_id) and s.message_id >= v_low and s.message_id <= v_high
       and s.outcome = 5 and u.answer = 1;

    perform receipt_apply(p_now, array_agg(p_link_id), array_agg(u.a), array_agg(u.m),
                          array_agg(u.t), array_agg(u.p), array_agg(u.total), array_agg(u.s),
                          array_agg(u.c), array_agg(u.r), array_agg(coalesce(u.at, p_now)))
       from unnest(v_acct, v_id, v_attempt, v_part, v_total, p_answer, v_state, v_code,
                   v_reason, v_at) u (a, m, t, p, total, answer, s, c, r, at)
      where u.answer = 1 and u.s not in (1, 6)
     having count(*) > 0;

    -- The others' accounts are locked after those of receipt_apply() have been, which is
    -- out of order: so they are another call's, see asked_again().
    return n;
end
$$;

-- Sends again what operators have taken back or never had.  Upkeep calls it.
create function sms.asked_again(p_now timestamptz, p_limit int)
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_link      int[];
    v_acct      bigint[];
    v_id        uuid[];
    v_attempt   smallint[];
    v_late      boolean[];
    v_class     smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
    v_low       uuid;
    v_high      uuid;
begin
    with whole as (
        select d.account_id, d.message_id, d.attempt, min(d.link_id) as link_id
          from in_doubt d
         where d.closed_at is null and d.policy = 'ask'
         group by d.account_id, d.message_id, d.attempt
        having bool_and(coalesce(d.answer in ('taken-back', 'not-known'), false))
         limit p_limit
    )
    select array_agg(w.account_id), array_agg(w.message_id), array_agg(w.attempt),
           array_agg(w.link_id)
      into v_acct, v_id, v_attempt, v_link
      from whole w;

    if v_id is null then
        return 0;
    end if;

    v_low := id_min(v_id);
    v_high := id_max(v_id);

    select array_agg(u.l), array_agg(u.a), array_agg(u.m), array_agg(u.t), array_agg(m.class),
           array_agg(m.parts), array_agg(m.expires_at), array_agg(m.expires_at <= p_now)
      into v_link, v_acct, v_id, v_attempt, v_class, v_parts, v_expires, v_late
      from unnest(v_link, v_acct, v_id, v_attempt) u (l, a, m, t)
     cross join lateral (
           select x.class, x.parts, x.expires_at from message x
            where x.account_id = u.a and x.message_id = u.m
              and x.message_id >= v_low and x.message_id <= v_high
            limit 1) m
     -- a part that was sent cannot be sent again, and the rest alone says nothing
     where (select true from submit s
             where s.account_id = u.a and s.message_id = u.m and s.attempt = u.t
               and s.message_id >= v_low and s.message_id <= v_high and s.outcome = 1
             limit 1) is null
       and (select true from settlement e
             where e.account_id = u.a and e.message_id = u.m
               and e.message_id >= v_low and e.message_id <= v_high
             limit 1) is null;

    if v_id is null then
        return 0;
    end if;

    perform account_lock(v_acct);

    update in_doubt d
       set closed_at = p_now, outcome = case when u.late then 'settled' else 'resent' end
      from unnest(v_acct, v_id, v_attempt, v_late) u (a, m, t, late)
     where d.account_id = u.a and d.message_id = u.m and d.attempt = u.t
       and d.closed_at is null;

    perform send_again(p_now, array_agg(u.l), array_agg(u.a), array_agg(u.m),
                       array_agg(u.t), array_agg(u.c), array_agg(u.p), array_agg(u.e))
       from unnest(v_link, v_acct, v_id, v_attempt, v_class, v_parts, v_expires, v_late)
            u (l, a, m, t, c, p, e, late)
      where not u.late
     having count(*) > 0;

    perform settle(p_now, array_agg(u.a), array_agg(u.m), array_agg(3::smallint),
                   array_agg('expired'::text), array_agg(true))
       from unnest(v_acct, v_id, v_late) u (a, m, late)
      where u.late
     having count(*) > 0;

    return cardinality(v_id);
end
$$;

-- Another attempt of messages over their link, after p_attempt.  Commercial ones go
-- through screen, their consent has aged.  The accounts are locked.
create function sms.send_again(
    p_now timestamptz, p_link int[], p_account bigint[], p_message uuid[],
    p_attempt smallint[], p_class smallint[], p_parts smallint[], p_expires timestamptz[])
returns void
language plpgsql
as $$
begin
    insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
    select p_now, u.a, u.e, u.t + 1, u.p, u.m, 'retry'
      from unnest(p_account, p_message, p_attempt, p_class, p_parts, p_expires)
           u (a, m, t, c, p, e)
     where u.c = 3;

    perform enqueue(x.accts, array_fill(0::bigint, array[cardinality(x.accts)]), x.acct, x.id,
                    x.lane, places(x.acct, x.lane), x.attempt, x.parts, x.expires,
                    array_fill(null::timestamptz, array[cardinality(x.id)]))
       from (select array_agg(distinct u.a) as accts, array_agg(u.a) as acct,
                    array_agg(u.m) as id,
                    array_agg(u.l * 64 + case u.c when 1 then 0 else 16 end) as lane,
                    array_agg((u.t + 1)::smallint) as attempt, array_agg(u.p) as parts,
                    array_agg(u.e) as expires
               from unnest(p_link, p_account, p_message, p_attempt, p_class, p_parts,
                           p_expires) u (l, a, m, t, c, p, e)
              where u.c <> 3) x
      where x.id is not null;
end
$$;

-- Before a message ends without a receipt, its operator is asked, where somebody does
-- that: those that are due are put off once, for ask_minutes.
create function sms.ask_overdue(p_now timestamptz, p_limit int)
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_link  int[] := array(select k.link_id from link k
                            where k.asks_at > p_now - interval '10 minutes');
    v_after interval := setting_int('ask_minutes') * interval '1 minute';
    v_acct  bigint[];
    v_id    uuid[];
    v_low   uuid;
    v_high  uuid;
begin
    if v_link = '{}' then
        return 0;
    end if;

    with late as (
        update receipt_wait w
           set at = p_now + v_after, asked = true
         where w.ctid = any (array(select x.ctid from receipt_wait x
                                    where x.at <= p_now and not x.asked
                                      and x.link_id = any (v_link)
                                    order by x.at
                                    limit p_limit
                                      for update skip locked))
        returning w.account_id, w.message_id
    )
    select array_agg(l.account_id), array_agg(l.message_id) into v_acct, v_id from late l;

    if v_id is null then
        return 0;
    end if;

    v_low := id_min(v_id);
    v_high := id_max(v_id);

    insert into ask (account_id, at, submitted_at, link_id, attempt, part, total, message_id,
                     operator_id)
    select u.a, p_now, s.at, s.link_id, s.attempt, s.part, s.total, u.m, s.operator_id
      from unnest(v_acct, v_id) u (a, m)
     cross join lateral (
           select x.* from submit x
            where x.account_id = u.a and x.message_id = u.m
              and x.message_id >= v_low and x.message_id <= v_high
              and x.outcome = 1 and x.operator_id is not null
           offset 0) s
     where s.link_id = any (v_link)
       and (select true from receipt r
             where r.account_id = u.a and r.message_id = u.m
               and r.message_id >= v_low and r.message_id <= v_high
               and r.attempt = s.attempt and r.part = s.part
             limit 1) is null
        on conflict do nothing;

    return cardinality(v_id);
end
$$;

grant execute on function
    sms.ask_take(int, text, bigint, int, timestamptz),
    sms.asked(int, timestamptz, bigint[], uuid[], smallint[], smallint[], smallint[],
              smallint[], int[], smallint[], timestamptz[])
    to sms_worker;

