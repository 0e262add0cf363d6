-- expand: webhooks: requests, what was answered, replays

set role sms_owner;

-- What was answered.
create table sms.webhook_delivery (
    account_id  bigint not null,
    at          timestamptz not null,
    -- NULL: it is not tried again
    next_at     timestamptz,
    attempt     int not null,
    -- of HTTP; 0 and less: none, webhook_error() tells
    status      int not null,
    took_ms     int not null,
    events      int not null,
    webhook_id  uuid not null,
    delivery_id uuid not null,
    post_id     uuid not null,
    primary key (account_id, webhook_id, delivery_id)
);

-- Events that are to be told again, from message to message.
create table sms.webhook_replay (
    account_id  bigint not null,
    from_at     timestamptz not null,
    until_at    timestamptz not null,
    events      bigint not null default 0,
    webhook_id  uuid not null,
    replay_id   uuid not null,
    -- the last message that was looked at
    position    uuid not null,
    -- stopped: the endpoint went away
    state       text not null default 'running' check (state in ('running', 'done', 'stopped')),
    types       text[] not null,
    primary key (account_id, webhook_id, replay_id)
) with (fillfactor = 50);

create unique index webhook_replay_running on sms.webhook_replay (account_id, webhook_id)
    where state = 'running';

-- Makes requests of what has ended since, at most about so many events of it.
-- Who takes them by mistake at the same time waits, and finds them gone.
create function sms.webhook_split(p_now timestamptz, p_events int)
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
begin
    -- 40 octets an event, give or take the account's digits
    with waiting as (
        select o.place, o.not_before,
               sum(o.octets) over (order by o.not_before, o.place) - o.octets as before
          from (select x.ctid as place, x.not_before, octet_length(x.payload) as octets
                  from outbox x
                 where x.topic = 'webhook'
                 order by x.not_before
                 limit p_events) o
    ), gone as (
        delete from outbox o
         where o.ctid = any (array(select w.place from waiting w
                                    where w.before < p_events::bigint * 40))
        returning split_part(o.payload, ' ', 1)::bigint[] as accounts,
                  split_part(o.payload, ' ', 2)::uuid[] as messages
    ), ended as (
        select u.account_id, u.message_id,
               row_number() over (partition by u.account_id) - 1 as nth
          from gone g
         cross join lateral unnest(g.accounts, g.messages) u (account_id, message_id)
    ), endpoint as (
        select w.account_id, w.webhook_id, w.batch
          from webhook w
         where w.account_id = any (array(select distinct e.account_id from ended e))
           and w.state = 'on' and w.ended
    )
    insert into outbox (account_id, not_before, outbox_id, topic, key, payload)
    select e.account_id, p_now, id_new(), 'webhook_post', w.webhook_id::text,
           array_agg(e.message_id)::text
      from ended e
      join endpoint w using (account_id)
     group by e.account_id, w.webhook_id, e.nth / w.batch;
end
$$;

-- One step of each replay that runs: so many messages are looked at, unless much is
-- waiting for the endpoint already.
create function sms.webhook_replay_step(p_now timestamptz, p_messages int)
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    r       record;
    v_ids   uuid[];
    v_last  uuid;
    n       int;
begin
    for r in
        select p.account_id, p.webhook_id, p.replay_id, p.position, p.from_at, p.until_at,
               p.types, id_low(p.until_at) as high, w.batch, coalesce(w.state, 'gone') as state
          from webhook_replay p
          left join webhook w using (account_id, webhook_id)
         where p.state = 'running'
           -- one that does not keep up waits, and keeps nobody else waiting
           and (select count(*)
                  from (select from outbox o
                         where o.topic = 'webhook_post' and o.account_id = p.account_id
                           and o.key = p.webhook_id::text
                         limit 1000) o) < 1000
         order by p.replay_id
         limit 8
    loop
        if r.state <> 'on' then
            update webhook_replay p
               set state = 'stopped'
             where p.account_id = r.account_id and p.webhook_id = r.webhook_id
               and p.replay_id = r.replay_id;
            continue;
        end if;

        select array_agg(s.message_id order by s.message_id)
                   filter (where s.settled_at >= r.from_at and s.settled_at < r.until_at
                             and (r.types = '{}'
                                  or 'message.' || state_name(s.state) = any (r.types))),
               count(*), max(s.message_id::text)
          into v_ids, n, v_last
          from (select x.message_id, x.settled_at, x.state
                  from settlement x
                 where x.account_id = r.account_id and x.message_id > r.position
                   and x.message_id < r.high
                 order by x.message_id
                 limit p_messages) s;

        insert into outbox (account_id, not_before, outbox_id, topic, key, payload)
        select r.account_id, p_now, id_new(), 'webhook_post', r.webhook_id::text,
               array_agg(u.id order by u.nth)::text
          from unnest(v_ids) with ordinality u (id, nth)
         group by (u.nth - 1) / r.batch;

        update webhook_replay p
           set position = coalesce(v_last, p.position),
               events = p.events + coalesce(cardinality(v_ids), 0),
               state = case when n < p_messages then 'done' else 'running' end
         where p.account_id = r.account_id and p.webhook_id = r.webhook_id
           and p.replay_id = r.replay_id;
    end loop;
end
$$;

-- Requests that are due, hidden from other takers until p_until: at most p_posts,
-- to one endpoint at most p_each at a time (four times that of single events), and
-- one where the last one failed.  p_events 0: of the requests that are there already.
-- p_busy: the endpoint of each that is on its way.  An endpoint that fails is left
-- alone for a while, so it cannot take the places of the others.
--
-- A row for each event, those of a request together, and in its first one the
-- request's own columns, which are NULL in the others.  "single": the request is its
-- event, not a list.  "event": it is one, as JSON.
-- A message that is there no longer, or that the endpoint does not want, has only
-- NULLs.
create function sms.webhook_take(
    p_now timestamptz, p_until timestamptz, p_events int, p_posts int, p_each int,
    p_busy uuid[])
returns table (
    account_id bigint, webhook_id uuid, post_id uuid, url text, secret bytea, old_secret bytea,
    single boolean, unit text, event text, message_id uuid, submission_id uuid, "to" bigint,
    state text, code text, parts smallint, test boolean, price_micro bigint,
    refunded_micro bigint, settled_at timestamptz)
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_acct      bigint[];
    v_hook      uuid[];
    v_post      uuid[];
    v_payload   text[];
    v_all       uuid[];
    v_low       uuid;
    v_high      uuid;
begin
    -- nobody is told: it is asked ten times a second all the same
    if not exists (select from webhook w where w.state = 'on') then
        return;
    end if;

    if p_events > 0 then
        perform webhook_split(p_now, p_events);

        if exists (select from webhook_replay r where r.state = 'running') then
            perform webhook_replay_step(p_now, 20000);
        end if;
    end if;

    -- from endpoint to endpoint by the index: one that is down may have very many
    -- waiting
    with recursive waiting as (
        (select x.account_id, x.key from outbox x
          where x.topic = 'webhook_post'
          order by x.account_id, x.key
          limit 1)
        union all
        select n.account_id, n.key
          from waiting w
         cross join lateral (
               select x.account_id, x.key from outbox x
                where x.topic = 'webhook_post'
                  and (x.account_id, x.key) > (w.account_id, w.key)
                order by x.account_id, x.key
                limit 1) n
    ), due as (
        select d.place
          from waiting w
         cross join lateral (
               select x.failures, x.batch from webhook x
                where x.account_id = w.account_id and x.webhook_id = w.key::uuid
                  and x.state = 'on' and x.not_before <= p_now
                limit 1) h
         cross join lateral (
               select x.ctid as place, x.not_before
                 from outbox x
                where x.topic = 'webhook_post' and x.account_id = w.account_id
                  and x.key = w.key and x.not_before <= p_now
                order by x.not_before
                limit greatest(0, case when h.failures > 0 then 1
                                       when h.batch = 1 then 4 * p_each else p_each end
                                  - (select count(*) from unnest(p_busy) b
                                      where b = w.key::uuid))) d
         order by d.not_before
         limit p_posts
    ), taken as (
        update outbox o
           set not_before = p_until, tries = o.tries + 1
         where o.ctid = any (array(select d.place from due d))
           -- nobody else has taken it meanwhile; in words that no index knows
           and greatest(o.not_before, p_now) = p_now
        returning o.account_id, o.key::uuid as webhook_id, o.outbox_id, o.payload
    )
    select array_agg(t.account_id), array_agg(t.webhook_id), array_agg(t.outbox_id),
           array_agg(t.payload)
      into v_acct, v_hook, v_post, v_payload
      from taken t;

    if v_post is null then
        return;
    end if;

    v_all := array(select e
                     from unnest(v_payload) p
                    cross join lateral unnest(case when left(p, 2) = '{"' then '{}' else p end::uuid[]) e
                    order by e);
    v_low := v_all[1];
    v_high := v_all[cardinality(v_all)];

    return query
    select p.account_id, p.webhook_id, p.post_id,
           case when e.nth = 1 then h.url end, case when e.nth = 1 then h.secret end,
           case when e.nth = 1 and h.old_until > p_now then h.old_secret end,
           -- 38 octets: a list of one
           case when e.nth = 1 then h.batch = 1 and (e.message_id is null
                                                     or octet_length(p.payload) = 38) end,
           case when e.nth = 1 then a.unit::text end,
           case when e.message_id is null then p.payload end,
           m.message_id, m.submission_id, m."to", state_name(s.state), s.code, m.parts, m.test,
           m.price_micro, s.refunded_micro, s.settled_at
      from unnest(v_acct, v_hook, v_post, v_payload)
           with ordinality p (account_id, webhook_id, post_id, payload, i)
     cross join lateral (
           select x.url, x.secret, x.old_secret, x.old_until, x.batch, x.types
             from webhook x
            where x.account_id = p.account_id and x.webhook_id = p.webhook_id
            limit 1) h
     cross join lateral (
           select x.unit from account x
            where x.account_id = p.account_id
            limit 1) a
     cross join lateral
           unnest(case when left(p.payload, 2) = '{"' then array[null::uuid] else p.payload::uuid[] end)
           with ordinality e (message_id, nth)
      left join lateral (
           select x.state, x.code, x.refunded_micro, x.settled_at from settlement x
            where x.account_id = p.account_id and x.message_id = e.message_id
              and x.message_id >= v_low and x.message_id <= v_high
              and (h.types = '{}' or 'message.' || state_name(x.state) = any (h.types))
            limit 1) s on true
      left join lateral (
           select x.message_id, x.submission_id, x."to", x.parts, x.test, x.price_micro
             from message x
            where x.account_id = p.account_id and x.message_id = e.message_id
              and x.message_id >= v_low and x.message_id <= v_high
              -- both or none
              and s.state is not null
            limit 1) m on true
     order by p.i, e.nth;
end
$$;

-- After so many failures: the schedule of Standard Webhooks 1.0.0, ten tries in three
-- days.
create function sms.webhook_pause(p_failures int)
returns interval
language sql immutable strict parallel safe
as $$
    select (array['5 s', '5 min', '30 min', '2 h', '5 h', '10 h', '14 h', '20 h', '24 h']
            ::interval[])[greatest(1, least(p_failures, 9))]
$$;

-- A status that is none: a negative sms_rc_t.
create function sms.webhook_error(p_status int)
returns text
language sql immutable parallel safe
as $$
    select case p_status when -1 then 'answer-too-large' when -4 then 'timeout'
                         when -5 then 'address-refused' when -6 then 'unreachable'
                         else 'internal' end
     where p_status <= 0
$$;

-- What became of requests.  p_status: the HTTP status, or, where there was no answer,
-- a negative sms_rc_t.  p_events 0: there was nothing to be sent.  p_retry: seconds
-- that the endpoint asked for, or 0.  2xx ends a request, 410 the endpoint.  Else it is
-- due again, later and later, and its endpoint not before the pause.
create function sms.webhook_done(
    p_now timestamptz, p_account bigint[], p_webhook uuid[], p_post uuid[], p_status int[],
    p_took_ms int[], p_events int[], p_retry int[])
returns void
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_well  uuid[] := array(select distinct u.w from unnest(p_webhook, p_status) u (w, s)
                             where u.s between 200 and 299);
begin
    with answer as (
        select u.*, o.tries,
               case when u.status not between 200 and 299 and u.status <> 410 and o.tries < 10
                    then p_now + webhook_pause(o.tries) * (1 + random() * 0.1)
               end as next_at
          from unnest(p_account, p_webhook, p_post, p_status, p_took_ms, p_events)
               u (account_id, webhook_id, post_id, status, took_ms, events)
         cross join lateral (
               select x.tries from outbox x
                where x.account_id = u.account_id and x.outbox_id = u.post_id
                limit 1) o
    ), logged as (
        insert into webhook_delivery (account_id, at, next_at, attempt, status, took_ms, events,
                                      webhook_id, delivery_id, post_id)
        select a.account_id, p_now, a.next_at, a.tries, a.status, a.took_ms, a.events,
               a.webhook_id, id_new(p_now), a.post_id
          from answer a
         where a.events > 0
    ), later as (
        update outbox o
           set not_before = a.next_at
          from answer a
         where o.account_id = a.account_id and o.outbox_id = a.post_id
           and a.next_at is not null
    )
    delete from outbox o
     using answer a
     where o.account_id = a.account_id and o.outbox_id = a.post_id
       -- what is left to an endpoint that is gone is upkeep's
       and a.next_at is null and a.status <> 410;

    if v_well <> '{}' then
        update webhook w
           set not_before = '-infinity', failures = 0, failing_since = null
         where w.account_id = any (p_account) and w.webhook_id = any (v_well)
           and w.failures > 0;
    end if;

    if exists (select from unnest(p_status) s where s not between 200 and 299) then
        -- those that were under way together are one failure
        update webhook w
           set not_before = p_now + greatest(least(webhook_pause(w.failures + 1),
                                                   interval '2 min'),
                                             least(f.retry, 3600) * interval '1 s'),
               failures = w.failures + 1,
               failing_since = coalesce(w.failing_since, p_now),
               state = case
                   when f.gone then 'gone'
                   when w.failing_since <= p_now - setting_int('webhook_fail_days')
                                                   * interval '1 day' then 'failed'
                   else w.state end
          from (select u.account_id, u.webhook_id, max(u.retry) as retry,
                       bool_or(u.status = 410) as gone
                  from unnest(p_account, p_webhook, p_status, p_retry)
                       u (account_id, webhook_id, status, retry)
                 where u.status not between 200 and 299
                 group by u.account_id, u.webhook_id) f
         where w.account_id = f.account_id and w.webhook_id = f.webhook_id
           and (f.gone or (w.not_before <= p_now and w.webhook_id <> all (v_well)))
           and w.state = 'on';
    end if;
end
$$;

grant execute on function
    sms.webhook_take(timestamptz, timestamptz, int, int, int, uuid[]),
    sms.webhook_done(timestamptz, bigint[], uuid[], uuid[], int[], int[], int[], int[])
    to sms_worker;

-- Drops requests that were tried for too long, and those that have no endpoint any
-- more; forgets old answers.
create function sms.upkeep_webhooks(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_old       uuid := id_low(p_now - setting_int('webhook_hours') * interval '1 hour');
    v_forgot    uuid := id_low(p_now - setting_int('webhook_log_hours') * interval '1 hour');
    n           int;
    f           int;
    v_sum       bigint;
begin
    with recursive waiting as (
        (select x.account_id, x.key from outbox x
          where x.topic = 'webhook_post'
          order by x.account_id, x.key
          limit 1)
        union all
        select n.account_id, n.key
          from waiting w
         cross join lateral (
               select x.account_id, x.key from outbox x
                where x.topic = 'webhook_post'
                  and (x.account_id, x.key) > (w.account_id, w.key)
                order by x.account_id, x.key
                limit 1) n
    ), dead as (
        select d.place
          from waiting w
          left join lateral (
               select true as there from webhook x
                where x.account_id = w.account_id and x.webhook_id = w.key::uuid
                  and x.state = 'on'
                limit 1) h on true
         cross join lateral (
               select x.ctid as place from outbox x
                where x.account_id = w.account_id and x.topic = 'webhook_post'
                  and x.key = w.key
                  and x.outbox_id < case when h.there then v_old
                                         else 'ffffffff-ffff-ffff-ffff-ffffffffffff' end
                limit p_limit) d
         limit p_limit
    ), dropped as (
        delete from outbox o
         where o.ctid = any (array(select d.place from dead d))
        returning o.payload
    )
    -- 37 octets an id, and a brace
    select count(*),
           coalesce(sum(case when left(payload, 2) = '{"' then 1 else octet_length(payload) / 37 end), 0)
      into n, v_sum
      from dropped;

    delete from webhook_delivery d
     where d.ctid = any (array(
               select x.place
                 from webhook w
                cross join lateral (
                      select y.ctid as place from webhook_delivery y
                       where y.account_id = w.account_id and y.webhook_id = w.webhook_id
                         and y.delivery_id < v_forgot
                       limit p_limit) x
                limit p_limit));

    get diagnostics f = row_count;

    return json_build_object('webhooks_dropped', v_sum, 'more', n >= p_limit or f >= p_limit);
end
$$;
