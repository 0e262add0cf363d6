-- expand: loads of consents: each row judged as İYS would, and what takes effect

set role sms_owner;

-- One row, read and judged.  code: the one İYS would answer with; null: it stands.
create type sms.consent_row as (
    i               int,
    channel         smallint,
    recipient_type  smallint,
    status          smallint,
    address         text,
    source          text,
    consent_at      timestamptz,
    retailer_code   bigint,
    retailer_access bigint[],
    scope           text,
    evidence        jsonb,
    code            text,
    field           text);

-- What İYS's codes mean to who sent the row.
create table sms.consent_code (
    code    text primary key,
    tr      text not null,
    en      text not null
);

insert into sms.consent_code (code, tr, en) values
    ('H091', 'bir istekte en çok 50.000 satır; onayların hiçbiri alınmadı', '50,000 rows a request at most; none of the approvals was taken'),
    ('H110', 'status yok: ONAY ya da RET', 'no status: ONAY or RET'),
    ('H112', 'consent_at yok: onayın alındığı an', 'no consent_at: when the approval was given'),
    ('H113', 'source yok: onayın alındığı yer', 'no source: where the approval was given'),
    ('H114', 'address yok', 'no address'),
    ('H115', 'status ONAY ya da RET olmalı', 'status is ONAY or RET'),
    ('H116', 'recipient_type BIREYSEL ya da TACIR olmalı', 'recipient_type is BIREYSEL or TACIR'),
    ('H117', 'type MESAJ, ARAMA ya da EPOSTA olmalı', 'type is MESAJ, ARAMA or EPOSTA'),
    ('H118', 'bilinmeyen alan', 'a field that is not known'),
    ('H119', 'source tanınmıyor ya da burada kapalı', 'source is not known, or not taken here'),
    ('H120', 'e-posta adresi geçersiz', 'the e-mail address is not valid'),
    ('H121', 'telefon numarası geçersiz', 'the telephone number is not valid'),
    ('H126', 'retailer_access en çok 100 bayi', 'retailer_access: 100 retailers at most'),
    ('H155', 'HS_2015 tarihi 2015-05-01 00:00:00 olmalı', 'HS_2015 needs the date 2015-05-01 00:00:00'),
    ('H156', 'tarih 1 Mayıs 2015''ten önce', 'the date is before 1 May 2015'),
    ('H158', 'tarih RFC 3339 biçiminde değil', 'the date is not one of RFC 3339'),
    ('H162', 'tarih gelecekte', 'the date is in the future'),
    ('H163', 'retailer_access boş olamaz', 'retailer_access may not be empty'),
    ('H178', 'bu kişinin daha yeni bir reddi var', 'there is a newer refusal of this person'),
    ('H194', 'aynı adres ve tür bu yüklemede iki kez var', 'the same address and type stands twice in this load'),
    ('H408', 'HS_KARAR yalnız RET içindir', 'HS_KARAR is for refusals only'),
    ('H467', 'onay üç iş gününden eski; yeni bir onay gerekir', 'older than three business days: a new approval is needed');

create function sms.consent_sources(p_2015 boolean)
returns text[]
language sql immutable
as $$
    select array['HS_KARAR', 'HS_FIZIKSEL_ORTAM', 'HS_ISLAK_IMZA', 'HS_ETKINLIK', 'HS_ATM',
                 'HS_EORTAM', 'HS_WEB', 'HS_MOBIL', 'HS_MESAJ', 'HS_EPOSTA',
                 'HS_CAGRI_MERKEZI', 'HS_SOSYAL_MEDYA']
           || case when p_2015 then array['HS_2015'] else '{}' end
$$;

-- Reads and judges rows as İYS would.  Of a refusal only an address that cannot be read
-- counts: it is never refused for a date, a source, a repetition or a word that is not
-- known, nor for standing in too large a load (C2).
create function sms.consent_rows(p_now timestamptz, p_brand bigint, p_rows jsonb)
returns sms.consent_row[]
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_sources   text[] := consent_sources(setting_on('consent_2015'));
    v_fresh     timestamptz := business_fresh(p_now, 3);
    v_over      boolean := jsonb_array_length(p_rows) > 50000;
    v_rows      consent_row[];
begin
    select array_agg(row(j.i, j.channel, j.recipient_type, j.status, j.address,
                         case when j.status = 2 and coalesce(j.source, '') <> all (v_sources)
                              then 'HS_EORTAM' else j.source end,
                         -- the time of a refusal that cannot be true is that of its arrival
                         case when j.status = 2
                              then least(coalesce(j.at, p_now), p_now) else j.at end,
                         j.retailer_code, j.retailer_access, j.scope, j.evidence, j.fault[1],
                         j.fault[2])::consent_row order by j.i)
      into v_rows
      from (
        select g.*,
               case
               when g.odd is not null and g.status is distinct from 2
                    then array['H118', g.odd]
               when g.channel is null then array['H117', 'type']
               when g.recipient_type is null then array['H116', 'recipient_type']
               when g.v ->> 'status' is null then array['H110', 'status']
               when g.status is null then array['H115', 'status']
               when g.v ->> 'address' is null then array['H114', 'address']
               when g.address is null
                    then array[case g.channel when 3 then 'H120' else 'H121' end, 'address']
               when g.status = 2 then null
               when v_over then array['H091', null]
               when g.first_of <> g.i then array['H194', 'address']
               when g.v ->> 'source' is null and g.recipient_type = 1
                    then array['H113', 'source']
               when g.source <> all (v_sources) then array['H119', 'source']
               when g.source = 'HS_KARAR' then array['H408', 'source']
               when g.v ->> 'consent_at' is null and g.recipient_type = 1
                    then array['H112', 'consent_at']
               when g.v ->> 'consent_at' is not null and g.at is null
                    then array['H158', 'consent_at']
               when g.at > p_now then array['H162', 'consent_at']
               when g.at < '2015-05-01 00:00:00+03' then array['H156', 'consent_at']
               when g.source = 'HS_2015' and g.at <> '2015-05-01 00:00:00+03'
                    then array['H155', 'consent_at']
               when g.at < v_fresh and g.source is distinct from 'HS_2015'
                    then array['H467', 'consent_at']
               when jsonb_typeof(g.v -> 'retailer_access') = 'array'
                    and jsonb_array_length(g.v -> 'retailer_access') = 0
                    then array['H163', 'retailer_access']
               when cardinality(g.retailer_access) > 100 then array['H126', 'retailer_access']
               when g.channel <> 3 and g.channel = 1 and exists (
                    select from optout o
                     where o.owner_account_id = brand_owner(p_brand) and o.brand_id = p_brand
                       and o.number = substr(g.address, 2)::bigint and o.lifted_at is null
                       and o.received_at >= coalesce(g.at, p_now))
                    then array['H178', 'consent_at']
               end as fault
          from (
            select e.*,
                   min(e.i) over (partition by e.channel, e.recipient_type, e.address,
                                               e.status) as first_of
              from (
                select (r.n - 1)::int as i, r.v,
                       (select k from jsonb_object_keys(r.v) k
                         where k <> all (array['address', 'type', 'recipient_type', 'status',
                                               'source', 'consent_at', 'retailer_code',
                                               'retailer_access', 'scope', 'evidence'])
                         limit 1) as odd,
                       c.channel::smallint as channel,
                       coalesce(array_position(array['BIREYSEL', 'TACIR'],
                                               coalesce(r.v ->> 'recipient_type', 'BIREYSEL')),
                                case when s.status = 2 then 1 end)::smallint as recipient_type,
                       s.status::smallint as status,
                       consent_address(c.channel, r.v ->> 'address') as address,
                       r.v ->> 'source' as source,
                       sms.time_read(r.v ->> 'consent_at') as at,
                       case when r.v ->> 'retailer_code' ~ '^\d{1,9}$'
                            then (r.v ->> 'retailer_code')::bigint end as retailer_code,
                       case when jsonb_typeof(r.v -> 'retailer_access') = 'array'
                            then array(select x::bigint
                                         from jsonb_array_elements_text(r.v -> 'retailer_access') x
                                        where x ~ '^\d{1,9}$') end as retailer_access,
                       left(r.v ->> 'scope', 2000) as scope,
                       case when jsonb_typeof(r.v -> 'evidence') = 'object'
                            then r.v -> 'evidence' end as evidence
                  from jsonb_array_elements(p_rows) with ordinality r (v, n)
                 cross join lateral (
                       select array_position(array['ONAY', 'RET'], r.v ->> 'status') as status) s
                 cross join lateral (
                       select case when s.status = 2 and r.v ->> 'address' like '%@%' then 3
                              else coalesce(array_position(array['MESAJ', 'ARAMA', 'EPOSTA'],
                                                coalesce(r.v ->> 'type', 'MESAJ')),
                                            case when s.status = 2 then 1 end)
                              end as channel) c) e) g) j;

    return v_rows;
end
$$;

-- Takes a load of one brand.  p_stored false: it is judged only (a sandbox key).
-- Answers {"load","approvals","refusals","ended","review","rejected":[…]}.
create function sms.consent_load_add(
    p_now timestamptz, p_account bigint, p_key bigint, p_brand bigint, p_rows jsonb,
    p_declaration jsonb, p_stored boolean)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_owner     bigint := brand_owner(p_brand);
    v_rows      consent_row[] := consent_rows(p_now, p_brand, p_rows);
    v_load      uuid := id_new(p_now);
    v_writes    boolean[] := array(select brand_writable(p_brand, c::smallint)
                                     from generate_series(1, 3) c order by c);
    v_review    text;
    v_numbers   bigint[];
    v_days      timestamptz[];
    v_deadlines timestamptz[];
    v_approvals int;
    v_refusals  int;
    v_ended     int := 0;
begin
    select count(*) filter (where r.status = 1), count(*) filter (where r.status = 2)
      into v_approvals, v_refusals
      from unnest(v_rows) r
     where r.code is null;

    -- what looks like a list that was bought or made up (C15)
    if v_approvals >= 100 then
        v_review := case
            when (select count(distinct date_trunc('second', r.consent_at)) = 1
                    from unnest(v_rows) r where r.code is null and r.status = 1)
                then 'same-second'
            when exists (select from (select distinct r.source from unnest(v_rows) r
                                       where r.code is null and r.status = 1) r
                          where not exists (
                                select from consent_entry e
                                  left join consent_load l
                                         on l.owner_account_id = e.owner_account_id
                                        and l.load_id = e.load_id
                                 where e.owner_account_id = v_owner and e.brand_id = p_brand
                                   and e.status = 1 and e.state <> 'review'
                                   and e.source = r.source and l.refused_at is null))
                then 'new-source'
            when v_approvals > setting_int('consent_usual')
                 and v_approvals > 10 * coalesce((
                         select max(l.approvals) from consent_load l
                          where l.owner_account_id = v_owner and l.brand_id = p_brand
                            and (l.review is null or l.released_at is not null)), 0)
                then 'unusual-number'
            end;
    end if;

    if p_stored and v_approvals + v_refusals > 0 then
        insert into consent_load (owner_account_id, load_id, at, brand_id, approvals, refusals,
                                  by_account, by_key, declaration, review)
        values (v_owner, v_load, p_now, p_brand, v_approvals, v_refusals, p_account, p_key,
                p_declaration, v_review);

        -- from when an approval was given, and a refusal came
        v_days := array(select distinct date_trunc('day', d.at, 'Europe/Istanbul')
                          from (select r.consent_at as at from unnest(v_rows) r
                                 union all select p_now) d
                         where d.at is not null);
        v_deadlines := array(select business_deadline(d, 3)
                               from unnest(v_days) with ordinality u (d, n) order by n);

        insert into consent_entry (owner_account_id, brand_id, entry_id, load_id, received_at,
                                   consent_at, deadline_at, next_at, retailer_code, channel,
                                   recipient_type, status, address, source, state, scope,
                                   evidence, retailer_access)
        select v_owner, p_brand, id_new(p_now), v_load, p_now, r.consent_at, v_deadlines[g.n],
               case when s.state = 'pending' then p_now end, r.retailer_code, r.channel,
               r.recipient_type, r.status, r.address, r.source, s.state, r.scope, r.evidence,
               r.retailer_access
          from unnest(v_rows) r
         cross join lateral (
               select case when v_review is not null and r.status = 1 then 'review'
                           when not v_writes[r.channel] then 'no_write'
                           else 'pending' end as state) s
         cross join lateral (
               select array_position(v_days, date_trunc('day', case
                          when r.status = 1 and r.source is distinct from 'HS_2015'
                               and r.consent_at is not null
                          then r.consent_at else p_now end, 'Europe/Istanbul')) as n) g
         where r.code is null;

        insert into optout (owner_account_id, brand_id, number, received_at, source)
        select distinct on (r.address) v_owner, p_brand, substr(r.address, 2)::bigint,
               r.consent_at, r.source
          from unnest(v_rows) r
         where r.code is null and r.status = 2 and r.channel = 1
         order by r.address, r.consent_at
            on conflict do nothing;

        v_numbers := array(select distinct substr(r.address, 2)::bigint
                             from unnest(v_rows) r
                            where r.code is null and r.status = 2 and r.channel = 1);

        -- The claim looks for opt-outs; that what waits ends early is for people, and of
        -- many upkeep does it.
        if cardinality(v_numbers) between 1 and 20 then
            perform optout_recall(p_now, array[p_brand], v_numbers);
            v_ended := optout_end(p_now, array[p_brand], v_numbers, '-infinity', 2000, 100);
        end if;
    end if;

    return json_build_object(
        'load', case when p_stored and v_approvals + v_refusals > 0
                     then id_text('lod', v_load) end,
        'approvals', v_approvals,
        'refusals', v_refusals,
        'ended', v_ended,
        'review', v_review,
        'rejected', coalesce((
            select json_agg(json_build_object(
                       'index', r.i, 'code', r.code,
                       'pointer', format('/consents/%s', r.i) || coalesce('/' || r.field, ''),
                       'detail_tr', c.tr, 'detail_en', c.en) order by r.i)
              from unnest(v_rows) r
              left join consent_code c using (code)
             where r.code is not null
               -- of too large a load one is told for all
               and (r.code <> 'H091' or r.i = (select min(x.i) from unnest(v_rows) x
                                                where x.code = 'H091'))), '[]'));
end
$$;
