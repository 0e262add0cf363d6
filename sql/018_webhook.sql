-- expand: webhooks: each account's endpoint is told which of its messages have ended
--
-- sms.settle() leaves one outbox row a call (topic 'webhook', account 0): which
-- messages ended.  webhook_take() makes requests of them (topic 'webhook_post'),
-- each of one account; outbox_id is the request's id for ever, so that it is sent
-- again as it was sent first.  What is handed out is hidden for a while: a worker
-- that dies with it loses nothing.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('webhook_hours', '72', 'how long a webhook request that fails is tried again');

create table sms.webhook (
    account_id  bigint primary key,
    created_at  timestamptz not null default now(),
    -- no request before then: the endpoint has failed so many times in a row
    not_before  timestamptz not null default '-infinity',
    failures    int not null default 0,
    -- off: it has answered that it is gone
    state       text not null default 'on' check (state in ('on', 'off')),
    url         text not null,
    secret      bytea not null check (length(secret) between 24 and 64)
) with (fillfactor = 50);

-- What is in it comes and goes within a second.
alter table sms.outbox set (autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- Ids do not compress, and trying costs more than writing them.
alter table sms.outbox alter column payload set storage external;

create index outbox_post on sms.outbox (account_id, not_before) where topic = 'webhook_post';


-- ---- for administrators -----------------------------------------------------

create function sms.webhook_url_check(p_url text)
returns void
language plpgsql
as $$
declare
    v_authority text := substring(p_url from '^[^:]*://([^/?#]*)');
    v_wrong     text;
begin
    v_wrong := case
        when p_url is null or p_url !~* '^https?://' then 'it must begin with https:// or http://'
        when length(p_url) > 2000 then 'it is longer than 2000 characters'
        when p_url ~ '[^\x21-\x7e]' then 'it has a character that is not printable ASCII'
        when strpos(p_url, '#') > 0 then 'it has a fragment (#)'
        when strpos(v_authority, '@') > 0 then 'it has user information (@)'
        when p_url ~ '[\\"<>^`{|}]' then 'it has a character that must be percent-encoded'
        when v_authority !~ '^(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z_.-]{1,253})(:[0-9]{1,5})?$'
            then 'its host or port is malformed'
        when substring(v_authority from ':([0-9]+)$')::int not between 1 and 65535
            then 'its port must be 1 to 65535'
        end;

    if v_wrong is not null then
        raise exception 'bad-url: %', v_wrong using errcode = 'SMS04';
    end if;
end
$$;

-- One endpoint an account.  Answers the secret that requests are signed with, in
-- the form that receivers' libraries take (Standard Webhooks).  Set again, with a
-- new secret unless it is given, it begins anew; what waits is sent there.
create function sms.webhook_set(
    p_account bigint, p_url text,
    p_secret bytea default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                                  || uuid_send(gen_random_uuid())))
returns text
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    perform from account where account_id = p_account;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    perform webhook_url_check(p_url);

    if coalesce(length(p_secret), 0) not between 24 and 64 then
        raise exception 'bad-secret: it must have 24 to 64 octets' using errcode = 'SMS04';
    end if;

    insert into webhook (account_id, url, secret)
    values (p_account, p_url, p_secret)
        on conflict (account_id) do update
           set url = excluded.url, secret = excluded.secret, state = 'on',
               not_before = '-infinity', failures = 0;

    return 'whsec_' || translate(encode(p_secret, 'base64'), E'\n', '');
end
$$;

-- What waits for it is dropped.
create function sms.webhook_clear(p_account bigint)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    delete from webhook where account_id = p_account;

    delete from outbox where account_id = p_account and topic = 'webhook_post';
end
$$;


-- ---- what has ended ---------------------------------------------------------

-- Called by sms.settle() with what ended, and only where somebody is to be told.
create function sms.webhook_put(p_now timestamptz, p_account bigint[], p_message uuid[])
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_told  bigint[] := array(select w.account_id from webhook w
                               where w.account_id = any (p_account) and w.state = 'on');
begin
    if v_told = '{}' then
        return;
    end if;

    insert into outbox (account_id, not_before, outbox_id, topic, key, payload)
    select 0, p_now, id_new(p_now), 'webhook', '',
           array_agg(u.account_id)::text || ' ' || array_agg(u.message_id)::text
      from unnest(p_account, p_message) u (account_id, message_id)
     where u.account_id = any (v_told);
end
$$;


-- ---- requests ---------------------------------------------------------------

-- Makes requests of what has ended since, at most about so many events of it.
-- Who takes them by mistake at the same time waits, and finds them gone.
create function sms.webhook_split(p_now timestamptz, p_events int, p_batch int)
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
    ), request as (
        select e.account_id, array_agg(e.message_id)::text as payload
          from ended e
         group by e.account_id, e.nth / p_batch
    )
    insert into outbox (account_id, not_before, outbox_id, topic, key, payload)
    select r.account_id, p_now, id_new(), 'webhook_post', '', r.payload
      from request r
     where (select true from webhook w
             where w.account_id = r.account_id and w.state = 'on'
             limit 1);
end
$$;

-- Requests that are due, hidden from other takers until p_until: at most p_posts,
-- of one account at most p_each at a time, and one where the last one failed.
-- p_events 0: of the requests that are there already.  p_busy: the account of each
-- that is on its way.  An endpoint that fails is left
-- alone for a while, so it cannot take the places of the others.
--
-- A row for each event, those of a request together, and in its first one the
-- request's own columns, which are NULL in the others.  A message that is there no
-- longer has only NULLs.
create function sms.webhook_take(
    p_now timestamptz, p_until timestamptz, p_events int, p_batch int, p_posts int, p_each int,
    p_busy bigint[])
returns table (
    account_id bigint, post_id uuid, url text, secret bytea, unit text, message_id uuid,
    submission_id uuid, "to" bigint, state text, code text, parts smallint, test boolean,
    price_micro bigint, refunded_micro bigint, settled_at timestamptz)
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_acct      bigint[];
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
        perform webhook_split(p_now, p_events, p_batch);
    end if;

    -- from account to account by the index: an endpoint that is down may have very
    -- many waiting
    with recursive waiting as (
        (select x.account_id from outbox x
          where x.topic = 'webhook_post'
          order by x.account_id
          limit 1)
        union all
        select (select x.account_id from outbox x
                 where x.topic = 'webhook_post' and x.account_id > w.account_id
                 order by x.account_id
                 limit 1)
          from waiting w
         where w.account_id is not null
    ), due as (
        select d.place
          from waiting w
         cross join lateral (
               select x.failures from webhook x
                where x.account_id = w.account_id and x.state = 'on' and x.not_before <= p_now
                limit 1) h
         cross join lateral (
               select x.ctid as place, x.not_before
                 from outbox x
                where x.topic = 'webhook_post' and x.account_id = w.account_id
                  and x.not_before <= p_now
                order by x.not_before
                limit greatest(0, case when h.failures > 0 then 1 else p_each end
                                  - (select count(*) from unnest(p_busy) b
                                      where b = w.account_id))) d
         order by d.not_before
         limit p_posts
    ), taken as (
        update outbox o
           set not_before = p_until, tries = o.tries + 1
         where o.ctid = any (array(select d.place from due d))
           -- nobody else has taken it meanwhile; in words that no index knows
           and greatest(o.not_before, p_now) = p_now
        returning o.account_id, o.outbox_id, o.payload
    )
    select array_agg(t.account_id), array_agg(t.outbox_id), array_agg(t.payload)
      into v_acct, v_post, v_payload
      from taken t;

    if v_post is null then
        return;
    end if;

    v_all := array(select e from unnest(v_payload) p cross join lateral unnest(p::uuid[]) e
                    order by e);
    v_low := v_all[1];
    v_high := v_all[cardinality(v_all)];

    return query
    select p.account_id, p.post_id,
           case when e.nth = 1 then h.url end, case when e.nth = 1 then h.secret end,
           case when e.nth = 1 then a.unit::text end,
           m.message_id, m.submission_id, m."to", state_name(s.state), s.code, m.parts, m.test,
           m.price_micro, s.refunded_micro, s.settled_at
      from unnest(v_acct, v_post, v_payload) with ordinality p (account_id, post_id, payload, i)
     cross join lateral (
           select x.url, x.secret from webhook x
            where x.account_id = p.account_id
            limit 1) h
     cross join lateral (
           select x.unit from account x
            where x.account_id = p.account_id
            limit 1) a
     cross join lateral unnest(p.payload::uuid[]) with ordinality e (message_id, nth)
      left join lateral (
           select x.state, x.code, x.refunded_micro, x.settled_at from settlement x
            where x.account_id = p.account_id and x.message_id = e.message_id
              and x.message_id >= v_low and x.message_id <= v_high
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

-- After so many failures.
create function sms.webhook_pause(p_failures int)
returns interval
language sql immutable strict parallel safe
as $$
    select (array['5 s', '30 s', '2 min', '10 min', '1 h', '6 h']::interval[])[
               greatest(1, least(p_failures, 6))]
$$;

-- What became of requests; p_status: the HTTP status, 0 where there was no answer.
-- 2xx ends a request, 410 the endpoint.  Else it is due again, later and later, and
-- its account not before its endpoint's pause.
create function sms.webhook_done(
    p_now timestamptz, p_account bigint[], p_post uuid[], p_status int[])
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
    v_well  bigint[] := array(select distinct u.a from unnest(p_account, p_status) u (a, s)
                               where u.s between 200 and 299);
begin
    if v_well <> '{}' then
        perform outbox_done(array_agg(u.a), array_agg(u.m))
           from unnest(p_account, p_post, p_status) u (a, m, s)
          where u.s between 200 and 299;

        update webhook w
           set not_before = '-infinity', failures = 0
         where w.account_id = any (v_well) and w.failures > 0;
    end if;

    if exists (select from unnest(p_status) s where s not between 200 and 299) then
        update outbox o
           set not_before = p_now + webhook_pause(o.tries)
          from unnest(p_account, p_post, p_status) u (a, m, s)
         where o.account_id = u.a and o.outbox_id = u.m and o.topic = 'webhook_post'
           and u.s not between 200 and 299;

        -- those that were under way together are one failure
        update webhook w
           set not_before = p_now + least(webhook_pause(w.failures + 1), interval '2 min'),
               failures = w.failures + 1
         where w.account_id = any (array(select u.a from unnest(p_account, p_status) u (a, s)
                                          where u.s not between 200 and 299
                                            and u.a <> all (v_well)))
           and w.not_before <= p_now;

        update webhook w
           set state = 'off'
         where w.account_id = any (array(select u.a from unnest(p_account, p_status) u (a, s)
                                          where u.s = 410));
    end if;
end
$$;

grant execute on function
    sms.webhook_take(timestamptz, timestamptz, int, int, int, int, bigint[]),
    sms.webhook_done(timestamptz, bigint[], uuid[], int[]) to sms_worker;

-- Drops requests that were tried for too long, and those that have no endpoint any
-- more.
create function sms.upkeep_webhooks(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_old   uuid := id_low(p_now - setting_int('webhook_hours') * interval '1 hour');
    n       int;
    v_sum   bigint;
begin
    with recursive waiting as (
        (select x.account_id from outbox x
          where x.topic = 'webhook_post'
          order by x.account_id
          limit 1)
        union all
        select (select x.account_id from outbox x
                 where x.topic = 'webhook_post' and x.account_id > w.account_id
                 order by x.account_id
                 limit 1)
          from waiting w
         where w.account_id is not null
    ), dead as (
        select d.place
          from waiting w
          left join lateral (
               select true as there from webhook x
                where x.account_id = w.account_id and x.state = 'on'
                limit 1) h on true
         cross join lateral (
               select x.ctid as place from outbox x
                where x.account_id = w.account_id and x.topic = 'webhook_post'
                  and x.outbox_id < case when h.there then v_old
                                         else 'ffffffff-ffff-ffff-ffff-ffffffffffff' end
                limit p_limit) d
         limit p_limit
    ), dropped as (
        delete from outbox o
         where o.ctid = any (array(select d.place from dead d))
        returning octet_length(o.payload) as octets
    )
    -- 37 octets an id, and a brace
    select count(*), coalesce(sum(octets / 37), 0) into n, v_sum from dropped;

    return json_build_object('webhooks_dropped', v_sum, 'more', n >= p_limit);
end
$$;
