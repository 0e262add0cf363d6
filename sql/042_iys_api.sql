-- expand: what İYS tells, for the account
--
-- History and retailers of an address are asked of İYS, a hundred an hour for the whole
-- installation: who asks gets an answer of the last hour at once, and comes again for one
-- that is on its way.

set role sms_owner;

do $$
declare
    v_table text;
begin
    foreach v_table in array array['iys_move', 'iys_day', 'iys_drift', 'iys_asked'] loop
        execute format('alter table sms.%I enable row level security', v_table);
        execute format('create policy api on sms.%I for select to sms_api using '
                       '(owner_account_id = nullif(current_setting(''sms.account'', true), '''')::bigint)',
                       v_table);
        execute format('grant select on sms.%I to sms_api', v_table);
    end loop;
end
$$;

-- As iys_ask(); null: it is nobody's brand, or one that İYS does not know.
create function sms.api_iys_ask(
    p_brand bigint, p_kind text, p_channel smallint, p_rtype smallint, p_address text)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    if not exists (select from brand b
                    where b.account_id = api_account() and b.brand_id = p_brand
                      and b.iys_code is not null and b.brand_code is not null)
    then
        return null;
    end if;

    return iys_ask(clock_timestamp(), api_account(), p_brand, p_kind, p_channel, p_rtype,
                   p_address);
end
$$;

grant execute on function sms.api_iys_ask(bigint, text, smallint, smallint, text) to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('POST', '^/v1/consents:ask$', 'consents:read', 'api.consents_ask'),
    ('GET', '^/v1/consents:drift$', 'consents:read', 'api.consents_drift');

create function api.consents_ask(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body      jsonb := api.body(p_body, array['brand', 'address', 'type', 'recipient_type',
                                                'what'],
                                  array['brand', 'address', 'type', 'recipient_type', 'what']);
    v_brand     bigint := api.consent_brand(api.field_text(v_body, 'brand', 1, 40), '/brand');
    v_type      text := api.field_word(v_body, 'type', array['MESAJ', 'ARAMA', 'EPOSTA']);
    v_rtype     text := api.field_word(v_body, 'recipient_type', array['BIREYSEL', 'TACIR']);
    v_what      text := api.field_word(v_body, 'what', array['history', 'retailers']);
    v_channel   smallint := array_position(array['MESAJ', 'ARAMA', 'EPOSTA'], v_type);
    v_recipient smallint := array_position(array['BIREYSEL', 'TACIR'], v_rtype);
    v_kind      text := case v_what when 'retailers' then 'access' else v_what end;
    v_address   text := sms.consent_address(v_channel,
                                            api.field_text(v_body, 'address', 1, 265));
    a           sms.iys_asked;
begin
    if v_address is null then
        perform api.raise('invalid-field', '/address',
                          'an e-mail address for EPOSTA, else a number');
    end if;

    if sms.api_iys_ask(v_brand, v_kind, v_channel, v_recipient, v_address) is null then
        perform api.raise('invalid-field', '/brand',
                          'a brand of this account that has its codes of İYS');
    end if;

    select x.* into a
      from sms.iys_asked x
     where x.owner_account_id = sms.api_account() and x.brand_id = v_brand
       and x.kind = v_kind and x.address = v_address and x.channel = v_channel
       and x.recipient_type = v_recipient;

    if a.answered_at is null or a.answered_at < a.asked_at then
        return (202, json_build_object('asked_at', sms.time_text(a.asked_at),
                                       'answered_at', null))::api.answer;
    end if;

    return (200, json_build_object(
        'asked_at', sms.time_text(a.asked_at), 'answered_at', sms.time_text(a.answered_at),
        'iys_code', a.code, 'retailers', a.retailers,
        'movements', case when v_what = 'history' then coalesce((
            select json_agg(json_build_object(
                       'at', sms.time_text(m.created_at),
                       'consent_at', sms.time_text(m.consent_at),
                       'status', (array['ONAY', 'RET'])[m.status], 'source', m.source,
                       'transaction_id', m.transaction_id) order by m.created_at, m.status)
              from sms.iys_move m
             where m.owner_account_id = sms.api_account() and m.brand_id = v_brand
               and m.address = v_address and m.channel = v_channel
               and m.recipient_type = v_recipient), '[]') end))::api.answer;
end
$$;

-- Where İYS's days and ours differ: the days, or the differences of one.
create function api.consents_drift(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['brand', 'day']);
    v_brand bigint := api.consent_brand(q ->> 'brand', '');
    v_day   date := case when sms.time_read((q ->> 'day') || 'T00:00:00Z') is not null
                         then (q ->> 'day')::date end;
begin
    if v_day is null and q ? 'day' then
        perform api.raise('invalid-parameter', '', 'day: as 2026-12-01');
    end if;

    return (200, json_build_object(
        'days', coalesce((
            select json_agg(json_build_object(
                       'day', y.day, 'state', y.state, 'rows', y.rows,
                       'missing_here', y.missing_here, 'missing_in_iys', y.missing_there,
                       'different', y.different, 'refusals', y.refusals,
                       'hash', y.hash_form, 'compared_at', sms.time_text(y.compared_at),
                       'agreed_at', sms.time_text(y.agreed_at)) order by y.day desc)
              from sms.iys_day y
             where y.owner_account_id = sms.api_account() and y.brand_id = v_brand
               and y.day >= coalesce(v_day, current_date - 400)
               and (v_day is null or y.day = v_day)), '[]'),
        'differences', case when v_day is not null then coalesce((
            select json_agg(json_build_object(
                       'kind', case d.kind when 'missing_there' then 'missing_in_iys'
                                           else d.kind end,
                       'address', d.address,
                       'type', (array['MESAJ', 'ARAMA', 'EPOSTA'])[d.channel],
                       'recipient_type', (array['BIREYSEL', 'TACIR'])[d.recipient_type],
                       'status', (array['ONAY', 'RET'])[d.status],
                       'transaction_id', d.transaction_id, 'applied', d.applied,
                       'here', d.here, 'iys', d.there) order by d.kind, d.address)
              from (select x.* from sms.iys_drift x
                     where x.owner_account_id = sms.api_account() and x.brand_id = v_brand
                       and x.day = v_day
                     order by x.kind, x.address
                     limit 1000) d), '[]') end))::api.answer;
end
$$;
