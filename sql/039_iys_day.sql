-- expand: each day of İYS against what is known here
--
-- İYS counts the movements of a day and of a brand, offers them as a file with its SHA-384,
-- and asks to agree (mutabakat).  The next night each file is read and laid beside the
-- movements that feed, pushes and our own entries have told; what differs is kept, and a
-- refusal that was not known takes effect at once.

set role sms_owner;

create table sms.iys_day (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    day             date not null,
    compared_at     timestamptz,
    agreed_at       timestamptz,
    rows            int not null default 0,
    -- of them, those that nothing had told
    missing_here    int not null default 0,
    -- told, or registered by us, and not in the file
    missing_there   int not null default 0,
    different       int not null default 0,
    refusals        int not null default 0,
    -- open · compared · agreed · expired: İYS had dropped it before it was read
    state           text not null default 'open'
                        check (state in ('open', 'compared', 'agreed', 'expired')),
    -- of İYS: queued, inprogress, completed, error; null: it has no agreement for the day
    status          text,
    -- İYS says that the day was agreed upon, here or elsewhere
    agreement       boolean,
    -- lower-case hex, İYS's and ours; "whole": of the file as it came, "rows": without its
    -- first line, which is not documented
    hash            text,
    hash_here       text,
    hash_form       text check (hash_form in ('whole', 'rows', 'differs')),
    -- İYS's own counts, and whether the file has as many; null: none
    stats           jsonb,
    stats_same      boolean,
    -- RFC 3161, base64
    token           text,
    code            text,
    primary key (owner_account_id, brand_id, day)
);

create table sms.iys_drift (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    day             date not null,
    found_at        timestamptz not null,
    channel         smallint not null,
    recipient_type  smallint not null,
    status          smallint not null,
    -- a refusal that takes effect from now on
    applied         boolean not null default false,
    -- missing_here · missing_there · different · entry: registered by us, and İYS's book
    -- does not have it · mirror: İYS answered with an approval after it wrote a refusal ·
    -- upstream: an operator refused for lack of consent whom İYS had approved (C8)
    kind            text not null check (kind in ('missing_here', 'missing_there', 'different',
                                                  'entry', 'mirror', 'upstream')),
    address         text collate "C" not null,
    transaction_id  text collate "C" not null,
    -- what each says where they differ
    here            jsonb,
    there           jsonb,
    primary key (owner_account_id, brand_id, day, kind, address, channel, recipient_type,
                 transaction_id, status)
);

create function sms.iys_day_start(p_day date)
returns timestamptz
language sql immutable
as $$
    select p_day::timestamp at time zone 'Europe/Istanbul'
$$;

-- The day is over as far as it went.
create function sms.iys_day_close(
    p_now timestamptz, p_task sms.iys_task, p_state text, p_code text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    insert into iys_day (owner_account_id, brand_id, day, state, code)
    values (p_task.owner_account_id, p_task.brand_id, p_task.arg::date,
            coalesce(p_state, 'open'), p_code)
        on conflict (owner_account_id, brand_id, day)
        do update set state = coalesce(p_state, iys_day.state), code = p_code;
end
$$;

-- Lines "creationDate,transactionId,recipient,recipientType,type,status,consentDate,source",
-- with or without a line of names before them.
create function sms.iys_csv(p_body text)
returns jsonb
language plpgsql immutable
set search_path = sms, pg_temp
as $$
declare
    v_names constant text := 'creationDate,transactionId,recipient,recipientType,type,status,'
                             'consentDate,source';
    v_text  text := ltrim(p_body, U&'\FEFF');
    v_first text := rtrim(split_part(v_text, E'\n', 1), E'\r');
begin
    if v_first like 'creationDate,%' or v_first like '"creationDate",%' then
        -- other columns would be read as what they are not
        if replace(v_first, '"', '') <> v_names then
            raise exception 'csv-columns' using errcode = '22023';
        end if;

        v_text := substr(v_text, strpos(v_text, E'\n') + 1);
    end if;

    return coalesce((
        select jsonb_agg(jsonb_build_object(
                   'creationDate', f.c[1], 'transactionId', f.c[2], 'recipient', f.c[3],
                   'recipientType', f.c[4], 'type', f.c[5], 'status', f.c[6],
                   'consentDate', nullif(f.c[7], ''), 'source', nullif(f.c[8], ''))
                         order by l.n)
          from string_to_table(v_text, E'\n') with ordinality l (line, n)
         cross join lateral (
               select string_to_array(replace(rtrim(l.line, E'\r'), '"', ''), ',') as c) f
         where rtrim(l.line, E'\r') <> ''), '[]');
end
$$;

-- Writes down what differs.  p_told is the file's; nothing of it is stored yet.
create function sms.iys_day_drift(
    p_now timestamptz, p_owner bigint, p_brand bigint, p_day date, p_told sms.iys_told[])
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_from  timestamptz := iys_day_start(p_day);
    v_to    timestamptz := iys_day_start(p_day + 1);
begin
    -- in the file: known, known otherwise, or not known
    insert into iys_drift (owner_account_id, brand_id, day, found_at, channel, recipient_type,
                           status, applied, kind, address, transaction_id, here, there)
    select p_owner, p_brand, p_day, p_now, t.channel, t.recipient_type, t.status,
           o.status is null and t.status = 2 and t.channel = 1,
           case when o.status is null then 'missing_here' else 'different' end,
           t.address, t.transaction_id,
           case when o.status is not null
                then jsonb_build_object('status', (array['ONAY', 'RET'])[o.status],
                                        'source', o.source, 'consent_at', o.consent_at) end,
           jsonb_build_object('status', (array['ONAY', 'RET'])[t.status], 'source', t.source,
                              'consent_at', t.consent_at)
      from unnest(p_told) t
      left join lateral (
           select m.status, m.source, m.consent_at from iys_move m
            where m.owner_account_id = p_owner and m.brand_id = p_brand
              and m.address = t.address and m.channel = t.channel
              and m.recipient_type = t.recipient_type and m.transaction_id = t.transaction_id
            order by m.status <> t.status
            limit 1) o on true
     where o.status is null or o.status <> t.status or o.source is distinct from t.source
        or o.consent_at is distinct from t.consent_at
        on conflict do nothing;

    -- not in the file
    insert into iys_drift (owner_account_id, brand_id, day, found_at, channel, recipient_type,
                           status, kind, address, transaction_id, here)
    select p_owner, p_brand, p_day, p_now, m.channel, m.recipient_type, m.status,
           'missing_there', m.address, m.transaction_id,
           jsonb_build_object('status', (array['ONAY', 'RET'])[m.status], 'source', m.source,
                              'consent_at', m.consent_at, 'via', m.via)
      from iys_move m
     where m.owner_account_id = p_owner and m.brand_id = p_brand
       and m.created_at >= v_from and m.created_at < v_to
       and not exists (select from unnest(p_told) t
                        where t.address = m.address and t.channel = m.channel
                          and t.recipient_type = m.recipient_type
                          and t.transaction_id = m.transaction_id)
        on conflict do nothing;

    -- registered by us on that day, says İYS's answer, and its book says nothing
    insert into iys_drift (owner_account_id, brand_id, day, found_at, channel, recipient_type,
                           status, kind, address, transaction_id, here)
    select p_owner, p_brand, p_day, p_now, e.channel, e.recipient_type, e.status, 'entry',
           e.address, e.transaction_id,
           jsonb_build_object('entry', id_text('cns', e.entry_id), 'source', e.source,
                              'consent_at', e.consent_at)
      from consent_entry e
     where e.owner_account_id = p_owner and e.brand_id = p_brand
       and e.entry_id >= id_low(v_from - interval '30 days')
       and e.state in ('registered', 'registered_as_decision')
       and e.transaction_id is not null and e.done_at >= v_from and e.done_at < v_to
       and not exists (select from unnest(p_told) t
                        where t.address = e.address and t.transaction_id = e.transaction_id)
       and not exists (select from iys_move m
                        where m.owner_account_id = p_owner and m.brand_id = p_brand
                          and m.address = e.address and m.channel = e.channel
                          and m.transaction_id = e.transaction_id)
        on conflict do nothing;

    -- an approval answered for somebody whose last word of the day is a refusal
    insert into iys_drift (owner_account_id, brand_id, day, found_at, channel, recipient_type,
                           status, applied, kind, address, transaction_id, here)
    select p_owner, p_brand, p_day, p_now, 1, t.recipient_type, 2, true, 'mirror', t.address,
           t.transaction_id, jsonb_build_object('answered_at', c.as_of)
      from (select distinct on (t.address, t.recipient_type) t.*
              from unnest(p_told) t
             where t.channel = 1 and t.address ~ '^\+'
             order by t.address, t.recipient_type, t.created_at desc, t.status desc) t
     cross join lateral (
           select x.as_of, x.state from consent x
            where x.owner_account_id = p_owner and x.brand_id = p_brand
              and x.number = substr(t.address, 2)::bigint
              and x.recipient_type = t.recipient_type and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c
     where t.status = 2 and c.state = 1 and c.as_of > t.created_at + interval '2 minutes'
       -- what was given since is hidden by the feed for an hour
       and c.as_of < p_now - interval '2 hours'
       and not exists (select from iys_move m
                        where m.owner_account_id = p_owner and m.brand_id = p_brand
                          and m.address = t.address and m.channel = 1
                          and m.recipient_type = t.recipient_type and m.status = 1
                          and m.created_at >= t.created_at)
        on conflict do nothing;
end
$$;

create function sms.iys_day_file(
    p_now timestamptz, p_task sms.iys_task, p_conf jsonb, p_http int, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o           iys_outcome := iys_outcome_at(null);
    v_day       date := p_task.arg::date;
    v_body      text := case when p_http = 204 then '' else p_body end;
    v_rows      jsonb := iys_csv(v_body);
    v_told      iys_told[] := iys_read(p_now, p_task.owner_account_id, p_task.brand_id, v_rows);
    v_new       iys_told[];
    v_whole     text := encode(sha384(convert_to(v_body, 'UTF8')), 'hex');
    v_less      text := encode(sha384(convert_to(substr(v_body, strpos(v_body, E'\n') + 1),
                                                 'UTF8')), 'hex');
    d           iys_day;
begin
    perform iys_day_drift(p_now, p_task.owner_account_id, p_task.brand_id, v_day, v_told);

    v_new := iys_store(p_now, 'day', v_told);
    o.rows := jsonb_array_length(v_rows);
    o.refusals := iys_refuse(p_now, 'day', v_new || array(
        select row(f.owner_account_id, f.brand_id, null, null, iys_day_start(f.day), null,
                   f.channel, f.recipient_type, f.status, f.address, null,
                   f.transaction_id)::iys_told
          from iys_drift f
         where f.owner_account_id = p_task.owner_account_id and f.brand_id = p_task.brand_id
           and f.day = v_day and f.kind = 'mirror' and f.found_at = p_now));

    update iys_day y
       set compared_at = p_now, rows = o.rows, refusals = o.refusals, state = 'compared',
           missing_here = k.missing_here, missing_there = k.missing_there,
           different = k.different,
           hash_here = v_whole,
           hash_form = case when y.hash is null or p_http = 204 then null
                            when lower(y.hash) = v_whole then 'whole'
                            when lower(y.hash) = v_less then 'rows'
                            else 'differs' end,
           stats_same = iys_stats_same(y.stats, v_told)
      from (select count(*) filter (where f.kind = 'missing_here') as missing_here,
                   count(*) filter (where f.kind in ('missing_there', 'entry')) as missing_there,
                   count(*) filter (where f.kind in ('different', 'mirror')) as different
              from iys_drift f
             where f.owner_account_id = p_task.owner_account_id
               and f.brand_id = p_task.brand_id and f.day = v_day) k
     where y.owner_account_id = p_task.owner_account_id and y.brand_id = p_task.brand_id
       and y.day = v_day
    returning y.* into d;

    o.drift := d.missing_here + d.missing_there + d.different;

    if o.rows > coalesce(cardinality(v_told), 0) then
        o.alarm := 'rows-malformed';
    elsif d.hash_form = 'differs' then
        o.alarm := 'day-hash';
    elsif o.drift > 0 or not d.stats_same then
        o.alarm := 'day-drift';
    end if;

    -- agreeing says that both books are the same: only when they are
    if p_conf ->> 'agreement' = 'on' and o.alarm is null and d.status = 'completed'
       and d.hash_form is not null and not coalesce(d.agreement, false)
    then
        o.next_at := p_now;
        o.stage := 'agree';
    end if;

    return o;
end
$$;

-- Whether the file has as many movements of each sort as İYS counted.
create function sms.iys_stats_same(p_stats jsonb, p_told sms.iys_told[])
returns boolean
language plpgsql immutable
set search_path = sms, pg_temp
as $$
begin
    if p_stats is null then
        return null;
    end if;

    return not exists (
        select from (
            select t.channel, t.recipient_type, coalesce(t.source, 'HS') ~ '^IYS' as iys,
                   count(*) filter (where t.status = 1) as approval,
                   count(*) filter (where t.status = 2) as rejection
              from unnest(p_told) t
             group by 1, 2, 3) f
          full join (
            select array_position(array['MESAJ', 'ARAMA', 'EPOSTA'], s.r ->> 'type') as channel,
                   s.rtype as recipient_type, c.r ->> 'source' = 'IYS' as iys,
                   sum((c.r ->> 'approval')::int) as approval,
                   sum((c.r ->> 'rejection')::int) as rejection
              from (select 1 as rtype, r from jsonb_array_elements(p_stats -> '1') r
                    union all
                    select 2, r from jsonb_array_elements(p_stats -> '2') r) s
             cross join lateral jsonb_array_elements(
                   case when jsonb_typeof(s.r -> 'consents') = 'array'
                        then s.r -> 'consents' else '[]' end) c (r)
             group by 1, 2, 3) i using (channel, recipient_type, iys)
         where coalesce(f.approval, 0) <> coalesce(i.approval, 0)
            or coalesce(f.rejection, 0) <> coalesce(i.rejection, 0));
end
$$;

-- The requests of a day, one after the other: '' (agreement), stats1 and stats2 (BIREYSEL,
-- TACIR), file, and where it is agreed upon: agree, token.
create function sms.iys_day_told(
    p_now timestamptz, p_task sms.iys_task, p_conf jsonb, p_http int, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(p_now);
    v_owner bigint := p_task.owner_account_id;
    v_brand bigint := p_task.brand_id;
    v_day   date := p_task.arg::date;
    v_body  jsonb;
begin
    if p_task.stage = 'file' then
        return iys_day_file(p_now, p_task, p_conf, p_http, p_body);
    end if;

    if p_task.stage = 'token' then
        update iys_day y
           set token = case when p_http = 200 then nullif(p_body, '') end
         where y.owner_account_id = v_owner and y.brand_id = v_brand and y.day = v_day;

        return iys_outcome_at(null);
    end if;

    v_body := case when p_http <> 204 then p_body end;

    if p_task.stage = '' then

        -- both feeds first, to the end of the day and past what they hide: what they
        -- would still tell is not missing
        if exists (select from iys_task t
                     left join iys_cursor c on c.owner_account_id = t.owner_account_id
                                           and c.brand_id = t.brand_id and c.source = t.arg
                    where t.owner_account_id = v_owner and t.brand_id = v_brand
                      and t.kind = 'feed'
                      and coalesce(c.read_at, '-infinity')
                          < iys_day_start(v_day + 1) + interval '62 minutes')
        then
            return iys_outcome_at(p_now + interval '1 minute');
        end if;

        if v_body ->> 'processStatus' in ('queued', 'inprogress') then
            return iys_outcome_at(p_now + interval '15 minutes');
        end if;

        insert into iys_day (owner_account_id, brand_id, day)
        values (v_owner, v_brand, v_day)
            on conflict do nothing;

        update iys_day y
           set status = left(v_body ->> 'processStatus', 40),
               hash = left(v_body ->> 'hashValue', 200),
               agreement = (v_body ->> 'agreementStatus') in ('true', 'True', '1')
         where y.owner_account_id = v_owner and y.brand_id = v_brand and y.day = v_day;

        o.stage := 'stats1';
        return o;
    end if;

    if p_task.stage in ('stats1', 'stats2') then
        update iys_day y
           set stats = coalesce(y.stats, '{}') || jsonb_build_object(right(p_task.stage, 1),
                   case when jsonb_typeof(v_body -> 'changeStats') = 'array'
                        then v_body -> 'changeStats' else '[]' end)
         where y.owner_account_id = v_owner and y.brand_id = v_brand and y.day = v_day;

        o.stage := case p_task.stage when 'stats1' then 'stats2' else 'file' end;
        return o;
    end if;

    -- agree; İYS's schema misspells the member
    if coalesce(v_body ->> 'agreementCaptured', v_body ->> 'aggrementCaptured') = 'true' then
        update iys_day y
           set state = 'agreed', agreement = true, agreed_at = p_now
         where y.owner_account_id = v_owner and y.brand_id = v_brand and y.day = v_day;

        o.stage := 'token';
        return o;
    end if;

    return iys_outcome_at(null);
end
$$;
