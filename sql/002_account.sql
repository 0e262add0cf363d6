-- expand: accounts, keys, brands, senders, and what a worker knows of them
--
-- account is the hot row: it is locked and written by every intake batch, so
-- it is narrow and everything that seldom changes is in account_setting.

set role sms_owner;

-- Domains where a CHECK of the table would be read anew by every statement that
-- writes the hot row.
create domain sms.account_state as smallint
    check (value in (1, 2, 3));
create domain sms.unit as text
    check (value in ('TRY', 'CRD'));

-- One counter for the whole installation: account_id is in every key (D22).
create sequence sms.account_id_seq as bigint;

create table sms.account (
    account_id      bigint primary key default nextval('sms.account_id_seq'),
    -- the only stored balance; the book's other pots are sums of postings (D14)
    available_micro bigint not null default 0,
    public_id       uuid not null default sms.id_new(),
    -- 1 active, 2 suspended, 3 closed
    state           sms.account_state not null default 1,
    -- what intake must look at for this account, see account_look(): it has the row
    -- in its hands, and nine of ten accounts have nothing
    look            smallint not null default 0,
    unit            sms.unit not null,
    -- virtual finishing time per lane, indexed by lane.pos: the fair share (D9)
    turns           bigint[] not null default '{}',
    -- how far a message moves it on: 720 / weight, see account_weight()
    step            int not null default 720,
    check (available_micro >= 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- What every claim asks: is one of these accounts not active?
create index account_inactive on sms.account (account_id) where state <> 1;

create table sms.account_setting (
    account_id      bigint primary key,
    name            text not null,
    tariff          int not null default 1,
    -- the encoding profile: what the customer pays by, never the link (D4)
    shift           text not null default 'single' check (shift in ('single', 'locking')),
    suffix          boolean not null default true,
    max_parts       int not null default 6 check (max_parts between 1 and 255),
    severity        json not null default '{}',
    basis_default   text,
    otp_limits      json not null default '{"minute":3,"hour":10,"day":20}',
    -- by class: {"commercial":{"seconds":3600,"action":"refuse"}}, see repeat_set()
    repeats         json not null default '{}',
    rate            int check (rate > 0),
    created_at      timestamptz not null default now()
);

-- What operators want to know of an account and no other column holds (a partner
-- number, say): shown to operator plugins with each of its messages.
create table sms.account_attr (
    account_id      bigint not null,
    name            text collate "C" not null check (name ~ '^[a-z0-9_]{1,32}$'),
    value           text not null check (value <> '' and octet_length(value) <= 64),
    primary key (account_id, name)
);

-- Exempt classes that the host has approved for an account (C7).
create table sms.exemption (
    account_id      bigint not null,
    exemption       text not null check (exemption in
                        ('operator', 'school', 'association', 'broadcaster', 'public_body')),
    audience        text not null,
    document        text not null,
    approved_by     text not null,
    approved_at     timestamptz not null default now(),
    ends_at         timestamptz,
    primary key (account_id, exemption)
);

-- What the host lets one account do below the floor of a rule, for a time (C6).  Never
-- "off": what a text lacks stays among the findings that are kept with it.
create table sms.severity_waiver (
    account_id      bigint not null,
    waiver_id       uuid not null,
    -- of a finding
    code            text not null,
    severity        text not null check (severity in ('confirm', 'warn')),
    reason          text not null,
    document        text,
    created_at      timestamptz not null,
    created_by      text not null,
    ends_at         timestamptz not null,
    lifted_at       timestamptz,
    lifted_by       text,
    lift_reason     text,
    primary key (account_id, waiver_id)
);

create index severity_waiver_id on sms.severity_waiver (waiver_id);

create table sms.api_key (
    account_id      bigint not null,
    key_no          bigint not null,
    key_id          text collate "C" not null,
    secret_hash     bytea not null check (length(secret_hash) = 32),
    mode            text not null check (mode in ('live', 'test')),
    scopes          text[] not null,
    ip              cidr[] not null default '{}',
    -- why the host lets a live key work from anywhere
    ip_waived       text,
    created_at      timestamptz not null default now(),
    revoked_at      timestamptz,
    primary key (account_id, key_no),
    -- a live key needs an IP range unless the host waives it (C17)
    check (mode = 'test' or ip <> '{}' or ip_waived is not null),
    -- see admin_key_create()
    check ('admin' <> all (scopes)
           or (scopes = array['admin'] and mode = 'live' and ip <> '{}'))
);

-- Not unique: a unique key would have to hold account_id (D19).  Key ids are
-- random and key_create() refuses one that is there.
create index api_key_id on sms.api_key (key_id);

-- A brand has one owner for ever: another legal person is another brand in İYS.
-- brand_id is owner_account * 65536 + number, so the owner is read from the id
-- and no sequence crosses accounts.
create table sms.brand (
    account_id      bigint not null,
    brand_id        bigint not null,
    public_id       uuid not null default sms.id_new(),
    name            text not null,
    owner_kind      text not null check (owner_kind in
                        ('tacir', 'esnaf', 'profession', 'association', 'public',
                         'foreign', 'person')),
    iys_code        bigint,
    brand_code      bigint,
    retailer_code   bigint,
    title           text not null default '',
    mersis          text not null default '',
    vkn             text not null default '',
    tckn            text not null default '',
    registry_no     text not null default '',
    reject_keyword  text not null default '',
    reject_number   text not null default '',
    -- phone, fax or e-mail as it stands in texts (R-33)
    contact         text not null default '',
    created_at      timestamptz not null default now(),
    -- since when İYS lacks a refusal of it that it should have: commercial messages rest
    late_since      timestamptz,
    -- what İYS says of it: '' nothing against it, no-right: it has not authorised us for
    -- SMS (C5), no-subscription: that of its provider does not run
    standing        text not null default ''
                        check (standing in ('', 'no-right', 'no-subscription')),
    primary key (account_id, brand_id),
    check (account_id = brand_id >> 16)
);

-- What every claim of a commercial message asks.
create index brand_late on sms.brand (account_id, brand_id)
    where late_since is not null or standing <> '';

create function sms.brand_owner(p_brand bigint)
returns bigint
language sql immutable parallel safe
as $$
    select p_brand >> 16
$$;

-- Agencies and dealers send for a brand that is not theirs; consent and
-- opt-outs stay with the owner (D11).
create table sms.brand_grant (
    account_id      bigint not null,
    brand_id        bigint not null,
    granted_at      timestamptz not null default now(),
    revoked_at      timestamptz,
    primary key (account_id, brand_id)
);

-- A number that people write to, as it is compared: digits without +90 or 0.
create function sms.number_plain(p_number text)
returns text
language sql immutable strict parallel safe
as $$
    select case
           when d.digits ~ '^90[0-9]{10}$' then substr(d.digits, 3)
           when d.digits ~ '^0[0-9]{10}$' then substr(d.digits, 2)
           else d.digits end
      from (select regexp_replace(p_number, '[^0-9]', '', 'g') as digits) d
$$;

-- A keyword as it is compared: upper case ASCII, its words with a blank between
-- them (base/sms_fold.h); null: it has something else than letters and digits.
create function sms.keyword_words(p_keyword text)
returns text
language sql immutable strict parallel safe
as $$
    select case when w.words ~ '^[A-Z0-9]+( [A-Z0-9]+)*$' then w.words end
      from (select upper(translate(regexp_replace(btrim(p_keyword), '\s+', ' ', 'g'),
                                   'çğıiöşüâîûÇĞİIÖŞÜÂÎÛ', 'CGIIOSUAIUCGIIOSUAIU'))
                   as words) w
$$;

-- No keyword has a word that means a refusal or an approval (base/sms_keyword.c).
create function sms.keyword_allowed(p_keyword text)
returns boolean
language sql immutable strict parallel safe
as $$
    select coalesce(
        length(p_keyword) <= 40 and length(replace(k.words, ' ', '')) >= 2
        and not string_to_array(k.words, ' ') || replace(k.words, ' ', '')
                && array['RET', 'RED', 'IPTAL', 'HAYIR', 'DUR', 'STOP', 'CIK', 'CIKAR',
                         'ISTEMIYORUM', 'REDDEDIYORUM', 'REDDET', 'CANCEL', 'UNSUBSCRIBE',
                         'ONAY', 'ONAYLA', 'EVET', 'KABUL'], false)
      from (select sms.keyword_words(p_keyword) as words) k
$$;

-- Reply keywords are unique over all accounts of one number (C10), so this is
-- a reference table and not kept by account.
create table sms.keyword (
    number          text not null check (number <> '' and number = sms.number_plain(number)),
    keyword         text not null check (sms.keyword_allowed(keyword)),
    -- as one word: "Örnek Mağaza" and "ORNEKMAGAZA" are the same
    plain           text generated always as
                        (replace(sms.keyword_words(keyword), ' ', '')) stored,
    brand_id        bigint not null,
    keyword_id      uuid not null default sms.id_new(),
    -- what a text with it is that neither refuses nor approves: optout, not
    -- understood, where the number is for refusals; info, a message to the brand;
    -- optin, an approval, when there is nothing else in the text
    purpose         text not null default 'optout' check (purpose in
                        ('optout', 'info', 'optin')),
    -- what the brand told people they approve of (C15); without it nobody can
    scope           text check (scope <> ''),
    -- a mobile number that gets what comes
    forward_to      bigint,
    created_at      timestamptz not null default now(),
    primary key (number, plain),
    check (purpose <> 'optin' or scope is not null)
);

create table sms.sender (
    account_id      bigint not null,
    sender          text collate "C" not null,
    brand_id        bigint,
    classes         text[] not null,
    created_at      timestamptz not null default now(),
    revoked_at      timestamptz,
    primary key (account_id, sender)
);

-- A header is approved by each operator on its own (C9).
create table sms.sender_approval (
    account_id      bigint not null,
    sender          text collate "C" not null,
    operator        text collate "C" not null,
    state           text not null check (state in
                        ('requested', 'approved', 'rejected', 'revoked', 'expired')),
    reason          text,
    decided_at      timestamptz not null default now(),
    primary key (account_id, sender, operator)
);

-- What every claim asks, as account_inactive: has anything been taken away?
create index sender_revoked on sms.sender (account_id) where revoked_at is not null;
create index sender_not_approved on sms.sender_approval (account_id, operator)
    where state <> 'approved';


-- The bits of account.look: 1 it has a blacklist, 2 a sender was taken away from it,
-- or an operator has not approved one, 4 its step is not 720 (set by account_weight()).
create function sms.account_look()
returns trigger
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_account   bigint := case tg_op when 'DELETE' then old.account_id else new.account_id end;
    v_look      int;
begin
    v_look := case when exists (select from blacklist b where b.account_id = v_account)
              then 1 else 0 end
              | case when exists (select from sender s
                                   where s.account_id = v_account and s.revoked_at is not null)
                       or exists (select from sender_approval p
                                   where p.account_id = v_account and p.state <> 'approved')
                then 2 else 0 end;

    update account a
       set look = a.look & ~3 | v_look
     where a.account_id = v_account and a.look & 3 <> v_look;

    return null;
end
$$;

create trigger account_look
    after insert or update or delete on sms.sender
    for each row execute function sms.account_look();

create trigger account_look
    after insert or update or delete on sms.sender_approval
    for each row execute function sms.account_look();


-- ---- caches are told --------------------------------------------------------

-- Workers LISTEN sms_profile; the payload is the account to forget.
create function sms.profile_changed()
returns trigger
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    r   record;
begin
    if tg_op = 'DELETE' then
        r := old;
    else
        r := new;
    end if;

    perform pg_notify('sms_profile', r.account_id::text);

    -- whoever was granted the brand shows it too
    if tg_table_name = 'brand' then
        perform pg_notify('sms_profile', g.account_id::text)
           from brand_grant g
          where g.brand_id = r.brand_id;
    end if;

    return null;
end
$$;

-- Not for updates: balance and turns change with every batch, and also a trigger
-- of other columns is looked at each time.  account_state() tells by itself.
create trigger account_changed
    after insert or delete on sms.account
    for each row execute function sms.profile_changed();

do $$
declare
    name text;
begin
    foreach name in array array['account_setting', 'account_attr', 'exemption', 'severity_waiver',
                                'api_key', 'brand', 'brand_grant', 'sender', 'sender_approval']
    loop
        execute format('create trigger %I after insert or update or delete on sms.%I '
                       'for each row execute function sms.profile_changed()',
                       name || '_changed', name);
    end loop;
end
$$;


-- ---- what a worker knows ----------------------------------------------------

-- PL/pgSQL keeps their plans: each worker asks for each account once, and SQL
-- functions would be parsed each time (measured: 2.5 ms of 1,000 accounts).

create function sms.account_profile(p_account bigint)
returns json
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return (
        select json_build_object(
            'id', a.account_id,
            'public_id', a.public_id,
            'state', (array['active', 'suspended', 'closed'])[a.state],
            'unit', a.unit,
            'tariff', s.tariff,
            'shift', s.shift,
            'suffix', s.suffix,
            'max_parts', s.max_parts,
            'severity', s.severity,
            'waivers', (select json_agg(json_build_object(
                                   'id', id_text('wvr', w.waiver_id), 'code', w.code,
                                   'severity', w.severity,
                                   'until', ceil(extract(epoch from w.ends_at))::bigint)
                                   order by w.code)
                          from severity_waiver w
                         where w.account_id = a.account_id and w.lifted_at is null
                           and w.ends_at > now()),
            'exemptions', coalesce(
                (select json_agg(e.exemption order by e.exemption)
                   from exemption e
                  where e.account_id = a.account_id
                    and (e.ends_at is null or e.ends_at > now())), '[]'),
            'basis_default', s.basis_default,
            'otp_limits', s.otp_limits,
            'repeats', s.repeats,
            'pace', pace_profile(a.account_id),
            'rate', s.rate,
            'attrs', (select json_object_agg(t.name, t.value)
                        from account_attr t
                       where t.account_id = a.account_id))
          from account a
          join account_setting s using (account_id)
         where a.account_id = p_account);
end
$$;

-- May people refuse a brand there?  This host receives the number, writing to it costs
-- them nothing, and where accounts share it the keyword is the brand's own (C10).
create function sms.reject_free(p_owner bigint, p_brand bigint, p_number text, p_keyword text)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return exists (
        select from number n
         where n.number = number_plain(p_number)
           and n.free_to_recipient
           and (n.account_id = p_owner
                or n.account_id is null
                   and exists (select from keyword k
                                where k.number = n.number and k.brand_id = p_brand
                                  and k.plain = replace(keyword_words(p_keyword), ' ', ''))));
end
$$;

create function sms.brand_profiles(p_account bigint)
returns json
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return (
        select coalesce(json_agg(json_build_object(
            'id', b.brand_id,
            'public_id', b.public_id,
            'name', b.name,
            'owner_account', b.account_id,
            'owner_kind', b.owner_kind,
            'iys_code', b.iys_code,
            'brand_code', b.brand_code,
            'retailer_code', b.retailer_code,
            'title', b.title,
            'mersis', b.mersis,
            'vkn', b.vkn,
            'tckn', b.tckn,
            'registry_no', b.registry_no,
            'reject_keyword', b.reject_keyword,
            'reject_number', b.reject_number,
            'reject_free', reject_free(b.account_id, b.brand_id, b.reject_number,
                                       b.reject_keyword),
            'contact', b.contact,
            'late', b.late_since is not null,
            'standing', b.standing) order by b.brand_id), '[]')
          from (select x.* from brand x
                 where x.account_id = p_account
                union all
                select x.*
                  from brand_grant g
                  join brand x on x.account_id = brand_owner(g.brand_id)
                              and x.brand_id = g.brand_id
                 where g.account_id = p_account and g.revoked_at is null
                   and x.account_id <> p_account) b);
end
$$;

create function sms.sender_profiles(p_account bigint)
returns json
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return (
        select coalesce(json_agg(json_build_object(
            'sender', s.sender,
            'brand', s.brand_id,
            'classes', to_json(s.classes),
            'operators', coalesce(
                (select json_agg(p.operator order by p.operator)
                   from sender_approval p
                  where p.account_id = s.account_id
                    and p.sender = s.sender
                    and p.state = 'approved'), '[]')) order by s.sender), '[]')
          from sender s
         where s.account_id = p_account and s.revoked_at is null);
end
$$;

-- The profile behind a key: everything a request is judged by.
create function sms.profile(p_key_id text)
returns table (secret_hash bytea, profile json)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select k.secret_hash,
           json_build_object(
               'key', json_build_object(
                   'id', k.key_id,
                   'key_no', k.key_no,
                   'scopes', to_json(k.scopes),
                   'mode', k.mode,
                   'ip', to_json(k.ip::text[]),
                   'ip_waived', k.ip_waived is not null,
                   'revoked', k.revoked_at is not null),
               'account', account_profile(k.account_id),
               'brands', brand_profiles(k.account_id),
               'senders', sender_profiles(k.account_id))
      from api_key k
     where k.key_id = p_key_id;
end
$$;

-- The same without a key, for messages that no request is behind any more.
create function sms.profiles(p_accounts bigint[])
returns table (account_id bigint, profile json)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select a.account_id,
           json_build_object(
               'account', account_profile(a.account_id),
               'brands', brand_profiles(a.account_id),
               'senders', sender_profiles(a.account_id))
      from account a
     where a.account_id = any (p_accounts)
     order by a.account_id;
end
$$;

grant execute on function sms.profile(text), sms.profiles(bigint[]) to sms_worker;
