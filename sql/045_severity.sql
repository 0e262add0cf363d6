-- expand: severities of findings: what an account sets, what the host waives (C6)

set role sms_owner;

alter table sms.severity_waiver enable row level security;
create policy api on sms.severity_waiver for select to sms_api using
    (account_id = nullif(current_setting('sms.account', true), '')::bigint);
grant select on sms.severity_waiver to sms_api;

-- Codes that no severity is for: what consent, opt-outs and lists refuse is no finding of
-- a rule, and nobody can waive it.
create function sms.severity_code_fixed(p_code text)
returns boolean
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
begin
    return exists (select from cause c where c.code = p_code);
end
$$;

-- The severities of the account that asks, as a whole.
create function sms.api_severities_put(p_severities jsonb)
returns void
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_account   bigint := nullif(current_setting('sms.account', true), '')::bigint;
    v_before    jsonb := (select s.severity::jsonb from account_setting s
                           where s.account_id = v_account);
begin
    if v_before <> p_severities then
        update account_setting set severity = p_severities::json where account_id = v_account;

        perform audit_put('severity.set',
                          (select id_text('acc', a.public_id) from account a
                            where a.account_id = v_account), '',
                          json_build_object('before', v_before, 'after', p_severities));
    end if;
end
$$;

grant execute on function sms.severity_code_fixed(text), sms.api_severities_put(jsonb)
    to sms_api;


-- ---- the account --------------------------------------------------------------

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/compliance/severities$', 'compliance:manage', 'api.severities_get'),
    ('PUT', '^/v1/compliance/severities$', 'compliance:manage', 'api.severities_put');

-- A code of a finding, or a problem with its place.
create function api.severity_code(p_code text, p_pointer text)
returns void
language plpgsql
as $$
begin
    if p_code !~ '^[a-z][a-z0-9-]{0,63}$' then
        perform api.raise('invalid-field', p_pointer,
                          'the code of a finding: a-z, 0-9 and "-", at most 64');
    end if;

    if sms.severity_code_fixed(p_code) then
        perform api.raise('invalid-field', p_pointer,
                          'no finding of a rule: nobody can waive consent, opt-outs or lists');
    end if;
end
$$;

create function api.severities_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
begin
    perform api.query(p_query, '{}');

    return (200, json_build_object(
        'severities', (select s.severity from sms.account_setting s),
        'waivers', coalesce((
            select json_agg(json_build_object(
                       'id', sms.id_text('wvr', w.waiver_id), 'code', w.code,
                       'severity', w.severity, 'until', sms.time_text(w.ends_at))
                     order by w.code)
              from sms.severity_waiver w
             where w.lifted_at is null and w.ends_at > clock_timestamp()), '[]')))::api.answer;
end
$$;

create function api.severities_put(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_map   jsonb;
    v_code  text;
    v_value jsonb;
    v_place text;
begin
    perform api.query(p_query, '{}');
    v_map := api.body(p_body, array['severities'], array['severities']) -> 'severities';

    if jsonb_typeof(v_map) <> 'object' then
        perform api.raise('invalid-field', '/severities', 'an object of codes and severities');
    end if;

    if (select count(*) from jsonb_object_keys(v_map)) > 100 then
        perform api.raise('invalid-field', '/severities', 'at most 100 codes');
    end if;

    for v_code, v_value in select k, v from jsonb_each(v_map) e (k, v)
    loop
        v_place := '/severities/' || replace(replace(v_code, '~', '~0'), '/', '~1');
        perform api.severity_code(v_code, v_place);

        if v_value not in ('"off"', '"warn"', '"confirm"', '"block"') then
            perform api.raise('invalid-field', v_place, 'one of off, warn, confirm, block');
        end if;
    end loop;

    perform sms.api_severities_put(v_map);

    return api.severities_get('{}', null, null);
end
$$;


-- ---- the desk -----------------------------------------------------------------

set role sms_owner;

create function sms.waiver_body(w sms.severity_waiver)
returns json
language sql stable
set search_path = sms, pg_temp
as $$
    select json_build_object(
        'id', id_text('wvr', w.waiver_id),
        'account', (select id_text('acc', a.public_id) from account a
                     where a.account_id = w.account_id),
        'code', w.code,
        'severity', w.severity,
        'active', w.lifted_at is null and w.ends_at > clock_timestamp(),
        'reason', w.reason,
        'document', w.document,
        'created_at', time_text(w.created_at),
        'created_by', w.created_by,
        'until', time_text(w.ends_at),
        'lifted_at', time_text(w.lifted_at),
        'lifted_by', w.lifted_by,
        'lift_reason', w.lift_reason)
$$;

-- A newer one of the same code takes the place of the one before.
create function api.admin_waiver_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    b   jsonb;
    w   severity_waiver;
begin
    perform admin_check();
    perform api.query(p_query, '{}');
    b := jsonb_strip_nulls(api.body(
             p_body, array['account', 'code', 'severity', 'reason', 'document', 'until'],
             array['account', 'code', 'severity', 'reason', 'until']));

    w.waiver_id := id_new();
    w.code := api.field_text(b, 'code', 1, 64);
    w.severity := api.field_word(b, 'severity', array['confirm', 'warn']);
    w.reason := btrim(api.field_text(b, 'reason', 1, 500));
    w.document := api.field_text(b, 'document', 1, 200);
    w.ends_at := api.field_time(b, 'until');
    w.created_at := clock_timestamp();
    w.created_by := admin_name();

    -- null says that the field is there; without value it says nothing
    if w.reason is null or w.reason = '' then
        perform api.raise('invalid-field', '/reason', 'say why');
    end if;

    if w.code is null or w.severity is null or w.ends_at is null or not b ? 'account' then
        perform api.raise('invalid-field',
                          '/' || case when not b ? 'account' then 'account'
                                      when w.code is null then 'code'
                                      when w.severity is null then 'severity'
                                      else 'until' end, 'null is no value here');
    end if;

    perform api.severity_code(w.code, '/code');

    select a.account_id into w.account_id
      from account a
     where a.public_id = id_parse('acc', api.field_text(b, 'account', 1, 64));

    if w.account_id is null then
        perform api.raise('invalid-field', '/account', 'there is no such account');
    end if;

    if w.ends_at <= w.created_at or w.ends_at > w.created_at + interval '366 days' then
        perform api.raise('invalid-field', '/until', 'a time to come, within a year');
    end if;

    update severity_waiver x
       set lifted_at = w.created_at, lifted_by = w.created_by,
           lift_reason = 'replaced by ' || id_text('wvr', w.waiver_id)
     where x.account_id = w.account_id and x.code = w.code and x.lifted_at is null;

    insert into severity_waiver select w.*;
    perform audit_put('waiver.create', id_text('wvr', w.waiver_id), w.reason, b::json);

    return (201, waiver_body(w))::api.answer;
end
$$;

create function api.admin_waiver_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    q       jsonb;
    w       severity_waiver;
    v_why   text;
begin
    perform admin_check();
    select x.* into w from severity_waiver x where x.waiver_id = api.id('wvr', p_path[1]);

    if not found then
        perform api.raise('not-found');
    end if;

    q := api.query(p_query, array['reason']);
    v_why := nullif(btrim(q ->> 'reason'), '');

    if v_why is null or length(v_why) > 500 then
        perform api.raise('invalid-parameter', '',
                          'reason: say why, as ?reason=..., in at most 500 characters');
    end if;

    update severity_waiver x
       set lifted_at = clock_timestamp(), lifted_by = admin_name(), lift_reason = v_why
     where x.account_id = w.account_id and x.waiver_id = w.waiver_id and x.lifted_at is null
    returning x.* into w;

    if found then
        perform audit_put('waiver.lift', id_text('wvr', w.waiver_id), v_why, null);
    else
        select x.* into w from severity_waiver x where x.waiver_id = api.id('wvr', p_path[1]);
    end if;

    return (200, waiver_body(w))::api.answer;
end
$$;

create function api.admin_waivers(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    q       jsonb;
    v_state text;
    v_limit int;
    v_after uuid;
    v_ids   uuid[];
    v_next  text;
begin
    perform admin_check();
    q := api.query(p_query, array['state', 'limit', 'cursor']);
    v_state := coalesce(api.query_word(q, 'state', array['active', 'ended', 'all']), 'active');
    v_limit := api.query_int(q, 'limit', 1, 100, 50);
    v_after := api.query_cursor(q, 'wvr');

    v_ids := array(
        select w.waiver_id from severity_waiver w
         where (v_after is null or w.waiver_id < v_after)
           and case v_state
               when 'active' then w.lifted_at is null and w.ends_at > clock_timestamp()
               when 'ended' then w.lifted_at is not null or w.ends_at <= clock_timestamp()
               else true end
         order by w.waiver_id desc
         limit v_limit + 1);

    if cardinality(v_ids) > v_limit then
        v_ids := v_ids[1 : v_limit];
        v_next := id_text('wvr', v_ids[v_limit]);
    end if;

    return (200, json_build_object(
        'waivers', coalesce((select json_agg(waiver_body(w) order by w.waiver_id desc)
                               from severity_waiver w where w.waiver_id = any (v_ids)), '[]'),
        'next_cursor', v_next))::api.answer;
end
$$;

grant execute on function
    api.admin_waiver_post(text[], text, text), api.admin_waiver_delete(text[], text, text),
    api.admin_waivers(text[], text, text) to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/admin/waivers$', 'admin', 'api.admin_waivers'),
    ('POST', '^/v1/admin/waivers$', 'admin', 'api.admin_waiver_post'),
    ('DELETE', '^/v1/admin/waivers/([^/:]+)$', 'admin', 'api.admin_waiver_delete');
