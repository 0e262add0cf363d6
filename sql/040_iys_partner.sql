-- expand: whose brands we may ask for and write to, and whether their subscriptions run
--
-- As an integrator (iş ortağı) İYS lists the brands that gave us a right, by channel; a
-- provider's own user sees the brands of its own code, with all rights (C5).  Read daily: a
-- brand that is not listed any more has lost its rights.

set role sms_owner;

create table sms.brand_standing (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    as_of           timestamptz not null,
    -- may be looked up by us as aracı hizmet sağlayıcı (m.11); null: İYS's list does not say
    ahs             boolean,
    mesaj           text not null check (mesaj in ('none', 'read', 'write')),
    arama           text not null check (arama in ('none', 'read', 'write')),
    eposta          text not null check (eposta in ('none', 'read', 'write')),
    primary key (owner_account_id, brand_id)
);

create table sms.iys_subscription (
    owner_account_id bigint not null,
    iys_code        bigint not null,
    as_of           timestamptz not null,
    expires_at      timestamptz,
    consent_limit   bigint,
    consent_used    bigint,
    status          text not null check (status in ('ACTIVE', 'PAUSED', 'EXPIRED', 'CLOSED',
                                                    'NONE')),
    primary key (owner_account_id, iys_code)
);

-- Brands by what İYS says of them: without a right for SMS, or with a subscription that
-- does not run, nothing commercial is taken, and what waits is held (C5).  Who was not
-- asked about yet may send: İYS is asked again of each recipient.
create function sms.brand_standing_apply()
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    update brand b
       set standing = x.standing
      from (select w.account_id, w.brand_id,
                   case when s.mesaj = 'none' and s.ahs is not true then 'no-right'
                        when u.status <> 'ACTIVE' or u.expires_at <= clock_timestamp()
                        then 'no-subscription'
                        else '' end as standing
              from brand w
              left join brand_standing s on s.owner_account_id = w.account_id
                                        and s.brand_id = w.brand_id
              left join iys_subscription u on u.owner_account_id = w.account_id
                                          and u.iys_code = w.iys_code
             order by w.account_id, w.brand_id) x
     where b.account_id = x.account_id and b.brand_id = x.brand_id
       and b.standing <> x.standing;

    get diagnostics n = row_count;
    return n;
end
$$;

-- The whole list: brands of ours that it does not name lose their rights.
create function sms.brand_standing_put(
    p_iys_code bigint[], p_brand_code bigint[], p_ahs boolean[], p_mesaj text[],
    p_arama text[], p_eposta text[], p_at timestamptz)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    insert into brand_standing (owner_account_id, brand_id, as_of, ahs, mesaj, arama, eposta)
    select b.account_id, b.brand_id, p_at, u.ahs, coalesce(u.mesaj, 'none'),
           coalesce(u.arama, 'none'), coalesce(u.eposta, 'none')
      from brand b
      left join lateral (
           select u.*
             from unnest(p_iys_code, p_brand_code, p_ahs, p_mesaj, p_arama, p_eposta)
                  u (iys_code, brand_code, ahs, mesaj, arama, eposta)
            where u.iys_code = b.iys_code and u.brand_code = b.brand_code
            limit 1) u on true
     where b.iys_code is not null and b.brand_code is not null
     order by b.account_id, b.brand_id
        on conflict (owner_account_id, brand_id)
        do update set as_of = excluded.as_of, ahs = coalesce(excluded.ahs, brand_standing.ahs),
                      mesaj = excluded.mesaj, arama = excluded.arama,
                      eposta = excluded.eposta;
    get diagnostics n = row_count;

    perform brand_standing_apply();
    return n;
end
$$;

create function sms.iys_subscription_put(
    p_iys_code bigint, p_status text, p_expires_at timestamptz, p_limit bigint, p_used bigint,
    p_at timestamptz)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    insert into iys_subscription (owner_account_id, iys_code, as_of, status, expires_at,
                                  consent_limit, consent_used)
    select distinct b.account_id, b.iys_code, p_at, p_status, p_expires_at, p_limit, p_used
      from brand b
     where b.iys_code = p_iys_code
        on conflict (owner_account_id, iys_code)
        do update set as_of = excluded.as_of, status = excluded.status,
                      expires_at = excluded.expires_at,
                      consent_limit = excluded.consent_limit,
                      consent_used = excluded.consent_used;
    get diagnostics n = row_count;

    perform brand_standing_apply();
    return n;
end
$$;


-- ---- what İYS answers -------------------------------------------------------

-- A list that was read whole.  p_rows: {iysCode, brandCode, MESAJ, ARAMA, EPOSTA}.  The
-- alarm tells that a brand of ours has lost a right.
create function sms.iys_standing_told(p_now timestamptz, p_rows jsonb)
returns text
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_before    bigint[];
    v_lost      boolean;
begin
    v_before := array(select s.brand_id from brand_standing s where s.mesaj <> 'none');

    perform brand_standing_put(
        array_agg(r.iys_code order by r.n), array_agg(r.brand_code order by r.n),
        array_agg(null::boolean), array_agg(r.mesaj order by r.n),
        array_agg(r.arama order by r.n), array_agg(r.eposta order by r.n), p_now)
       from (select e.n, (e.r ->> 'iysCode')::bigint as iys_code,
                    (e.r ->> 'brandCode')::bigint as brand_code,
                    iys_right(e.r ->> 'MESAJ') as mesaj, iys_right(e.r ->> 'ARAMA') as arama,
                    iys_right(e.r ->> 'EPOSTA') as eposta
               from jsonb_array_elements(p_rows) with ordinality e (r, n)
              where e.r ->> 'iysCode' ~ '^[0-9]{1,15}$'
                and e.r ->> 'brandCode' ~ '^[0-9]{1,15}$') r;

    v_lost := exists (select from brand_standing s
                       where s.brand_id = any (v_before) and s.mesaj = 'none');

    return case when v_lost then 'right-lost' end;
end
$$;

-- Only İYS's own words give a right.
create function sms.iys_right(p_text text)
returns text
language sql immutable
as $$
    select case when p_text in ('read', 'write') then p_text else 'none' end
$$;

-- GET /integrator/{code}/sps, a hundred brands a page.
create function sms.iys_partners_page(p_now timestamptz, p_task sms.iys_task, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(p_now + interval '1 day');
    v_body  jsonb := p_body;
    v_list  jsonb := case when jsonb_typeof(v_body) = 'array' then v_body
                          else v_body -> 'list' end;
    v_all   jsonb;
begin
    if jsonb_typeof(v_list) is distinct from 'array' then
        raise exception 'answer-malformed' using errcode = '22023';
    end if;

    o.rows := jsonb_array_length(v_list);
    v_all := coalesce(p_task.carry, '[]') || v_list;

    if o.rows >= 100 and p_task.position < 100000 then
        o.next_at := p_now;
        o.position := p_task.position + o.rows;
        o.carry := v_all;
        return o;
    end if;

    o.alarm := iys_standing_told(p_now, v_all);
    return o;
end
$$;

-- The providers whose own users we are, in order.
create function sms.iys_providers()
returns table (n int, code bigint)
language sql stable
as $$
    select row_number() over (order by b.iys_code)::int, b.iys_code
      from (select distinct x.iys_code from sms.brand x where x.iys_code is not null) b
$$;

create function sms.iys_brands_next(p_now timestamptz, p_task sms.iys_task, p_rows jsonb)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(p_now + interval '1 day');
    v_all   jsonb := coalesce(p_task.carry, '[]') || p_rows;
begin
    if exists (select from iys_providers() p where p.n > p_task.position + 1) then
        o.next_at := p_now;
        o.position := p_task.position + 1;
        o.carry := v_all;
        return o;
    end if;

    o.alarm := iys_standing_told(p_now, v_all);
    return o;
end
$$;

-- GET /sps/{iysCode}/brands of one provider after the other.
create function sms.iys_brands_page(
    p_now timestamptz, p_task sms.iys_task, p_http int, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_body  jsonb;
    v_code  bigint := (select p.code from iys_providers() p where p.n = p_task.position + 1);
begin
    -- whose brands they were is gone
    if v_code is null then
        return iys_brands_next(p_now, p_task, '[]');
    end if;

    v_body := case when p_http = 204 then '[]' else p_body end;

    if jsonb_typeof(v_body) is distinct from 'array' then
        raise exception 'answer-malformed' using errcode = '22023';
    end if;

    return iys_brands_next(p_now, p_task, coalesce((
        select jsonb_agg(jsonb_build_object('iysCode', v_code, 'brandCode', e.r -> 'brandCode',
                                            'MESAJ', 'write', 'ARAMA', 'write',
                                            'EPOSTA', 'write'))
          from jsonb_array_elements(v_body) e (r)), '[]'));
end
$$;

-- A provider that refuses to tell has no brand of ours; the others are asked.
create function sms.iys_brands_skip(p_now timestamptz, p_task sms.iys_task)
returns sms.iys_task
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o   iys_outcome := iys_brands_next(p_now, p_task, '[]');
begin
    p_task.next_at := o.next_at;
    p_task.position := o.position;
    p_task.carry := o.carry;

    return p_task;
end
$$;

-- GET /sps/{iysCode}/subscription, four times a day.
create function sms.iys_subscription_told(p_now timestamptz, p_task sms.iys_task, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o           iys_outcome := iys_outcome_at(p_now + interval '6 hours');
    v_body      jsonb := p_body;
    v_status    text := upper(v_body ->> 'status');
    v_expires   timestamptz := iys_time(v_body ->> 'expirationDate');
    v_limit     bigint := case when v_body ->> 'consentLimit' ~ '^[0-9]{1,15}$'
                               then (v_body ->> 'consentLimit')::bigint end;
    v_used      bigint := case when v_body ->> 'usedConsentLimit' ~ '^[0-9]{1,15}$'
                               then (v_body ->> 'usedConsentLimit')::bigint end;
begin
    if coalesce(v_status, '') not in ('ACTIVE', 'PAUSED', 'EXPIRED', 'CLOSED') then
        raise exception 'answer-malformed' using errcode = '22023';
    end if;

    perform iys_subscription_put(p_task.arg::bigint, v_status, v_expires, v_limit, v_used, p_now);

    o.alarm := case when v_status <> 'ACTIVE' then 'subscription-' || lower(v_status)
                    when v_expires < p_now + interval '14 days' then 'subscription-ends'
                    when v_used >= v_limit then 'quota-used-up'
                    when v_used >= v_limit * 0.95 then 'quota-nearly-used-up' end;
    return o;
end
$$;
