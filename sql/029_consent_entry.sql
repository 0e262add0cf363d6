-- expand: what people have told us of consent, and what became of it in İYS
--
-- A row is a declaration: somebody approved or refused, when, and how that is proved.
-- A refusal has taken effect when its row is there (sms.optout, for SMS); an approval
-- permits nothing, that only an answer of İYS does (C3).  Both are due in İYS within
-- three business days (Yön. m.7, m.9).

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('consent_2015', 'off', 'consents from before 1 May 2015 (HS_2015) are taken; İYS is said to refuse them'),
    ('consent_usual', '1000', 'approvals of one load above which a person looks first, unless the brand has loaded a tenth of it before');


-- ---- business days ----------------------------------------------------------

-- As base/sms_holiday.def has it; half days count, which is the stricter reading (R-46).
create table sms.holiday (
    day     date primary key
);

insert into sms.holiday (day)
select d.at::date + g.n
  from (values ('2024-04-10', 3), ('2024-06-16', 4), ('2025-03-30', 3), ('2025-06-06', 4),
               ('2026-03-20', 3), ('2026-05-27', 4), ('2027-03-09', 3), ('2027-05-16', 4))
       d (at, days)
 cross join lateral generate_series(0, d.days - 1) g (n);

create function sms.business_day(p_day date)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return extract(isodow from p_day) < 6
           and to_char(p_day, 'MMDD') not in ('0101', '0423', '0501', '0519', '0715', '0830',
                                              '1029')
           and not exists (select from holiday h where h.day = p_day);
end
$$;

-- The end of the p_days-th business day after the local day of p_at.
create function sms.business_deadline(p_at timestamptz, p_days int)
returns timestamptz
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_day   date := (p_at at time zone 'Europe/Istanbul')::date;
    n       int := 0;
begin
    while n < p_days loop
        v_day := v_day + 1;
        n := n + business_day(v_day)::int;
    end loop;

    return (v_day + 1)::timestamp at time zone 'Europe/Istanbul';
end
$$;

-- The first moment whose business_deadline() is not over at p_now.
create function sms.business_fresh(p_now timestamptz, p_days int)
returns timestamptz
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_day   date := (p_now at time zone 'Europe/Istanbul')::date - 1;
    n       int := business_day(v_day)::int;
begin
    while n < p_days loop
        v_day := v_day - 1;
        n := n + business_day(v_day)::int;
    end loop;

    return v_day::timestamp at time zone 'Europe/Istanbul';
end
$$;

-- What is due by then is in its last business day.
create function sms.consent_soon(p_now timestamptz)
returns timestamptz
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
begin
    return business_deadline(p_now - interval '1 day', 1);
end
$$;

grant execute on function sms.consent_soon(timestamptz) to sms_api;


-- ---- entries ----------------------------------------------------------------

create table sms.consent_load (
    owner_account_id bigint not null,
    load_id         uuid not null,
    at              timestamptz not null,
    brand_id        bigint not null,
    approvals       int not null,
    refusals        int not null,
    by_account      bigint not null,
    by_key          bigint not null,
    -- what the sender answers for: {"statement","by","source"}
    declaration     jsonb,
    -- why a person has to look before anything of it goes to İYS; null: nobody has to
    review          text check (review in ('same-second', 'new-source', 'unusual-number')),
    -- a person's word: it goes to İYS, or none of its approvals does
    released_at     timestamptz,
    refused_at      timestamptz,
    primary key (owner_account_id, load_id)
);

create table sms.consent_entry (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    entry_id        uuid not null,
    load_id         uuid,
    received_at     timestamptz not null,
    -- null: of a TACIR that is registered for the first time
    consent_at      timestamptz,
    -- the end of the third business day, by which İYS has to have it
    deadline_at     timestamptz not null,
    -- when it is brought to İYS, or asked about, next; null: no more
    next_at         timestamptz,
    done_at         timestamptz,
    retailer_code   bigint,
    tries           int not null default 0,
    request_index   int,
    -- 1 MESAJ, 2 ARAMA, 3 EPOSTA
    channel         smallint not null check (channel in (1, 2, 3)),
    -- 1 BIREYSEL, 2 TACIR
    recipient_type  smallint not null check (recipient_type in (1, 2)),
    -- 1 ONAY, 2 RET
    status          smallint not null check (status in (1, 2)),
    -- +905XXXXXXXXX, or an e-mail address in lower case
    address         text collate "C" not null,
    -- null: of a TACIR that is registered for the first time
    source          text,
    --     review       a person looks at its load first
    --     pending      to be brought to İYS
    --     uploading    a request with it may have been received
    --     sent         İYS has taken the request
    --     no_write     we may not write for the brand: whoever may loads it by hand
    -- and, when it has ended:
    --     registered   İYS has it
    --     already      İYS had said so before (H174)
    --     kept_local   a refusal of whom İYS does not know: it refuses all (H175)
    --     registered_as_decision   a refusal told late, as HS_KARAR of today (H467)
    --     superseded   İYS has a newer one (H178)
    --     refused      İYS's code says why
    --     loaded       somebody else wrote it there, says done_by
    --     expired      an approval that nobody brought there in time: it is worth nothing
    state           text not null default 'pending' check (state in
                        ('review', 'pending', 'uploading', 'sent', 'no_write', 'registered',
                         'already', 'kept_local', 'registered_as_decision', 'superseded',
                         'refused', 'loaded', 'expired')),
    iys_code        text,
    request_id      text,
    transaction_id  text,
    -- who said that it is in İYS, where İYS did not tell us itself
    done_by         text,
    -- what the text covered that people answered (C15)
    scope           text,
    evidence        jsonb,
    retailer_access bigint[],
    primary key (owner_account_id, entry_id)
);

create index consent_entry_address on sms.consent_entry
    (owner_account_id, brand_id, address, received_at);
create index consent_entry_next on sms.consent_entry (next_at) where next_at is not null;
create index consent_entry_open on sms.consent_entry (deadline_at) where done_at is null;

-- May we write to İYS for the brand?  What İYS says of its rights counts, where it has
-- been asked (C5).
create function sms.brand_writable(p_brand bigint, p_channel smallint)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return exists (select from brand b
                    where b.account_id = brand_owner(p_brand) and b.brand_id = p_brand
                      and b.iys_code is not null and b.brand_code is not null)
           and coalesce((select (array[s.mesaj, s.arama, s.eposta])[p_channel] = 'write'
                           from brand_standing s
                          where s.owner_account_id = brand_owner(p_brand)
                            and s.brand_id = p_brand), true);
end
$$;

-- An address as İYS keys it; null: it is none of this channel.
create function sms.consent_address(p_channel int, p_text text)
returns text
language plpgsql immutable parallel safe
as $$
declare
    v_digits    text;
begin
    if p_channel = 3 then
        return case when length(p_text) between 6 and 265
                     and lower(p_text) ~ '^[a-z0-9._-]+(\+[a-z0-9._-]+)?@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$'
                    then lower(p_text) end;
    end if;

    if p_text ~ '^\+905[0-9]{9}$' then
        return p_text;
    end if;

    -- a zero too many makes numbers that citizens do not see
    if p_text !~ '^(\+90|0090|90|0)?[ ().-]*[2-589][0-9 ().-]*$' then
        return null;
    end if;

    v_digits := regexp_replace(regexp_replace(p_text, '[^0-9]', '', 'g'),
                               '^(0090|90(?=[0-9]{10}$)|0)', '');

    return case when v_digits ~ '^[2-58][0-9]{9}$' and (p_channel = 2 or v_digits ~ '^5')
                then '+90' || v_digits end;
end
$$;

-- One that a person sent by message; "p_evidence" says how it can be proved.
create function sms.consent_entry_inbound(
    p_brand bigint, p_number bigint, p_status smallint, p_at timestamptz, p_scope text,
    p_evidence jsonb)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    -- a record of İYS is of one type of recipient; those that are known are told
    insert into consent_entry (owner_account_id, brand_id, entry_id, received_at, consent_at,
                               deadline_at, next_at, channel, recipient_type, status, address,
                               source, state, scope, evidence)
    select b.account_id, b.brand_id,
           id_of(p_at, concat_ws('|', 'consent', p_brand, p_number, r.type, p_status)),
           p_at, p_at, business_deadline(p_at, 3),
           case when w.writes then clock_timestamp() end, 1, r.type, p_status, '+' || p_number,
           'HS_MESAJ', case when w.writes then 'pending' else 'no_write' end, p_scope, p_evidence
      from brand b
     cross join lateral brand_writable(p_brand, 1::smallint) w (writes)
     cross join lateral (
           select distinct c.recipient_type as type from consent c
            where c.owner_account_id = b.account_id and c.brand_id = b.brand_id
              and c.number = p_number
            union
           select 1 where not exists (
                  select from consent c
                   where c.owner_account_id = b.account_id and c.brand_id = b.brand_id
                     and c.number = p_number)) r
     where b.account_id = brand_owner(p_brand) and b.brand_id = p_brand
        on conflict do nothing;
end
$$;

-- One as İYS wants it; what is empty is left out.
create function sms.consent_iys(e sms.consent_entry)
returns json
language sql stable
as $$
    select json_strip_nulls(json_build_object(
        'recipient', e.address,
        'type', (array['MESAJ', 'ARAMA', 'EPOSTA'])[e.channel],
        'source', e.source,
        'status', (array['ONAY', 'RET'])[e.status],
        'consentDate', to_char(e.consent_at at time zone 'Europe/Istanbul',
                               'YYYY-MM-DD HH24:MI:SS'),
        'recipientType', (array['BIREYSEL', 'TACIR'])[e.recipient_type],
        'retailerCode', e.retailer_code,
        'retailerAccess', to_json(e.retailer_access)))
$$;

grant execute on function sms.consent_iys(sms.consent_entry) to sms_api;
