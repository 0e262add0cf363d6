-- expand: accounts, keys, brands, senders, tariffs and funds, for administrators
--
-- Granted to nobody: an administrator connects as a member of sms_owner.

set role sms_owner;

create function sms.account_create(
    p_name text, p_unit text default 'TRY', p_shift text default 'single',
    p_suffix boolean default true, p_max_parts int default 6, p_tariff int default 1)
returns bigint
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_account   bigint;
begin
    insert into account (unit) values (p_unit) returning account_id into v_account;

    insert into account_setting (account_id, name, tariff, shift, suffix, max_parts)
    values (v_account, p_name, p_tariff, p_shift, p_suffix, p_max_parts);

    return v_account;
end
$$;

-- 'active', 'suspended', 'closed'.  What waits is looked at again when its turn
-- comes: held while suspended, refused and refunded when closed.
create function sms.account_state(p_account bigint, p_state text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    update account
       set state = array_position(array['active', 'suspended', 'closed'], p_state)
     where account_id = p_account;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    perform pg_notify('sms_profile', p_account::text);
end
$$;

-- At most 16 of them; a value of NULL or '' takes the attribute away.
create function sms.account_attr(p_account bigint, p_name text, p_value text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    perform from account where account_id = p_account for update;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    delete from account_attr where account_id = p_account and name = p_name;

    if coalesce(p_value, '') = '' then
        return;
    end if;

    if (select count(*) from account_attr where account_id = p_account) >= 16 then
        raise exception 'too-many-attributes' using errcode = 'SMS04';
    end if;

    insert into account_attr (account_id, name, value) values (p_account, p_name, p_value);
end
$$;

-- The secret stays with its owner; here is the SHA-256 of the whole key.
create function sms.key_create(
    p_account bigint, p_key_id text, p_hash bytea, p_mode text default 'live',
    p_scopes text[] default array['messages:send', 'messages:read', 'balance:read',
                                  'inbox:read', 'inbox:write'],
    p_ip cidr[] default '{}', p_waived text default null)
returns bigint
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_no    bigint;
begin
    perform from account where account_id = p_account for update;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    if exists (select from api_key where key_id = p_key_id) then
        raise exception 'key-id-in-use' using errcode = 'SMS04';
    end if;

    if 'admin' = any (p_scopes)
       and coalesce(current_setting('sms.admin_key', true), '') <> 'yes'
    then
        raise exception 'admin-scope-not-given-here' using errcode = 'SMS04';
    end if;

    select coalesce(max(key_no), 0) + 1 into v_no from api_key where account_id = p_account;

    insert into api_key (account_id, key_no, key_id, secret_hash, mode, scopes, ip, ip_waived)
    values (p_account, v_no, p_key_id, p_hash, p_mode, p_scopes, p_ip, p_waived);

    return v_no;
end
$$;

-- A key of the operator desk: it sees and halts what is everybody's, so it can do
-- nothing else, and works from named addresses only.
create function sms.admin_key_create(
    p_account bigint, p_key_id text, p_hash bytea, p_ip cidr[])
returns bigint
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_no    bigint;
begin
    if coalesce(p_ip, '{}') = '{}' then
        raise exception 'admin-key-needs-addresses' using errcode = 'SMS04';
    end if;

    perform set_config('sms.admin_key', 'yes', true);
    v_no := key_create(p_account, p_key_id, p_hash, 'live', array['admin'], p_ip);
    perform set_config('sms.admin_key', '', true);

    return v_no;
end
$$;

create function sms.key_revoke(p_account bigint, p_key_no bigint)
returns void
language sql
set search_path = sms, pg_temp
as $$
    update api_key set revoked_at = now()
     where account_id = p_account and key_no = p_key_no and revoked_at is null
$$;

create function sms.brand_create(
    p_account bigint, p_name text, p_owner_kind text, p_title text default '',
    p_iys_code bigint default null, p_brand_code bigint default null,
    p_mersis text default '', p_vkn text default '', p_tckn text default '',
    p_registry_no text default '', p_reject_keyword text default '',
    p_reject_number text default '',
    p_retailer_code bigint default null, p_contact text default '')
returns bigint
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_brand bigint;
begin
    perform from account where account_id = p_account for update;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    select coalesce(max(brand_id), p_account << 16) + 1 into v_brand
      from brand
     where account_id = p_account;

    insert into brand (account_id, brand_id, name, owner_kind, title, iys_code, brand_code,
                       retailer_code, mersis, vkn, tckn, registry_no, reject_keyword,
                       reject_number, contact)
    values (p_account, v_brand, p_name, p_owner_kind, p_title, p_iys_code, p_brand_code,
            p_retailer_code, p_mersis, p_vkn, p_tckn, p_registry_no, p_reject_keyword,
            p_reject_number, p_contact);

    if p_reject_keyword <> '' and p_reject_number <> '' then
        insert into keyword (number, keyword, brand_id)
        values (number_plain(p_reject_number), p_reject_keyword, v_brand);
    end if;

    return v_brand;
end
$$;

create function sms.brand_grant(p_account bigint, p_brand bigint)
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into brand_grant (account_id, brand_id) values (p_account, p_brand)
        on conflict (account_id, brand_id) do update set revoked_at = null
$$;

create function sms.sender_create(
    p_account bigint, p_sender text, p_brand bigint, p_classes text[])
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into sender (account_id, sender, brand_id, classes)
    values (p_account, p_sender, p_brand, p_classes)
$$;

-- p_state: requested, approved, rejected, revoked, expired (C9)
create function sms.sender_approve(
    p_account bigint, p_sender text, p_operator text, p_state text default 'approved',
    p_reason text default null)
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into sender_approval (account_id, sender, operator, state, reason)
    values (p_account, p_sender, p_operator, p_state, p_reason)
        on conflict (account_id, sender, operator) do update
           set state = excluded.state, reason = excluded.reason, decided_at = now()
$$;

-- What waits under the header is held, and ends with its validity (C9).
create function sms.sender_revoke(p_account bigint, p_sender text, p_revoked boolean default true)
returns void
language sql
set search_path = sms, pg_temp
as $$
    update sender set revoked_at = case when p_revoked then now() end
     where account_id = p_account and sender = p_sender
$$;

create function sms.exemption_grant(
    p_account bigint, p_exemption text, p_audience text, p_document text,
    p_approved_by text, p_ends_at timestamptz default null)
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into exemption (account_id, exemption, audience, document, approved_by, ends_at)
    values (p_account, p_exemption, p_audience, p_document, p_approved_by, p_ends_at)
        on conflict (account_id, exemption) do update
           set audience = excluded.audience, document = excluded.document,
               approved_by = excluded.approved_by, approved_at = now(),
               ends_at = excluded.ends_at
$$;

-- p_scope: 'all' or 'commercial'; account 0 is the platform's list.
create function sms.blacklist_add(
    p_account bigint, p_number bigint, p_scope text, p_reason text)
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into blacklist (account_id, number, scope, reason)
    values (p_account, p_number, array_position(array['all', 'commercial'], p_scope), p_reason)
        on conflict (account_id, number) do update
           set scope = excluded.scope, reason = excluded.reason
$$;

create function sms.blacklist_remove(p_account bigint, p_number bigint)
returns void
language sql
set search_path = sms, pg_temp
as $$
    delete from blacklist where account_id = p_account and number = p_number
$$;

-- Adds funds, or takes them out when the amount is negative.  p_id makes a
-- payment that is booked twice count once.
create function sms.fund(
    p_account bigint, p_amount_micro bigint, p_note text, p_id uuid default sms.id_new())
returns bigint
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_available bigint;
begin
    perform from account where account_id = p_account for update;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    insert into posting (account_id, amount_micro, at, kind, posting_id, note)
    values (p_account, abs(p_amount_micro), now(),
            case when p_amount_micro > 0 then 1 else 2 end, p_id, p_note)
        on conflict do nothing;

    if found then
        update account set available_micro = available_micro + p_amount_micro
         where account_id = p_account;
    end if;

    select available_micro into v_available from account where account_id = p_account;
    return v_available;
end
$$;

create function sms.tariff_set(
    p_tariff int, p_prefix text, p_class text, p_price_micro bigint, p_unit text default 'TRY',
    p_valid_from timestamptz default '-infinity')
returns void
language sql
set search_path = sms, pg_temp
as $$
    insert into tariff_price (tariff, prefix, class, price_micro, unit, valid_from)
    values (p_tariff, p_prefix,
            array_position(array['otp', 'informational', 'commercial', 'exempt'], p_class),
            p_price_micro, p_unit, p_valid_from)
        on conflict (tariff, prefix, class, valid_from) do update
           set price_micro = excluded.price_micro, unit = excluded.unit
$$;

create function sms.setting_set(p_name text, p_value text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    update setting set value = p_value where name = p_name;

    if not found then
        raise exception 'unknown-setting' using errcode = 'SMS04';
    end if;
end
$$;

-- What no receipt by validity + 24 h means on a link: refund, keep, none (C12).
create function sms.link_receipts(p_link_id int, p_receipts text)
returns void
language sql
set search_path = sms, pg_temp
as $$
    update link set receipts = p_receipts where link_id = p_link_id
$$;

-- p_policy: resend, once; hold, for a receipt until validity + 10 minutes; ask, hold and
-- ask the operator meanwhile, where its adapter can.
create function sms.link_doubt_set(p_link_id int, p_class text, p_policy text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_class smallint := array_position(array['otp', 'informational', 'commercial', 'exempt'],
                                       p_class);
begin
    if v_class is null or p_policy is null or p_policy not in ('resend', 'hold', 'ask')
       or p_link_id is null or p_link_id < 1
    then
        raise exception 'invalid-policy' using errcode = 'SMS04',
            detail = 'the number of a link; otp, informational, commercial or exempt; '
                     'resend, hold or ask';
    end if;

    insert into link_doubt (link_id, class, policy) values (p_link_id, v_class, p_policy)
        on conflict (link_id, class) do update set policy = excluded.policy;
end
$$;


-- ---- weight -----------------------------------------------------------------

-- The account's share of a lane that others want, too: of weight 2, two messages for
-- each one of an account of weight 1.  0.01 to 720, in steps as fine as they divide 720.
create function sms.account_weight(p_account bigint, p_weight numeric)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_weight is null or p_weight < 0.01 or p_weight > 720 then
        raise exception 'weight-out-of-range' using errcode = 'SMS04',
            detail = 'a weight is 0.01 to 720';
    end if;

    update account
       set step = round(720 / p_weight)::int,
           look = look & ~4 | case when round(720 / p_weight) <> 720 then 4 else 0 end
     where account_id = p_account;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;
end
$$;


-- ---- sending windows and rates ----------------------------------------------

-- When an account's commercial messages may leave: from p_opens to p_closes ('09:00',
-- '21:00', '24:00' is the day's end) of these days, Turkish time.  p_mode: hold, kept
-- until the window opens; warn, the answer to a request says so; off, neither.  Without
-- this, an account is warned of 09:00 to 21:00.  No law forbids the night (R-6T), so
-- nothing is held that an account has not asked for.  p_classes: commercial, and where
-- the account wants it informational and exempt; an OTP is never moved (C11).
create function sms.quiet_set(
    p_account bigint, p_mode text, p_opens text default '09:00', p_closes text default '21:00',
    p_days int[] default '{1,2,3,4,5,6,7}', p_classes text[] default '{commercial}')
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_opens     int := quiet_minute(p_opens);
    v_closes    int := quiet_minute(p_closes);
    v_wrong     text;
begin
    perform from account where account_id = p_account;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;

    v_wrong := case
        when p_mode is null or p_mode not in ('off', 'warn', 'hold')
            then 'the mode is off, warn or hold'
        when v_opens is null or v_closes is null then 'times are HH:MM, 00:00 to 24:00'
        when v_opens >= v_closes then 'the window must open before it closes, on one day'
        when coalesce(cardinality(p_days), 0) = 0 or not p_days <@ '{1,2,3,4,5,6,7}'::int[]
            then 'days are 1 (Monday) to 7'
        when coalesce(cardinality(p_classes), 0) = 0
             or not p_classes <@ '{commercial,informational,exempt}'::text[]
            then 'classes are commercial, informational and exempt' end;

    if v_wrong is not null then
        raise exception 'invalid-window' using errcode = 'SMS04', detail = v_wrong;
    end if;

    insert into pace (account_id, sender, quiet, opens, closes, days, classes)
    values (p_account, '', p_mode, v_opens, v_closes, p_days, p_classes)
        on conflict (account_id, sender) do update
           set quiet = excluded.quiet, opens = excluded.opens, closes = excluded.closes,
               days = excluded.days, classes = excluded.classes;
end
$$;

create function sms.quiet_minute(p_time text)
returns int
language sql immutable
as $$
    select case when p_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' or p_time = '24:00'
           then left(p_time, 2)::int * 60 + right(p_time, 2)::int end
$$;

-- So many messages of the account, or of one sender of it, are let into the lanes a
-- second, whichever workers took them; null: as many as come.  An OTP is not counted
-- and does not wait; whatever else such an account sends goes through screen, of which
-- there is one in all nodes.
create function sms.rate_set(p_account bigint, p_sender text, p_rate double precision)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_rate is not null and (p_rate <= 0 or p_rate > 10000) then
        raise exception 'rate-out-of-range' using errcode = 'SMS04',
            detail = 'a rate is above 0 and up to 10000 messages a second';
    end if;

    if not exists (select from account where account_id = p_account)
       or coalesce(p_sender, '') <> ''
          and not exists (select from sender s
                           where s.account_id = p_account and s.sender = p_sender)
    then
        raise exception 'unknown-account-or-sender' using errcode = 'SMS04';
    end if;

    insert into pace (account_id, sender, rate)
    values (p_account, coalesce(p_sender, ''), p_rate)
        on conflict (account_id, sender) do update
           set rate = excluded.rate, clock = '-infinity';

    delete from pace where account_id = p_account and rate is null and quiet is null;
end
$$;


-- ---- OTP ceilings and repeated texts ------------------------------------------

-- How many OTPs of an account one number gets in a minute, an hour and a day (C11);
-- null: no such ceiling.  Counted by each node for itself, in shared memory.
create function sms.otp_limits_set(
    p_account bigint, p_minute int default 3, p_hour int default 10, p_day int default 20)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if least(p_minute, p_hour, p_day) < 1 or greatest(p_minute, p_hour, p_day) > 60 then
        raise exception 'limit-out-of-range' using errcode = 'SMS04',
            detail = 'a limit is 1 to 60, or null';
    end if;

    update account_setting
       set otp_limits = json_strip_nulls(json_build_object('minute', p_minute, 'hour', p_hour,
                                                           'day', p_day))
     where account_id = p_account;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;
end
$$;

-- The same text under the same sender to the same number within p_seconds: refused, or
-- told (warn); p_seconds null or 0: not looked at, which is the default.  Remembered by
-- each node for itself, in shared memory.
create function sms.repeat_set(
    p_account bigint, p_class text, p_seconds int, p_action text default 'refuse')
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if p_class is null
       or p_class not in ('otp', 'informational', 'commercial', 'exempt')
       or p_action is null or p_action not in ('refuse', 'warn')
       or p_seconds < 0 or p_seconds > 7 * 86400
    then
        raise exception 'invalid-repeat' using errcode = 'SMS04',
            detail = 'a class, 0 to 604800 seconds, refuse or warn';
    end if;

    update account_setting
       set repeats = case when coalesce(p_seconds, 0) = 0
                     then (repeats::jsonb - p_class)::json
                     else (repeats::jsonb || jsonb_build_object(p_class, jsonb_build_object(
                               'seconds', p_seconds, 'action', p_action)))::json end
     where account_id = p_account;

    if not found then
        raise exception 'unknown-account' using errcode = 'SMS04';
    end if;
end
$$;
