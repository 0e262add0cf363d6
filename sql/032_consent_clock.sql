-- expand: the clock of what İYS is due: alarm, what others load by hand, what rests when late
--
-- Refusals and approvals are due by the end of their third business day (R-22).  In the
-- last of them there is an alarm; a refusal that is not in İYS then makes the commercial
-- messages of its brand rest, until it is; an approval expires, it permits nothing anyway.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('consents_late', 'stop', 'stop or tell: commercial messages of a brand rest while İYS lacks a refusal of it that it should have');


-- ---- what İYS tells of other channels -----------------------------------------

-- What İYS said of addresses for calls and e-mail, for those who ask
-- (/v1/consents:check); sms.consent, which the flow reads, is of SMS alone.
create table sms.consent_other (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    as_of           timestamptz not null,
    -- 2 ARAMA, 3 EPOSTA
    channel         smallint not null check (channel in (2, 3)),
    recipient_type  smallint not null check (recipient_type in (1, 2)),
    -- 1 granted, 2 refused, 3 not granted, as in sms.consent
    state           smallint not null check (state in (1, 2, 3)),
    address         text collate "C" not null,
    source          text not null,
    primary key (owner_account_id, brand_id, address, channel, recipient_type, as_of, state)
);

alter table sms.consent_other enable row level security;
create policy api on sms.consent_other for select to sms_api using
    (owner_account_id = nullif(current_setting('sms.account', true), '')::bigint);
grant select on sms.consent_other to sms_api;

-- Movements of a brand that İYS tells (its feed, a push), of any channel, one element of
-- the arrays each; p_at: when İYS has them from.  Those of calls and e-mail are kept, and
-- what somebody was to load by hand and is there now is done.  Answers how many of the
-- latter.
create function sms.consent_told(
    p_now timestamptz, p_brand bigint, p_channel smallint[], p_rtype smallint[],
    p_address text[], p_status smallint[], p_at timestamptz[], p_source text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    insert into consent_other (owner_account_id, brand_id, as_of, channel, recipient_type, state,
                               address, source)
    select brand_owner(p_brand), p_brand, u.at, u.channel, u.rtype, u.status,
           consent_address(u.channel, u.address), p_source
      from unnest(p_channel, p_rtype, p_address, p_status, p_at)
           u (channel, rtype, address, status, at)
     where u.channel in (2, 3) and consent_address(u.channel, u.address) is not null
        on conflict do nothing;

    update consent_entry e
       set state = 'loaded', done_at = p_now, done_by = 'İYS (' || p_source || ')'
      from unnest(p_channel, p_rtype, p_address, p_status, p_at)
           u (channel, rtype, address, status, at)
     where e.owner_account_id = brand_owner(p_brand) and e.brand_id = p_brand
       and e.address = consent_address(u.channel, u.address) and e.channel = u.channel
       and e.recipient_type = u.rtype and e.status = u.status and e.state = 'no_write'
       -- İYS counts seconds
       and u.at >= date_trunc('second', coalesce(e.consent_at, e.received_at));
    get diagnostics n = row_count;

    if n > 0 then
        perform consents_late(p_now, p_brand);
    end if;

    return n;
end
$$;

grant execute on function sms.consent_told(
    timestamptz, bigint, smallint[], smallint[], text[], smallint[], timestamptz[], text)
    to sms_worker;


-- ---- deadlines ----------------------------------------------------------------

-- Marks the brands of which İYS lacks a refusal that it should have, and those of which
-- it lacks none any more; p_brand null: all.  What İYS has taken and not decided
-- ("sent") it has.
create function sms.consents_late(
    p_now timestamptz, p_brand bigint, out late int, out in_time int)
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_brand bigint[];
    v_since timestamptz[];
begin
    if exists (select from setting s where s.name = 'consents_late' and s.value = 'stop') then
        select array_agg(l.brand_id order by l.brand_id), array_agg(l.since order by l.brand_id)
          into v_brand, v_since
          from (select e.brand_id, min(e.deadline_at) as since
                  from consent_entry e
                 where e.done_at is null and e.deadline_at <= p_now and e.status = 2
                   and e.state in ('pending', 'uploading', 'no_write')
                   and e.brand_id = coalesce(p_brand, e.brand_id)
                 group by e.brand_id) l;
    end if;

    update brand b
       set late_since = u.since
      from unnest(v_brand, v_since) u (brand_id, since)
     where b.account_id = brand_owner(u.brand_id) and b.brand_id = u.brand_id
       and b.late_since is null;
    get diagnostics late = row_count;

    update brand b
       set late_since = null
     where b.late_since is not null and b.brand_id = coalesce(p_brand, b.brand_id)
       and b.brand_id <> all (coalesce(v_brand, '{}'));
    get diagnostics in_time = row_count;
end
$$;

-- Somebody has loaded into İYS what we could not write, and says so: these entries, those
-- of a load, or all received until a time.  Answers how many.
create function sms.consent_loaded(
    p_now timestamptz, p_brand bigint, p_entry uuid[], p_load uuid, p_until timestamptz,
    p_by text)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    update consent_entry e
       set state = 'loaded', done_at = p_now, done_by = p_by
     where e.owner_account_id = brand_owner(p_brand) and e.brand_id = p_brand
       and e.state = 'no_write' and e.done_at is null
       and (p_entry is null or e.entry_id = any (p_entry))
       and (p_load is null or e.load_id = p_load)
       and (p_until is null or e.received_at <= p_until);
    get diagnostics n = row_count;

    perform consents_late(p_now, p_brand);
    return n;
end
$$;

-- Expires approvals, goes on with what may be written by now, marks brands.  soon: how
-- many refusals are due today, told once a day; late: brands that rest as of now.
create function sms.upkeep_consents(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_day       timestamptz := date_trunc('day', p_now, 'Europe/Istanbul');
    v_brand     bigint[];
    v_expired   int;
    v_resumed   int;
    v_soon      int := 0;
    m           record;
begin
    -- TACIR that were registered without a date have no age, nor has HS_2015
    update consent_entry e
       set state = 'expired', done_at = p_now, iys_code = 'H467', next_at = null
     where e.ctid = any (array(
               select x.ctid from consent_entry x
                where x.done_at is null and x.deadline_at <= p_now and x.status = 1
                  and x.state in ('no_write', 'review') and x.consent_at is not null
                  and x.source is distinct from 'HS_2015'
                order by x.deadline_at
                limit p_limit
                  for update skip locked));
    get diagnostics v_expired = row_count;

    v_brand := array(select w.brand_id
                       from (select distinct x.brand_id, x.channel from consent_entry x
                              where x.done_at is null and x.state = 'no_write') w
                      where brand_writable(w.brand_id, w.channel));

    update consent_entry e
       set state = 'pending', next_at = p_now
     where e.ctid = any (array(
               select x.ctid from consent_entry x
                where x.done_at is null and x.state = 'no_write'
                  and x.brand_id = any (v_brand) and brand_writable(x.brand_id, x.channel)
                limit p_limit
                  for update skip locked));
    get diagnostics v_resumed = row_count;

    -- names and numbers of those who did not end what they began on a form, or did
    delete from consent_form_try t
     where t.ctid = any (array(select x.ctid from consent_form_try x
                                where x.at < p_now - interval '1 day'
                                limit p_limit));

    select * into m from consents_late(p_now, null);

    if coalesce((select s.at < v_day from sweep s where s.name = 'consents_soon'), true) then
        v_soon := (select count(*) from consent_entry e
                    where e.done_at is null and e.status = 2 and e.state <> 'sent'
                      and e.deadline_at > p_now and e.deadline_at <= consent_soon(p_now));

        if v_soon > 0 then
            insert into sweep (name, at) values ('consents_soon', p_now)
                on conflict (name) do update set at = excluded.at;
        end if;
    end if;

    return json_build_object('expired', v_expired, 'resumed', v_resumed, 'late', m.late,
                             'in_time', m.in_time, 'soon', v_soon,
                             'more', greatest(v_expired, v_resumed) >= p_limit);
end
$$;

-- For the metrics: refusals that are due today, and overdue ones.
create function sms.consent_clock()
returns table (state text, n bigint)
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
begin
    return query
    select u.state, u.n
      from (select count(*) filter (where e.deadline_at > v_now) as soon,
                   count(*) filter (where e.deadline_at <= v_now) as late
              from consent_entry e
             where e.done_at is null and e.status = 2 and e.state <> 'sent'
               and e.deadline_at <= consent_soon(v_now)) c
     cross join lateral (values ('soon', c.soon), ('late', c.late)) u (state, n);
end
$$;


-- ---- the API --------------------------------------------------------------------

create function sms.api_consents_confirm(
    p_brand bigint, p_entry uuid[], p_load uuid, p_until timestamptz, p_by text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    if brand_owner(p_brand) is distinct from api_account() then
        return null;
    end if;

    return consent_loaded(clock_timestamp(), p_brand, p_entry, p_load, p_until,
                          p_by || ' (key ' || current_setting('sms.key', true) || ')');
end
$$;

grant execute on function
    sms.api_consents_confirm(bigint, uuid[], uuid, timestamptz, text) to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('POST', '^/v1/consents:confirm$', 'consents:write', 'api.consents_confirm');

-- Somebody has loaded them into İYS by hand, and answers for it.
create function api.consents_confirm(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body  jsonb := api.body(p_body, array['brand', 'by', 'consents', 'load', 'until'],
                              array['brand', 'by']);
    v_brand bigint := api.consent_brand(api.field_text(v_body, 'brand', 1, 40), '/brand');
    v_by    text := api.field_text(v_body, 'by', 3, 200);
    v_list  jsonb := nullif(v_body -> 'consents', 'null');
    v_load  text := api.field_text(v_body, 'load', 1, 40);
    v_until timestamptz := api.field_time(v_body, 'until');
    v_at    int;
    n       int;
begin
    if v_by is null then
        perform api.raise('invalid-field', '/by', 'who answers for it: 3 to 200 characters');
    end if;

    if num_nonnulls(v_list, v_load, v_until) <> 1 then
        perform api.raise('missing-field', '/consents',
                          'which ones: consents, load or until, one of them');
    end if;

    if v_list is not null then
        if jsonb_typeof(v_list) <> 'array' or jsonb_array_length(v_list) not between 1 and 1000 then
            perform api.raise('invalid-field', '/consents', 'a list of 1 to 1000 ids');
        end if;

        select i - 1 into v_at
          from jsonb_array_elements(v_list) with ordinality c (v, i)
         where sms.id_parse('cns', c.v #>> '{}') is null
         order by i
         limit 1;

        if found then
            perform api.raise('invalid-field', '/consents/' || v_at, 'the id of a consent');
        end if;
    end if;

    if v_load is not null and sms.id_parse('lod', v_load) is null then
        perform api.raise('invalid-field', '/load', 'the id of a load');
    end if;

    n := sms.api_consents_confirm(
             v_brand,
             case when v_list is not null
                  then array(select sms.id_parse('cns', c)
                               from jsonb_array_elements_text(v_list) c) end,
             sms.id_parse('lod', v_load), v_until, v_by);

    if n is null then
        perform api.raise('invalid-field', '/brand', 'the brand''s owner says so');
    end if;

    return (200, json_build_object(
        'loaded', n,
        'open', (select count(*) from sms.consent_entry e
                  where e.owner_account_id = sms.api_account() and e.brand_id = v_brand
                    and e.state = 'no_write' and e.done_at is null)))::api.answer;
end
$$;
