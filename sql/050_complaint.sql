-- expand: complaints, holds and erasures over the API
--
-- A complaint names a number and a day, or the reference of İYS or the Ministry.  It is
-- answered by a due date, holds all that there is about the number, and ends with what was
-- sent to whom (C20).  Its file is a pack of evidence (048) with the complaint in it.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('complaint_days', '15', 'within so many days a complaint is answered');

create table sms.complaint (
    account_id  bigint not null,
    complaint_id uuid not null,
    opened_at   timestamptz not null,
    due_at      timestamptz not null,
    closed_at   timestamptz,
    -- what it is about: messages to the number in this time
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    number      bigint not null,
    hold_id     uuid not null,
    source      text not null check (source in ('person', 'iys', 'ministry', 'operator', 'other')),
    reference   text,
    note        text,
    opened_by   text not null,
    closed_by   text,
    outcome     text check (outcome in ('justified', 'unjustified', 'unclear')),
    answer      text,
    -- [{"to": …, "what": …, "at": …}]
    sent        jsonb,
    primary key (account_id, complaint_id),
    check ((closed_at is null) = (outcome is null))
);

create index complaint_open on sms.complaint (account_id, due_at) where closed_at is null;

do $$
declare
    v_table text;
begin
    foreach v_table in array array['complaint', 'hold', 'erasure'] loop
        execute format('alter table sms.%I enable row level security', v_table);
        execute format('create policy api on sms.%I for select to sms_api using '
                       '(account_id = nullif(current_setting(''sms.account'', true), '''')::bigint)',
                       v_table);
        execute format('grant select on sms.%I to sms_api', v_table);
    end loop;
end
$$;

-- Who asks, for the record.
create function sms.api_asker()
returns text
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
begin
    return coalesce(admin_name(), 'key ' || coalesce(current_setting('sms.key', true), ''));
end
$$;

create function sms.api_complaint_open(
    p_number bigint, p_from timestamptz, p_to timestamptz, p_source text, p_reference text,
    p_note text)
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
    v_id    uuid := id_new(v_now);
begin
    insert into complaint (account_id, complaint_id, opened_at, due_at, from_at, to_at, number,
                           hold_id, source, reference, note, opened_by)
    values (api_account(), v_id, v_now, v_now + setting_int('complaint_days') * interval '1 day',
            p_from, p_to, p_number,
            hold_put(v_now, api_account(), p_number, null, 'complaint',
                     coalesce(p_reference, id_text('cmp', v_id)), api_asker()),
            p_source, p_reference, p_note, api_asker());

    return v_id;
end
$$;

-- False: it is closed already.
create function sms.api_complaint_close(
    p_complaint uuid, p_outcome text, p_answer text, p_sent jsonb, p_lift boolean)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
    v_hold  uuid;
begin
    update complaint
       set closed_at = v_now, closed_by = api_asker(), outcome = p_outcome, answer = p_answer,
           sent = p_sent
     where account_id = api_account() and complaint_id = p_complaint and closed_at is null
    returning hold_id into v_hold;

    if not found then
        return false;
    end if;

    if p_lift then
        perform hold_lift(v_now, api_account(), v_hold, 'complaint closed', api_asker());
    end if;

    return true;
end
$$;

create function sms.api_complaint_messages(p_complaint uuid)
returns uuid[]
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
begin
    return (select evidence_messages(c.account_id, c.number, c.from_at, c.to_at,
                                     setting_int('evidence_pack'))
              from complaint c
             where c.account_id = api_account() and c.complaint_id = p_complaint);
end
$$;

-- The file: all that is known, as a pack.
create function sms.api_complaint_pack(p_complaint uuid, p_body jsonb)
returns jsonb
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
declare
    c   complaint;
begin
    select * into c from complaint x
     where x.account_id = api_account() and x.complaint_id = p_complaint;

    return evidence_pack(clock_timestamp(), c.account_id, api_complaint_messages(p_complaint),
                         jsonb_build_object('number', '+' || c.number,
                                            'from', time_text(c.from_at),
                                            'to', time_text(c.to_at), 'more', false))
           || jsonb_build_object('consents', evidence_consents(c.account_id, c.number),
                                 'complaint', p_body);
end
$$;

create function sms.api_hold_put(
    p_number bigint, p_submission uuid, p_reason text, p_reference text)
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return hold_put(clock_timestamp(), api_account(), p_number, p_submission, p_reason,
                    p_reference, api_asker());
end
$$;

create function sms.api_hold_lift(p_hold uuid, p_reason text)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return hold_lift(clock_timestamp(), api_account(), p_hold, p_reason, api_asker());
end
$$;

create function sms.api_erasure_add(p_number bigint, p_reference text)
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return (erasure_add(clock_timestamp(), api_account(), p_number, p_reference)).erasure_id;
end
$$;

grant execute on function
    sms.api_complaint_open(bigint, timestamptz, timestamptz, text, text, text),
    sms.api_complaint_close(uuid, text, text, jsonb, boolean), sms.api_complaint_messages(uuid),
    sms.api_complaint_pack(uuid, jsonb), sms.api_hold_put(bigint, uuid, text, text),
    sms.api_hold_lift(uuid, text), sms.api_erasure_add(bigint, text) to sms_api;


-- ---- complaints -----------------------------------------------------------------

set role sms_api;

insert into api.problem (slug, status) values
    ('complaint-closed', 409);

insert into api.route (method, pattern, scope, function) values
    ('POST', '^/v1/complaints$', 'evidence:write', 'api.complaints_post'),
    ('GET', '^/v1/complaints$', 'evidence:read', 'api.complaints_get'),
    ('GET', '^/v1/complaints/([^/:]+)$', 'evidence:read', 'api.complaint_get'),
    ('GET', '^/v1/complaints/([^/:]+):export$', 'evidence:read', 'api.complaint_export'),
    ('POST', '^/v1/complaints/([^/:]+):close$', 'evidence:write', 'api.complaint_close'),
    ('POST', '^/v1/holds$', 'evidence:write', 'api.holds_post'),
    ('GET', '^/v1/holds$', 'evidence:read', 'api.holds_get'),
    ('POST', '^/v1/holds/([^/:]+):lift$', 'evidence:write', 'api.hold_lift'),
    ('POST', '^/v1/erasures$', 'evidence:write', 'api.erasures_post'),
    ('GET', '^/v1/erasures$', 'evidence:read', 'api.erasures_get');

create function api.complaint_body(c sms.complaint)
returns jsonb
language plpgsql stable
as $$
begin
    return jsonb_build_object(
        'id', sms.id_text('cmp', c.complaint_id),
        'state', case when c.closed_at is null then 'open' else 'closed' end,
        'late', c.due_at < coalesce(c.closed_at, clock_timestamp()),
        'number', '+' || c.number,
        'from', sms.time_text(c.from_at),
        'to', sms.time_text(c.to_at),
        'source', c.source,
        'reference', c.reference,
        'note', c.note,
        'opened_at', sms.time_text(c.opened_at),
        'opened_by', c.opened_by,
        'due_at', sms.time_text(c.due_at),
        'hold', sms.id_text('hld', c.hold_id),
        'closed_at', sms.time_text(c.closed_at),
        'closed_by', c.closed_by,
        'outcome', c.outcome,
        'answer', c.answer,
        'sent', coalesce(c.sent, '[]'));
end
$$;

-- Volatile: it sees what the call has just written.
create function api.complaint_of(p_text text)
returns sms.complaint
language plpgsql
as $$
declare
    c   sms.complaint;
begin
    select * into c from sms.complaint x where x.complaint_id = api.id('cmp', p_text);

    if not found then
        perform api.raise('not-found');
    end if;

    return c;
end
$$;

create function api.complaints_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    b       jsonb := api.body(p_body, array['number', 'date', 'days', 'source', 'reference',
                                            'note'], array['number', 'source']);
    v_to    bigint := api.number_read(api.field_text(b, 'number', 1, 40), 'invalid-field',
                                      '/number');
    v_date  text := api.field_text(b, 'date', 10, 10);
    v_ref   text := api.field_text(b, 'reference', 1, 100);
    v_days  int := coalesce(api.field_int(b, 'days', 1, 366), 1);
    v_from  timestamptz;
    v_until timestamptz;
    c       sms.complaint;
begin
    if v_date is null and v_ref is null then
        perform api.raise('missing-field', '/date', 'date, or the reference of İYS or the Ministry');
    end if;

    if v_date is null then
        v_until := clock_timestamp();
        v_from := v_until - interval '366 days';
    else
        begin
            v_from := v_date::date::timestamp at time zone 'Europe/Istanbul';
        exception
            when data_exception then
                perform api.raise('invalid-field', '/date', 'a day in Türkiye, 2026-12-01');
        end;

        if v_date !~ '^\d{4}-\d{2}-\d{2}$' then
            perform api.raise('invalid-field', '/date', 'a day in Türkiye, 2026-12-01');
        end if;

        v_until := v_from + v_days * interval '1 day';
    end if;

    c := api.complaint_of(sms.id_text('cmp', sms.api_complaint_open(
             v_to, v_from, v_until,
             api.field_word(b, 'source', array['person', 'iys', 'ministry', 'operator', 'other']),
             v_ref, api.field_text(b, 'note', 1, 2000))));

    return (201, api.complaint_body(c))::api.answer;
end
$$;

create function api.complaints_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['state', 'limit', 'cursor']);
    v_state text := api.query_word(q, 'state', array['open', 'closed', 'late']);
    v_limit int := api.query_int(q, 'limit', 1, 500, 100);
    v_after uuid := api.query_cursor(q, 'cmp');
    v_rows  jsonb;
begin
    select jsonb_agg(api.complaint_body(x) order by x.complaint_id desc) into v_rows
      from (select * from sms.complaint c
             where (v_after is null or c.complaint_id < v_after)
               and case v_state when 'open' then c.closed_at is null
                                when 'closed' then c.closed_at is not null
                                when 'late' then c.closed_at is null
                                                 and c.due_at < clock_timestamp()
                                else true end
             order by c.complaint_id desc
             limit v_limit + 1) x;

    return (200, json_build_object(
        'complaints', coalesce((select jsonb_agg(r order by i)
                                  from jsonb_array_elements(v_rows) with ordinality e (r, i)
                                 where i <= v_limit), '[]'),
        'next_cursor', case when jsonb_array_length(v_rows) > v_limit
                       then v_rows -> (v_limit - 1) ->> 'id' end))::api.answer;
end
$$;

create function api.complaint_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    c   sms.complaint := api.complaint_of(p_path[1]);
begin
    return (200, api.complaint_body(c) || jsonb_build_object('messages', coalesce((
        select jsonb_agg(sms.id_text('msg', m) order by m)
          from unnest(sms.api_complaint_messages(c.complaint_id)) m), '[]')))::api.answer;
end
$$;

create function api.complaint_export(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    c   sms.complaint := api.complaint_of(p_path[1]);
begin
    return (200, sms.api_complaint_pack(c.complaint_id, api.complaint_body(c)))::api.answer;
end
$$;

-- What was sent to whom: a list of objects.
create function api.complaint_sent(p_sent jsonb)
returns jsonb
language plpgsql
as $$
declare
    v_at    int;
begin
    if jsonb_typeof(p_sent) <> 'array' or jsonb_array_length(p_sent) not between 1 and 50 then
        perform api.raise('invalid-field', '/sent', 'a list of 1 to 50, {"to": …, "what": …}');
    end if;

    select i - 1 into v_at
      from jsonb_array_elements(p_sent) with ordinality e (v, i)
     where jsonb_typeof(v) <> 'object'
        or coalesce(jsonb_typeof(v -> 'to'), '') <> 'string'
        or length(v ->> 'to') not between 1 and 200
        or coalesce(jsonb_typeof(v -> 'what'), '') <> 'string'
        or length(v ->> 'what') not between 1 and 500
        or v ? 'at' and sms.time_read(v ->> 'at') is null
        or v - 'to' - 'what' - 'at' <> '{}'
     limit 1;

    if found then
        perform api.raise('invalid-field', '/sent/' || v_at,
                          'to and what as text, at (a time, if known), nothing else');
    end if;

    return p_sent;
end
$$;

create function api.complaint_close(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    c       sms.complaint := api.complaint_of(p_path[1]);
    b       jsonb := api.body(p_body, array['outcome', 'answer', 'sent', 'lift_hold'],
                              array['outcome', 'sent']);
begin
    if not sms.api_complaint_close(
               c.complaint_id,
               api.field_word(b, 'outcome', array['justified', 'unjustified', 'unclear']),
               api.field_text(b, 'answer', 1, 4000), api.complaint_sent(b -> 'sent'),
               coalesce(api.field_bool(b, 'lift_hold'), false))
    then
        perform api.raise('complaint-closed');
    end if;

    c := api.complaint_of(p_path[1]);
    return (200, api.complaint_body(c))::api.answer;
end
$$;


-- ---- holds ----------------------------------------------------------------------

create function api.hold_body(h sms.hold)
returns jsonb
language plpgsql stable
as $$
begin
    return jsonb_build_object(
        'id', sms.id_text('hld', h.hold_id),
        'number', '+' || h.number,
        'submission', sms.id_text('sub', h.submission_id),
        'reason', h.reason,
        'reference', h.reference,
        'created_at', sms.time_text(h.created_at),
        'created_by', h.created_by,
        'lifted_at', sms.time_text(h.lifted_at),
        'lifted_by', h.lifted_by,
        'lift_reason', h.lift_reason);
end
$$;

-- Volatile: it sees what the call has just written.
create function api.hold_of(p_text text)
returns sms.hold
language plpgsql
as $$
declare
    h   sms.hold;
begin
    select * into h from sms.hold x where x.hold_id = api.id('hld', p_text);

    if not found then
        perform api.raise('not-found');
    end if;

    return h;
end
$$;

create function api.holds_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    b       jsonb := api.body(p_body, array['number', 'submission', 'reason', 'reference'],
                              array['reason']);
    v_to    text := api.field_text(b, 'number', 1, 40);
    v_sub   text := api.field_text(b, 'submission', 1, 40);
    v_id    uuid := sms.id_parse('sub', v_sub);
    v_hold  uuid;
begin
    if (v_to is null) = (v_sub is null) then
        perform api.raise('missing-field', '/number', 'number, or submission, one of the two');
    end if;

    if v_sub is not null
       and not exists (select from sms.submission s where s.submission_id = v_id)
    then
        perform api.raise('invalid-field', '/submission', 'a submission of this account');
    end if;

    v_hold := sms.api_hold_put(
                  case when v_to is not null
                       then api.number_read(v_to, 'invalid-field', '/number') end,
                  v_id,
                  api.field_word(b, 'reason', array['complaint', 'court', 'authority', 'other']),
                  api.field_text(b, 'reference', 1, 100));

    return (201, api.hold_body(api.hold_of(sms.id_text('hld', v_hold))))::api.answer;
end
$$;

create function api.holds_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['active']);
    v_live  text := api.query_word(q, 'active', array['true', 'false']);
begin
    return (200, json_build_object('holds', coalesce((
        select jsonb_agg(api.hold_body(h) order by h.hold_id desc)
          from (select * from sms.hold x
                 where v_live is null or (x.lifted_at is null) = (v_live = 'true')
                 order by x.hold_id desc
                 limit 1000) h), '[]')))::api.answer;
end
$$;

create function api.hold_lift(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    h   sms.hold := api.hold_of(p_path[1]);
    b   jsonb := api.body(p_body, array['reason'], array['reason']);
begin
    -- asking twice is not an error
    perform sms.api_hold_lift(h.hold_id, api.field_text(b, 'reason', 1, 500));

    return (200, api.hold_body(api.hold_of(p_path[1])))::api.answer;
end
$$;


-- ---- erasures -------------------------------------------------------------------

create function api.erasure_body(e sms.erasure)
returns jsonb
language plpgsql stable
as $$
begin
    return jsonb_build_object(
        'id', sms.id_text('ers', e.erasure_id),
        'state', case when e.done_at is null then 'held' else 'done' end,
        'reference', e.reference,
        'asked_at', sms.time_text(e.asked_at),
        'due_at', sms.time_text(e.due_at),
        'done_at', sms.time_text(e.done_at),
        'result', e.result);
end
$$;

create function api.erasures_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    b   jsonb := api.body(p_body, array['number', 'reference'], array['number']);
    v_id uuid;
    e   sms.erasure;
begin
    v_id := sms.api_erasure_add(
                api.number_read(api.field_text(b, 'number', 1, 40), 'invalid-field', '/number'),
                api.field_text(b, 'reference', 1, 100));

    select * into e from sms.erasure x where x.erasure_id = v_id;
    return (201, api.erasure_body(e))::api.answer;
end
$$;

create function api.erasures_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['state']);
    v_state text := api.query_word(q, 'state', array['held', 'done']);
begin
    return (200, json_build_object('erasures', coalesce((
        select jsonb_agg(api.erasure_body(e) order by e.erasure_id desc)
          from (select * from sms.erasure x
                 where v_state is null or (x.done_at is null) = (v_state = 'held')
                 order by x.erasure_id desc
                 limit 1000) e), '[]')))::api.answer;
end
$$;
