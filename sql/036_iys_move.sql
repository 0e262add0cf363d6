-- expand: movements that İYS tells: feed, push, day files, histories
--
-- A movement is a line in İYS's book: somebody approved or refused, İYS wrote it down at
-- created_at.  Told twice, over whatever way, it is here once.  A refusal among those that
-- are new goes to the mirror in the same commit (C3); an approval is history and permits
-- nothing, that only an answer to a status query does.

set role sms_owner;

create table sms.iys_move (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    created_at      timestamptz not null,
    -- null: of a TACIR that was registered without one
    consent_at      timestamptz,
    seen_at         timestamptz not null,
    -- 1 MESAJ, 2 ARAMA, 3 EPOSTA
    channel         smallint not null check (channel in (1, 2, 3)),
    -- 1 BIREYSEL, 2 TACIR
    recipient_type  smallint not null check (recipient_type in (1, 2)),
    -- 1 ONAY, 2 RET
    status          smallint not null check (status in (1, 2)),
    -- how it was learnt first
    via             text not null check (via in ('feed', 'push', 'day', 'history')),
    address         text collate "C" not null,
    source          text,
    -- of one address, channel and second; two movements in one second share it
    transaction_id  text collate "C" not null,
    primary key (owner_account_id, brand_id, address, channel, recipient_type, transaction_id,
                 status)
);

create index iys_move_day on sms.iys_move (owner_account_id, brand_id, created_at);

-- One as it was read, of a brand of ours.
create type sms.iys_told as (
    owner_account_id bigint,
    brand_id        bigint,
    iys_code        bigint,
    brand_code      bigint,
    created_at      timestamptz,
    consent_at      timestamptz,
    channel         smallint,
    recipient_type  smallint,
    status          smallint,
    address         text,
    source          text,
    transaction_id  text);

-- "2026-03-02 10:15:00", time of Türkiye, UTC+3 all year since 2016.  NULL: it is none.
create function sms.iys_time(p_text text)
returns timestamptz
language plpgsql immutable
set search_path = sms, pg_temp
as $$
begin
    if p_text ~ ('^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
                 ' ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$')
       and substr(p_text, 9, 2)::int
           <= extract(day from (substr(p_text, 1, 8) || '01')::date + interval '1 month - 1 day')
    then
        return (p_text || '+03')::timestamptz;
    end if;

    return null;
end
$$;

-- Reads rows of İYS.  What a row does not tell of whom and what is left out and counted by
-- the caller; a refusal is never left out because something else in it cannot be read.
-- A citizen's name, which İYS sends along with first records, is not kept.
create function sms.iys_read(p_now timestamptz, p_owner bigint, p_brand bigint, p_rows jsonb)
returns sms.iys_told[]
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    if jsonb_typeof(p_rows) is distinct from 'array' then
        raise exception 'answer-malformed' using errcode = '22023';
    end if;

    return (
        select array_agg(row(p_owner, p_brand, t.iys_code, t.brand_code,
                             coalesce(t.created_at, p_now), t.consent_at, t.channel,
                             t.recipient_type, t.status, t.address, t.source,
                             t.transaction_id)::iys_told
                         order by t.n)
          from (
            select v.n,
                   case when v.r ->> 'iysCode' ~ '^[0-9]{1,15}$'
                        then (v.r ->> 'iysCode')::bigint end as iys_code,
                   case when v.r ->> 'brandCode' ~ '^[0-9]{1,15}$'
                        then (v.r ->> 'brandCode')::bigint end as brand_code,
                   iys_time(v.r ->> 'creationDate') as created_at,
                   iys_time(v.r ->> 'consentDate') as consent_at,
                   array_position(array['MESAJ', 'ARAMA', 'EPOSTA'],
                                  v.r ->> 'type')::smallint as channel,
                   array_position(array['BIREYSEL', 'TACIR'],
                                  coalesce(v.r ->> 'recipientType', 'BIREYSEL'))::smallint
                       as recipient_type,
                   array_position(array['ONAY', 'RET'], v.r ->> 'status')::smallint as status,
                   case when v.r ->> 'recipient' ~ '^\+[1-9][0-9]{6,14}$'
                             or (v.r ->> 'recipient' ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$'
                                 and length(v.r ->> 'recipient') <= 265)
                        then lower(v.r ->> 'recipient') end as address,
                   case when v.r ->> 'source' ~ '^[A-Z0-9_]{1,40}$' then v.r ->> 'source' end
                       as source,
                   case when v.r ->> 'transactionId' ~ '^[0-9A-Za-z-]{1,64}$'
                        then v.r ->> 'transactionId'
                        else 'none-' || md5((v.r - 'citizenName')::text) end as transaction_id
              from (select e.n, case when jsonb_typeof(e.r) = 'object' then e.r else '{}' end as r
                      from jsonb_array_elements(p_rows) with ordinality e (r, n)) v) t
         where t.channel is not null and t.recipient_type is not null and t.status is not null
           and t.address is not null);
end
$$;

-- Keeps those that are not known, and gives them back.
create function sms.iys_store(p_now timestamptz, p_via text, p_told sms.iys_told[])
returns sms.iys_told[]
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_new   iys_told[];
begin
    -- in one order: the feed and a push may bring the same rows at the same time
    with added as (
        insert into iys_move (owner_account_id, brand_id, created_at, consent_at, seen_at,
                              channel, recipient_type, status, via, address, source,
                              transaction_id)
        select t.owner_account_id, t.brand_id, t.created_at, t.consent_at, p_now, t.channel,
               t.recipient_type, t.status, p_via, t.address, t.source, t.transaction_id
          from unnest(p_told) t
         order by t.owner_account_id, t.brand_id, t.address collate "C", t.channel,
                  t.recipient_type, t.transaction_id collate "C", t.status
            on conflict do nothing
        returning *
    )
    select array_agg(row(a.owner_account_id, a.brand_id, null, null, a.created_at,
                         a.consent_at, a.channel, a.recipient_type, a.status, a.address,
                         a.source, a.transaction_id)::iys_told)
      into v_new
      from added a;

    perform consent_told(p_now, n.brand_id, array_agg(n.channel), array_agg(n.recipient_type),
                         array_agg(n.address), array_agg(n.status), array_agg(n.created_at),
                         p_via)
       from unnest(v_new) n
      group by n.brand_id
      order by n.brand_id;

    return v_new;
end
$$;

-- Refusals into the mirror.  as_of is when İYS's statement was true: a push tells at once,
-- the feed and day files hide the last hour.  A closed line ends every consent of the
-- number, whosever it is: it will be another person's (IYS_AHS_HAT_KAPATMA).
create function sms.iys_refuse(p_now timestamptz, p_via text, p_told sms.iys_told[])
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_owner     bigint[];
    v_brand     bigint[];
    v_rtype     smallint[];
    v_number    bigint[];
    v_as_of     timestamptz[];
begin
    with refused as (
        select t.owner_account_id, t.brand_id, t.recipient_type, t.channel,
               substr(t.address, 2)::bigint as number,
               least(t.created_at,
                     p_now - case when p_via = 'push' then interval '0'
                                  else interval '60 minutes' end) as as_of,
               coalesce(t.source = 'IYS_AHS_HAT_KAPATMA', false) as closed
          from unnest(p_told) t
         where t.status = 2 and t.address ~ '^\+'
    ),
    said as (
        select r.owner_account_id, r.brand_id, r.recipient_type, r.number, r.as_of
          from refused r
         where r.channel = 1
        union all
        select b.account_id, b.brand_id, k.rtype, r.number, r.as_of
          from (select c.number, max(c.as_of) as as_of from refused c
                 where c.closed group by c.number) r
         cross join brand b
         cross join (values (1::smallint), (2::smallint)) k (rtype)
         where exists (select from consent c
                        where c.owner_account_id = b.account_id and c.brand_id = b.brand_id
                          and c.number = r.number and c.recipient_type = k.rtype)
    )
    select array_agg(s.owner_account_id), array_agg(s.brand_id), array_agg(s.recipient_type),
           array_agg(s.number), array_agg(s.as_of)
      into v_owner, v_brand, v_rtype, v_number, v_as_of
      from (select s.owner_account_id, s.brand_id, s.recipient_type, s.number,
                   max(s.as_of) as as_of
              from said s
             group by s.owner_account_id, s.brand_id, s.recipient_type, s.number
             order by 1, 2, 4, 3) s;

    if v_owner is null then
        return 0;
    end if;

    if cardinality(v_number) <= 20 then
        perform optout_recall(p_now, array(select distinct b from unnest(v_brand) b),
                              array(select distinct x from unnest(v_number) x));
    end if;

    return consent_put(v_owner, v_brand, v_rtype, v_number,
                       array_fill(2::smallint, array[cardinality(v_owner)]), v_as_of,
                       id_new(p_now), p_via);
end
$$;
