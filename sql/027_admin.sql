-- expand: the operator desk: what operators are doing, draining, stops, audit

set role sms_owner;

-- Who changed what, and why; rows are only ever added.  account_id and key_no are the
-- administrator's.
create table sms.audit (
    account_id  bigint not null,
    at          timestamptz not null,
    audit_id    uuid not null,
    key_no      bigint not null,
    action      text not null,
    target      text not null,
    reason      text not null,
    detail      json,
    primary key (account_id, audit_id)
);

create index audit_id on sms.audit (audit_id);


-- ---- what operators are doing -----------------------------------------------

-- The messages of a lane that are counted, at most.
create function sms.lane_depth(p_lane int, out messages int, out oldest timestamptz)
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    select count(*), id_time(id_min(array_agg(q.message_id)))
      into messages, oldest
      from (select x.message_id from queue x
             where x.lane = p_lane
             order by x.turn, x.message_id
             limit 10000) q;
end
$$;

-- One row a figure, figures of one name together.  All nodes tell the same: this is what
-- the database knows of the installation.
create function sms.operator_metrics()
returns table (metric text, link text, operator text, extra text, value bigint)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with lanes as materialized (
        select k.name, k.operator, k.link_id, c.n as class, d.messages, d.oldest
          from link k
         cross join generate_series(0, 2) c (n)
         cross join lateral lane_depth(k.link_id * 64 + c.n * 16) d
    )
    select 'halted', k.name, k.operator, '', k.halt::bigint from link k
    union all
    select 'binds', k.name, k.operator, s.state, count(b.bind)
      from link k
     cross join unnest(array['down', 'connecting', 'binding', 'bound', 'waiting', 'resting'])
                s (state)
      left join bind b on b.link_id = k.link_id and b.state = s.state
     group by k.name, k.operator, s.state
    union all
    select f.metric, k.name, k.operator, '', coalesce(sum(f.value), 0)::bigint
      from link k
      left join bind b on b.link_id = k.link_id
     cross join lateral (values ('window', b."window"::bigint), ('inflight', b.inflight),
                                ('rate', b.rate), ('throttled', b.throttled)) f (metric, value)
     group by f.metric, k.name, k.operator
    union all
    select 'queued', l.name, l.operator,
           (array['otp', 'informational', 'commercial'])[l.class + 1], l.messages::bigint
      from lanes l
    union all
    select 'oldest', l.name, l.operator, '',
           coalesce(greatest(0, extract(epoch from clock_timestamp() - min(l.oldest))), 0)::bigint
      from lanes l
     group by l.name, l.operator
    union all
    select 'in_doubt', k.name, k.operator, '', count(d.message_id)
      from link k
      left join in_doubt d on d.link_id = k.link_id and d.closed_at is null
     group by k.name, k.operator
    union all
    select 'consents', '', '', c.state, c.n from consent_open() c
    union all
    select 'brands_late', '', '', '', count(*) from brand b where b.late_since is not null
    union all
    select 'consents_due', '', '', c.state, c.n from consent_clock() c
    union all
    select 'shadow_texts', r.shadow, r.change, r.code, r.texts from rule_shadow_now() r
    union all
    select 'stops', '', '', t.target, count(s.stop_id)
      from unnest(array['account', 'sender', 'link', 'url_host']) t (target)
      left join stop s on s.target = t.target and s.lifted_at is null and s.effect <> 'drain'
     group by t.target;
end
$$;

grant execute on function sms.operator_metrics() to sms_worker;


-- ---- the desk's door --------------------------------------------------------

-- What follows sees all accounts, and therefore asks first.
create function sms.admin_check()
returns void
language plpgsql
as $$
begin
    if current_setting('sms.admin', true) is distinct from 'yes' then
        perform api.raise('insufficient-scope');
    end if;
end
$$;

-- The account and key that is asking, as people read it.
create function sms.admin_name()
returns text
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return (select s.name || ' (' || k.key_id || ')'
              from api_key k
              join account_setting s using (account_id)
             where k.account_id = nullif(current_setting('sms.account', true), '')::bigint
               and k.key_no = nullif(current_setting('sms.key', true), '')::bigint);
end
$$;

create function sms.audit_put(
    p_action text, p_target text, p_reason text, p_detail json)
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into audit (account_id, at, audit_id, key_no, action, target, reason, detail)
    values (current_setting('sms.account')::bigint, clock_timestamp(), id_new(),
            current_setting('sms.key')::bigint, p_action, p_target, p_reason, p_detail)
$$;

-- A link that the request means, or not-found.
create function sms.admin_link(p_text text)
returns sms.link
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    k   link;
begin
    if p_text ~ '^[0-9]{1,9}$' then
        select * into k from link where link_id = p_text::int;
    end if;

    if k.link_id is null then
        perform api.raise('not-found', '', 'no worker has told of such a link');
    end if;

    return k;
end
$$;


-- ---- operators --------------------------------------------------------------

-- Why a link is halted, the strictest first; null: it is open.
create function sms.link_halt_body(p_link int)
returns json
language sql stable
set search_path = sms, pg_temp
as $$
    select json_build_object(
               'stop', id_text('stp', s.stop_id), 'effect', s.effect, 'reason', s.reason,
               'reference', s.reference, 'note', s.note, 'by', s.created_by,
               'since', time_text(s.created_at), 'until', time_text(s.ends_at),
               'reroute', s.reroute, 'unbind', s.unbind)
      from stop s
     where s.lifted_at is null and s.target = 'link' and s.link_id = p_link
     order by s.effect = 'drain', s.created_at desc
     limit 1
$$;

create function sms.link_body(k sms.link)
returns json
language sql stable
set search_path = sms, pg_temp
as $$
    select json_build_object(
        'id', k.link_id,
        'name', k.name,
        'state', (array['open', 'drained', 'stopped'])[k.halt + 1],
        'halt', link_halt_body(k.link_id),
        'in_flight', (select coalesce(sum(cardinality(c.message_id)), 0)
                        from claim c where c.link_id = k.link_id),
        'in_doubt', (select count(*) from in_doubt d
                      where d.link_id = k.link_id and d.closed_at is null),
        'queued', (select json_agg(json_build_object(
                              'class', (array['otp', 'informational', 'commercial'])[c + 1],
                              'messages', d.messages,
                              'more', d.messages >= 10000,
                              'oldest_at', time_text(d.oldest)) order by c)
                     from generate_series(0, 2) c
                    cross join lateral lane_depth(k.link_id * 64 + c * 16) d),
        'binds', coalesce((
            select json_agg(json_build_object(
                       'name', b.bind, 'node', nullif(split_part(b.holder, ':', 1), ''),
                       'state', b.state, 'window', b."window", 'in_flight', b.inflight,
                       'rate', b.rate, 'throttled', b.throttled, 'since', time_text(b.since),
                       'retry_at', time_text(b.retry_at), 'told_at', time_text(b.told_at),
                       'last_error', case when b.error is not null then
                           json_build_object('code', b.error_code, 'text', b.error) end)
                     order by b.bind)
              from bind b
             where b.link_id = k.link_id), '[]'))
$$;

create function api.admin_operators(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    perform admin_check();
    perform api.query(p_query, '{}');

    return (200, json_build_object(
        'at', time_text(clock_timestamp()),
        'operators', coalesce((
            select json_agg(o.body order by o.operator)
              from (select k.operator, json_build_object(
                               'operator', k.operator,
                               'links', json_agg(link_body(k) order by k.link_id)) as body
                      from link k
                     group by k.operator) o), '[]')))::api.answer;
end
$$;

create function api.admin_link_drain(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    k       link;
    b       jsonb;
    v_id    uuid;
    v_now   timestamptz := clock_timestamp();
begin
    perform admin_check();
    perform api.query(p_query, '{}');
    k := admin_link(p_path[1]);
    b := api.body(p_body, array['reason', 'note', 'reroute', 'unbind'], array['reason']);

    perform stop_writes();

    update stop s
       set lifted_at = v_now, lifted_by = admin_name(), lift_reason = 'another drain'
     where s.lifted_at is null and s.target = 'link' and s.link_id = k.link_id
       and s.effect = 'drain';

    insert into stop (stop_id, target, effect, link_id, reroute, unbind, reason, note,
                      created_at, created_by)
    values (id_new(), 'link', 'drain', k.link_id, coalesce(api.field_bool(b, 'reroute'), false),
            coalesce(api.field_bool(b, 'unbind'), false),
            api.field_word(b, 'reason', array['operator', 'maintenance', 'abuse', 'other']),
            api.field_text(b, 'note', 1, 500), v_now, admin_name())
    returning stop_id into v_id;

    perform link_halt(k.link_id);
    perform audit_put('link.drain', k.name, b ->> 'reason', b::json);

    return (200, link_body(admin_link(p_path[1])))::api.answer;
end
$$;

-- What was stopped by a kill switch stays stopped.
create function api.admin_link_resume(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    k       link;
    b       jsonb;
    v_why   text;
begin
    perform admin_check();
    perform api.query(p_query, '{}');
    k := admin_link(p_path[1]);
    b := api.body(p_body, array['reason'], array['reason']);
    v_why := coalesce(api.field_text(b, 'reason', 1, 500), '');

    update stop s
       set lifted_at = clock_timestamp(), lifted_by = admin_name(), lift_reason = v_why
     where s.lifted_at is null and s.target = 'link' and s.link_id = k.link_id
       and s.effect = 'drain';

    if found then
        perform link_halt(k.link_id);
        perform audit_put('link.resume', k.name, v_why, null);
    end if;

    return (200, link_body(admin_link(p_path[1])))::api.answer;
end
$$;


-- ---- kill switches ----------------------------------------------------------

create function sms.stop_body(s sms.stop)
returns json
language sql stable
set search_path = sms, pg_temp
as $$
    select json_build_object(
        'id', id_text('stp', s.stop_id),
        'target', s.target,
        'account', (select id_text('acc', a.public_id) from account a
                     where a.account_id = s.account_id),
        'sender', case s.target when 'sender' then s.given end,
        'link', s.link_id,
        'url_host', case s.target when 'url_host' then s.given end,
        'effect', s.effect,
        'active', s.lifted_at is null and (s.ends_at is null or s.ends_at > clock_timestamp()),
        'reason', s.reason,
        'reference', s.reference,
        'note', s.note,
        'created_at', time_text(s.created_at),
        'created_by', s.created_by,
        'until', time_text(s.ends_at),
        'lifted_at', time_text(s.lifted_at),
        'lifted_by', s.lifted_by,
        'lift_reason', s.lift_reason,
        'in_flight', case when s.lifted_at is null then stop_in_flight(s.stop_id) end)
$$;

-- 102: not yet the answer, because messages that the stop concerns were claimed before it
-- and may be on the wire; the worker looks again for a while.
create function api.admin_stop_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    b       jsonb;
    s       stop;
    v_field text;
    v_body  json;
begin
    perform admin_check();
    perform api.query(p_query, '{}');
    b := jsonb_strip_nulls(api.body(
             p_body, array['target', 'account', 'sender', 'link', 'url_host', 'effect', 'reason',
                           'reference', 'note', 'until'], array['target', 'reason']));

    s.stop_id := id_new();
    s.target := api.field_word(b, 'target', array['account', 'sender', 'link', 'url_host']);
    s.effect := coalesce(api.field_word(b, 'effect', array['refuse', 'hold']),
                         (select value from setting where name = 'stop_effect'));
    s.reason := api.field_word(b, 'reason', array['authority_order', 'abuse', 'operator',
                                                  'maintenance', 'other']);
    s.reference := api.field_text(b, 'reference', 1, 200);
    s.note := api.field_text(b, 'note', 1, 500);
    s.ends_at := api.field_time(b, 'until');
    s.link_id := api.field_int(b, 'link', 1, 2147483647);
    s.given := coalesce(api.field_text(b, 'sender', 1, 32), api.field_text(b, 'url_host', 1, 253));
    s.folded := text_fold(s.given);
    s.reroute := false;
    s.unbind := false;
    s.created_at := clock_timestamp();
    s.created_by := admin_name();

    select f into v_field
      from unnest(array['target', 'reason', s.target] || case when s.reason = 'authority_order'
                                                         then array['reference'] end) f
     where f <> 'target' and not b ? f
     limit 1;

    if found then
        perform api.raise('missing-field', '/' || v_field);
    end if;

    select f into v_field
      from unnest(array['account', 'sender', 'link', 'url_host']) f
     where b ? f and f <> s.target and not (f = 'account' and s.target = 'sender')
     limit 1;

    if found then
        perform api.raise('invalid-field', '/' || v_field, 'the target is another');
    end if;

    if b ? 'account' then
        select a.account_id into s.account_id
          from account a
         where a.public_id = id_parse('acc', api.field_text(b, 'account', 1, 64));

        if s.account_id is null then
            perform api.raise('invalid-field', '/account', 'there is no such account');
        end if;
    end if;

    if s.target = 'link' and not exists (select from link k where k.link_id = s.link_id) then
        perform api.raise('invalid-field', '/link', 'no worker has told of such a link');
    end if;

    if s.target = 'url_host'
       and s.folded !~ '^([[:alnum:]]([[:alnum:]-]*[[:alnum:]])?[.])+[[:alnum:]][[:alnum:]-]+$'
    then
        perform api.raise('invalid-field', '/url_host', 'a host name, as ornek.example');
    end if;

    if s.ends_at <= s.created_at then
        perform api.raise('invalid-field', '/until', 'a time to come');
    end if;

    -- Whoever is claiming or accepting has read this table and is waited for; who comes
    -- after them sees the stop.
    perform stop_writes();

    -- a request that was sent again
    if exists (select from stop x
                where x.lifted_at is null and x.effect = s.effect and x.target = s.target
                  and (x.account_id, x.link_id, x.folded, x.reason, x.reference, x.ends_at)
                      is not distinct from
                      (s.account_id, s.link_id, s.folded, s.reason, s.reference, s.ends_at))
    then
        select x.* into s
          from stop x
         where x.lifted_at is null and x.effect = s.effect and x.target = s.target
           and (x.account_id, x.link_id, x.folded, x.reason, x.reference, x.ends_at)
               is not distinct from
               (s.account_id, s.link_id, s.folded, s.reason, s.reference, s.ends_at)
         limit 1;

        return (200, stop_body(s))::api.answer;
    end if;

    insert into stop select s.*;

    if s.link_id is not null then
        perform link_halt(s.link_id);
    end if;

    perform audit_put('stop.create', id_text('stp', s.stop_id), s.reason, b::json);
    v_body := stop_body(s);

    return (case when (v_body ->> 'in_flight')::int > 0 then 102 else 201 end,
            v_body)::api.answer;
end
$$;

create function api.admin_stop_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    s   stop;
begin
    perform admin_check();
    perform api.query(p_query, '{}');
    select * into s from stop where stop_id = api.id('stp', p_path[1]);

    if not found then
        perform api.raise('not-found');
    end if;

    return (200, stop_body(s))::api.answer;
end
$$;

-- Lifts it; what was held goes on at its next look, what was refused is over.
create function api.admin_stop_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    s       stop;
    q       jsonb;
    v_why   text;
begin
    perform admin_check();
    perform api.admin_stop_get(p_path, null, null);
    q := api.query(p_query, array['reason']);
    v_why := nullif(btrim(q ->> 'reason'), '');

    if v_why is null or length(v_why) > 500 then
        perform api.raise('invalid-parameter', '',
                          'reason: say why, as ?reason=..., in at most 500 characters');
    end if;

    update stop x
       set lifted_at = clock_timestamp(), lifted_by = admin_name(), lift_reason = v_why
     where x.stop_id = api.id('stp', p_path[1]) and x.lifted_at is null
    returning * into s;

    if found then
        if s.link_id is not null then
            perform link_halt(s.link_id);
        end if;

        perform audit_put('stop.lift', id_text('stp', s.stop_id), v_why, null);
    end if;

    return api.admin_stop_get(p_path, null, null);
end
$$;

-- A field of CSV (RFC 4180) that a spreadsheet takes for no formula.
create function sms.csv(p_text text)
returns text
language sql immutable
as $$
    select case when p_text is null then ''
           else '"' || case when p_text ~ '^[=+@\t\r-]' then '''' else '' end
                || replace(p_text, '"', '""') || '"' end
$$;

create function api.admin_stops(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    q           jsonb;
    v_state     text;
    v_target    text;
    v_limit     int;
    v_csv       boolean;
    v_after     uuid;
    v_ids       uuid[];
    v_next      text;
begin
    perform admin_check();
    q := api.query(p_query, array['state', 'target', 'format', 'limit', 'cursor']);
    v_state := coalesce(api.query_word(q, 'state', array['active', 'ended', 'all']), 'active');
    v_target := api.query_word(q, 'target', array['account', 'sender', 'link', 'url_host']);
    v_csv := coalesce(api.query_word(q, 'format', array['json', 'csv']), 'json') = 'csv';
    v_limit := case when v_csv then 10000 else api.query_int(q, 'limit', 1, 100, 50) end;
    v_after := api.query_cursor(q, 'stp');

    v_ids := array(
        select s.stop_id from stop s
         where s.effect <> 'drain' and (v_target is null or s.target = v_target)
           and (v_after is null or s.stop_id < v_after)
           and case v_state
               when 'active' then s.lifted_at is null
                                  and (s.ends_at is null or s.ends_at > clock_timestamp())
               when 'ended' then s.lifted_at is not null or s.ends_at <= clock_timestamp()
               else true end
         order by s.stop_id desc
         limit v_limit + 1);

    if cardinality(v_ids) > v_limit then
        v_ids := v_ids[1 : v_limit];
        v_next := id_text('stp', v_ids[v_limit]);
    end if;

    if v_csv then
        -- a text by itself: the worker sends it as text/csv
        return (200, to_json(
            E'id,target,account,sender,link,url_host,effect,active,reason,reference,note,'
            'created_at,created_by,until,lifted_at,lifted_by,lift_reason\r\n'
            || coalesce((
                select string_agg(concat_ws(',', csv(b ->> 'id'), csv(b ->> 'target'),
                           csv(b ->> 'account'), csv(b ->> 'sender'), csv(b ->> 'link'),
                           csv(b ->> 'url_host'), csv(b ->> 'effect'), csv(b ->> 'active'),
                           csv(b ->> 'reason'), csv(b ->> 'reference'), csv(b ->> 'note'),
                           csv(b ->> 'created_at'), csv(b ->> 'created_by'), csv(b ->> 'until'),
                           csv(b ->> 'lifted_at'), csv(b ->> 'lifted_by'),
                           csv(b ->> 'lift_reason')) || E'\r\n', '' order by s.stop_id desc)
                  from stop s
                 cross join lateral stop_body(s) b
                 where s.stop_id = any (v_ids)), '')))::api.answer;
    end if;

    return (200, json_build_object(
        'stops', coalesce((select json_agg(stop_body(s) order by s.stop_id desc)
                             from stop s where s.stop_id = any (v_ids)), '[]'),
        'next_cursor', v_next))::api.answer;
end
$$;


-- ---- in doubt, and who did what ---------------------------------------------

-- Parts of which nobody knows whether they went out, those that are decided first first.
create function api.admin_in_doubt(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    q       jsonb;
    v_limit int;
    v_link  int;
    v_from  text[];
    v_rows  json;
    v_next  text;
begin
    perform admin_check();
    q := api.query(p_query, array['link', 'limit', 'cursor']);
    v_limit := api.query_int(q, 'limit', 1, 100, 50);

    if q ? 'link' then
        v_link := (admin_link(q ->> 'link')).link_id;
    end if;

    if q ? 'cursor' then
        v_from := regexp_match(q ->> 'cursor',
                               '^([0-9]{1,16})\.(msg_[0-9a-z]{26})\.([0-9]{1,4})\.([0-9]{1,4})$');

        if v_from is null then
            perform api.raise('invalid-parameter', '', 'cursor: as next_cursor gave it');
        end if;
    end if;

    with page as (
        select d.*, row_number() over (order by d.hold_until, d.message_id, d.attempt, d.part) as n
          from in_doubt d
         where d.closed_at is null and (v_link is null or d.link_id = v_link)
           and (v_from is null
                or (d.hold_until, d.message_id, d.attempt, d.part)
                   > (to_timestamp(0) + v_from[1]::bigint * interval '1 microsecond',
                      api.id('msg', v_from[2]), v_from[3]::smallint, v_from[4]::smallint))
         order by d.hold_until, d.message_id, d.attempt, d.part
         limit v_limit + 1
    )
    select json_agg(json_build_object(
               'message', id_text('msg', p.message_id),
               'account', id_text('acc', a.public_id),
               'link', p.link_id,
               'since', time_text(p.since),
               'class', class_name(m.class),
               'sender', p.sender,
               'to', '+' || left(p."to"::text, 5) || repeat('*', length(p."to"::text) - 7)
                     || right(p."to"::text, 2),
               'attempt', p.attempt, 'part', p.part, 'parts', p.total,
               'policy', p.policy,
               'decided_at', time_text(p.hold_until)) order by p.n)
               filter (where p.n <= v_limit),
           max(floor(extract(epoch from p.hold_until) * 1000000)::bigint || '.'
               || id_text('msg', p.message_id) || '.' || p.attempt || '.' || p.part)
               filter (where p.n = v_limit and exists (select from page x where x.n > v_limit))
      into v_rows, v_next
      from page p
      left join account a on a.account_id = p.account_id
      left join lateral (select x.class from message x
                          where x.account_id = p.account_id and x.message_id = p.message_id
                          limit 1) m on true;

    return (200, json_build_object('in_doubt', coalesce(v_rows, '[]'), 'next_cursor', v_next))::api.answer;
end
$$;

create function api.admin_audit(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    q       jsonb;
    v_limit int;
    v_from  uuid;
    v_ids   uuid[];
    v_next  text;
begin
    perform admin_check();
    q := api.query(p_query, array['limit', 'cursor']);
    v_limit := api.query_int(q, 'limit', 1, 100, 50);

    v_from := api.query_cursor(q, 'aud');

    v_ids := array(select x.audit_id from audit x
                    where v_from is null or x.audit_id < v_from
                    order by x.audit_id desc
                    limit v_limit + 1);

    if cardinality(v_ids) > v_limit then
        v_ids := v_ids[1 : v_limit];
        v_next := id_text('aud', v_ids[v_limit]);
    end if;

    return (200, json_build_object(
        'audit', coalesce((
            select json_agg(json_build_object(
                       'id', id_text('aud', x.audit_id), 'at', time_text(x.at),
                       'by', case when x.key_no = 0 then 'ngx_sms'
                             else s.name || ' (' || k.key_id || ')' end,
                       'action', x.action,
                       'target', x.target, 'reason', x.reason, 'detail', x.detail)
                     order by x.audit_id desc)
              from audit x
              left join account_setting s using (account_id)
              left join api_key k using (account_id, key_no)
             where x.audit_id = any (v_ids)), '[]'),
        'next_cursor', v_next))::api.answer;
end
$$;

grant execute on function
    api.admin_operators(text[], text, text), api.admin_link_drain(text[], text, text),
    api.admin_link_resume(text[], text, text), api.admin_stop_post(text[], text, text),
    api.admin_stop_get(text[], text, text), api.admin_stop_delete(text[], text, text),
    api.admin_stops(text[], text, text), api.admin_in_doubt(text[], text, text),
    api.admin_audit(text[], text, text) to sms_api;


-- ---- routes -----------------------------------------------------------------

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/admin/operators$', 'admin', 'api.admin_operators'),
    ('POST', '^/v1/admin/links/([^/:]+):drain$', 'admin', 'api.admin_link_drain'),
    ('POST', '^/v1/admin/links/([^/:]+):resume$', 'admin', 'api.admin_link_resume'),
    ('GET', '^/v1/admin/stops$', 'admin', 'api.admin_stops'),
    ('POST', '^/v1/admin/stops$', 'admin', 'api.admin_stop_post'),
    ('GET', '^/v1/admin/stops/([^/]+)$', 'admin', 'api.admin_stop_get'),
    ('DELETE', '^/v1/admin/stops/([^/]+)$', 'admin', 'api.admin_stop_delete'),
    ('GET', '^/v1/admin/in-doubt$', 'admin', 'api.admin_in_doubt'),
    ('GET', '^/v1/admin/audit$', 'admin', 'api.admin_audit');
