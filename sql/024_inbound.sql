-- expand: messages from people: numbers, parts that are joined, the inbox
--
-- What an operator hands over is durable before it is answered: a row of
-- inbound_part each.  When a message is whole, or its other parts have not come, a
-- worker decodes it and sms.inbound_read() decides whose it is and what it means
-- (025): once, however often the operator brings it and whoever reads it.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('inbound_repeat_minutes', '15', 'the same octets from and to the same numbers within that time are the operator''s repetition, where it tells no time'),
    ('inbound_join_seconds', '180', 'how long the missing parts of a message from a person are waited for'),
    ('forward_hourly', '60', 'messages of people that an account has forwarded to mobile numbers, at most in an hour');


-- ---- numbers ----------------------------------------------------------------

-- The numbers that this host receives on.  Shared ones have keywords of many
-- accounts; account_id: the only one whose number it is.
create table sms.number (
    number      text primary key check (number <> '' and number = sms.number_plain(number)),
    account_id  bigint,
    -- short: people write a keyword to it; two_way: they answer what they got
    kind        text not null check (kind in ('short', 'two_way')),
    -- what writing to it costs people is nothing: what R-40 asks of a refusal
    free_to_recipient boolean not null,
    -- it is there for refusals: what is not understood is taken for one (C10)
    optout      boolean not null,
    -- the links that bring its messages; empty: any
    links       int[] not null default '{}',
    -- a mobile number that gets what comes and is not a keyword's
    forward_to  bigint,
    created_at  timestamptz not null default now(),
    check (kind = 'short' or account_id is not null)
);

insert into sms.number (number, kind, free_to_recipient, optout) values
    ('4605', 'short', true, true);

create function sms.forward_check(p_number text, p_to bigint)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_to is not null and (p_to::text !~ '^905[0-9]{9}$'
                             or number_plain(p_to::text) = p_number
                             or exists (select from number n
                                         where n.number = number_plain(p_to::text)))
    then
        raise exception 'bad-forward-number: a Turkish mobile number that is not received on here'
              using errcode = 'SMS04';
    end if;
end
$$;

-- Whether a brand may be refused at a number is in its profile.
create function sms.reject_changed()
returns trigger
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_number    text := case tg_op when 'DELETE' then old.number else new.number end;
begin
    perform pg_notify('sms_profile', p.account_id::text)
       from (select b.account_id from brand b
              where number_plain(b.reject_number) = v_number
              union
             select g.account_id
               from brand_grant g
               join brand b on b.account_id = brand_owner(g.brand_id)
                           and b.brand_id = g.brand_id
              where number_plain(b.reject_number) = v_number) p;

    return null;
end
$$;

create trigger number_changed after insert or update or delete on sms.number
    for each row execute function sms.reject_changed();
create trigger keyword_changed after insert or update or delete on sms.keyword
    for each row execute function sms.reject_changed();

-- For administrators.  p_optout null: a short number is.
create function sms.number_set(
    p_number text, p_kind text, p_free boolean, p_account bigint default null,
    p_optout boolean default null, p_links int[] default '{}', p_forward_to bigint default null)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_account is not null and not exists (select from account a
                                              where a.account_id = p_account)
    then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    perform forward_check(number_plain(p_number), p_forward_to);

    insert into number (number, kind, free_to_recipient, account_id, optout, links, forward_to)
    values (number_plain(p_number), p_kind, p_free, p_account,
            coalesce(p_optout, p_kind = 'short'), p_links, p_forward_to)
        on conflict (number) do update
           set kind = excluded.kind, free_to_recipient = excluded.free_to_recipient,
               account_id = excluded.account_id, optout = excluded.optout,
               links = excluded.links, forward_to = excluded.forward_to;
end
$$;

-- Registers a keyword for one of an account's own brands.  Raises SMS04 with what is
-- wrong; unique_violation where it is taken.
create function sms.keyword_put(
    p_account bigint, p_number text, p_keyword text, p_brand bigint,
    p_purpose text default 'optout', p_scope text default null, p_forward_to bigint default null)
returns uuid
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_number    text := number_plain(p_number);
    v_id        uuid;
begin
    if not exists (select from number n
                    where n.number = v_number and coalesce(n.account_id, p_account) = p_account)
    then
        raise exception 'unknown-number' using errcode = 'SMS04';
    end if;

    if not exists (select from brand b
                    where b.account_id = p_account and b.brand_id = p_brand)
    then
        raise exception 'unknown-brand' using errcode = 'SMS04';
    end if;

    if not keyword_allowed(p_keyword) then
        raise exception 'bad-keyword' using errcode = 'SMS04';
    end if;

    perform forward_check(v_number, p_forward_to);

    insert into keyword (number, keyword, brand_id, purpose, scope, forward_to)
    values (v_number, btrim(p_keyword), p_brand, p_purpose, p_scope, p_forward_to)
    returning keyword_id into v_id;

    return v_id;
end
$$;


-- ---- parts ------------------------------------------------------------------

-- What operators handed over: kept for two days, so that what they bring again is
-- known.  inbound_id: the message that it is, or a part of.
create table sms.inbound_part (
    received_at timestamptz not null,
    -- as the operator tells it; null: it tells none
    at          timestamptz,
    -- when the message was read
    read_at     timestamptz,
    link_id     int not null,
    data_coding int not null,
    repeats     int not null default 0,
    -- of a long message: its reference, with the width in bits above bit 16
    ref         int,
    total       smallint not null,
    seq         smallint not null,
    -- of numbers and octets
    part_id     uuid not null,
    inbound_id  uuid not null,
    "from"      text not null,
    "to"        text not null,
    octets      bytea not null,
    udh         bytea not null,
    -- what else the operator said, by name: {"partner":"..."}
    attrs       json,
    primary key (part_id, received_at)
);

create index inbound_part_message on sms.inbound_part (inbound_id);
-- nearly empty: a message is read when it comes
create index inbound_part_open on sms.inbound_part ("from") where read_at is null;
create index inbound_part_time on sms.inbound_part using brin (received_at)
    with (pages_per_range = 16);

-- Messages to be read: one element of the arrays a part, in the order of the text.
create type sms.inbound_whole as (
    inbound_id uuid, "from" text, "to" text, at timestamptz, total smallint,
    seq smallint[], data_coding int[], octets bytea[], udh bytea[]);

create function sms.inbound_parts(p_id uuid[])
returns setof sms.inbound_whole
language plpgsql
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select p.inbound_id, min(p."from"), min(p."to"),
           min(coalesce(p.at, p.received_at)), max(p.total),
           array_agg(p.seq order by p.seq), array_agg(p.data_coding order by p.seq),
           array_agg(p.octets order by p.seq), array_agg(p.udh order by p.seq)
      from inbound_part p
     where p.inbound_id = any (p_id) and p.read_at is null
     group by p.inbound_id;
end
$$;

-- Stores what an operator handed over, and answers the message when it is whole and
-- has not been read: the caller reads it now.  p_at: as the operator tells it, or
-- null.  p_attrs: names and values in turn, or null.  Parts may come over several
-- links, out of order, and again.
create function sms.inbound_put(
    p_now timestamptz, p_link_id int, p_from text, p_to text, p_octets bytea, p_udh bytea,
    p_data_coding int, p_at timestamptz, p_ref int, p_total int, p_seq int,
    p_attrs text[] default null)
returns setof sms.inbound_whole
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_part      uuid := md5(concat_ws('|', p_from, p_to, p_data_coding, encode(p_octets, 'hex'),
                                      encode(coalesce(p_udh, ''), 'hex')))::uuid;
    v_repeat    interval := setting_int('inbound_repeat_minutes') * interval '1 minute';
    v_id        uuid;
begin
    -- what one person writes to one number is stored one after the other
    perform pg_advisory_xact_lock(hashtextextended(p_from || '|' || p_to, 0));

    update inbound_part p
       set repeats = p.repeats + 1
     where p.part_id = v_part
       and case when p_at is null then p.at is null and p.received_at > p_now - v_repeat
           else p.at = p_at end
    returning p.inbound_id into v_id;

    if v_id is null then
        -- a part that is there already, with other octets, is another message's
        if p_total > 1 then
            select p.inbound_id into v_id
              from inbound_part p
             where p.read_at is null and p."from" = p_from and p."to" = p_to
               and p.ref = p_ref and p.total = p_total
             group by p.inbound_id
            having bool_and(p.seq <> p_seq)
             order by max(p.received_at) desc
             limit 1;
        end if;

        v_id := coalesce(v_id, id_new(p_now));

        insert into inbound_part (received_at, at, link_id, data_coding, ref, total, seq, part_id,
                                  inbound_id, "from", "to", octets, udh, attrs)
        values (p_now, p_at, p_link_id, coalesce(p_data_coding, 0), p_ref, p_total, p_seq, v_part,
                v_id, p_from, p_to, coalesce(p_octets, ''), coalesce(p_udh, ''),
                json_object(p_attrs));
    end if;

    return query
    select w.* from inbound_parts(array[v_id]) w where cardinality(w.seq) = w.total;
end
$$;

-- Messages that wait although they should not: whole, but whoever stored them did
-- not come to read them, or with parts missing for too long.
create function sms.inbound_take(p_now timestamptz, p_limit int)
returns setof sms.inbound_whole
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_join  interval := setting_int('inbound_join_seconds') * interval '1 second';
begin
    return query
    select w.*
      from inbound_parts(array(
               select p.inbound_id
                 from inbound_part p
                where p.read_at is null
                group by p.inbound_id
               having max(p.received_at) < p_now - v_join
                      or (count(*) = max(p.total)
                          and max(p.received_at) < p_now - interval '2 seconds')
                order by max(p.received_at)
                limit p_limit)) w;
end
$$;

grant execute on function
    sms.inbound_put(timestamptz, int, text, text, bytea, bytea, int, timestamptz, int, int, int,
                    text[]),
    sms.inbound_take(timestamptz, int) to sms_worker;


-- ---- the inbox --------------------------------------------------------------

-- Messages from people, one row for each account that they concern; account_id 0:
-- nobody's, for the host to look at.
create table sms.inbound (
    account_id  bigint not null,
    at          timestamptz not null,
    stored_at   timestamptz not null,
    -- of the account, that it is about; null: none, or several
    brand_id    bigint,
    -- in digits; null: it is none
    from_number bigint,
    read_at     timestamptz,
    decided_at  timestamptz,
    link_id     int not null,
    data_coding int not null,
    parts       smallint not null,
    -- parts that did not come
    missing     smallint not null,
    -- 1 message, 2 refusal, 3 approval, 4 nobody knows: a person should look
    kind        smallint not null,
    forwarded   boolean not null default false,
    inbound_id  uuid not null,
    -- what the opt-outs that it caused are of
    brands      bigint[] not null,
    "from"      text not null,
    "to"        text not null,
    keyword     text,
    -- refusal, message, or time: nobody decided in time
    decision    text check (decision in ('refusal', 'message', 'time')),
    text        text not null,
    -- as it came, for proof; of a long message the parts one after the other
    octets      bytea not null,
    udh         bytea not null,
    -- as in inbound_part, of the first part that has any
    attrs       json,
    primary key (account_id, inbound_id)
) partition by range (inbound_id);

insert into sms.partitioned (parent) values ('inbound');
select sms.partitions_ahead(2);

-- The keywords of a number that stand in a text's words, the longest of those that
-- overlap.  whole: there is nothing else in the text.
create function sms.keyword_find(p_number text, p_words text)
returns table (keyword sms.keyword, whole boolean)
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_words text[] := string_to_array(nullif(p_words, ''), ' ');
    n       int := least(cardinality(v_words), 60);
begin
    return query
    with hit as materialized (
        select i, j, k
          from generate_series(1, n) i
         cross join lateral generate_series(i, least(i + 5, n)) j
          join sms.keyword k on k.number = p_number
                            and k.plain = array_to_string(v_words[i : j], '')
    )
    select h.k, h.i = 1 and h.j = cardinality(v_words)
      from hit h
     where not exists (select from hit l
                        where l.i <= h.i and l.j >= h.j and l.j - l.i > h.j - h.i)
     order by h.j - h.i desc, h.i;
end
$$;


-- ---- the API ----------------------------------------------------------------

do $$
declare
    name text;
begin
    foreach name in array array['inbound', 'brand'] loop
        execute format('alter table sms.%I enable row level security', name);
        execute format('create policy api on sms.%I for select to sms_api using '
                       '(account_id = nullif(current_setting(''sms.account'', true), '''')::bigint)',
                       name);
        execute format('grant select on sms.%I to sms_api', name);
    end loop;
end
$$;

alter table sms.keyword enable row level security;
create policy api on sms.keyword for select to sms_api using
    (sms.brand_owner(brand_id) = nullif(current_setting('sms.account', true), '')::bigint);
alter table sms.number enable row level security;
create policy api on sms.number for select to sms_api using
    (coalesce(account_id, nullif(current_setting('sms.account', true), '')::bigint)
     = nullif(current_setting('sms.account', true), '')::bigint);
grant select on sms.keyword, sms.number to sms_api;
grant execute on function sms.number_plain(text), sms.keyword_words(text), sms.brand_owner(bigint)
    to sms_api;

-- What the API may write, of the account that asks.

create function sms.api_keyword_put(
    p_number text, p_keyword text, p_brand bigint, p_purpose text, p_scope text, p_forward_to bigint)
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return keyword_put(current_setting('sms.account')::bigint, p_number, p_keyword, p_brand,
                       p_purpose, p_scope, p_forward_to);
end
$$;

create function sms.api_keyword_drop(p_id uuid)
returns void
language sql security definer
set search_path = sms, pg_temp
as $$
    delete from keyword
     where keyword_id = p_id
       and brand_owner(brand_id) = nullif(current_setting('sms.account', true), '')::bigint
$$;

create function sms.api_inbox_mark(p_id uuid, p_read boolean)
returns void
language sql security definer
set search_path = sms, pg_temp
as $$
    update inbound
       set read_at = case when p_read then coalesce(read_at, clock_timestamp()) end
     where account_id = nullif(current_setting('sms.account', true), '')::bigint
       and inbound_id = p_id
$$;

grant execute on function
    sms.api_keyword_put(text, text, bigint, text, text, bigint),
    sms.api_keyword_drop(uuid), sms.api_inbox_mark(uuid, boolean) to sms_api;

set role sms_api;

insert into api.problem (slug, status) values
    ('keyword-taken', 409), ('keyword-in-use', 409), ('already-decided', 409);

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/numbers$', 'inbox:read', 'api.numbers_get'),
    ('GET', '^/v1/keywords$', 'inbox:read', 'api.keywords_get'),
    ('POST', '^/v1/keywords$', 'inbox:write', 'api.keywords_post'),
    ('DELETE', '^/v1/keywords/([^/:]+)$', 'inbox:write', 'api.keyword_delete'),
    ('GET', '^/v1/inbox$', 'inbox:read', 'api.inbox_get'),
    ('GET', '^/v1/inbox/([^/:]+)$', 'inbox:read', 'api.inbox_message_get'),
    ('POST', '^/v1/inbox/([^/:]+):(read|unread)$', 'inbox:write', 'api.inbox_mark'),
    ('POST', '^/v1/inbox/([^/:]+):decide$', 'inbox:write', 'api.inbox_decide');

create function api.numbers_get(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, json_build_object('numbers', coalesce(json_agg(json_build_object(
               'number', n.number,
               'kind', n.kind,
               'own', n.account_id is not null,
               'free_to_recipient', n.free_to_recipient,
               'optout', n.optout,
               'links', array(select k.name from sms.link k
                               where k.link_id = any (n.links) order by k.name),
               'forward_to', case when n.account_id is not null then '+' || n.forward_to end)
               order by n.number), '[]'))
      from sms.number n
$$;

create function api.keyword_body(k sms.keyword)
returns json
language plpgsql stable
as $$
begin
    return json_build_object(
        'id', sms.id_text('kwd', k.keyword_id),
        'number', k.number,
        'keyword', k.keyword,
        'brand', (select sms.id_text('brd', b.public_id) from sms.brand b
                   where b.brand_id = k.brand_id),
        'purpose', k.purpose,
        'scope', k.scope,
        'forward_to', '+' || k.forward_to,
        'created_at', sms.time_text(k.created_at));
end
$$;

create function api.keywords_get(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, json_build_object('keywords', coalesce(json_agg(
               api.keyword_body(k) order by k.number, k.plain), '[]'))
      from sms.keyword k
$$;

create function api.keywords_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body      jsonb := api.body(p_body, array['number', 'keyword', 'brand', 'purpose', 'scope',
                                                'forward_to'],
                                  array['number', 'keyword', 'brand']);
    v_number    text := api.field_text(v_body, 'number', 1, 20);
    v_keyword   text := api.field_text(v_body, 'keyword', 1, 60);
    v_brand     text := api.field_text(v_body, 'brand', 1, 40);
    v_purpose   text := coalesce(api.field_word(v_body, 'purpose',
                                                array['optout', 'info', 'optin']), 'optout');
    v_scope     text := api.field_text(v_body, 'scope', 1, 1000);
    v_forward   text := api.field_text(v_body, 'forward_to', 10, 20);
    v_brand_id  bigint;
    v_id        uuid;
begin
    if v_number is null or v_keyword is null or v_brand is null then
        perform api.raise('invalid-field', '/' || case when v_number is null then 'number'
                          when v_keyword is null then 'keyword' else 'brand' end, 'a string');
    end if;

    v_brand_id := (select b.brand_id from sms.brand b
                    where b.public_id = sms.id_parse('brd', v_brand));

    if v_brand_id is null then
        perform api.raise('invalid-field', '/brand', 'a brand that the account owns');
    end if;

    if v_purpose = 'optin' and v_scope is null then
        perform api.raise('missing-field', '/scope', 'what people approve of with the keyword');
    end if;

    if v_forward !~ '^(\+?90|0)?5[0-9]{9}$' then
        perform api.raise('invalid-field', '/forward_to', 'a Turkish mobile number');
    end if;

    begin
        v_id := sms.api_keyword_put(v_number, v_keyword, v_brand_id, v_purpose, v_scope,
                                    ('90' || right(v_forward, 10))::bigint);
    exception
        when unique_violation then
            perform api.raise('keyword-taken', '/keyword', 'on this number it is a brand''s already');
        when sqlstate 'SMS04' then
            case split_part(sqlerrm, ':', 1)
                when 'unknown-number' then
                    perform api.raise('invalid-field', '/number', 'one that GET /v1/numbers tells');
                when 'bad-keyword' then
                    perform api.raise('invalid-field', '/keyword',
                        'up to 40 letters and digits, two at least, and no word of refusal or '
                        'approval (RET, IPTAL, ONAY, EVET, HAYIR, DUR, STOP ...)');
                else
                    perform api.raise('invalid-field', '/forward_to',
                                      'a Turkish mobile number that is not received on here');
            end case;
    end;

    return (201, (select api.keyword_body(k) from sms.keyword k
                   where k.keyword_id = v_id))::api.answer;
end
$$;

-- What a brand's texts tell people to write stays.
create function api.keyword_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('kwd', p_path[1]);
    k       sms.keyword;
    v_body  json;
begin
    select * into k from sms.keyword where keyword_id = v_id;

    if not found then
        perform api.raise('not-found');
    end if;

    if exists (select from sms.brand b
                where b.brand_id = k.brand_id and sms.number_plain(b.reject_number) = k.number
                  and replace(sms.keyword_words(b.reject_keyword), ' ', '') = k.plain)
    then
        perform api.raise('keyword-in-use', '', 'the brand''s texts name it as the way to refuse');
    end if;

    v_body := api.keyword_body(k);
    perform sms.api_keyword_drop(v_id);

    return (200, v_body)::api.answer;
end
$$;

create function api.inbox_body(i sms.inbound)
returns json
language plpgsql stable
as $$
begin
    return json_build_object(
        'id', sms.id_text('inb', i.inbound_id),
        'from', case when i.from_number is null then i."from" else '+' || i.from_number end,
        'to', i."to",
        'text', i.text,
        'parts', i.parts,
        'missing_parts', i.missing,
        'kind', (array['message', 'refusal', 'approval', 'unclear'])[i.kind],
        'keyword', i.keyword,
        'brand', (select sms.id_text('brd', b.public_id) from sms.brand b
                   where b.brand_id = i.brand_id),
        'received_at', sms.time_text(i.at),
        'read_at', sms.time_text(i.read_at),
        'forwarded', i.forwarded,
        'decision', i.decision,
        'decided_at', sms.time_text(i.decided_at));
end
$$;

-- The newest first, a page at a time.
create function api.inbox_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q           jsonb := api.query(p_query, array['limit', 'cursor', 'state', 'kind', 'from', 'to',
                                                  'since', 'until']);
    v_limit     int := api.query_int(q, 'limit', 1, 100, 50);
    v_cursor    uuid := api.query_cursor(q, 'inb');
    v_state     text := api.query_word(q, 'state', array['read', 'unread']);
    v_kind      int := array_position(array['message', 'refusal', 'approval', 'unclear'],
                           api.query_word(q, 'kind', array['message', 'refusal', 'approval',
                                                           'unclear']));
    v_low       uuid := coalesce(sms.id_low(api.query_time(q, 'since')),
                                 '00000000-0000-0000-0000-000000000000');
    v_high      uuid := least(coalesce(sms.id_low(api.query_time(q, 'until')),
                                       'ffffffff-ffff-ffff-ffff-ffffffffffff'),
                              coalesce(v_cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff'));
    v_ids       uuid[];
    v_rows      json[];
begin
    select array_agg(w.inbound_id), array_agg(w.body)
      into v_ids, v_rows
      from (select i.inbound_id, api.inbox_body(i) as body
              from sms.inbound i
             where i.inbound_id >= v_low and i.inbound_id < v_high
               and (v_state is null or (i.read_at is not null) = (v_state = 'read'))
               and (v_kind is null or i.kind = v_kind)
               and (not q ? 'from' or i."from" = q ->> 'from'
                    or i.from_number::text = regexp_replace(q ->> 'from', '^\+', ''))
               and (not q ? 'to' or sms.number_plain(i."to") = sms.number_plain(q ->> 'to'))
             order by i.inbound_id desc
             limit v_limit + 1) w;

    return (200, json_build_object(
        'messages', coalesce(array_to_json(v_rows[1 : v_limit]), '[]'),
        'next_cursor', case when cardinality(v_ids) > v_limit
                       then sms.id_text('inb', v_ids[v_limit]) end))::api.answer;
end
$$;

create function api.inbox_one(p_id uuid)
returns sms.inbound
language plpgsql
as $$
declare
    i   sms.inbound;
begin
    select * into i from sms.inbound where inbound_id = p_id;

    if not found then
        perform api.raise('not-found');
    end if;

    return i;
end
$$;

create function api.inbox_message_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
begin
    return (200, api.inbox_body(api.inbox_one(api.id('inb', p_path[1]))))::api.answer;
end
$$;

create function api.inbox_mark(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('inb', p_path[1]);
begin
    perform api.inbox_one(v_id), sms.api_inbox_mark(v_id, p_path[2] = 'read');

    return (200, api.inbox_body(api.inbox_one(v_id)))::api.answer;
end
$$;

-- Somebody has read what nobody understood: was it a refusal?
create function api.inbox_decide(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id        uuid := api.id('inb', p_path[1]);
    v_decision  text;
begin
    perform api.inbox_one(v_id);

    v_decision := api.field_word(api.body(p_body, array['decision'], array['decision']),
                                 'decision', array['refusal', 'message']);

    if v_decision is null then
        perform api.raise('invalid-field', '/decision', 'one of refusal, message');
    end if;

    if not sms.api_inbox_decide(v_id, v_decision = 'refusal') then
        perform api.raise('already-decided');
    end if;

    return (200, api.inbox_body(api.inbox_one(v_id)))::api.answer;
end
$$;
