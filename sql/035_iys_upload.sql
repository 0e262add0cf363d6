-- expand: what people declared is brought to İYS
--
-- The holder of the lease "errand" of consent/iys takes a request's worth of one brand,
-- sends it, and stores what İYS answered; 300 s later it asks what became of the rows.
-- What was taken and not stored may have been received: it is sent again, and version 2
-- of İYS's interface answers a repetition as it did the first time.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('iys_poll_seconds', '300', 'after which İYS is asked what became of a request'),
    ('iys_hold_seconds', '120', 'how long a request may take before its rows are sent again'),
    ('iys_again_seconds', '5', 'after which a request without an answer is sent again; twice as long each time, an hour at most'),
    ('iys_stop_seconds', '900', 'how long a brand rests that İYS does not let us write for');

-- An errand of consent/iys: a request to İYS.  The first six go back with the answer.
-- form: hourly (one of the histories of an hour) · unhalted (goes when the provider's
-- account is stopped) · binary (answered with octets) · push (its body has our password)
-- · none (nothing is asked, a step here) · empty.
create type sms.iys_errand as (
    owner bigint, brand bigint, kind text, arg text, stage text, sent text,
    iys_code bigint, brand_code bigint, method text, path text, body text, form text);

-- kind add brings entries, kind poll asks what became of a request; arg: the entries.  Of
-- one address only the oldest open entry is taken: İYS tells movements of one second apart
-- by nothing.  Refusals come first.  No row: nothing to do.
create function sms.iys_upload_take(p_limit int)
returns setof sms.iys_errand
language plpgsql
set search_path = sms, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_now   timestamptz := clock_timestamp();
    v_hold  timestamptz := v_now + setting_int('iys_hold_seconds') * interval '1 second';
    f       consent_entry;
    v_ids   uuid[];
begin
    select e.* into f
      from consent_entry e
     where e.next_at <= v_now
       and (e.state = 'sent' or iys_first(e))
     order by e.next_at
     limit 1;

    if f.entry_id is null then
        return;
    end if;

    if f.state = 'sent' then
        update consent_entry e
           set next_at = v_hold
         where e.owner_account_id = f.owner_account_id and e.request_id = f.request_id
           and e.brand_id = f.brand_id and e.state = 'sent' and e.next_at <= v_now;

        v_ids := array(select e.entry_id from consent_entry e
                        where e.owner_account_id = f.owner_account_id
                          and e.request_id = f.request_id and e.brand_id = f.brand_id
                          and e.state = 'sent' and e.next_at = v_hold
                        order by e.request_index);

        return query
        select b.account_id, b.brand_id, 'poll', v_ids::text, '', '', b.iys_code, b.brand_code,
               'GET', iys_path(b, true) || '/consents/request/' || f.request_id, null, ''
          from brand b
         where b.account_id = f.owner_account_id and b.brand_id = f.brand_id;
        return;
    end if;

    -- a row that made İYS refuse a whole request without saying which is sent alone
    v_ids := array(
        select e.entry_id
          from consent_entry e
         where e.owner_account_id = f.owner_account_id and e.brand_id = f.brand_id
           and e.next_at <= v_now and e.state in ('pending', 'uploading') and iys_first(e)
           and (case when f.request_index = -1 then e.entry_id = f.entry_id
                     else e.request_index is distinct from -1 end)
         order by e.status desc, e.next_at, e.entry_id
         limit p_limit);

    update consent_entry e
       set state = 'uploading', next_at = v_hold, tries = e.tries + 1
     where e.owner_account_id = f.owner_account_id and e.entry_id = any (v_ids);

    return query
    select b.account_id, b.brand_id, 'add', v_ids::text, '', '', b.iys_code, b.brand_code,
           'POST', iys_path(b, true) || '/consents/request',
           (select json_agg(consent_iys(e) order by array_position(v_ids, e.entry_id))::text
              from consent_entry e
             where e.owner_account_id = f.owner_account_id and e.entry_id = any (v_ids)), ''
      from brand b
     where b.account_id = f.owner_account_id and b.brand_id = f.brand_id;
end
$$;

-- Where İYS has a brand; version 2 is that of its bulk interface.
create function sms.iys_path(b sms.brand, p_v2 boolean)
returns text
language sql immutable
as $$
    select case when p_v2 then '/v2' else '' end
           || format('/sps/%s/brands/%s', b.iys_code, b.brand_code)
$$;

-- Is it the oldest of its address and type that is on its way?
create function sms.iys_first(e sms.consent_entry)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return not exists (
        select from consent_entry x
         where x.owner_account_id = e.owner_account_id and x.brand_id = e.brand_id
           and x.address = e.address and x.channel = e.channel
           and x.recipient_type = e.recipient_type and x.done_at is null
           and x.state <> 'review' and x.entry_id < e.entry_id);
end
$$;

-- What an error of one row means for it: a state, or again (told late: written as a
-- decision of today), later (the brand's quota).
create function sms.iys_fate(p_status int, p_code text)
returns text
language sql immutable
as $$
    select case
           when p_code = 'H174' then 'already'
           when p_code = 'H178' then 'superseded'
           when p_code = 'H525' then 'later'
           when p_status = 2 and p_code in ('H175', 'H486') then 'kept_local'
           when p_status = 2 and p_code = 'H467' then 'again'
           else 'refused' end
$$;

-- Rows by their own answer.  p_ok: the transaction id of one that İYS has taken, or null.
create function sms.iys_rows_end(
    p_now timestamptz, p_owner bigint, p_entry uuid[], p_ok text[], p_code text[])
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    with told as (
        select u.entry_id, u.ok, u.code,
               case when u.ok is not null then 'registered'
                    -- late once more: it is not written a third time
                    when f.fate = 'again' and e.source = 'HS_KARAR' then 'refused'
                    else f.fate end as fate
          from unnest(p_entry, p_ok, p_code) u (entry_id, ok, code)
          join consent_entry e on e.owner_account_id = p_owner and e.entry_id = u.entry_id
         cross join lateral iys_fate(e.status, u.code) f (fate)
    )
    update consent_entry e
       set state = case t.fate
                   when 'registered' then case when e.iys_code = 'H467'
                                               then 'registered_as_decision' else 'registered' end
                   when 'again' then 'pending'
                   when 'later' then 'pending'
                   else t.fate end,
           source = case when t.fate = 'again' then 'HS_KARAR' else e.source end,
           consent_at = case when t.fate = 'again' then p_now else e.consent_at end,
           iys_code = case when t.ok is not null then e.iys_code else t.code end,
           transaction_id = coalesce(t.ok, e.transaction_id),
           next_at = case t.fate when 'again' then p_now
                                 when 'later' then p_now + interval '1 hour' end,
           done_at = case when t.fate not in ('again', 'later') then p_now end,
           request_id = null, request_index = null
      from told t
     where e.owner_account_id = p_owner and e.entry_id = t.entry_id and e.done_at is null;

    get diagnostics n = row_count;

    -- A newer approval that İYS has, of whom it was proved, lifts a refusal (C1).
    perform optout_lift(e.owner_account_id, e.brand_id, substr(e.address, 2)::bigint,
                        e.consent_at, 'iys ' || e.transaction_id)
       from consent_entry e
      where e.owner_account_id = p_owner and e.entry_id = any (p_entry)
        and e.state = 'registered' and e.status = 1
        and e.channel = 1 and e.done_at = p_now and e.consent_at is not null;

    return n;
end
$$;

-- What became of a request.  p_class
--     ok      p_body is İYS's answer
--     rows    it refused rows, p_body says which
--     retry   nobody knows, or it was busy: later, unchanged
--     stop    it lets nobody write for this brand now
-- Answers how many rows have ended.
create function sms.iys_upload_done(
    p_kind text, p_owner bigint, p_entry uuid[], p_class text, p_code text, p_body text)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
    v_poll  interval := setting_int('iys_poll_seconds') * interval '1 second';
    v_body  jsonb;
    v_bad   int[];
    v_code  text[];
    v_row   uuid[];
    v_ok    text[];
    v_more  uuid[];
begin
    begin
        v_body := nullif(p_body, '')::jsonb;
    exception
        when others then
            p_class := 'retry';
    end;

    if p_class = 'stop' then
        update consent_entry e
           set state = case when e.state = 'uploading' then 'pending' else e.state end,
               iys_code = p_code,
               next_at = v_now + setting_int('iys_stop_seconds') * interval '1 second'
         where e.owner_account_id = p_owner and e.done_at is null and e.next_at is not null
           and e.brand_id = (select x.brand_id from consent_entry x
                              where x.owner_account_id = p_owner and x.entry_id = p_entry[1]);
        return 0;
    end if;

    if p_class = 'rows' and jsonb_typeof(v_body -> 'errors') = 'array' then
        -- the first error of each row that there is
        select array_agg(r.i), array_agg(r.code) into v_bad, v_code
          from (select distinct on (f.i) f.i, f.code
                  from (select case when x.v ->> 'index' ~ '^\d{1,4}$'
                                    then (x.v ->> 'index')::int + 1
                                    when cardinality(p_entry) = 1 then 1 end as i,
                               coalesce(x.v ->> 'code', x.v ->> 'code:') as code, x.n
                          from jsonb_array_elements(v_body -> 'errors')
                               with ordinality x (v, n)) f
                 where f.i between 1 and cardinality(p_entry) and f.code is not null
                 order by f.i, f.n) r;

        if v_bad is null then
            -- which one it is: each alone
            update consent_entry e
               set state = 'pending', request_index = -1, next_at = v_now, iys_code = p_code
             where e.owner_account_id = p_owner and e.entry_id = any (p_entry) and e.done_at is null;
            return 0;
        end if;

        v_row := array(select p_entry[i] from unnest(v_bad) with ordinality b (i, n) order by n);

        -- a second movement of an address in one request is for the next
        update consent_entry e
           set state = 'pending', next_at = v_now
         where e.owner_account_id = p_owner and e.entry_id = any (p_entry) and e.done_at is null
           and (e.entry_id <> all (v_row)
                or exists (select from unnest(v_row, v_code) u (id, code)
                            where u.id = e.entry_id and u.code in ('H193', 'H194')));

        return iys_rows_end(v_now, p_owner,
                   array(select u.id from unnest(v_row, v_code) u (id, code)
                          where u.code not in ('H193', 'H194')),
                   array_fill(null::text, array[cardinality(v_row)]),
                   array(select u.code from unnest(v_row, v_code) u (id, code)
                          where u.code not in ('H193', 'H194')));
    end if;

    if p_class = 'ok' and p_kind = 'add' and v_body ->> 'requestId' is not null then
        update consent_entry e
           set state = 'sent', request_id = v_body ->> 'requestId',
               request_index = array_position(p_entry, e.entry_id) - 1,
               next_at = v_now + v_poll, tries = 0
         where e.owner_account_id = p_owner and e.entry_id = any (p_entry) and e.done_at is null;
        return 0;
    end if;

    if p_class = 'ok' and p_kind = 'poll' and jsonb_typeof(v_body) = 'array' then
        select array_agg(e.entry_id), array_agg(t.ok), array_agg(t.code)
          into v_row, v_ok, v_code
          from (select (x ->> 'index')::int as i,
                       case when x ->> 'status' = 'success'
                            then coalesce(x ->> 'transactionId', '-') end as ok,
                       case when x ->> 'status' = 'failure'
                            then coalesce(x #>> '{error,code}', 'unknown') end as code
                  from jsonb_array_elements(v_body) x
                 where x ->> 'index' ~ '^\d{1,4}$') t
          join consent_entry e on e.owner_account_id = p_owner and e.entry_id = any (p_entry)
                            and e.request_index = t.i
         where t.ok is not null or t.code is not null;

        -- not yet; İYS forgets requests after 60 days, and what it has not done in two
        -- is sent again
        v_more := array(select u from unnest(p_entry) u where u <> all (coalesce(v_row, '{}')));

        update consent_entry e
           set tries = e.tries + 1,
               state = case when e.tries >= 2 * 86400 / greatest(extract(epoch from v_poll), 1)
                            then 'pending' else e.state end,
               next_at = v_now + v_poll
         where e.owner_account_id = p_owner and e.entry_id = any (v_more) and e.done_at is null;

        return case when v_row is null then 0
                    else iys_rows_end(v_now, p_owner, v_row, v_ok, v_code) end;
    end if;

    update consent_entry e
       set next_at = v_now + least(interval '1 hour',
                                   setting_int('iys_again_seconds') * interval '1 second'
                                   * power(2, least(e.tries, 10))),
           tries = case when p_kind = 'poll' then e.tries + 1 else e.tries end,
           iys_code = coalesce(p_code, e.iys_code)
     where e.owner_account_id = p_owner and e.entry_id = any (p_entry) and e.done_at is null;

    return 0;
end
$$;

-- For the metrics: what is on its way, what waits for a person.
create function sms.consent_open()
returns table (state text, n bigint)
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return query
    select s.state, count(e.entry_id)
      from unnest(array['open', 'review']) s (state)
      left join consent_entry e
        on e.done_at is null
       and (s.state = 'review') = (e.state = 'review')
     group by s.state;
end
$$;
