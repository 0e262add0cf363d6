-- expand: webhooks: accounts' endpoints are told what became of their messages
--
-- sms.settle() leaves one outbox row a call (topic 'webhook', account 0): which
-- messages ended.  webhook_take() makes requests of them (topic 'webhook_post', key
-- the endpoint); outbox_id is the request's id for ever, so that it is sent again as
-- it was sent first.  What is handed out is hidden for a while: a worker that dies
-- with it loses nothing.  The payload of a request is a list of messages, or one
-- event as JSON.  Requests are made in 023_webhook_post.sql.
--
-- Forms, retries and what an answer means are those of Standard Webhooks 1.0.0.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('webhook_hours', '96', 'how long a webhook request that fails is tried again, at most'),
    ('webhook_fail_days', '5', 'an endpoint that has failed for so long is turned off'),
    ('webhook_log_hours', '168', 'how long it is kept what an endpoint answered'),
    ('webhook_http', 'off', 'on: endpoints may begin with http://');

-- Of messages that have ended; {}: an endpoint wants all.
create function sms.webhook_types_ended()
returns text[]
language sql immutable parallel safe
as $$
    select array['message.delivered', 'message.undelivered', 'message.expired',
                 'message.rejected', 'message.refused', 'message.cancelled', 'message.unknown',
                 'message.no_receipt', 'message.opted_out', 'message.sent']
$$;

-- All that an endpoint can ask for.
create function sms.webhook_types()
returns text[]
language sql immutable parallel safe
as $$
    select sms.webhook_types_ended() || array['message.received']
$$;

create table sms.webhook (
    account_id      bigint not null,
    created_at      timestamptz not null default now(),
    -- no request before then: the endpoint has failed so many times in a row
    not_before      timestamptz not null default '-infinity',
    -- of the first of them
    failing_since   timestamptz,
    -- until then the secret before signs too
    old_until       timestamptz not null default '-infinity',
    failures        int not null default 0,
    -- events of one request; 1: a request is an event, as Standard Webhooks has it
    batch           int not null check (batch between 1 and 500),
    -- does it want messages that have ended
    ended           boolean not null generated always as
                        (types = '{}' or types && sms.webhook_types_ended()) stored,
    webhook_id      uuid not null,
    -- failed: it has failed for days; gone: it has answered that it is gone
    state           text not null default 'on' check (state in ('on', 'off', 'failed', 'gone')),
    url             text not null,
    description     text not null,
    types           text[] not null,
    secret          bytea not null check (length(secret) between 24 and 64),
    old_secret      bytea,
    primary key (account_id, webhook_id)
) with (fillfactor = 50);

-- What is in it comes and goes within a second.
alter table sms.outbox set (autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- Ids do not compress, and trying costs more than writing them.
alter table sms.outbox alter column payload set storage external;

create index outbox_post on sms.outbox (account_id, key, not_before)
    where topic = 'webhook_post';


-- ---- endpoints --------------------------------------------------------------

create function sms.webhook_url_check(p_url text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_authority text := substring(p_url from '^[^:]*://([^/?#]*)');
    v_wrong     text;
begin
    v_wrong := case
        when p_url is null or p_url !~* '^https?://' then 'it must begin with https://'
        when p_url ~* '^http:' and not setting_on('webhook_http')
            then 'it must begin with https://; http is not allowed on this host'
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

create function sms.webhook_secret()
returns bytea
language sql volatile
as $$
    select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                  || uuid_send(gen_random_uuid()))
$$;

-- As receivers' libraries take it.
create function sms.webhook_secret_text(p_secret bytea)
returns text
language sql immutable strict
as $$
    select 'whsec_' || translate(encode(p_secret, 'base64'), E'\n', '')
$$;

-- A new endpoint, at most 10 of an account.
create function sms.webhook_create(
    p_account bigint, p_url text, p_types text[] default '{}', p_batch int default 1,
    p_description text default '', p_secret bytea default sms.webhook_secret(),
    out webhook_id uuid, out secret text)
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    perform from account where account_id = p_account for update;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    if (select count(*) from webhook w where w.account_id = p_account) >= 10 then
        raise exception 'too-many-webhooks: an account has at most 10' using errcode = 'SMS04';
    end if;

    perform webhook_url_check(p_url);

    if not p_types <@ webhook_types() then
        raise exception 'bad-types: known are %', array_to_string(webhook_types(), ', ')
              using errcode = 'SMS04';
    end if;

    if coalesce(length(p_secret), 0) not between 24 and 64 then
        raise exception 'bad-secret: it must have 24 to 64 octets' using errcode = 'SMS04';
    end if;

    webhook_id := id_new();
    secret := webhook_secret_text(p_secret);

    insert into webhook (account_id, batch, webhook_id, url, description, types, secret)
    values (p_account, p_batch, webhook_id, p_url, p_description, p_types, p_secret);
end
$$;

-- NULL leaves as it is.  p_on true also brings back one that was turned off.  With
-- another address, or turned on, it begins anew: what waits is sent there at once.
-- False: there is no such endpoint.
create function sms.webhook_change(
    p_account bigint, p_webhook uuid, p_url text default null, p_types text[] default null,
    p_batch int default null, p_description text default null, p_on boolean default null)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_url is not null then
        perform webhook_url_check(p_url);
    end if;

    update webhook w
       set url = coalesce(p_url, w.url),
           types = coalesce(p_types, w.types),
           batch = coalesce(p_batch, w.batch),
           description = coalesce(p_description, w.description),
           state = case p_on when true then 'on' when false then 'off' else w.state end,
           not_before = case when p_on or p_url <> w.url then '-infinity' else w.not_before end,
           failures = case when p_on or p_url <> w.url then 0 else w.failures end,
           failing_since = case when p_on or p_url <> w.url then null
                           else w.failing_since end
     where w.account_id = p_account and w.webhook_id = p_webhook;

    if not found then
        return false;
    end if;

    -- what is under way is hidden for less than a minute
    if p_on or p_url is not null then
        update outbox o
           set not_before = clock_timestamp()
         where o.account_id = p_account and o.topic = 'webhook_post'
           and o.key = p_webhook::text
           and o.not_before > clock_timestamp() + interval '1 minute';
    end if;

    return true;
end
$$;

-- A new secret; the one before signs too for p_overlap.  NULL: there is no such
-- endpoint.
create function sms.webhook_rotate(
    p_account bigint, p_webhook uuid, p_overlap interval default '1 day',
    p_secret bytea default sms.webhook_secret())
returns text
language sql
set search_path = sms, pg_temp
as $$
    update webhook
       set old_secret = secret, old_until = now() + p_overlap, secret = p_secret
     where account_id = p_account and webhook_id = p_webhook
    returning webhook_secret_text(secret)
$$;

-- What waits for it is dropped, and what it answered.
create function sms.webhook_delete(p_account bigint, p_webhook uuid)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    delete from webhook where account_id = p_account and webhook_id = p_webhook;

    if not found then
        return false;
    end if;

    delete from outbox
     where account_id = p_account and topic = 'webhook_post' and key = p_webhook::text;

    delete from webhook_replay where account_id = p_account and webhook_id = p_webhook;

    delete from webhook_delivery where account_id = p_account and webhook_id = p_webhook;

    return true;
end
$$;


-- ---- events -----------------------------------------------------------------

-- Called by sms.settle() with what ended, and only where somebody is to be told.
create function sms.webhook_put(p_now timestamptz, p_account bigint[], p_message uuid[])
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_told  bigint[] := array(select w.account_id from webhook w
                               where w.account_id = any (p_account) and w.state = 'on'
                                 and w.ended);
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

-- An event of another kind: to each endpoint of the account that wants it, or to
-- p_webhook alone whatever it wants.  Returns how many are told.
create function sms.webhook_event(
    p_now timestamptz, p_account bigint, p_type text, p_data json, p_webhook uuid default null)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    insert into outbox (account_id, not_before, outbox_id, topic, key, payload)
    select w.account_id, p_now, id_new(p_now), 'webhook_post', w.webhook_id::text,
           json_build_object('type', p_type, 'timestamp', time_text(p_now), 'data', p_data)
      from webhook w
     where w.account_id = p_account and w.state = 'on'
       and case when p_webhook is null then w.types = '{}' or p_type = any (w.types)
           else w.webhook_id = p_webhook end;

    get diagnostics n = row_count;

    return n;
end
$$;
