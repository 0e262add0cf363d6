-- expand: the API of webhooks: endpoints, tests, replays, what they answered

set role sms_owner;

-- ---- what the API may do, each for the account that asks ----------------------

do $$
declare
    name text;
begin
    foreach name in array array['webhook', 'webhook_delivery', 'webhook_replay']
    loop
        execute format('alter table sms.%I enable row level security', name);
        execute format('create policy api on sms.%I for select to sms_api using '
                       '(account_id = nullif(current_setting(''sms.account'', true), '''')::bigint)',
                       name);
    end loop;
end
$$;

-- not the secrets
grant select (account_id, created_at, not_before, failing_since, old_until, failures, batch,
              webhook_id, state, url, description, types) on sms.webhook to sms_api;

grant select on sms.webhook_delivery, sms.webhook_replay to sms_api;

grant execute on function sms.webhook_types(), sms.webhook_types_ended(), sms.webhook_error(int)
    to sms_api;

create function sms.api_account()
returns bigint
language plpgsql stable
as $$
begin
    return nullif(current_setting('sms.account', true), '')::bigint;
end
$$;

create function sms.api_webhook_create(
    p_url text, p_types text[], p_batch int, p_description text,
    out webhook_id uuid, out secret text)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    select c.webhook_id, c.secret into webhook_id, secret
      from webhook_create(api_account(), p_url, p_types, p_batch, p_description) c;
end
$$;

create function sms.api_webhook_change(
    p_webhook uuid, p_url text, p_types text[], p_batch int, p_description text, p_on boolean)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return webhook_change(api_account(), p_webhook, p_url, p_types, p_batch, p_description, p_on);
end
$$;

create function sms.api_webhook_rotate(p_webhook uuid, p_overlap interval)
returns text
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return webhook_rotate(api_account(), p_webhook, p_overlap);
end
$$;

create function sms.api_webhook_delete(p_webhook uuid)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return webhook_delete(api_account(), p_webhook);
end
$$;

create function sms.api_webhook_test(p_webhook uuid)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return webhook_event(clock_timestamp(), api_account(), 'webhook.test',
                         json_build_object('webhook', id_text('end', p_webhook)), p_webhook);
end
$$;

-- A message ends after it was accepted: a year of schedule and its validity later at
-- most.  NULL: one is running.
create function sms.api_webhook_replay(
    p_webhook uuid, p_from timestamptz, p_until timestamptz, p_types text[])
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_id    uuid := id_new();
begin
    insert into webhook_replay (account_id, from_at, until_at, webhook_id, replay_id, position,
                                types)
    values (api_account(), p_from, p_until, p_webhook, v_id,
            id_low(greatest(p_from - interval '1 year 10 days', '2020-01-01Z')), p_types)
        on conflict (account_id, webhook_id) where state = 'running' do nothing;

    return case when found then v_id end;
end
$$;

grant execute on function sms.api_account(), sms.api_webhook_create(text, text[], int, text),
    sms.api_webhook_change(uuid, text, text[], int, text, boolean),
    sms.api_webhook_rotate(uuid, interval), sms.api_webhook_delete(uuid),
    sms.api_webhook_test(uuid),
    sms.api_webhook_replay(uuid, timestamptz, timestamptz, text[]) to sms_api;


-- ---- endpoints ----------------------------------------------------------------

set role sms_api;

insert into api.problem (slug, status) values
    ('too-many-webhooks', 409), ('webhook-off', 409), ('replay-running', 409);

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/webhooks$', 'webhooks:manage', 'api.webhook_list'),
    ('POST', '^/v1/webhooks$', 'webhooks:manage', 'api.webhook_post'),
    ('GET', '^/v1/webhooks/([^/:]+)$', 'webhooks:manage', 'api.webhook_get'),
    ('PATCH', '^/v1/webhooks/([^/:]+)$', 'webhooks:manage', 'api.webhook_patch'),
    ('DELETE', '^/v1/webhooks/([^/:]+)$', 'webhooks:manage', 'api.webhook_delete'),
    ('POST', '^/v1/webhooks/([^/:]+):rotate-secret$', 'webhooks:manage', 'api.webhook_rotate'),
    ('POST', '^/v1/webhooks/([^/:]+):test$', 'webhooks:manage', 'api.webhook_test'),
    ('POST', '^/v1/webhooks/([^/:]+):replay$', 'webhooks:manage', 'api.webhook_replay'),
    ('GET', '^/v1/webhooks/([^/:]+)/deliveries$', 'webhooks:manage', 'api.webhook_deliveries');

-- Of one, or of all that the account has.
create function api.webhook_rows(p_id uuid default null)
returns table (body json)
language sql
as $$
    select json_build_object(
               'id', sms.id_text('end', w.webhook_id),
               'url', w.url,
               'types', to_json(case when w.types = '{}' then sms.webhook_types()
                                else w.types end),
               'batch', w.batch,
               'description', w.description,
               'state', w.state,
               'created_at', sms.time_text(w.created_at),
               'failing_since', sms.time_text(w.failing_since),
               'failures', w.failures,
               'paused_until', sms.time_text(nullif(w.not_before, '-infinity')),
               'old_secret_until', case when w.old_until > now()
                                        then sms.time_text(w.old_until) end,
               'replay', (select json_build_object(
                                     'id', sms.id_text('rpl', r.replay_id), 'state', r.state,
                                     'from', sms.time_text(r.from_at),
                                     'until', sms.time_text(r.until_at), 'events', r.events)
                            from sms.webhook_replay r
                           where r.account_id = w.account_id and r.webhook_id = w.webhook_id
                           order by r.replay_id desc
                           limit 1))
      from sms.webhook w
     where w.webhook_id = coalesce(p_id, w.webhook_id)
     order by w.webhook_id
$$;

create function api.webhook_row(p_id uuid)
returns json
language plpgsql
as $$
declare
    v_body  json := (select r.body from api.webhook_rows(p_id) r);
begin
    if v_body is null then
        perform api.raise('not-found');
    end if;

    return v_body;
end
$$;

create function api.webhook_list(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, json_build_object('webhooks', coalesce(json_agg(r.body), '[]'))
      from api.webhook_rows() r
$$;

create function api.webhook_get(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, api.webhook_row(api.id('end', p_path[1]))
$$;

-- What webhook_create() and webhook_change() raise, as problems.
create function api.webhook_refused(p_words text)
returns void
language plpgsql
as $$
begin
    if p_words ~ '^bad-url: ' then
        perform api.raise('invalid-field', '/url', substr(p_words, 10));
    end if;

    if p_words ~ '^too-many-webhooks: ' then
        perform api.raise('too-many-webhooks', '', substr(p_words, 20));
    end if;

    raise exception '%', p_words;
end
$$;

create function api.webhook_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    b           jsonb := api.body(p_body, '{url,types,batch,description}', '{url}');
    v_url       text := api.field_text(b, 'url', 1, 2000);
    v_types     text[] := api.field_words(b, 'types', sms.webhook_types());
    v_batch     int := api.field_int(b, 'batch', 1, 500);
    v_words     text := api.field_text(b, 'description', 0, 200);
    v_id        uuid;
    v_secret    text;
begin
    if v_url is null then
        perform api.raise('missing-field', '/url');
    end if;

    begin
        select c.webhook_id, c.secret into v_id, v_secret
          from sms.api_webhook_create(v_url, coalesce(v_types, '{}'), coalesce(v_batch, 1),
                                      coalesce(v_words, '')) c;
    exception
        when sqlstate 'SMS04' then
            perform api.webhook_refused(sqlerrm);
    end;

    return (201, api.webhook_row(v_id)::jsonb || jsonb_build_object('secret', v_secret))
           ::api.answer;
end
$$;

create function api.webhook_patch(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id        uuid := api.id('end', p_path[1]);
    b           jsonb := api.body(p_body, '{url,types,batch,description,enabled}');
    v_url       text := api.field_text(b, 'url', 1, 2000);
    v_types     text[] := api.field_words(b, 'types', sms.webhook_types());
    v_batch     int := api.field_int(b, 'batch', 1, 500);
    v_words     text := api.field_text(b, 'description', 0, 200);
    v_on        boolean := api.field_bool(b, 'enabled');
    v_there     boolean;
begin
    begin
        v_there := sms.api_webhook_change(v_id, v_url, v_types, v_batch, v_words, v_on);
    exception
        when sqlstate 'SMS04' then
            perform api.webhook_refused(sqlerrm);
    end;

    return (200, api.webhook_row(v_id))::api.answer;
end
$$;

create function api.webhook_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('end', p_path[1]);
    v_body  json := api.webhook_row(v_id);
begin
    perform sms.api_webhook_delete(v_id);

    return (200, v_body)::api.answer;
end
$$;

create function api.webhook_rotate(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id        uuid := api.id('end', p_path[1]);
    b           jsonb := api.body(p_body, '{overlap_s}');
    v_overlap   bigint := coalesce(api.field_int(b, 'overlap_s', 0, 604800), 86400);
    v_secret    text := sms.api_webhook_rotate(v_id, v_overlap * interval '1 s');
begin
    return (200, api.webhook_row(v_id)::jsonb || jsonb_build_object('secret', v_secret))
           ::api.answer;
end
$$;

create function api.webhook_test(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('end', p_path[1]);
    v_body  json := api.webhook_row(v_id);
begin
    if sms.api_webhook_test(v_id) = 0 then
        perform api.raise('webhook-off');
    end if;

    return (202, v_body)::api.answer;
end
$$;

create function api.webhook_replay(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id        uuid := api.id('end', p_path[1]);
    b           jsonb := api.body(p_body, '{from,until,types}', '{from}');
    v_from      timestamptz := api.field_time(b, 'from');
    v_until     timestamptz := coalesce(api.field_time(b, 'until'), clock_timestamp());
    v_types     text[] := coalesce(api.field_words(b, 'types', sms.webhook_types_ended()), '{}');
    v_body      json := api.webhook_row(v_id);
begin
    if v_from is null then
        perform api.raise('missing-field', '/from');
    end if;

    if v_from >= v_until then
        perform api.raise('invalid-field', '/from', 'a time before "until"');
    end if;

    if v_body ->> 'state' <> 'on' then
        perform api.raise('webhook-off');
    end if;

    if sms.api_webhook_replay(v_id, v_from, v_until, v_types) is null then
        perform api.raise('replay-running');
    end if;

    return (202, api.webhook_row(v_id))::api.answer;
end
$$;


-- ---- what was answered ----------------------------------------------------------

create function api.webhook_deliveries(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id        uuid := api.id('end', p_path[1]);
    q           jsonb := api.query(p_query, '{limit,cursor,outcome}');
    v_limit     int := api.query_int(q, 'limit', 1, 100, 50);
    v_before    uuid := api.query_cursor(q, 'dlv');
    v_outcome   text := api.query_word(q, 'outcome', '{taken,failed}');
    v_rows      json;
    v_last      uuid;
    n           int;
begin
    perform api.webhook_row(v_id);

    select coalesce(json_agg(json_build_object(
               'id', sms.id_text('dlv', d.delivery_id),
               'request_id', sms.id_text('whk', d.post_id),
               'at', sms.time_text(d.at),
               'attempt', d.attempt,
               'outcome', case when d.status between 200 and 299 then 'taken' else 'failed' end,
               'status', case when d.status > 0 then d.status end,
               'error', sms.webhook_error(d.status),
               'took_ms', d.took_ms,
               'events', d.events,
               'next_try_at', sms.time_text(d.next_at)) order by d.delivery_id desc), '[]'),
           min(d.delivery_id::text), count(*)
      into v_rows, v_last, n
      from (select x.*
              from sms.webhook_delivery x
             where x.account_id = sms.api_account() and x.webhook_id = v_id
               and (v_before is null or x.delivery_id < v_before)
               and (v_outcome is null
                    or (v_outcome = 'taken') = (x.status between 200 and 299))
             order by x.delivery_id desc
             limit v_limit) d;

    return (200, json_build_object(
        'deliveries', v_rows,
        'next_cursor', case when n = v_limit then sms.id_text('dlv', v_last) end))::api.answer;
end
$$;
