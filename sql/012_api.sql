-- expand: the management API: row-level security, routes, api.call

set role sms_owner;

-- ---- row-level security -----------------------------------------------------

-- sms_api sees the rows of one account: that of the setting sms.account, which
-- only api.call() sets, for its own transaction.  Owners are not bound by it.
do $$
declare
    name text;
begin
    foreach name in array array['account', 'account_setting', 'message', 'due',
                                'due_submission', 'in_doubt', 'verdict', 'verdict_passed',
                                'submit', 'receipt', 'receipt_late',
                                'settlement', 'posting']
    loop
        execute format('alter table sms.%I enable row level security', name);
        execute format('create policy api on sms.%I for select to sms_api using '
                       '(account_id = nullif(current_setting(''sms.account'', true), '''')::bigint)',
                       name);
        execute format('grant select on sms.%I to sms_api', name);
    end loop;
end
$$;

grant select on sms.submission, sms.receipt_final, sms.link, sms.cause, sms.tariff_price to sms_api;


-- ---- cancel -----------------------------------------------------------------

-- Ends what has not left, refunded; answers the ids it could take.  What is in
-- doubt may have left, although it waits to be sent once more.  Rows are taken
-- before accounts are locked, as everywhere, and waited for: whoever holds one
-- is about to claim it or to move it from due to queue, so there is a second
-- look.
create function sms.cancel(p_now timestamptz, p_ids uuid[])
returns uuid[]
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_account   bigint := nullif(current_setting('sms.account', true), '')::bigint;
    v_ids       uuid[];
    v_all       uuid[];
begin
    p_ids := array(select u.id
                     from unnest(p_ids) u (id)
                    where (select true from submit s
                            where s.account_id = v_account and s.message_id = u.id
                              and s.outcome in (1, 5)
                            limit 1) is not true);

    v_all := due_submission_take(v_account, p_ids);

    for i in 1 .. 2 loop
        exit when cardinality(v_all) = cardinality(p_ids);

        with waiting as (
            delete from due d
             where d.message_id = any (p_ids) and d.account_id = v_account
            returning d.message_id
        ), queued as (
            delete from queue q
             where q.ctid = any (array(select x.ctid from queue x
                                        where x.message_id = any (p_ids)
                                          and x.account_id = v_account
                                        order by x.lane, x.turn, x.message_id
                                          for update))
            returning q.message_id
        )
        select array_agg(message_id) into v_ids
          from (select * from waiting union all select * from queued) g;

        v_all := v_all || coalesce(v_ids, '{}');
    end loop;

    perform settle(p_now, array_fill(v_account, array[cardinality(v_all)]), v_all,
                   array_fill(6::smallint, array[cardinality(v_all)]),
                   array_fill('cancelled'::text, array[cardinality(v_all)]),
                   array_fill(true, array[cardinality(v_all)]));

    return v_all;
end
$$;

grant execute on function sms.cancel(timestamptz, uuid[]) to sms_api;


-- ---- what follows is owned by sms_api ---------------------------------------

set role sms_api;

create type api.answer as (status int, body json);

-- Problems are raised with SQLSTATE SMS03 and their slug as the message.
create table api.problem (
    slug    text primary key,
    status  int not null
);

insert into api.problem (slug, status) values
    ('not-found', 404), ('method-not-allowed', 405), ('insufficient-scope', 403),
    ('invalid-id', 400), ('unknown-parameter', 400), ('invalid-parameter', 400),
    ('unknown-field', 400), ('missing-field', 400), ('invalid-field', 400),
    ('already-submitted', 409);

-- pattern: a regular expression over the whole path; its groups are the
-- function's first argument.
create table api.route (
    method  text not null,
    pattern text not null,
    scope   text not null,
    function text not null,
    primary key (method, pattern)
);

-- p_pointer: JSON pointer into the body; p_detail: for people, in English.
create function api.raise(p_slug text, p_pointer text default '', p_detail text default '')
returns void
language plpgsql
as $$
begin
    raise exception using errcode = 'SMS03', message = p_slug, column = p_pointer,
                          detail = p_detail;
end
$$;

create function api.id(p_prefix text, p_text text)
returns uuid
language plpgsql stable
as $$
declare
    v_id    uuid := sms.id_parse(p_prefix, p_text);
begin
    if v_id is null then
        perform api.raise('invalid-id');
    end if;

    return v_id;
end
$$;

-- ---- what is asked ----------------------------------------------------------

-- A body whose fields are all known, and those needed there.  No body is {}.
create function api.body(p_body text, p_known text[], p_needed text[] default '{}')
returns jsonb
language plpgsql
as $$
declare
    v_body  jsonb := coalesce(p_body, '{}')::jsonb;
    v_field text;
begin
    if jsonb_typeof(v_body) <> 'object' then
        perform api.raise('invalid-field', '', 'an object is expected');
    end if;

    select k into v_field from jsonb_object_keys(v_body) k where k <> all (p_known) limit 1;

    if found then
        perform api.raise('unknown-field',
                          '/' || replace(replace(v_field, '~', '~0'), '/', '~1'),
                          'known here: ' || array_to_string(p_known, ', '));
    end if;

    select k into v_field from unnest(p_needed) k where not v_body ? k limit 1;

    if found then
        perform api.raise('missing-field', '/' || v_field);
    end if;

    return v_body;
end
$$;

-- The readers of fields answer NULL where the field is not there or null.

create function api.field_text(p_body jsonb, p_name text, p_min int, p_max int)
returns text
language plpgsql
as $$
declare
    v_text  text := p_body ->> p_name;
begin
    if v_text is not null and (jsonb_typeof(p_body -> p_name) <> 'string'
                               or length(v_text) not between p_min and p_max)
    then
        perform api.raise('invalid-field', '/' || p_name,
                          format('a string of %s to %s characters', p_min, p_max));
    end if;

    return v_text;
end
$$;

create function api.field_word(p_body jsonb, p_name text, p_words text[])
returns text
language plpgsql
as $$
declare
    v_word  text := p_body ->> p_name;
begin
    if v_word is not null and (jsonb_typeof(p_body -> p_name) <> 'string'
                               or v_word <> all (p_words))
    then
        perform api.raise('invalid-field', '/' || p_name,
                          'one of ' || array_to_string(p_words, ', '));
    end if;

    return v_word;
end
$$;

-- A list of words, each once.
create function api.field_words(p_body jsonb, p_name text, p_words text[])
returns text[]
language plpgsql
as $$
declare
    v_list  jsonb := nullif(p_body -> p_name, 'null');
    v_at    int;
begin
    if v_list is null then
        return null;
    end if;

    if jsonb_typeof(v_list) <> 'array' then
        perform api.raise('invalid-field', '/' || p_name, 'a list of words');
    end if;

    select i - 1 into v_at
      from jsonb_array_elements(v_list) with ordinality e (v, i)
     where jsonb_typeof(v) <> 'string' or v #>> '{}' <> all (p_words)
     limit 1;

    if found then
        perform api.raise('invalid-field', format('/%s/%s', p_name, v_at),
                          'one of ' || array_to_string(p_words, ', '));
    end if;

    return array(select distinct v from jsonb_array_elements_text(v_list) v order by v);
end
$$;

create function api.field_int(p_body jsonb, p_name text, p_min bigint, p_max bigint)
returns bigint
language plpgsql
as $$
declare
    v_int   numeric;
begin
    if jsonb_typeof(p_body -> p_name) = 'number' then
        v_int := (p_body -> p_name)::numeric;
    end if;

    if coalesce(p_body -> p_name, 'null') <> 'null'
       and (v_int is null or v_int <> trunc(v_int) or v_int not between p_min and p_max)
    then
        perform api.raise('invalid-field', '/' || p_name,
                          format('a whole number from %s to %s', p_min, p_max));
    end if;

    return v_int::bigint;
end
$$;

create function api.field_bool(p_body jsonb, p_name text)
returns boolean
language plpgsql
as $$
begin
    if jsonb_typeof(p_body -> p_name) not in ('boolean', 'null') then
        perform api.raise('invalid-field', '/' || p_name, 'true or false');
    end if;

    return nullif(p_body -> p_name, 'null')::boolean;
end
$$;

create function api.field_time(p_body jsonb, p_name text)
returns timestamptz
language plpgsql
as $$
declare
    v_at    timestamptz := sms.time_read(p_body ->> p_name);
begin
    if coalesce(p_body -> p_name, 'null') <> 'null'
       and (v_at is null or jsonb_typeof(p_body -> p_name) <> 'string')
    then
        perform api.raise('invalid-field', '/' || p_name,
                          'a time as in RFC 3339, 2026-12-01T10:00:00+03:00');
    end if;

    return v_at;
end
$$;

-- A query string, decoded: its names are known, and each stands in it once.
create function api.query(p_query text, p_known text[])
returns jsonb
language plpgsql
as $$
declare
    v_all   jsonb := '{}';
    v_pair  text;
    v_name  text;
    v_raw   text;
    v_hex   text;
begin
    foreach v_pair in array regexp_split_to_array(coalesce(p_query, ''), '&')
    loop
        continue when v_pair = '';
        v_name := split_part(v_pair, '=', 1);

        if v_name <> all (p_known) then
            perform api.raise('unknown-parameter', '',
                              'known here: ' || array_to_string(p_known, ', '));
        end if;

        if v_all ? v_name then
            perform api.raise('invalid-parameter', '', v_name || ' is given twice');
        end if;

        v_raw := replace(substr(v_pair, length(v_name) + 2), '+', ' ');

        begin
            select string_agg(case when m[1] ~ '^%' then substr(m[1], 2)
                                   else encode(convert_to(m[1], 'UTF8'), 'hex') end, ''
                              order by i)
              into v_hex
              from regexp_matches(v_raw, '(%[0-9A-Fa-f]{2}|[^%]+|%)', 'g')
                   with ordinality r (m, i);

            v_all := v_all || jsonb_build_object(
                v_name, convert_from(decode(coalesce(v_hex, ''), 'hex'), 'UTF8'));
        exception
            when data_exception or character_not_in_repertoire
                 or untranslatable_character or program_limit_exceeded
            then
                perform api.raise('invalid-parameter', '', v_name || ' is not well formed');
        end;
    end loop;

    return v_all;
end
$$;

create function api.query_int(p_query jsonb, p_name text, p_min bigint, p_max bigint,
                              p_default bigint)
returns bigint
language plpgsql
as $$
declare
    v_text  text := p_query ->> p_name;
begin
    if v_text is null then
        return p_default;
    end if;

    if v_text !~ '^\d{1,18}$' or v_text::bigint not between p_min and p_max then
        perform api.raise('invalid-parameter', '',
                          format('%s: a whole number from %s to %s', p_name, p_min, p_max));
    end if;

    return v_text::bigint;
end
$$;

create function api.query_word(p_query jsonb, p_name text, p_words text[])
returns text
language plpgsql
as $$
declare
    v_word  text := p_query ->> p_name;
begin
    if v_word <> all (p_words) then
        perform api.raise('invalid-parameter', '',
                          format('%s: one of %s', p_name, array_to_string(p_words, ', ')));
    end if;

    return v_word;
end
$$;

create function api.query_time(p_query jsonb, p_name text)
returns timestamptz
language plpgsql
as $$
declare
    v_at    timestamptz := sms.time_read(p_query ->> p_name);
begin
    if v_at is null and p_query ? p_name then
        perform api.raise('invalid-parameter', '',
                          p_name || ': a time as in RFC 3339, 2026-12-01T10:00:00Z');
    end if;

    return v_at;
end
$$;

-- Where a page begins: "cursor" is the id that the page before ended with, in
-- the form that the answer gave as next_cursor.
create function api.query_cursor(p_query jsonb, p_prefix text)
returns uuid
language plpgsql
as $$
declare
    v_id    uuid := sms.id_parse(p_prefix, p_query ->> 'cursor');
begin
    if v_id is null and p_query ? 'cursor' then
        perform api.raise('invalid-parameter', '', 'cursor: as next_cursor gave it');
    end if;

    return v_id;
end
$$;


-- ---- the door ---------------------------------------------------------------

-- The only way in.  Runs as sms_api with sms.account and sms.key (the number of the
-- key that asks) set for the time of this call, and sms.admin where that is the operator
-- desk's; they are emptied at the end, so that the next call in the same pipeline finds
-- nobody's.  An error that leaves this
-- function ends the transaction, and the settings with it.
create function api.call(
    p_account bigint, p_key_no bigint, p_scopes text[], p_method text, p_path text,
    p_query text, p_body text)
returns table (status int, body text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    r       api.route;
    answer  api.answer;
    known   boolean;
    place   text;
    words   text;
begin
    perform set_config('sms.account', p_account::text, true),
            set_config('sms.key', p_key_no::text, true),
            set_config('sms.admin', case when 'admin' = any (p_scopes) then 'yes' else '' end,
                       true);

    select x.* into r
      from api.route x
     where x.method = p_method and p_path ~ x.pattern;

    begin
        if r.function is null then
            known := exists (select from api.route x where p_path ~ x.pattern);
            perform api.raise(case when known then 'method-not-allowed' else 'not-found' end);
        end if;

        if r.scope <> all (coalesce(p_scopes, '{}')) then
            perform api.raise('insufficient-scope');
        end if;

        execute format('select f.status, f.body from %s($1, $2, $3) f', r.function)
           into answer
          using regexp_match(p_path, r.pattern), p_query, p_body;
    exception
        when sqlstate 'SMS03' then
            get stacked diagnostics place = column_name, words = pg_exception_detail;
            answer.status := (select p.status from api.problem p where p.slug = sqlerrm);
            answer.body := json_strip_nulls(json_build_object(
                'code', sqlerrm, 'pointer', nullif(place, ''), 'detail', nullif(words, '')));
    end;

    perform set_config('sms.account', '', true), set_config('sms.key', '', true),
            set_config('sms.admin', '', true);

    return query select answer.status, answer.body::text;
end
$$;

grant execute on function api.call(bigint, bigint, text[], text, text, text, text) to sms_worker;
