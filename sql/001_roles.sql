-- expand: roles, schemas, settings, ids, readiness
--
-- Three roles (none logs in by itself):
--   sms_owner   owns every object; migrations run as it
--   sms_worker  what nginx's database user is granted: EXECUTE on functions,
--               no table at all, so a worker cannot do what has no function
--   sms_api     runs the management API under row-level security; nobody is
--               granted it, it is entered only through api.call()

do $$
declare
    name text;
begin
    -- Roles belong to the cluster and outlive a dropped database.
    foreach name in array array['sms_owner', 'sms_worker', 'sms_api'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;

    execute format('grant create on database %I to sms_owner',
                   current_database());

    -- The role that migrates need not be a superuser, but must be able to
    -- become both roles that own functions.
    if not pg_has_role(current_user, 'sms_owner', 'member') then
        execute format('grant sms_owner to %I', current_user);
    end if;
end
$$;

-- api.call() is SECURITY DEFINER and owned by sms_api.
grant sms_api to sms_owner;

set role sms_owner;

-- The migrating role keeps its list here before anything else exists.
create schema if not exists sms;
create schema if not exists api;

grant usage on schema sms to sms_worker, sms_api;
grant usage on schema api to sms_worker, sms_api;
grant create on schema api to sms_api;

-- Functions are for nobody unless a file grants them.
alter default privileges for role sms_owner revoke execute on functions from public;
alter default privileges for role sms_api revoke execute on functions from public;


-- Settings that the host may change.  Small, read by every stage.
create table sms.setting (
    name    text primary key,
    value   text not null,
    doc     text not null
);

insert into sms.setting (name, value, doc) values
    ('partition_width', 'month', 'day, week or month: width of new partitions'),
    ('receipt_days', '4', 'days searched for a receipt: longest validity + 1, one to spare'),
    ('ref_keep_days', '10', 'days for which operator ids of messages scheduled long before are known'),
    ('orphan_hours', '48', 'how long a receipt without a message waits'),
    ('idempotency_hours', '24', 'life of an Idempotency-Key'),
    ('no_receipt_hours', '24', 'after validity, until no_receipt'),
    ('doubt_hold_minutes', '10', 'after validity, until a held doubt ends as unknown'),
    ('hold_retry_seconds', '60', 'how often a held message is looked at again'),
    ('stop_effect', 'refuse', 'refuse or hold: messages accepted before an administrator''s stop, where that does not say');

-- Small functions that PL/pgSQL calls are PL/pgSQL, too: it keeps their plans
-- for the session, while a SQL function that cannot be inlined is parsed and
-- planned again in every transaction (measured: 100 us a call).
create function sms.setting_int(p_name text)
returns int
language plpgsql stable
as $$
begin
    return (select s.value::int from sms.setting s where s.name = p_name);
end
$$;

create function sms.setting_on(p_name text)
returns boolean
language plpgsql stable
as $$
begin
    return (select s.value = 'on' from sms.setting s where s.name = p_name);
end
$$;


-- ---- ids: UUIDv7 (RFC 9562) -------------------------------------------------

-- The smallest id of a moment: bounds of partitions and of searches.
create function sms.id_low(p_at timestamptz)
returns uuid
language plpgsql immutable strict parallel safe
as $$
begin
    return (lpad(to_hex(floor(extract(epoch from p_at) * 1000)::int8), 12, '0')
            || '00000000000000000000')::uuid;
end
$$;

-- An id made here (settle batches, provisioning); workers make their own.
create function sms.id_new(p_at timestamptz default clock_timestamp())
returns uuid
language plpgsql volatile parallel safe
as $$
begin
    return overlay(overlay(gen_random_uuid()::text
                           placing substr(sms.id_low(p_at)::text, 1, 13) from 1 for 13)
                   placing '7' from 15 for 1)::uuid;
end
$$;

create function sms.id_time(p_id uuid)
returns timestamptz
language sql immutable strict parallel safe
as $$
    select to_timestamp(('x' || substr(replace(p_id::text, '-', ''), 1, 12))::bit(48)::int8
                        / 1000.0)
$$;

-- PostgreSQL 15 has no min(uuid).
create function sms.id_min(p_ids uuid[])
returns uuid
language plpgsql immutable parallel safe
as $$
begin
    return (select u from unnest(p_ids) u order by u limit 1);
end
$$;

create function sms.id_max(p_ids uuid[])
returns uuid
language plpgsql immutable parallel safe
as $$
begin
    return (select u from unnest(p_ids) u where u is not null order by u desc limit 1);
end
$$;

-- Public form: prefix, '_', 26 characters of Crockford base 32 in lower case.
-- 26 characters hold 130 bits, so the first is at most 7.
create function sms.id_text(p_prefix text, p_id uuid)
returns text
language sql immutable strict parallel safe
as $$
    select p_prefix || '_' || string_agg(
               substr('0123456789abcdefghjkmnpqrstvwxyz',
                      substring(b.bits from i * 5 + 1 for 5)::bit(5)::int + 1, 1),
               '' order by i)
      from (select B'00' || ('x' || replace(p_id::text, '-', ''))::bit(128) as bits) b,
           generate_series(0, 25) i
$$;

-- NULL for anything but the one text of an id with this prefix.
create function sms.id_parse(p_prefix text, p_text text)
returns uuid
language plpgsql immutable strict parallel safe
as $$
declare
    digits  text := substr(p_text, length(p_prefix) + 2);
    bits    varbit := B'';
    hex     text := '';
begin
    if not starts_with(p_text, p_prefix || '_')
       or digits !~ '^[0-7][0-9a-hjkmnp-tv-z]{25}$'
    then
        return null;
    end if;

    for i in 1 .. 26 loop
        bits := bits || (strpos('0123456789abcdefghjkmnpqrstvwxyz',
                                substr(digits, i, 1)) - 1)::bit(5);
    end loop;

    for i in 0 .. 3 loop
        hex := hex || lpad(to_hex(substring(bits from 3 + i * 32 for 32)::bit(32)::int8
                                  & 4294967295), 8, '0');
    end loop;

    return hex::uuid;
end
$$;

grant execute on function sms.id_low(timestamptz), sms.id_time(uuid),
    sms.id_text(text, uuid), sms.id_parse(text, text) to sms_worker, sms_api;

-- RFC 3339 in UTC; microseconds are cut, not rounded, so that a time shown is
-- never later than the time stored.
create function sms.time_text(p_at timestamptz)
returns text
language sql immutable strict parallel safe
as $$
    select to_char(date_trunc('milliseconds', p_at at time zone 'UTC'),
                   'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

grant execute on function sms.time_text(timestamptz) to sms_worker, sms_api;

-- RFC 3339, with its offset.  NULL: it is not one.
create function sms.time_read(p_text text)
returns timestamptz
language plpgsql immutable
as $$
begin
    if p_text ~ '^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$' then
        return p_text::timestamptz;
    end if;

    return null;
exception
    when datetime_field_overflow or invalid_datetime_format then
        return null;
end
$$;

grant execute on function sms.time_read(text) to sms_api;


-- ---- readiness --------------------------------------------------------------

-- What a worker must know before it takes a message: is this database durable
-- (a crash test cannot tell fsync=off from a safe one), is it writable, which
-- schema, and what time is it here (a worker more than 5 s off makes no ids).
create function sms.ready()
returns json
language plpgsql volatile security definer
set search_path = sms, pg_temp
as $$
declare
    problems    text[] := '{}';
begin
    if current_setting('fsync') = 'off' then
        problems := problems || 'fsync is off'::text;
    end if;

    if current_setting('full_page_writes') = 'off' then
        problems := problems || 'full_page_writes is off'::text;
    end if;

    if current_setting('synchronous_commit') = 'off' then
        problems := problems || 'synchronous_commit is off'::text;
    end if;

    if pg_is_in_recovery() then
        problems := problems || 'the server is a standby'::text;
    elsif current_setting('transaction_read_only') = 'on' then
        problems := problems || 'the session is read only'::text;
    end if;

    if current_setting('server_encoding') <> 'UTF8' then
        problems := problems || 'the database is not in UTF8'::text;
    end if;

    -- Without a partition for tomorrow intake stops at midnight.
    if not exists (select from partition
                    where parent = 'message'
                      and low <= clock_timestamp() + interval '1 day'
                      and high > clock_timestamp() + interval '1 day')
    then
        problems := problems || 'partitions are missing'::text;
    end if;

    return json_build_object(
        'ok', problems = '{}',
        'problems', to_json(problems),
        'schema', (select max(version) from schema_version),
        'now', floor(extract(epoch from clock_timestamp()) * 1000000)::int8,
        'settings', json_build_object(
            'fsync', current_setting('fsync'),
            'full_page_writes', current_setting('full_page_writes'),
            'synchronous_commit', current_setting('synchronous_commit'),
            'wal_level', current_setting('wal_level'),
            'server_version', current_setting('server_version')));
end
$$;

grant execute on function sms.ready() to sms_worker;
