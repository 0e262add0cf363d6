-- expand: what is asked of İYS by itself, when, and how it ends
--
-- Each row is a question that stands: the changes of a brand, a day to be reconciled, the
-- list of partners.  The worker with the lease takes what is due, asks, and hands over the
-- body as it came; reading it, what follows from it and the time of the next question are
-- one commit.  A worker that dies has asked for nothing: the row is due again a little later.

set role sms_owner;

create table sms.iys_task (
    -- 0: of the whole installation
    owner_account_id bigint not null,
    brand_id        bigint not null,
    next_at         timestamptz not null,
    tries           int not null default 0,
    -- rows that the pages of a list have brought so far
    position        int not null default 0,
    -- feed (arg: IYS, HS) · push · day (arg: 2026-03-02) · partners · brands ·
    -- subscription (arg: iysCode) · history, access (arg: channel|type|address) · stale
    kind            text not null check (kind in ('feed', 'push', 'day', 'partners', 'brands',
                                                  'subscription', 'history', 'access', 'stale')),
    arg             text collate "C" not null,
    -- which of several requests comes next
    stage           text not null default '',
    -- why the last one failed
    code            text,
    -- what earlier pages said
    carry           jsonb,
    primary key (owner_account_id, brand_id, kind, arg)
);

create index iys_task_next on sms.iys_task (next_at);

-- What an answer leads to.  next_at null: the question is answered for good.
create type sms.iys_outcome as (
    next_at     timestamptz,
    stage       text,
    position    int,
    carry       jsonb,
    rows        int,
    refusals    int,
    drift       int,
    -- something that a person has to look at
    alarm       text);

create function sms.iys_outcome_at(p_next timestamptz)
returns sms.iys_outcome
language sql immutable
as $$
    select row(p_next, '', 0, null, 0, 0, 0, null)::sms.iys_outcome
$$;

-- Questions that ought to stand.  p_conf is the plugin's: feed_ms, day, push ("on", "off"
-- or "remove"), integrator, subscription.
create function sms.iys_task_seed(p_now timestamptz, p_conf jsonb)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_today date := (p_now at time zone 'Europe/Istanbul')::date;
begin
    delete from iys_task t
     where (t.kind = 'feed' and coalesce((p_conf ->> 'feed_ms')::bigint, 0) = 0)
        or (t.kind = 'push' and coalesce(p_conf ->> 'push', 'off') = 'off')
        or (t.kind = 'day' and not coalesce((p_conf ->> 'day')::boolean, false))
        or (t.kind = 'partners' and coalesce((p_conf ->> 'integrator')::bigint, 0) = 0)
        or (t.kind = 'brands' and coalesce((p_conf ->> 'integrator')::bigint, 0) <> 0);

    insert into iys_task (owner_account_id, brand_id, next_at, kind, arg)
    select b.account_id, b.brand_id, p_now, k.kind, k.arg
      from brand b
     cross join lateral (
           select 'feed', s.source from (values ('IYS'), ('HS')) s (source)
            where (p_conf ->> 'feed_ms')::bigint > 0
            union all
           select 'push', '' where p_conf ->> 'push' in ('on', 'remove')
            union all
           -- İYS keeps seven days; the feed hides an hour, and İYS counts at night
           select 'day', to_char(d.day, 'YYYY-MM-DD')
             from generate_series(1, 6) n
            cross join lateral (select v_today - n as day) d
            where (p_conf ->> 'day')::boolean
              and (d.day + 1)::timestamp + interval '3 hours'
                  <= p_now at time zone 'Europe/Istanbul'
              and not exists (select from iys_day y
                               where y.owner_account_id = b.account_id
                                 and y.brand_id = b.brand_id and y.day = d.day
                                 and y.state <> 'open')) k (kind, arg)
     where b.iys_code is not null and b.brand_code is not null
        on conflict do nothing;

    insert into iys_task (owner_account_id, brand_id, next_at, kind, arg)
    select distinct b.account_id, 0, p_now, 'subscription', b.iys_code::text
      from brand b
     where b.iys_code is not null
        on conflict do nothing;

    -- of nobody's brands there is nothing to ask
    insert into iys_task (owner_account_id, brand_id, next_at, kind, arg)
    select 0, 0, p_now,
           case when (p_conf ->> 'integrator')::bigint > 0 then 'partners' else 'brands' end, ''
     where exists (select from iys_providers())
        on conflict do nothing;
end
$$;

-- The request that asks a question.  What goes into a path is İYS's or ours and was
-- checked when it was stored.  p_subject: "MESAJ|BIREYSEL|+905321112233" in its parts.
create function sms.iys_task_request(
    p_conf jsonb, t sms.iys_task, p_sent text, b sms.brand, p_iys bigint,
    out method text, out path text, out body text, out form text)
language plpgsql immutable
set search_path = sms, pg_temp
as $$
declare
    v_brand     text := iys_path(b, false);
    v_subject   text[] := string_to_array(t.arg, '|');
begin
    method := 'GET';
    form := '';

    case t.kind
    when 'feed' then
        path := v_brand || '/consents/changes?source=' || t.arg
                || '&limit=' || (p_conf ->> 'limit')
                || coalesce('&after=' || nullif(p_sent, ''), '');

    when 'push' then
        path := v_brand || case when t.stage = 'unregister' then '/push/unregistration'
                                else '/push/registration' end;
        if t.stage <> '' then
            method := 'POST';
            form := 'push';
        end if;

    when 'day' then
        path := v_brand || case t.stage
                when 'stats1' then '/changes/' || t.arg || '/recipients/BIREYSEL'
                when 'stats2' then '/changes/' || t.arg || '/recipients/TACIR'
                when 'file' then '/changes/' || t.arg || '/file'
                when 'token' then '/agreements/' || t.arg || '/timestamp'
                else '/agreements/' || t.arg end;
        if t.stage = 'agree' then
            method := 'PUT';
            body := '{"agreementStatus":true}';
        elsif t.stage = 'token' then
            form := 'binary';
        end if;

    when 'partners' then
        path := format('/integrator/%s/sps?limit=100&offset=%s', p_conf ->> 'integrator', p_sent);

    when 'brands' then
        if p_iys is null then
            form := 'none';
        else
            path := format('/sps/%s/brands', p_iys);
        end if;

    when 'subscription' then
        path := format('/sps/%s/subscription', p_iys);
        form := 'unhalted';

    when 'history', 'access' then
        -- "consent" is İYS's spelling
        path := v_brand || case t.kind when 'history' then '/consents/history'
                                       else '/consent/retailers/access/list' end
                || '?limit=100&offset=' || p_sent;
        method := 'POST';
        body := json_build_object('recipient', v_subject[3], 'recipientType', v_subject[2],
                                  'type', v_subject[1])::text;
        if t.kind = 'history' then
            form := 'hourly';
        end if;

    else
        form := 'none';
    end case;
end
$$;

-- What is due, hidden from other takers for p_hide_ms.  "sent" goes back unchanged with the
-- answer: the cursor of a feed, elsewhere the position.
create function sms.iys_task_take(
    p_conf jsonb, p_seed boolean, p_limit int, p_hide_ms int, p_now timestamptz)
returns setof sms.iys_errand
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_seed then
        perform iys_task_seed(p_now, p_conf);
    end if;

    return query
    with taken as (
        update iys_task t
           set next_at = p_now + p_hide_ms * interval '1 millisecond'
         where t.ctid = any (array(select x.ctid from iys_task x
                                    where x.next_at <= p_now
                                    order by x.next_at
                                    limit p_limit
                                      for update skip locked))
        returning t.*
    )
    select t.owner_account_id, t.brand_id, t.kind, t.arg, t.stage, s.sent, s.iys_code,
           b.brand_code, q.method, q.path, q.body, q.form
      from taken t
      left join brand b on b.account_id = t.owner_account_id and b.brand_id = t.brand_id
      left join iys_cursor c on t.kind = 'feed' and c.owner_account_id = t.owner_account_id
                            and c.brand_id = t.brand_id and c.source = t.arg
     cross join lateral (
           select case when t.kind = 'feed' then coalesce(c.after, '')
                       else t.position::text end as sent,
                  case t.kind when 'subscription' then t.arg::bigint
                              when 'brands' then (select p.code from iys_providers() p
                                                   where p.n = t.position + 1)
                              else b.iys_code end as iys_code) s
     cross join lateral iys_task_request(p_conf, (t.owner_account_id, t.brand_id, t.next_at, t.tries, t.position, t.kind, t.arg, t.stage, t.code, t.carry)::iys_task, s.sent, b, s.iys_code) q;
end
$$;

-- What an answer came to.  again: the next request may go at once; alarm: something that
-- a person has to look at.
create type sms.iys_said as (again boolean, rows int, refusals int, drift int, alarm text);

-- An answer.  p_sent is what was asked with: an answer to another page changes nothing.
create function sms.iys_task_done(
    p_now timestamptz, p_conf jsonb, p_owner bigint, p_brand bigint, p_kind text, p_arg text,
    p_stage text, p_sent text, p_http int, p_body text)
returns sms.iys_said
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_task  iys_task;
    o       iys_outcome;
begin
    select t.* into v_task
      from iys_task t
     where t.owner_account_id = p_owner and t.brand_id = p_brand and t.kind = p_kind
       and t.arg = p_arg
       for update;

    if not found or v_task.stage <> p_stage
       or (p_kind <> 'feed' and v_task.position::text <> p_sent)
    then
        return row(false, 0, 0, 0, null)::iys_said;
    end if;

    o := case p_kind
         when 'feed' then iys_feed_page(p_now, v_task, p_conf, p_sent, p_http, p_body)
         when 'push' then iys_push_told(p_now, v_task, p_conf, p_body)
         when 'day' then iys_day_told(p_now, v_task, p_conf, p_http, p_body)
         when 'partners' then iys_partners_page(p_now, v_task, p_body)
         when 'brands' then iys_brands_page(p_now, v_task, p_http, p_body)
         when 'subscription' then iys_subscription_told(p_now, v_task, p_body)
         when 'history' then iys_history_page(p_now, v_task, p_http, p_body)
         when 'access' then iys_access_page(p_now, v_task, p_http, p_body)
         else iys_stale_step(p_now, v_task) end;

    if o.next_at is null then
        delete from iys_task t
         where t.owner_account_id = p_owner and t.brand_id = p_brand and t.kind = p_kind
           and t.arg = p_arg;
    else
        update iys_task t
           set next_at = o.next_at, stage = o.stage, position = o.position, carry = o.carry,
               tries = 0, code = null
         where t.owner_account_id = p_owner and t.brand_id = p_brand and t.kind = p_kind
           and t.arg = p_arg;
    end if;

    return row(coalesce(o.next_at <= p_now, false), o.rows, o.refusals, o.drift,
               o.alarm)::iys_said;
end
$$;

-- No answer, or one that refuses.  p_class: retry, next_hour, item, request, stop.
create function sms.iys_task_failed(
    p_now timestamptz, p_owner bigint, p_brand bigint, p_kind text, p_arg text, p_stage text,
    p_class text, p_code text)
returns text
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_task      iys_task;
    v_next      timestamptz;
    v_alarm     text;
    v_final     boolean := p_class in ('item', 'request', 'stop');
begin
    select t.* into v_task
      from iys_task t
     where t.owner_account_id = p_owner and t.brand_id = p_brand and t.kind = p_kind
       and t.arg = p_arg
       for update;

    if not found or v_task.stage <> p_stage then
        return null;
    end if;

    -- one failure may pass by itself; one that stays is for a person, once
    v_alarm := case when v_task.tries = case when v_final then 0 else 4 end then p_code end;

    v_next := case
              when p_class = 'next_hour'
                   then date_trunc('hour', p_now) + interval '1 hour'
              when v_final then p_now + interval '15 minutes'
              else p_now + least(5 * 2 ^ least(v_task.tries, 8), 900) * interval '1 second'
              end;

    if p_class = 'next_hour' then
        v_alarm := null;

    elsif v_final and p_kind in ('history', 'access') then
        perform iys_asked_done(p_now, v_task, p_code, null);
        v_next := null;

    elsif v_final and p_kind = 'day' and p_code in ('H501', 'H502') then
        -- İYS does not have the day any more
        perform iys_day_close(p_now, v_task, 'expired', p_code);
        v_next := null;

    elsif v_final and p_kind = 'day' and p_stage in ('agree', 'token') then
        perform iys_day_close(p_now, v_task, null, p_code);
        v_next := null;

    elsif v_final and p_kind = 'feed' and iys_cursor_drop(p_owner, p_brand, p_arg) then
        -- İYS does not know the cursor any more: from the beginning of its window, and
        -- what is known already stays as it is
        v_next := p_now + interval '5 seconds';
        v_alarm := 'cursor-refused';

    elsif v_final and p_kind = 'brands' then
        v_task := iys_brands_skip(p_now, v_task);
        v_next := v_task.next_at;

    elsif v_final and p_kind = 'subscription' and p_code = 'H524' then
        perform iys_subscription_put(p_arg::bigint, 'NONE', null, null, null, p_now);
        v_next := p_now + interval '6 hours';
    end if;

    if v_next is null then
        delete from iys_task t
         where t.owner_account_id = p_owner and t.brand_id = p_brand and t.kind = p_kind
           and t.arg = p_arg;
    else
        update iys_task t
           set next_at = v_next, tries = t.tries + 1, code = p_code,
               position = v_task.position, carry = v_task.carry
         where t.owner_account_id = p_owner and t.brand_id = p_brand and t.kind = p_kind
           and t.arg = p_arg;
    end if;

    return v_alarm;
end
$$;


-- ---- errands ------------------------------------------------------------------

-- The next requests to İYS.  What people declared may take half of them, so that a large
-- load does not keep refusals from being read.  p_conf is the plugin's: batch, limit,
-- feed_ms, day, agreement, push, push_url, integrator.
create function sms.iys_take(p_conf text, p_seed boolean, p_limit int, p_hide_ms int)
returns setof sms.iys_errand
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_conf  jsonb := p_conf;
    n       int := 0;
begin
    while n < greatest(p_limit / 2, 1) loop
        return query select * from iys_upload_take((v_conf ->> 'batch')::int);
        exit when not found;
        n := n + 1;
    end loop;

    return query
    select * from iys_task_take(v_conf, p_seed, p_limit - n, p_hide_ms, clock_timestamp());
end
$$;

-- What İYS answered, or that it did not.  p_class
--     ok                  p_body is İYS's answer, or empty (204)
--     item, request       it refused rows, or the request: p_body says which and why
--     retry, next_hour    nobody knows, or it was busy: later, unchanged
--     stop                it lets nobody at this brand now
create function sms.iys_done(
    p_conf text, p_owner bigint, p_brand bigint, p_kind text, p_arg text, p_stage text,
    p_sent text, p_http int, p_class text, p_code text, p_body text)
returns sms.iys_said
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_now   timestamptz := clock_timestamp();
    r       iys_said := row(false, 0, 0, 0, null);
begin
    if p_kind in ('add', 'poll') then
        r.rows := iys_upload_done(p_kind, p_owner, p_arg::uuid[],
                      case p_class when 'item' then 'rows' when 'request' then 'rows'
                                   when 'next_hour' then 'retry' else p_class end,
                      p_code, p_body);
        r.again := p_class = 'ok';
        return r;
    end if;

    if p_class = 'ok' then
        begin
            return iys_task_done(v_now, p_conf::jsonb, p_owner, p_brand, p_kind, p_arg, p_stage,
                                 p_sent, p_http, p_body);
        exception
            -- it was not what İYS documents
            when data_exception then
                p_class := 'retry';
                p_code := 'answer_malformed';
        end;
    end if;

    r.alarm := iys_task_failed(v_now, p_owner, p_brand, p_kind, p_arg, p_stage, p_class, p_code);
    return r;
end
$$;

grant execute on function
    sms.iys_take(text, boolean, int, int),
    sms.iys_done(text, bigint, bigint, text, text, text, text, int, text, text, text)
    to sms_worker;
