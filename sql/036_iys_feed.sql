-- expand: what changes in İYS is read, and the errands that consent/iys runs
--
-- Citizens refuse and approve in İYS itself (3338, its web and app), and others write for
-- the brand: its feed of changes tells, an hour late and for seven days.  A refusal counts
-- here as soon as it is read; an approval permits nothing, that only a fresh status answer
-- does (C3).

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('iys_feed_seconds', '600', 'how often each brand''s changes in İYS are read; 0: never'),
    ('iys_feed_hours', '160', 'İYS tells changes of 167 hours; one that was read longer ago has a gap');

-- How far the changes of a brand have been read.
create table sms.iys_feed (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    -- IYS: what citizens did there; HS: what was written for the brand
    source          text not null check (source in ('IYS', 'HS')),
    -- of the last row that was read; null: from the beginning of the window
    cursor          text,
    -- when a page was read last, and when one is read next
    read_at         timestamptz,
    next_at         timestamptz not null,
    -- more may have happened than İYS still tells: since when
    gap_at          timestamptz,
    changes         bigint not null default 0,
    primary key (owner_account_id, brand_id, source)
);

create index iys_feed_next on sms.iys_feed (next_at);

create function sms.iys_feed_take()
returns setof sms.iys_errand
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
    f       iys_feed;
begin
    if setting_int('iys_feed_seconds') <= 0 then
        return;
    end if;

    update iys_feed w
       set next_at = v_now + setting_int('iys_hold_seconds') * interval '1 second'
     where w.ctid = any (array(select x.ctid from iys_feed x
                                where x.next_at <= v_now
                                order by x.next_at
                                limit 1
                                  for update skip locked))
    returning w.* into f;

    if f.brand_id is null then
        -- brands that are new
        insert into iys_feed (owner_account_id, brand_id, source, next_at)
        select b.account_id, b.brand_id, s.source, v_now
          from brand b
         cross join unnest(array['IYS', 'HS']) s (source)
         where b.iys_code is not null and b.brand_code is not null
           and not exists (select from iys_feed x
                            where x.owner_account_id = b.account_id
                              and x.brand_id = b.brand_id and x.source = s.source)
         limit 100
            on conflict do nothing;
        return;
    end if;

    return query
    select 'feed', b.account_id, b.iys_code, b.brand_code,
           iys_path(b, false) || '/consents/changes?limit=1000&source=' || f.source
           || coalesce('&after=' || f.cursor, ''), f.brand_id || ' ' || f.source, null
      from brand b
     where b.account_id = f.owner_account_id and b.brand_id = f.brand_id;
end
$$;

-- What İYS tells of one number: newest as of p_at, from where.
create function sms.iys_change(
    p_now timestamptz, p_owner bigint, p_brand bigint[], p_rtype smallint[], p_number bigint[],
    p_state smallint[], p_at timestamptz[], p_source text)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    n := consent_put(array_fill(p_owner, array[cardinality(p_brand)]), p_brand, p_rtype,
                     p_number, p_state, p_at, id_new(p_now), p_source);

    -- what waits ends with what İYS says of it, at the latest when it is claimed
    return n;
end
$$;

create function sms.iys_feed_done(
    p_owner bigint, p_note text, p_class text, p_code text, p_body text)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_now       timestamptz := clock_timestamp();
    v_every     interval := setting_int('iys_feed_seconds') * interval '1 second';
    v_brand     bigint := split_part(p_note, ' ', 1)::bigint;
    v_source    text := split_part(p_note, ' ', 2);
    v_body      jsonb;
    v_list      jsonb;
    v_rtype     smallint[];
    v_number    bigint[];
    v_state     smallint[];
    v_at        timestamptz[];
    n           int := 0;
begin
    begin
        v_body := nullif(p_body, '')::jsonb;
    exception
        when others then
            p_class := 'retry';
    end;

    if p_class = 'rows' and p_code = 'H098' then
        -- a cursor that İYS does not take any more: from the beginning of its window
        update iys_feed f
           set cursor = null, next_at = v_now, gap_at = coalesce(f.gap_at, f.read_at)
         where f.owner_account_id = p_owner and f.brand_id = v_brand and f.source = v_source;
        return 0;
    end if;

    if p_class <> 'ok' then
        update iys_feed f
           set next_at = v_now + greatest(v_every, case p_class when 'stop'
                                                   then setting_int('iys_stop_seconds')
                                                        * interval '1 second'
                                                   else interval '0' end)
         where f.owner_account_id = p_owner and f.brand_id = v_brand and f.source = v_source;
        return 0;
    end if;

    v_list := case when jsonb_typeof(v_body -> 'list') = 'array' then v_body -> 'list'
                   else '[]' end;

    -- numbers for SMS; a line that was closed ends every consent of the number, of all
    -- channels and types, which İYS tells as refusals
    select array_agg(r.rtype), array_agg(r.number), array_agg(r.state), array_agg(r.at)
      into v_rtype, v_number, v_state, v_at
      from (select array_position(array['BIREYSEL', 'TACIR'],
                                  x.v ->> 'recipientType')::smallint as rtype,
                   case when x.v ->> 'recipient' ~ '^\+905[0-9]{9}$'
                        then substr(x.v ->> 'recipient', 2)::bigint end as number,
                   array_position(array['ONAY', 'RET'], x.v ->> 'status')::smallint as state,
                   case when x.v ->> 'creationDate' ~ '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$'
                        then least(v_now, time_read(replace(x.v ->> 'creationDate', ' ', 'T')
                                                    || '+03:00')) end as at
              from jsonb_array_elements(v_list) x (v)
             where x.v ->> 'type' = 'MESAJ') r
     where r.rtype is not null and r.number is not null and r.state is not null
       and r.at is not null;

    if v_number is not null then
        n := iys_change(v_now, p_owner, array_fill(v_brand, array[cardinality(v_number)]),
                        v_rtype, v_number, v_state, v_at, 'feed');
    end if;

    update iys_feed f
       set cursor = coalesce(v_body ->> 'after', f.cursor),
           -- read too long ago: something may have fallen out of the window
           gap_at = case when f.read_at < v_now - setting_int('iys_feed_hours')
                                                  * interval '1 hour'
                         then coalesce(f.gap_at, f.read_at) else f.gap_at end,
           read_at = v_now, changes = f.changes + n,
           next_at = case when jsonb_array_length(v_list) >= 1000 then v_now
                          else v_now + v_every end
     where f.owner_account_id = p_owner and f.brand_id = v_brand and f.source = v_source;

    return n;
end
$$;


-- ---- errands ------------------------------------------------------------------

-- The next request to İYS; no row: none.  What people declared goes before what is read.
create function sms.iys_take(p_limit int)
returns setof sms.iys_errand
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return query select * from iys_upload_take(p_limit);

    if not found then
        return query select * from iys_feed_take();
    end if;
end
$$;

-- What İYS answered, or that it did not.  p_class
--     ok      p_body is İYS's answer, or empty (204)
--     rows    it refused the request, or rows of it: p_body says which
--     retry   nobody knows, or it was busy: later, unchanged
--     stop    it lets nobody at this brand now
-- Answers how many rows have ended, or were new.
create function sms.iys_done(
    p_kind text, p_owner bigint, p_note text, p_class text, p_code text, p_body text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return case when p_kind = 'feed'
                then iys_feed_done(p_owner, p_note, p_class, p_code, p_body)
                else iys_upload_done(p_kind, p_owner, p_note::uuid[], p_class, p_code, p_body)
                end;
end
$$;

grant execute on function sms.iys_take(int),
    sms.iys_done(text, bigint, text, text, text, text) to sms_worker;
