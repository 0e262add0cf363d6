-- expand: the API's messages, submissions and balance

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/messages/([^/]+)$', 'messages:read', 'api.message_get'),
    ('GET', '^/v1/messages/([^/]+)/explain$', 'messages:read', 'api.message_explain'),
    ('DELETE', '^/v1/messages/([^/]+)$', 'messages:send', 'api.message_delete'),
    ('GET', '^/v1/submissions/([^/]+)$', 'messages:read', 'api.submission_get'),
    ('DELETE', '^/v1/submissions/([^/]+)$', 'messages:send', 'api.submission_delete'),
    ('GET', '^/v1/balance$', 'balance:read', 'api.balance_get');

create function api.cause(p_code text)
returns json
language sql stable
as $$
    select json_build_object('code', p_code, 'tr', coalesce(c.tr, p_code),
                             'en', coalesce(c.en, p_code))
      from (select p_code where p_code is not null) k (code)
      left join sms.cause c using (code)
$$;


-- ---- messages ---------------------------------------------------------------

-- The messages of a submission with these bounds: place, state and JSON.
create function api.message_rows(p_low uuid, p_high uuid, p_submission uuid)
returns table (ord int, message_id uuid, state text, body json)
language sql stable
as $$
    select m.ord, m.message_id, t.state,
           json_build_object(
               'id', sms.id_text('msg', m.message_id),
               'submission_id', sms.id_text('sub', m.submission_id),
               -- null where its clock has run out: see sms.retention
               'to', case when m."to" > 0 then '+' || m."to" end,
               'class', sms.class_name(m.class),
               'sender', m.sender,
               'state', t.state,
               'parts', m.parts,
               'encoding', sms.encoding_name(m.encoding),
               'price', json_build_object('amount_micro', m.price_micro, 'unit', a.unit),
               'refunded', case when e.refunded_micro > 0
                           then json_build_object('amount_micro', e.refunded_micro,
                                                  'unit', a.unit) end,
               'reference', coalesce(m.reference, s.reference),
               'accepted_at', sms.time_text(m.accepted_at),
               'submitted_at', sms.time_text(w.at),
               'final_at', sms.time_text(e.settled_at),
               'cause', case when e.state in (1, 10) then null
                        else api.cause(coalesce(e.code, d.code, b.code)) end)
      from sms.message m
     cross join sms.account a
      -- the first message holds what is said of the whole
      left join lateral (
           select x.doc::json ->> 'reference' as reference from sms.message x
            where x.message_id = p_submission
            limit 1) s on true
      left join lateral (
           select x.* from sms.settlement x
            where x.account_id = m.account_id and x.message_id = m.message_id
              and x.message_id >= p_low and x.message_id <= p_high
            limit 1) e on true
      left join lateral (
           select x.at, x.code, x.lane from sms.due x
            where x.message_id = m.message_id
            limit 1) d on true
      left join lateral (
           select x.at, x.code from sms.due_submission x
            where x.submission_id = p_submission
            limit 1) b on true
      left join lateral (
           select min(x.at) as at from sms.submit x
            where x.account_id = m.account_id and x.message_id = m.message_id
              and x.message_id >= p_low and x.message_id <= p_high
              and x.outcome in (1, 5)) w on true
     cross join lateral (
           select case
                  when e.state is not null then sms.state_name(e.state)
                  when d.code is null and d.at <= m.accepted_at then 'accepted'
                  when d.at is not null then 'held'
                  when b.code is null and b.at <= m.accepted_at then 'accepted'
                  when b.at is not null then 'held'
                  when w.at is not null then 'submitted'
                  else 'queued' end as state) t
     where m.message_id >= p_low and m.message_id <= p_high
       and m.submission_id = p_submission
     order by m.ord
$$;

-- One message; no row when the account has none of this id.
create function api.message_row(p_id uuid)
returns table (state text, body json)
language plpgsql stable
as $$
declare
    v_submission    uuid := (select m.submission_id from sms.message m
                              where m.message_id = p_id);
begin
    return query
    select r.state, r.body from api.message_rows(p_id, p_id, v_submission) r;
end
$$;

create function api.message_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('msg', p_path[1]);
    v_body  json := (select r.body from api.message_row(v_id) r);
begin
    if v_body is null then
        perform api.raise('not-found');
    end if;

    return (200, v_body)::api.answer;
end
$$;

create function api.message_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('msg', p_path[1]);
    v_row   record;
begin
    if not exists (select from sms.message where message_id = v_id) then
        perform api.raise('not-found');
    end if;

    perform sms.cancel(clock_timestamp(), array[v_id]);

    select * into v_row from api.message_row(v_id);

    -- asking twice is not an error
    if v_row.state <> 'cancelled' then
        perform api.raise('already-submitted');
    end if;

    return (200, v_row.body)::api.answer;
end
$$;

-- Nobody who reads may use a one-time code (C11), or learn a person's TCKN: eleven digits,
-- the first of which is no zero (R-75).
create function api.mask(p_class smallint, p_text text)
returns text
language sql immutable
as $$
    select case p_class when 1 then regexp_replace(p_text, '[0-9]', '*', 'g')
           else regexp_replace(p_text, '\m([1-9][0-9])[0-9]{7}([0-9]{2})\M', '\1*******\2', 'g') end
$$;

-- What the sender declared, when, of which text; the rest as the worker wrote it.
create function api.declaration(s sms.submission)
returns json
language plpgsql stable
as $$
begin
    return left(json_strip_nulls(json_build_object(
                    'class', sms.class_name(s.class),
                    'sender', s.sender,
                    'declared_at', sms.time_text(s.accepted_at),
                    'schedule_at', sms.time_text(s.due_at),
                    'text_sha256', encode(s.text_hash, 'hex'),
                    'test', s.test))::text, -1) || ',' || substr(s.doc, 2);
end
$$;

-- Everything that is known of one message, each list in the order of time.
create function api.message_explain(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('msg', p_path[1]);
    v_base  json := (select r.body from api.message_row(v_id) r);
    m       sms.message;
    s       sms.submission;
    e       sms.settlement;
    v       sms.verdict;
    v_sent  timestamptz;
    v_unit  text := (select unit from sms.account);
    v_more  json;
begin
    if v_base is null then
        perform api.raise('not-found');
    end if;

    select * into m from sms.message where message_id = v_id;
    select * into s from sms.submission where submission_id = m.submission_id;
    select * into e from sms.settlement where message_id = v_id;

    select max(at) into v_sent
      from sms.submit where message_id = v_id and outcome in (1, 5);

    -- the consent answer that the last submit rested on
    select * into v
      from sms.verdicts(v_id)
     where consent_state is not null
     order by at desc
     limit 1;

    v_more := json_build_object(
        'text', api.mask(m.class, coalesce(m.text, (select x.text from sms.message x
                                                    where x.message_id = m.text_id))),
        'expires_at', sms.time_text(m.expires_at),
        'recipient_type', (array['BIREYSEL', 'TACIR'])[m.recipient_type],
        'test', m.test,
        'verdicts', coalesce((
            select json_agg(j.body order by j.at, j.place)
              from (select m.accepted_at as at, 0 as place, json_build_object(
                               'stage', 'intake',
                               'plugin', f.value ->> 'rule',
                               'code', f.value ->> 'code',
                               'outcome', f.value ->> 'severity',
                               'at', sms.time_text(m.accepted_at),
                               'detail', null,
                               'version', f.value ->> 'version',
                               'pointer', f.value ->> 'pointer',
                               'confirmed', coalesce((f.value ->> 'confirmed')::boolean, false),
                               'waiver', f.value ->> 'waiver') as body
                      from json_array_elements(
                               coalesce(s.rejected::json -> 'findings', '[]')) f
                    union all
                    select w.at, w.stage, json_build_object(
                               'stage', (array['screen', 'dispatch'])[w.stage],
                               'plugin', w.plugin,
                               'code', w.code,
                               'outcome', (array['passed', 'refused', 'held'])[w.outcome],
                               'at', sms.time_text(w.at),
                               'detail', api.cause(w.code))
                      from sms.verdicts(v_id) w) j), '[]'),
        'consent', case when v.message_id is not null then json_build_object(
            'state', (array['granted', 'refused', 'not_granted', 'unknown'])[v.consent_state],
            'as_of', sms.time_text(v.consent_as_of),
            'age_at_submit_s', floor(extract(epoch from v_sent - v.consent_as_of))::bigint,
            'proof', v.proof,
            'source', v.plugin) end,
        'declaration', api.declaration(s),
        'route', (
            select json_build_object(
                'link', (array_agg(k.name order by b.at desc, b.attempt desc))[1],
                'operator', (array_agg(k.operator order by b.at desc, b.attempt desc))[1],
                'attempts', json_agg(json_build_object(
                    'attempt', b.attempt,
                    'part', b.part,
                    'total', b.total,
                    'link', k.name,
                    'operator_id', b.operator_id,
                    'outcome', (array['sent', 'rejected', 'retry', 'throttled', 'unknown',
                                       'failover', 'stop'])[b.outcome],
                    'operator_code', b.operator_code,
                    'at', sms.time_text(b.at),
                    'doubt', (select d.policy || coalesce(': ' || d.outcome, '')
                                from sms.in_doubt d
                               where d.message_id = v_id and d.attempt = b.attempt
                                 and d.part = b.part))
                    order by b.at, b.attempt, b.part))
              from sms.submit b
              left join sms.link k on k.link_id = b.link_id
             where b.message_id = v_id
            having count(*) > 0),
        'tariff', (
            select json_build_object(
                'tariff', t.tariff, 'prefix', t.prefix,
                'price_per_part', json_build_object('amount_micro', t.price_micro,
                                                    'unit', t.unit),
                'valid_from', case when t.valid_from > '-infinity'
                              then sms.time_text(t.valid_from) end)
              from sms.tariff_price t
              join sms.account_setting c on c.tariff = t.tariff
             where not m.test
               and m."to"::text like t.prefix || '%' and t.class = m.class
               and t.valid_from <= m.accepted_at
             order by length(t.prefix) desc, t.valid_from desc
             limit 1),
        'receipts', coalesce((
            select json_agg(json_build_object(
                       'attempt', r.attempt, 'part', r.part,
                       'state', (array['enroute', 'delivered', 'expired', 'deleted',
                                       'undelivered', 'accepted', 'unknown',
                                       'rejected'])[r.state],
                       'operator_code', r.operator_code,
                       'at', sms.time_text(r.at),
                       'stored_at', sms.time_text(r.stored_at),
                       'note', r.note) order by r.stored_at, r.attempt, r.part)
              from (select x.attempt, x.part, x.state, x.operator_code, x.at, x.stored_at,
                           case when x.stored_at > e.settled_at then 'late' else 'counted' end
                               as note
                      from sms.receipt_final x
                     where x.message_id = v_id
                    union all
                    select x.attempt, x.part, x.state, x.operator_code, x.at, x.stored_at,
                           case when x.why = 1 then 'intermediate'
                                when x.stored_at > e.settled_at then 'late'
                                else 'duplicate' end
                      from sms.receipt_late x
                     where x.message_id = v_id) r), '[]'),
        'ledger', coalesce((
            select json_agg(json_build_object(
                       'kind', l.kind,
                       'amount_micro', l.amount_micro, 'unit', v_unit,
                       'at', sms.time_text(l.at)) order by l.at, l.place)
              from (select 1 as place, 'reserve' as kind, m.price_micro as amount_micro,
                           m.accepted_at as at
                     where m.price_micro > 0
                    union all
                    select 2, 'refund', e.refunded_micro, e.settled_at
                     where e.refunded_micro > 0
                    union all
                    select 3, 'keep', e.kept_micro, e.settled_at
                     where e.kept_micro > 0) l), '[]'));

    -- json keeps the order of the keys: the message first, then its story
    return (200, (left(v_base::text, -1) || ', ' || substr(v_more::text, 2))::json)::api.answer;
end
$$;


-- ---- submissions and balance ------------------------------------------------

create function api.submission_body(p_id uuid)
returns json
language plpgsql
as $$
declare
    s   sms.submission;
begin
    select * into s from sms.submission where submission_id = p_id;

    if not found then
        perform api.raise('not-found');
    end if;

    return (
        with rows as (
            select * from api.message_rows(s.low_message, s.high_message, s.submission_id)
        )
        select json_build_object(
            'id', sms.id_text('sub', p_id),
            'accepted_at', sms.time_text(s.accepted_at),
            'schedule_at', sms.time_text(s.due_at),
            'reference', s.doc::json ->> 'reference',
            'declaration', api.declaration(s),
            'states', (select json_object_agg(c.state, c.n order by c.state)
                         from (select state, count(*) as n from rows group by state) c),
            'messages', coalesce((select json_agg(r.body order by r.ord) from rows r), '[]'),
            'rejected', coalesce(s.rejected::json -> 'rejected', '[]'),
            'findings', coalesce(s.rejected::json -> 'findings', '[]')));
end
$$;

create function api.submission_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
begin
    return (200, api.submission_body(api.id('sub', p_path[1])))::api.answer;
end
$$;

-- Cancels what has not left.  409 only when nothing of it is, or was before,
-- cancelled.
create function api.submission_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('sub', p_path[1]);
    s       sms.submission;
    v_open  uuid[];
    v_body  json;
begin
    select * into s from sms.submission where submission_id = v_id;

    if not found then
        perform api.raise('not-found');
    end if;

    v_open := array(select m.message_id
                      from sms.message m
                     where m.submission_id = v_id
                       and m.message_id >= s.low_message and m.message_id <= s.high_message
                       and not exists (select from sms.settlement e
                                        where e.account_id = m.account_id
                                          and e.message_id = m.message_id));

    if v_open <> '{}' then
        perform sms.cancel(clock_timestamp(), v_open);
    end if;

    v_body := api.submission_body(v_id);

    if (v_body -> 'states' -> 'cancelled') is null then
        perform api.raise('already-submitted');
    end if;

    return (200, v_body)::api.answer;
end
$$;

create function api.balance_get(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, json_build_object(
        'account', sms.id_text('acc', a.public_id),
        'available', json_build_object('amount_micro', a.available_micro, 'unit', a.unit))
      from sms.account a
$$;
