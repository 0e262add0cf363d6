-- expand: refusals that reach a brand another way: its call centre, its panel, its mail
--
-- They take effect in the commit that stores them (C1), and are entries that İYS is due,
-- as those of /v1/consents.  Nothing but a newer approval that is proved lifts one.

set role sms_owner;

-- The recipient and brand of a message of the account that asks.
create function sms.api_message_person(p_id uuid, out "to" bigint, out brand_id bigint)
language sql stable security definer
set search_path = sms, pg_temp
as $$
    select m."to", nullif(m.brand_id, 0)
      from message m
     where m.account_id = api_account() and m.message_id = p_id
     limit 1
$$;

-- One person, one brand; p_rows as of /v1/consents, all of them refusals.  p_confirm: the
-- number that is told that it was heard, or null.
create function sms.api_optout_put(p_brand bigint, p_rows jsonb, p_confirm bigint)
returns json
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
    v_key   bigint := nullif(current_setting('sms.key', true), '')::bigint;
    v_live  boolean := (select k.mode = 'live' from api_key k
                         where k.account_id = api_account() and k.key_no = v_key);
    v_said  json;
begin
    v_said := consent_load_add(v_now, api_account(), v_key, p_brand, p_rows, null, v_live);

    if v_live and p_confirm is not null then
        perform optout_confirm(p_brand, p_confirm, v_now);
    end if;

    return json_build_object(
        'brand', (select id_text('brd', b.public_id) from brand b
                   where b.account_id = brand_owner(p_brand) and b.brand_id = p_brand),
        'load', v_said -> 'load', 'ended', v_said -> 'ended');
end
$$;

-- A consent of this brand and number that proves that somebody changed their mind: İYS
-- has it, from us, or lists the number after somebody else has loaded it.  Answers how
-- many refusals it lifts.
create function sms.api_optout_lift(p_brand bigint, p_number bigint, p_entry uuid)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    e   consent_entry;
begin
    select x.* into e
      from consent_entry x
     where x.owner_account_id = api_account() and x.entry_id = p_entry
       and x.brand_id = p_brand and x.address = '+' || p_number and x.channel = 1
       and x.status = 1 and x.consent_at is not null
       and (x.state = 'registered'
            or x.state = 'loaded'
               and exists (select from consent c
                            where c.owner_account_id = x.owner_account_id
                              and c.brand_id = x.brand_id and c.number = p_number
                              and c.recipient_type = x.recipient_type
                              and c.permits and c.as_of > x.done_at));

    if e.entry_id is null then
        return 0;
    end if;

    return optout_lift(e.owner_account_id, p_brand, p_number, e.consent_at,
                       'consent ' || id_text('cns', e.entry_id));
end
$$;

grant execute on function
    sms.api_message_person(uuid), sms.api_optout_put(bigint, jsonb, bigint),
    sms.api_optout_lift(bigint, bigint, uuid) to sms_api;


-- ---- routes -----------------------------------------------------------------

set role sms_api;

insert into api.problem (slug, status) values
    ('not-proved', 409);

insert into api.route (method, pattern, scope, function) values
    ('POST', '^/v1/optouts$', 'consents:write', 'api.optouts_post'),
    ('GET', '^/v1/optouts$', 'consents:read', 'api.optouts_get'),
    ('POST', '^/v1/optouts:lift$', 'consents:write', 'api.optouts_lift');

create function api.optouts_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body      jsonb := api.body(p_body, array['brand', 'address', 'message', 'types', 'source',
                                                'refused_at', 'evidence', 'confirm']);
    v_given     text := api.field_text(v_body, 'address', 1, 265);
    v_message   text := api.field_text(v_body, 'message', 1, 40);
    v_types     text[] := api.field_words(v_body, 'types', array['MESAJ', 'ARAMA', 'EPOSTA']);
    v_brand     text := api.field_text(v_body, 'brand', 1, 40);
    v_at        timestamptz := api.field_time(v_body, 'refused_at');
    v_confirm   boolean := coalesce(api.field_bool(v_body, 'confirm'), false);
    v_brands    bigint[];
    v_address   text;
    v_rows      jsonb;
    v_to        bigint;
    v_of        bigint;
    v_told      json[] := '{}';
    b           bigint;
begin
    if num_nonnulls(v_given, v_message) <> 1 then
        perform api.raise('missing-field', '/address', 'who refuses: address or message, one of them');
    end if;

    if v_message is not null then
        select p."to", p.brand_id into v_to, v_of
          from sms.api_message_person(sms.id_parse('msg', v_message)) p;

        if v_to is null then
            perform api.raise('invalid-field', '/message', 'a message of this account');
        end if;

        v_address := '+' || v_to;
    else
        v_address := case when v_given like '%@%' then sms.consent_address(3, v_given)
                          else sms.consent_address(2, v_given) end;
        if v_address is null then
            perform api.raise('invalid-field', '/address', 'a Turkish number or an e-mail address');
        end if;
    end if;

    if v_types is null then
        v_types := array[case when v_address like '+905%' then 'MESAJ'
                              when v_address like '+%' then 'ARAMA' else 'EPOSTA' end];
    elsif v_types = '{}'
          or exists (select from unnest(v_types) t
                      where sms.consent_address(array_position(array['MESAJ', 'ARAMA', 'EPOSTA'], t),
                                                v_address) is null)
    then
        perform api.raise('invalid-field', '/types', 'types that the address can have');
    end if;

    if v_brand = 'all' then
        v_brands := array(select x.brand_id from sms.brand x
                           where x.account_id = sms.api_account() order by 1);
    elsif v_brand is not null then
        v_brands := array[api.consent_brand(v_brand, '/brand')];
    elsif v_of is not null then
        v_brands := array[v_of];
    else
        perform api.raise('missing-field', '/brand', 'a brand, or "all"');
    end if;

    v_rows := (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                          'address', v_address, 'type', t, 'status', 'RET',
                          'source', v_body -> 'source', 'consent_at', sms.time_text(v_at),
                          'evidence', v_body -> 'evidence')))
                 from unnest(v_types) t);

    foreach b in array v_brands loop
        v_told := v_told || sms.api_optout_put(
                      b, v_rows, case when v_confirm and 'MESAJ' = any (v_types)
                                      then substr(v_address, 2)::bigint end);
    end loop;

    return (200, json_build_object('address', v_address, 'types', to_json(v_types),
                                   'brands', to_json(v_told)))::api.answer;
end
$$;

create function api.optouts_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q           jsonb := api.query(p_query, array['brand', 'address', 'active', 'limit', 'cursor']);
    v_limit     int := api.query_int(q, 'limit', 1, 100, 50);
    v_active    text := api.query_word(q, 'active', array['true', 'false']);
    v_brand     bigint;
    v_number    bigint;
    v_from      text[];
    v_rows      json[];
    v_next      text;
begin
    if q ? 'brand' then
        v_brand := api.consent_brand(q ->> 'brand', '');
    end if;

    if q ? 'address' then
        v_number := substr(sms.consent_address(1, q ->> 'address'), 2)::bigint;
        if v_number is null then
            perform api.raise('invalid-parameter', '', 'address: a mobile number');
        end if;
    end if;

    if q ? 'cursor' then
        v_from := regexp_match(q ->> 'cursor', '^([0-9]{1,18})\.([0-9]{1,15})\.([0-9]{1,16})$');
        if v_from is null then
            perform api.raise('invalid-parameter', '', 'cursor: as next_cursor gave it');
        end if;
    end if;

    select array_agg(w.body order by w.brand_id, w.number, w.received_at),
           max(w.place) filter (where w.n = v_limit and w.more)
      into v_rows, v_next
      from (select x.brand_id, x.number, x.received_at, x.n,
                   count(*) over () > v_limit as more,
                   concat_ws('.', x.brand_id, x.number,
                             floor(extract(epoch from x.received_at) * 1000000)::bigint) as place,
                   json_build_object(
                       'brand', (select sms.id_text('brd', b.public_id) from sms.brand b
                                  where b.brand_id = x.brand_id),
                       -- erased: nobody knows it any more
                       'address', case when x.number > 0 then '+' || x.number end,
                       'received_at', sms.time_text(x.received_at),
                       'source', x.source,
                       'inbound', sms.id_text('inb', x.inbound_id),
                       'certain', x.decide_at is null,
                       'lifted_at', sms.time_text(x.lifted_at),
                       'lift_proof', x.lift_proof) as body
              from (select o.*, row_number() over (order by o.brand_id, o.number, o.received_at) as n
                      from (select * from sms.optout o
                             where o.owner_account_id = sms.api_account()
                               and (v_brand is null or o.brand_id = v_brand)
                               and (v_number is null
                                    or o.number in (v_number, sms.api_number_mask(v_number)))
                               and (v_active is null
                                    or (o.lifted_at is null) = (v_active = 'true'))
                               and (v_from is null
                                    or (o.brand_id, o.number, o.received_at)
                                       > (v_from[1]::bigint, v_from[2]::bigint,
                                          to_timestamp(0) + v_from[3]::bigint
                                                            * interval '1 microsecond'))
                             order by o.brand_id, o.number, o.received_at
                             limit v_limit + 1) o) x) w;

    return (200, json_build_object('optouts', coalesce(to_json(v_rows[1 : v_limit]), '[]'),
                                   'next_cursor', v_next))::api.answer;
end
$$;

create function api.optouts_lift(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body      jsonb := api.body(p_body, array['brand', 'address', 'consent'],
                                  array['brand', 'address', 'consent']);
    v_brand     bigint := api.consent_brand(api.field_text(v_body, 'brand', 1, 40), '/brand');
    v_number    bigint := substr(sms.consent_address(1, api.field_text(v_body, 'address', 1, 30)),
                                 2)::bigint;
    v_entry     uuid := sms.id_parse('cns', api.field_text(v_body, 'consent', 1, 40));
    n           int;
begin
    if v_number is null then
        perform api.raise('invalid-field', '/address', 'a mobile number');
    end if;

    if v_entry is null then
        perform api.raise('invalid-field', '/consent', 'the id of a consent');
    end if;

    n := sms.api_optout_lift(v_brand, v_number, v_entry);

    if n = 0 then
        perform api.raise('not-proved', '/consent',
                          'an approval of this number that İYS has, given after the refusal');
    end if;

    return (200, json_build_object('lifted', n))::api.answer;
end
$$;
