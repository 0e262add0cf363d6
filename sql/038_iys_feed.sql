-- expand: İYS's feed of changes, and its pushes
--
-- The feed tells the movements of a brand in the order in which İYS wrote them, the last
-- hour left out, for seven days.  A page and the cursor behind it are one commit: after a
-- crash the page is read again or the next one, and none is lost or counted twice.

set role sms_owner;

create table sms.iys_cursor (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    -- when the feed was last read to its end
    read_at         timestamptz,
    -- of the newest row
    row_at          timestamptz,
    since           timestamptz not null,
    -- when it was found that İYS had dropped rows that were not read
    gap_at          timestamptz,
    dropped_at      timestamptz,
    rows            bigint not null default 0,
    -- IYS: citizens; HS: the provider, us included
    source          text not null check (source in ('IYS', 'HS')),
    -- İYS's own; null: from the beginning of its window
    after           text,
    primary key (owner_account_id, brand_id, source)
);

insert into sms.setting (name, value, doc) values
    ('iys_window_hours', '167', 'how far back İYS''s feed of changes reaches; a brand that was not read for longer has lost rows: every consent of it is asked anew');

-- İYS does not know it (any more).  False: it was not sent one, or had one dropped within
-- the hour, and something else is wrong.
create function sms.iys_cursor_drop(p_owner bigint, p_brand bigint, p_source text)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    update iys_cursor c
       set after = null, dropped_at = clock_timestamp()
     where c.owner_account_id = p_owner and c.brand_id = p_brand and c.source = p_source
       and c.after is not null
       and (c.dropped_at is null or c.dropped_at < clock_timestamp() - interval '1 hour');

    return found;
end
$$;

create function sms.iys_feed_page(
    p_now timestamptz, p_task sms.iys_task, p_conf jsonb, p_sent text, p_http int, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o           iys_outcome := iys_outcome_at(
                    p_now + (p_conf ->> 'feed_ms')::bigint * interval '1 millisecond');
    v_cursor    iys_cursor;
    v_body      jsonb;
    v_told      iys_told[];
    v_new       iys_told[];
    v_after     text;
    v_end       boolean := true;
begin
    insert into iys_cursor (owner_account_id, brand_id, source, since)
    values (p_task.owner_account_id, p_task.brand_id, p_task.arg, p_now)
        on conflict do nothing;

    select c.* into v_cursor
      from iys_cursor c
     where c.owner_account_id = p_task.owner_account_id and c.brand_id = p_task.brand_id
       and c.source = p_task.arg
       for update;

    -- an answer to a page that was stored by somebody else meanwhile
    if coalesce(v_cursor.after, '') <> p_sent then
        o.next_at := p_now;
        return o;
    end if;

    if p_http <> 204 then
        v_body := p_body;
        v_told := iys_read(p_now, p_task.owner_account_id, p_task.brand_id, v_body -> 'list');
        o.rows := jsonb_array_length(v_body -> 'list');
        v_after := case when v_body ->> 'after' ~ '^[0-9A-Za-z_.:-]{1,200}$'
                        then v_body ->> 'after' end;

        if o.rows > coalesce(cardinality(v_told), 0) then
            o.alarm := 'rows-malformed';
        end if;

        if v_after is null and v_told is not null then
            v_after := (select extract(epoch from t.created_at)::bigint || '_' || t.transaction_id
                          from unnest(v_told) with ordinality t
                         order by t.ordinality desc
                         limit 1);
        end if;

        v_new := iys_store(p_now, 'feed', v_told);
        o.refusals := iys_refuse(p_now, 'feed', v_new);

        -- a full page has more behind it; one that does not move on would come for ever
        v_end := o.rows < least(greatest((p_conf ->> 'limit')::int, 1), 1000)
                 or v_after is null or v_after = p_sent;
    end if;

    if v_cursor.read_at < p_now - setting_int('iys_window_hours') * interval '1 hour'
       and coalesce(v_cursor.gap_at < v_cursor.read_at, true)
    then
        v_cursor.gap_at := p_now;
        o.alarm := 'feed-gap';

        insert into iys_task (owner_account_id, brand_id, next_at, kind, arg)
        values (p_task.owner_account_id, p_task.brand_id, p_now, 'stale', '')
            on conflict (owner_account_id, brand_id, kind, arg)
            do update set position = 0, carry = null, next_at = p_now;
    end if;

    update iys_cursor c
       set after = coalesce(v_after, c.after),
           row_at = greatest(c.row_at, (select max(t.created_at) from unnest(v_told) t)),
           read_at = case when v_end then p_now else c.read_at end,
           gap_at = v_cursor.gap_at, rows = c.rows + o.rows
     where c.owner_account_id = p_task.owner_account_id and c.brand_id = p_task.brand_id
       and c.source = p_task.arg;

    if not v_end then
        o.next_at := p_now;
    end if;

    return o;
end
$$;

-- A brand whose feed has a gap may have lost a refusal: none of its approvals permits any
-- more until İYS has been asked again.  A bit at a time, in the order of numbers.
create function sms.iys_stale_step(p_now timestamptz, p_task sms.iys_task)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(null);
    v_from  bigint := coalesce((p_task.carry ->> 'from')::bigint, 0);
    v_last  bigint;
begin
    v_last := (select c.number from consent c
                where c.owner_account_id = p_task.owner_account_id
                  and c.brand_id = p_task.brand_id and c.number >= v_from
                order by c.number
               offset 20000 limit 1);

    update consent c
       set permits = false
     where c.owner_account_id = p_task.owner_account_id and c.brand_id = p_task.brand_id
       and c.number >= v_from and c.number < coalesce(v_last, 9223372036854775807)
       and c.permits and c.counts_at <= p_now;

    if v_last is not null then
        o.next_at := p_now;
        o.position := p_task.position + 1;
        o.carry := json_build_object('from', v_last);
    end if;

    return o;
end
$$;

-- How far the feeds of all brands are: the one that is furthest behind, in seconds.  It is
-- the age of what is known; what İYS hides is not counted.
create function sms.iys_feed_state(p_now timestamptz default null)
returns table (brands int, lag_s bigint, drift bigint)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_now   timestamptz := coalesce(p_now, clock_timestamp());
begin
    return query
    select count(distinct t.brand_id)::int,
           coalesce(greatest(max(extract(epoch from v_now - coalesce(c.read_at, c.since))), 0),
                    0)::bigint,
           (select coalesce(sum(y.missing_here + y.missing_there + y.different), 0)::bigint
              from iys_day y
             where y.day >= (v_now at time zone 'Europe/Istanbul')::date - 7)
      from iys_task t
      left join iys_cursor c on c.owner_account_id = t.owner_account_id
                            and c.brand_id = t.brand_id and c.source = t.arg
     where t.kind = 'feed';
end
$$;


-- ---- pushes -----------------------------------------------------------------

-- What İYS posts when a citizen approves or refuses; committed before it is answered.  The
-- fixed row that it posts at registration (pushtest@iys.org.tr) is of no brand of ours.
create function sms.iys_push(p_body text, p_now timestamptz default null)
returns table (rows int, stored int, refusals int, unknown int, odd int)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_now       timestamptz := coalesce(p_now, clock_timestamp());
    v_body      jsonb := p_body;
    v_list      jsonb := case when jsonb_typeof(v_body) = 'array' then v_body
                              else v_body -> 'list' end;
    v_told      iys_told[] := iys_read(v_now, null, null, v_list);
    v_ours      iys_told[];
    v_new       iys_told[];
begin
    rows := jsonb_array_length(v_list);
    odd := rows - coalesce(cardinality(v_told), 0);

    select array_agg(row(b.account_id, b.brand_id, t.iys_code, t.brand_code, t.created_at,
                         t.consent_at, t.channel, t.recipient_type, t.status, t.address,
                         t.source, t.transaction_id)::iys_told),
           count(*) filter (where b.brand_id is null and t.address <> 'pushtest@iys.org.tr')
      into v_ours, unknown
      from unnest(v_told) t
      left join brand b on b.iys_code = t.iys_code and b.brand_code = t.brand_code;

    v_ours := array(select t from unnest(v_ours) t where t.brand_id is not null);
    v_new := iys_store(v_now, 'push', v_ours);
    stored := coalesce(cardinality(v_new), 0);
    refusals := iys_refuse(v_now, 'push', v_new);

    return next;
end
$$;

-- Whether İYS pushes to us is looked at once a day.  p_conf: push, push_url.
create function sms.iys_push_told(
    p_now timestamptz, p_task sms.iys_task, p_conf jsonb, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(p_now + interval '1 day');
    v_body  jsonb;
    v_there boolean;
begin
    -- registered, or the registration is gone: look whether it is so
    if p_task.stage <> '' then
        o.next_at := p_now;
        return o;
    end if;

    v_body := p_body;

    if jsonb_typeof(v_body) is distinct from 'array' then
        raise exception 'answer-malformed' using errcode = '22023';
    end if;

    v_there := exists (select from jsonb_array_elements(v_body) e (r)
                        where e.r ->> 'url' = p_conf ->> 'push_url'
                          and e.r ->> 'type' = 'MESAJ');

    if v_there = (p_conf ->> 'push' = 'on') then
        return o;
    end if;

    o.next_at := p_now;
    o.stage := case when v_there then 'unregister' else 'register' end;

    return o;
end
$$;

grant execute on function
    sms.iys_feed_state(timestamptz), sms.iys_push(text, timestamptz) to sms_worker;
