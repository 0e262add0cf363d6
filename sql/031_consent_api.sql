-- expand: the API of consents: loads, entries, history, checks, what is due

set role sms_owner;

-- ---- what the API may do, each for the account that asks ----------------------

do $$
declare
    name text;
begin
    foreach name in array array['consent_entry', 'consent_load', 'consent', 'optout']
    loop
        execute format('alter table sms.%I enable row level security', name);
        execute format('create policy api on sms.%I for select to sms_api using '
                       '(owner_account_id = nullif(current_setting(''sms.account'', true), '''')'
                       '::bigint)', name);
    end loop;
end
$$;

grant select on sms.consent_entry, sms.consent_load, sms.consent, sms.optout to sms_api;

create function sms.api_consents_add(p_brand bigint, p_rows jsonb, p_declaration jsonb)
returns json
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_key   bigint := nullif(current_setting('sms.key', true), '')::bigint;
begin
    return consent_load_add(clock_timestamp(), api_account(), v_key, p_brand, p_rows,
                            p_declaration,
                            (select k.mode = 'live' from api_key k
                              where k.account_id = api_account() and k.key_no = v_key));
end
$$;

-- The brand of this account, or that it was granted; null: neither.
create function sms.api_consent_brand(p_id uuid)
returns bigint
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
begin
    return (
        select b.brand_id from brand b
         where b.public_id = p_id
           and (b.account_id = api_account()
                or exists (select from brand_grant g
                            where g.account_id = api_account() and g.brand_id = b.brand_id
                              and g.revoked_at is null))
         limit 1);
end
$$;

grant execute on function
    sms.api_consents_add(bigint, jsonb, jsonb), sms.api_consent_brand(uuid),
    sms.consent_address(int, text) to sms_api;


-- ---- routes -----------------------------------------------------------------

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('POST', '^/v1/consents$', 'consents:write', 'api.consents_post'),
    ('GET', '^/v1/consents$', 'consents:read', 'api.consents_get'),
    ('POST', '^/v1/consents:check$', 'consents:read', 'api.consents_check'),
    ('GET', '^/v1/consents:history$', 'consents:read', 'api.consents_history'),
    ('GET', '^/v1/consents:export$', 'consents:read', 'api.consents_export'),
    ('GET', '^/v1/consents:due$', 'consents:read', 'api.consents_due'),
    ('GET', '^/v1/consents/([^/:]+)$', 'consents:read', 'api.consent_get');

create function api.consent_brand(p_brand text, p_pointer text)
returns bigint
language plpgsql stable
as $$
declare
    v_brand bigint := sms.api_consent_brand(sms.id_parse('brd', p_brand));
begin
    if v_brand is null then
        perform api.raise(case when p_pointer = '' then 'invalid-parameter'
                               else 'invalid-field' end, p_pointer,
                          'brand: one of this account, or granted to it');
    end if;

    return v_brand;
end
$$;

create function api.consent_body(e sms.consent_entry)
returns json
language plpgsql stable
as $$
begin
    return json_build_object(
        'id', sms.id_text('cns', e.entry_id),
        'load', sms.id_text('lod', e.load_id),
        'brand', (select sms.id_text('brd', b.public_id) from sms.brand b
                   where b.brand_id = e.brand_id),
        'address', e.address,
        'type', (array['MESAJ', 'ARAMA', 'EPOSTA'])[e.channel],
        'recipient_type', (array['BIREYSEL', 'TACIR'])[e.recipient_type],
        'status', (array['ONAY', 'RET'])[e.status],
        'source', e.source,
        'consent_at', sms.time_text(e.consent_at),
        'received_at', sms.time_text(e.received_at),
        'deadline_at', sms.time_text(e.deadline_at),
        'state', e.state,
        'iys_code', e.iys_code,
        'transaction_id', e.transaction_id,
        'done_at', sms.time_text(e.done_at),
        'done_by', e.done_by,
        'scope', e.scope,
        'evidence', e.evidence);
end
$$;

create function api.consents_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body  jsonb := api.body(p_body, array['brand', 'consents', 'declaration'],
                              array['brand', 'consents']);
    v_brand bigint := api.consent_brand(api.field_text(v_body, 'brand', 1, 40), '/brand');
    v_rows  jsonb := v_body -> 'consents';
    v_at    int;
    v_said  jsonb;
begin
    if jsonb_typeof(v_rows) <> 'array' or jsonb_array_length(v_rows) = 0 then
        perform api.raise('invalid-field', '/consents', 'a list of 1 to 50000');
    end if;

    -- of too many only refusals are taken
    if jsonb_array_length(v_rows) > 50000
       and not exists (select from jsonb_array_elements(v_rows) r (v) where r.v ->> 'status' = 'RET')
    then
        perform api.raise('invalid-field', '/consents', 'a list of 1 to 50000 (İYS: H091)');
    end if;

    select i - 1 into v_at
      from jsonb_array_elements(v_rows) with ordinality r (v, i)
     where jsonb_typeof(r.v) <> 'object'
     limit 1;

    if found then
        perform api.raise('invalid-field', '/consents/' || v_at, 'an object is expected');
    end if;

    v_said := nullif(v_body -> 'declaration', 'null');

    if v_said is null then
        if (select count(*) > 1 from jsonb_array_elements(v_rows) r (v)
             where r.v ->> 'status' = 'ONAY')
        then
            perform api.raise('missing-field', '/declaration',
                              'who loads several approvals says where they are from: '
                              '{"statement":"…","by":"…"}');
        end if;

    elsif jsonb_typeof(v_said) <> 'object'
          or length(coalesce(v_said ->> 'statement', '')) not between 10 and 2000
          or length(coalesce(v_said ->> 'by', '')) not between 3 and 200
          or v_said - array['statement', 'by'] <> '{}'
    then
        perform api.raise('invalid-field', '/declaration',
                          '{"statement": 10 to 2000 characters, "by": 3 to 200}');
    end if;

    return (200, sms.api_consents_add(v_brand, v_rows, v_said))::api.answer;
end
$$;

create function api.consents_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q           jsonb := api.query(p_query, array['brand', 'address', 'status', 'state', 'load',
                                                  'limit', 'cursor']);
    v_limit     int := api.query_int(q, 'limit', 1, 100, 50);
    v_from      uuid := api.query_cursor(q, 'cns');
    v_brand     bigint;
    v_address   text;
    v_status    int := array_position(array['ONAY', 'RET'],
                                      api.query_word(q, 'status', array['ONAY', 'RET']));
    v_state     text := api.query_word(q, 'state', array[
                            'review', 'pending', 'uploading', 'sent', 'no_write', 'registered',
                            'already', 'kept_local', 'registered_as_decision', 'superseded',
                            'refused', 'loaded', 'expired']);
    v_load      uuid;
    v_ids       uuid[];
    v_next      text;
begin
    if q ? 'brand' then
        v_brand := api.consent_brand(q ->> 'brand', '');
    end if;

    if q ? 'load' then
        v_load := api.id('lod', q ->> 'load');
    end if;

    if q ? 'address' then
        v_address := coalesce(sms.consent_address(2, q ->> 'address'),
                              sms.consent_address(3, q ->> 'address'));
        if v_address is null then
            perform api.raise('invalid-parameter', '', 'address: a number or an e-mail address');
        end if;
    end if;

    v_ids := array(select e.entry_id from sms.consent_entry e
                    where e.owner_account_id = sms.api_account()
                      and (v_from is null or e.entry_id < v_from)
                      and (v_brand is null or e.brand_id = v_brand)
                      and (v_address is null or e.address = v_address)
                      and (v_status is null or e.status = v_status)
                      and (v_state is null or e.state = v_state)
                      and (v_load is null or e.load_id = v_load)
                    order by e.entry_id desc
                    limit v_limit + 1);

    if cardinality(v_ids) > v_limit then
        v_ids := v_ids[1 : v_limit];
        v_next := sms.id_text('cns', v_ids[v_limit]);
    end if;

    return (200, json_build_object(
        'consents', coalesce((select json_agg(api.consent_body(e) order by e.entry_id desc)
                                from sms.consent_entry e
                               where e.owner_account_id = sms.api_account()
                                 and e.entry_id = any (v_ids)), '[]'),
        'next_cursor', v_next))::api.answer;
end
$$;

create function api.consent_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    e   sms.consent_entry;
begin
    select x.* into e from sms.consent_entry x
     where x.owner_account_id = sms.api_account() and x.entry_id = api.id('cns', p_path[1]);

    if e.entry_id is null then
        perform api.raise('not-found');
    end if;

    return (200, api.consent_body(e))::api.answer;
end
$$;

-- What is known of addresses, without asking İYS: a refusal counts from wherever it
-- came, an approval as of when İYS said so.
create function api.consents_check(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body  jsonb := api.body(p_body, array['brand', 'type', 'recipient_type', 'addresses'],
                              array['brand', 'addresses']);
    v_brand bigint := api.consent_brand(api.field_text(v_body, 'brand', 1, 40), '/brand');
    v_type  int := array_position(array['MESAJ', 'ARAMA', 'EPOSTA'], coalesce(api.field_word(
                        v_body, 'type', array['MESAJ', 'ARAMA', 'EPOSTA']), 'MESAJ'));
    v_rtype int := array_position(array['BIREYSEL', 'TACIR'], coalesce(api.field_word(
                        v_body, 'recipient_type', array['BIREYSEL', 'TACIR']), 'BIREYSEL'));
    v_list  jsonb := v_body -> 'addresses';
    v_owner bigint := sms.brand_owner(v_brand);
    v_at    int;
begin
    if v_owner <> sms.api_account() then
        perform api.raise('invalid-field', '/brand', 'consents are told to the brand''s owner');
    end if;

    if jsonb_typeof(v_list) <> 'array' or jsonb_array_length(v_list) not between 1 and 1000 then
        perform api.raise('invalid-field', '/addresses', 'a list of 1 to 1000');
    end if;

    select i - 1 into v_at
      from jsonb_array_elements(v_list) with ordinality a (v, i)
     where jsonb_typeof(a.v) <> 'string' or sms.consent_address(v_type, a.v #>> '{}') is null
     order by i
     limit 1;

    if found then
        perform api.raise('invalid-field', '/addresses/' || v_at, 'no address of this type');
    end if;

    return (200, json_build_object('results', (
        select json_agg(json_build_object(
                   'address', a.address,
                   'state', case when r.at is not null then 'refused'
                                 when c.state is not null
                                 then (array['granted', 'refused', 'not_granted'])[c.state]
                                 else 'unknown' end,
                   'as_of', sms.time_text(coalesce(r.at, c.as_of)),
                   'from', case when r.at is not null then r.source
                                when c.state is not null then 'IYS' end) order by a.i)
          from (select y.i, y.address,
                       case when v_type = 1 then substr(y.address, 2)::bigint end as number
                  from (select x.i, sms.consent_address(v_type, x.v) as address
                          from jsonb_array_elements_text(v_list) with ordinality x (v, i)) y) a
          left join lateral (
               select o.received_at as at, o.source from sms.optout o
                where o.owner_account_id = v_owner and o.brand_id = v_brand
                  and o.number in (a.number, sms.api_number_mask(a.number)) and o.lifted_at is null
                union all
               select e.consent_at, e.source from sms.consent_entry e
                where v_type > 1 and e.owner_account_id = v_owner and e.brand_id = v_brand
                  and e.address = a.address and e.channel = v_type and e.status = 2
                  and not exists (select from sms.consent_entry n
                                   where n.owner_account_id = v_owner and n.brand_id = v_brand
                                     and n.address = a.address and n.channel = v_type
                                     and n.status = 1 and n.state = 'registered'
                                     and n.consent_at > e.consent_at)
                limit 1) r on true
          left join lateral (
               select x.state, x.as_of, x.counts_at from sms.consent x
                where x.owner_account_id = v_owner and x.brand_id = v_brand
                  and x.number = a.number and x.recipient_type = v_rtype
                union all
               select y.state, y.as_of, y.as_of
                 from (select z.state, z.as_of from sms.consent_other z
                        where z.owner_account_id = v_owner and z.brand_id = v_brand
                          and z.address = a.address and z.channel = v_type
                          and z.recipient_type = v_rtype
                        union all
                       -- İYS has taken it from us, then
                       select e.status, e.done_at from sms.consent_entry e
                        where e.owner_account_id = v_owner and e.brand_id = v_brand
                          and e.address = a.address and e.channel = v_type
                          and e.recipient_type = v_rtype
                          and e.state in ('registered', 'already')) y
                where v_type > 1
                order by counts_at desc, state desc
                limit 1) c on true)))::api.answer;
end
$$;

-- All that is known of one address, oldest first.
create function api.consents_history(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q           jsonb := api.query(p_query, array['address']);
    v_address   text := coalesce(sms.consent_address(2, q ->> 'address'),
                                 sms.consent_address(3, q ->> 'address'));
    v_number    bigint := case when v_address like '+%' then substr(v_address, 2)::bigint end;
begin
    if v_address is null then
        perform api.raise('invalid-parameter', '', 'address: a number or an e-mail address');
    end if;

    return (200, json_build_object('address', v_address, 'events', coalesce((
        select json_agg(json_build_object(
                   'at', sms.time_text(h.at), 'brand', sms.id_text('brd', b.public_id),
                   'event', h.event, 'status', h.status, 'source', h.source,
                   'consent', h.entry, 'proof', h.proof) order by h.at)
          -- brand by brand: keys begin with it
          from sms.brand b
         cross join lateral (
                select coalesce(e.consent_at, e.received_at) as at,
                       'declared' as event, (array['ONAY', 'RET'])[e.status] as status,
                       e.source, sms.id_text('cns', e.entry_id) as entry,
                       e.transaction_id as proof
                  from sms.consent_entry e
                 where e.owner_account_id = b.account_id and e.brand_id = b.brand_id
                   and e.address = v_address
                union all
                select o.received_at, 'stopped', 'RET', o.source, null,
                       sms.id_text('inb', o.inbound_id)
                  from sms.optout o
                 where o.owner_account_id = b.account_id and o.brand_id = b.brand_id
                   and o.number in (v_number, sms.api_number_mask(v_number))
                union all
                select o.lifted_at, 'lifted', 'ONAY', o.source, null, o.lift_proof
                  from sms.optout o
                 where o.owner_account_id = b.account_id and o.brand_id = b.brand_id
                   and o.number in (v_number, sms.api_number_mask(v_number)) and o.lifted_at is not null
                union all
                select c.as_of, 'iys', (array['ONAY', 'RET', 'no approval'])[c.state], c.source,
                       null, c.batch_id::text
                  from sms.consent c
                 where c.owner_account_id = b.account_id and c.brand_id = b.brand_id
                   and c.number = v_number
                union all
                select c.as_of, 'iys', (array['ONAY', 'RET', 'no approval'])[c.state], c.source,
                       null, null
                  from sms.consent_other c
                 where c.owner_account_id = b.account_id and c.brand_id = b.brand_id
                   and c.address = v_address) h
         where b.account_id = sms.api_account()), '[]')))::api.answer;
end
$$;

-- What somebody else has to load into İYS, in the form of its bulk interface (C5).
create function api.consents_export(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['brand', 'state', 'limit', 'cursor',
                                                  'format']);
    v_limit int := api.query_int(q, 'limit', 1, 1000, 1000);
    v_from  uuid := api.query_cursor(q, 'cns');
    v_brand bigint := api.consent_brand(q ->> 'brand', '');
    v_state text := coalesce(api.query_word(q, 'state', array['no_write', 'pending', 'refused']),
                             'no_write');
    v_ids   uuid[];
    v_next  text;
begin
    v_ids := array(select e.entry_id from sms.consent_entry e
                    where e.owner_account_id = sms.api_account() and e.brand_id = v_brand
                      and e.state = v_state and (v_from is null or e.entry_id > v_from)
                    order by e.entry_id
                    limit v_limit + 1);

    if cardinality(v_ids) > v_limit then
        v_ids := v_ids[1 : v_limit];
        v_next := sms.id_text('cns', v_ids[v_limit]);
    end if;

    if api.query_word(q, 'format', array['iys', 'csv']) = 'csv' then
        -- a text by itself: the worker sends it as text/csv
        return (200, to_json(
            'recipient,recipientType,type,status,source,consentDate' || E'\r\n' || coalesce((
                select string_agg(concat_ws(',', r ->> 'recipient', r ->> 'recipientType',
                                            r ->> 'type', r ->> 'status', r ->> 'source',
                                            coalesce(r ->> 'consentDate', '')) || E'\r\n', ''
                                  order by e.entry_id)
                  from sms.consent_entry e
                 cross join lateral sms.consent_iys(e) r
                 where e.owner_account_id = sms.api_account()
                   and e.entry_id = any (v_ids)), '')))::api.answer;
    end if;

    return (200, json_build_object(
        'rows', coalesce((
            select json_agg(sms.consent_iys(e) order by e.entry_id)
              from sms.consent_entry e
             where e.owner_account_id = sms.api_account() and e.entry_id = any (v_ids)), '[]'),
        'next_cursor', v_next))::api.answer;
end
$$;

create function api.consents_due(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, json_build_object('brands', coalesce(json_agg(json_build_object(
               'brand', sms.id_text('brd', b.public_id), 'open', d.open, 'refusals', d.refusals,
               'by_hand', d.by_hand, 'soon', d.soon, 'late', d.late, 'review', d.review,
               'next_deadline', sms.time_text(d.next),
               'resting_since', sms.time_text(b.late_since)) order by d.next), '[]'))
      from (select e.brand_id, count(*) as open,
                   count(*) filter (where e.status = 2) as refusals,
                   count(*) filter (where e.state = 'no_write') as by_hand,
                   count(*) filter (where e.deadline_at > t.now
                                          and e.deadline_at <= t.soon) as soon,
                   count(*) filter (where e.deadline_at <= t.now) as late,
                   count(*) filter (where e.state = 'review') as review,
                   min(e.deadline_at) as next
              from sms.consent_entry e
             cross join (select clock_timestamp() as now,
                                sms.consent_soon(clock_timestamp()) as soon) t
             where e.owner_account_id = sms.api_account() and e.done_at is null
             group by e.brand_id) d
      join sms.brand b using (brand_id)
$$;


-- ---- the desk: loads that wait for a person ------------------------------------

set role sms_owner;

create function sms.consent_load_body(l sms.consent_load)
returns json
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return json_build_object(
        'id', id_text('lod', l.load_id),
        'at', time_text(l.at),
        'account', (select id_text('acc', a.public_id) from account a
                     where a.account_id = l.by_account),
        'brand', (select id_text('brd', b.public_id) from brand b
                   where b.account_id = l.owner_account_id and b.brand_id = l.brand_id),
        'approvals', l.approvals,
        'refusals', l.refusals,
        'declaration', l.declaration,
        'review', l.review,
        'sources', (select json_object_agg(s.source, s.n)
                      from (select e.source, count(*) as n from consent_entry e
                             where e.owner_account_id = l.owner_account_id
                               and e.load_id = l.load_id and e.status = 1
                             group by e.source) s),
        'released_at', time_text(l.released_at),
        'refused_at', time_text(l.refused_at));
end
$$;

create function api.admin_consent_loads(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    perform admin_check();
    perform api.query(p_query, '{}');

    return (200, json_build_object('loads', coalesce((
        select json_agg(consent_load_body(l) order by l.at)
          from (select * from consent_load x
                 where x.review is not null and x.released_at is null
                   and x.refused_at is null
                 order by x.at
                 limit 100) l), '[]')))::api.answer;
end
$$;

-- Decides a load: its approvals go to İYS, or are refused whole.
create function api.admin_consent_load_decide(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_body      jsonb := api.body(p_body, array['decision', 'reason'],
                                  array['decision', 'reason']);
    v_decision  text := api.field_word(v_body, 'decision', array['release', 'refuse']);
    v_reason    text := api.field_text(v_body, 'reason', 3, 500);
    l           consent_load;
begin
    perform admin_check();

    select * into l from consent_load x where x.load_id = api.id('lod', p_path[1]) for update;

    if not found then
        perform api.raise('not-found');
    end if;

    if l.review is null or l.released_at is not null or l.refused_at is not null then
        perform api.raise('already-decided');
    end if;

    update consent_load x
       set released_at = case when v_decision = 'release' then clock_timestamp() end,
           refused_at = case when v_decision = 'refuse' then clock_timestamp() end
     where x.owner_account_id = l.owner_account_id and x.load_id = l.load_id
    returning * into l;

    update consent_entry e
       set state = case when v_decision = 'refuse' then 'refused'
                        when w.writes[e.channel] then 'pending'
                        else 'no_write' end,
           next_at = case when v_decision = 'release' and w.writes[e.channel]
                          then clock_timestamp() end,
           done_at = case when v_decision = 'refuse' then clock_timestamp() end
      from (select array(select brand_writable(l.brand_id, c::smallint)
                           from generate_series(1, 3) c order by c) as writes) w
     where e.owner_account_id = l.owner_account_id and e.load_id = l.load_id
       and e.state = 'review';

    perform audit_put('consent.' || v_decision, id_text('lod', l.load_id), v_reason,
                        json_build_object('approvals', l.approvals, 'review', l.review));

    return (200, consent_load_body(l))::api.answer;
end
$$;

grant execute on function api.admin_consent_loads(text[], text, text),
    api.admin_consent_load_decide(text[], text, text) to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/admin/consent-loads$', 'admin', 'api.admin_consent_loads'),
    ('POST', '^/v1/admin/consent-loads/([^/:]+):decide$', 'admin', 'api.admin_consent_load_decide');
