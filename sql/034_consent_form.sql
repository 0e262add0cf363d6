-- expand: a page where people approve: a signed link, a number that is proved by a code
--
-- A brand makes a link to a form of one text and some channels; whoever opens it gives a
-- name and a number, ticks what they approve of (nothing is ticked before, C15), and types
-- the code that the number got.  The code proves the number and nothing else: what is
-- approved stands on the page (KVKK 2025/1072).  What follows is an entry as any other,
-- HS_WEB, with the text that was shown and how it was proved, and a confirmation on the
-- same day with the way to refuse.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('form_url', '', 'where location "sms_form" is for people, as https://sms.example.com/f/; empty: links are told without it'),
    ('form_hourly', '300', 'codes that one form sends in an hour, at most'),
    ('consent_text', '{brand}: {date} tarihinde ticari ileti ({types}) onayınız alındı. Vazgeçmek için {keyword} RET yazıp {number} numarasına ücretsiz gönderin.', 'what a person is told who has approved on a form');

-- Keys of the installation; no role but the owner reads them.
create table sms.secret (
    name    text primary key,
    value   bytea not null check (length(value) = 32)
);

insert into sms.secret (name, value)
values ('form', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

create table sms.consent_form (
    owner_account_id bigint not null,
    form_id         uuid not null,
    brand_id        bigint not null,
    created_at      timestamptz not null,
    expires_at      timestamptz not null,
    revoked_at      timestamptz,
    by_key          bigint not null,
    -- 1 MESAJ, 2 ARAMA
    channels        smallint[] not null,
    text_version    text not null,
    -- what people approve of: the scope of what they give
    text            text not null,
    primary key (owner_account_id, form_id)
);

create index consent_form_id on sms.consent_form (form_id);

-- Codes that were sent, for a day.
create table sms.consent_form_try (
    owner_account_id bigint not null,
    try_id          uuid not null,
    form_id         uuid not null,
    at              timestamptz not null,
    proved_at       timestamptz,
    number          bigint not null,
    tries           int not null default 0,
    channels        smallint[] not null,
    name            text not null,
    ip              text not null,
    code_hash       bytea not null,
    primary key (owner_account_id, try_id)
);

create index consent_form_try_number on sms.consent_form_try (owner_account_id, number, at);
create index consent_form_try_form on sms.consent_form_try (owner_account_id, form_id, at);
create index consent_form_try_at on sms.consent_form_try (at);


-- ---- links ----------------------------------------------------------------------

-- RFC 2104 with SHA-256; keys of at most 64 octets.
create function sms.hmac_sha256(p_key bytea, p_data bytea)
returns bytea
language plpgsql immutable strict
as $$
declare
    v_inner bytea := decode(repeat('36', 64), 'hex');
    v_outer bytea := decode(repeat('5c', 64), 'hex');
begin
    for i in 0 .. length(p_key) - 1 loop
        v_inner := set_byte(v_inner, i, get_byte(v_inner, i) # get_byte(p_key, i));
        v_outer := set_byte(v_outer, i, get_byte(v_outer, i) # get_byte(p_key, i));
    end loop;

    return sha256(v_outer || sha256(v_inner || p_data));
end
$$;

-- frm_…, until when in seconds, and what signs both: 128 bits.
create function sms.form_token(p_form uuid, p_expires timestamptz)
returns text
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_said  text := id_text('frm', p_form) || '.' || floor(extract(epoch from p_expires))::bigint;
begin
    return v_said || '.' || left(encode(hmac_sha256(
               (select s.value from secret s where s.name = 'form'),
               convert_to(v_said, 'UTF8')), 'hex'), 32);
end
$$;

-- The form of a link; null: it is none of ours.  Its time is the caller's to look at.
create function sms.form_of(p_token text)
returns sms.consent_form
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_part  text[] := regexp_match(p_token, '^(frm_[0-9a-z]{26})[.]([0-9]{10,11})[.][0-9a-f]{32}$');
    v_id    uuid := id_parse('frm', v_part[1]);
    f       consent_form;
begin
    -- digests are compared: how far they agree tells nothing
    if v_id is null
       or sha256(convert_to(form_token(v_id, to_timestamp(v_part[2]::bigint)), 'UTF8'))
          <> sha256(convert_to(p_token, 'UTF8'))
    then
        return null;
    end if;

    select * into f from consent_form x where x.form_id = v_id limit 1;
    return f;
end
$$;


-- ---- pages ----------------------------------------------------------------------

create function sms.html(p_text text)
returns text
language sql immutable
as $$
    select replace(replace(replace(replace(replace(p_text, '&', '&amp;'), '<', '&lt;'),
                                   '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;

-- p_main is HTML already.
create function sms.form_html(p_title text, p_main text)
returns text
language sql immutable
as $$
    select '<!DOCTYPE html><html lang="tr"><head><meta charset="utf-8">'
           '<meta name="viewport" content="width=device-width, initial-scale=1">'
           '<meta name="robots" content="noindex"><title>' || sms.html(p_title) || '</title><style>'
           'body{font:16px/1.5 sans-serif;max-width:36em;margin:2em auto;padding:0 1em;color:#222}'
           'label{display:block;margin:.8em 0}input[type=text],input[type=tel]{display:block;width:100%;'
           'font:inherit;padding:.4em;box-sizing:border-box}button{font:inherit;padding:.5em 1.2em}'
           'small{color:#555}.say{border-left:4px solid #b00;padding-left:.8em}'
           '.text{white-space:pre-wrap;background:#f4f4f4;padding:1em}</style></head><body><main><h1>'
           || sms.html(p_title) || '</h1>' || p_main || '</main></body></html>'
$$;

create function sms.form_channels(p_channels smallint[])
returns text
language sql immutable
as $$
    select string_agg((array['SMS', 'arama'])[c], ' ve ' order by c) from unnest(p_channels) c
$$;

-- p_say: what was wrong, Turkish and English, or null.
create function sms.form_first(f sms.consent_form, p_brand text, p_name text, p_number text, p_say text)
returns text
language plpgsql immutable
set search_path = sms, pg_temp
as $$
begin
    return form_html(p_brand, coalesce('<p class="say">' || html(p_say) || '</p>', '')
        || '<div class="text">' || html(f.text) || '</div><form method="post" autocomplete="on">'
        || '<label>Adınız ve soyadınız <small>Your name</small><input type="text" name="name" '
           'autocomplete="name" required maxlength="100" value="' || html(coalesce(p_name, '')) || '"></label>'
        || '<label>Cep telefonunuz <small>Your mobile number</small><input type="tel" name="number" '
           'autocomplete="tel" required maxlength="20" value="' || html(coalesce(p_number, '')) || '"></label>'
        || (select string_agg(format(
                '<label><input type="checkbox" name="%s" value="1"> %s</label>',
                (array['sms', 'call'])[c],
                (array['SMS ile ticari ileti almayı kabul ediyorum. <small>I agree to commercial messages by SMS.</small>',
                       'Ticari amaçla aranmayı kabul ediyorum. <small>I agree to commercial calls.</small>'])[c]), ''
                order by c)
              from unnest(f.channels) c)
        || '<p><small>Onay vermek zorunlu değildir; dilediğiniz an vazgeçebilirsiniz. Metin sürümü / text version: '
        || html(f.text_version) || '</small></p><button>Numaramı doğrula <small>Verify my number</small></button></form>');
end
$$;

create function sms.form_second(p_brand text, p_try uuid, p_say text)
returns text
language plpgsql immutable
set search_path = sms, pg_temp
as $$
begin
    return form_html(p_brand, coalesce('<p class="say">' || html(p_say) || '</p>', '')
        || '<p>Numaranıza gelen altı haneli kodu yazın; beş dakika geçerlidir. '
           '<small>Type the code that your number got; it is good for five minutes.</small></p>'
        || '<form method="post"><input type="hidden" name="try" value="' || id_text('try', p_try) || '">'
        || '<label>Kod <small>Code</small><input type="text" name="code" inputmode="numeric" '
           'autocomplete="one-time-code" required pattern="[0-9]{6}" maxlength="6"></label>'
        || '<button>Onayla <small>Approve</small></button></form>');
end
$$;

-- A code for the number, or why there is none: null, or Turkish and English.
create function sms.form_code(
    p_now timestamptz, f sms.consent_form, p_brand text, p_try uuid, p_name text, p_number bigint,
    p_channels smallint[], p_ip text)
returns text
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_code  text := lpad((('x' || left(replace(gen_random_uuid()::text, '-', ''), 12))::bit(48)::bigint
                          % 1000000)::text, 6, '0');
begin
    -- nobody is made to get codes, and nobody makes an account pay for them (C11)
    if (select count(*) filter (where t.at > p_now - interval '1 hour') >= 3 or count(*) >= 10
          from consent_form_try t
         where t.owner_account_id = f.owner_account_id and t.number = p_number
           and t.at > p_now - interval '1 day')
       or (select count(*) >= setting_int('form_hourly') or count(*) filter (where t.ip = p_ip) >= 20
             from consent_form_try t
            where t.owner_account_id = f.owner_account_id and t.form_id = f.form_id
              and t.at > p_now - interval '1 hour')
    then
        return 'Bu numaraya ya da bu formdan şu an yeni kod gönderilemiyor; daha sonra yeniden deneyin. '
               '(No more codes now; try again later.)';
    end if;

    if not notice_add(f.owner_account_id, f.brand_id, p_number, 'code',
                      v_code || ' - ' || left(p_brand, 40) || ' formu numara doğrulama kodunuz. 5 dakika geçerlidir.')
    then
        return 'Şu an kod gönderilemiyor. (No code can be sent now.)';
    end if;

    insert into consent_form_try (owner_account_id, try_id, form_id, at, number, channels, name, ip, code_hash)
    values (f.owner_account_id, p_try, f.form_id, p_now, p_number, p_channels, p_name, p_ip,
            sha256(convert_to(p_try || v_code, 'UTF8')));

    return null;
end
$$;

-- What was approved becomes an entry, and the person is told so.
create function sms.form_take(p_now timestamptz, f sms.consent_form, b sms.brand, t sms.consent_form_try)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    perform consent_load_add(
                p_now, f.owner_account_id, f.by_key, f.brand_id,
                (select jsonb_agg(jsonb_build_object(
                            'address', '+' || t.number, 'type', (array['MESAJ', 'ARAMA'])[c],
                            'status', 'ONAY', 'source', 'HS_WEB', 'consent_at', time_text(p_now),
                            'scope', f.text,
                            'evidence', jsonb_build_object(
                                'form', id_text('frm', f.form_id), 'text_version', f.text_version,
                                'text_sha256', encode(sha256(convert_to(f.text, 'UTF8')), 'hex'),
                                'name', t.name, 'ip', t.ip, 'number_proved_by', 'code',
                                'asked_at', time_text(t.at))))
                   from unnest(t.channels) c),
                null, true),
            notice_add(f.owner_account_id, f.brand_id, t.number, 'consent',
                replace(replace(replace(replace(replace(
                    (select s.value from setting s where s.name = 'consent_text'),
                    '{date}', to_char(p_now at time zone 'Europe/Istanbul', 'DD.MM.YYYY')),
                    '{types}', form_channels(t.channels)), '{keyword}', b.reject_keyword),
                    '{number}', b.reject_number), '{brand}', b.name));
end
$$;

-- What a browser asks of a link.  p_body: a form as browsers send it, null of a GET.
create function sms.form_page(p_now timestamptz, p_token text, p_ip text, p_body text,
    out status int, out page text)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    f           consent_form := form_of(p_token);
    b           brand;
    t           consent_form_try;
    q           jsonb;
    v_number    text;
    v_channels  smallint[];
    v_try       uuid;
    v_say       text;
begin
    if f.form_id is null then
        status := 404;
        page := form_html('Bağlantı geçersiz', '<p>Bu bağlantı tanınmıyor. <small>This link is not known.</small></p>');
        return;
    end if;

    if f.revoked_at is not null or f.expires_at <= p_now then
        status := 410;
        page := form_html('Bağlantının süresi dolmuş', '<p>Yenisini isteyin. <small>The link is over; ask for another.</small></p>');
        return;
    end if;

    select * into b from brand x where x.account_id = f.owner_account_id and x.brand_id = f.brand_id;
    status := 200;

    if p_body is null then
        page := form_first(f, b.name, null, null, null);
        return;
    end if;

    begin
        q := api.query(p_body, array['name', 'number', 'sms', 'call', 'try', 'code']);
    exception
        when sqlstate 'SMS03' then
            status := 400;
            page := form_first(f, b.name, null, null, 'İstek okunamadı. (The request cannot be read.)');
            return;
    end;

    if q ? 'try' then
        select * into t
          from consent_form_try x
         where x.owner_account_id = f.owner_account_id and x.try_id = id_parse('try', q ->> 'try')
           and x.form_id = f.form_id
           for update;

        if t.try_id is null or t.proved_at is null
                               and (t.at < p_now - interval '5 minutes' or t.tries >= 5)
        then
            status := 400;
            page := form_first(f, b.name, t.name, '+' || t.number,
                               'Kodun süresi doldu ya da çok kez yanlış girildi; yeni kod isteyin. '
                               '(The code is over; ask for another.)');
            return;
        end if;

        if t.code_hash <> sha256(convert_to(t.try_id || coalesce(q ->> 'code', ''), 'UTF8')) then
            update consent_form_try x set tries = x.tries + 1
             where x.owner_account_id = t.owner_account_id and x.try_id = t.try_id;
            status := 400;
            page := form_second(b.name, t.try_id, 'Kod yanlış. (The code is wrong.)');
            return;
        end if;

        -- a browser may send it again
        if t.proved_at is null then
            update consent_form_try x set proved_at = p_now
             where x.owner_account_id = t.owner_account_id and x.try_id = t.try_id;
            perform form_take(p_now, f, b, t);
        end if;

        page := form_html(b.name, '<p>Onayınız alındı: ' || form_channels(t.channels)
            || '. Teşekkürler. <small>Your approval was received.</small></p><p>Dilediğiniz an vazgeçebilirsiniz: '
            || html(b.reject_keyword) || ' RET yazıp ' || html(b.reject_number)
            || ' numarasına ücretsiz gönderin. <small>To end it, send this by SMS, free of charge.</small></p>');
        return;
    end if;

    v_number := consent_address(1, q ->> 'number');
    v_channels := array(select c from unnest(f.channels) c
                         where q ->> (array['sms', 'call'])[c] = '1' order by c);
    v_say := case
        when length(btrim(coalesce(q ->> 'name', ''))) not between 2 and 100
            then 'Adınızı yazın. (Your name, please.)'
        when v_number is null then 'Numara bir cep telefonu numarası değil. (This is no mobile number.)'
        when v_channels = '{}' then 'Hiçbir kutuyu işaretlemediniz; işaretlemediğiniz hiçbir şey için onay alınmaz. '
                                    '(Nothing is ticked, so there is nothing to approve.)'
        end;

    if v_say is null then
        v_try := id_new(p_now);
        v_say := form_code(p_now, f, b.name, v_try, btrim(q ->> 'name'), substr(v_number, 2)::bigint,
                           v_channels, p_ip);
        status := case when v_say is null then 200 else 429 end;
    else
        status := 400;
    end if;

    page := case when v_say is null then form_second(b.name, v_try, null)
            else form_first(f, b.name, q ->> 'name', q ->> 'number', v_say) end;
end
$$;

grant execute on function sms.form_page(timestamptz, text, text, text) to sms_worker;


-- ---- the API --------------------------------------------------------------------

create function sms.api_form_put(
    p_brand bigint, p_channels smallint[], p_text text, p_version text, p_expires timestamptz)
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    b       brand;
    v_id    uuid := id_new();
begin
    select * into b from brand x where x.account_id = api_account() and x.brand_id = p_brand;

    -- whoever approves must be told how to refuse, and it must be heard (R-40)
    if b.brand_id is null or not reject_free(b.account_id, b.brand_id, b.reject_number, b.reject_keyword) then
        return null;
    end if;

    insert into consent_form (owner_account_id, form_id, brand_id, created_at, expires_at, by_key, channels,
                              text_version, text)
    values (b.account_id, v_id, b.brand_id, clock_timestamp(), p_expires,
            nullif(current_setting('sms.key', true), '')::bigint, p_channels, p_version, p_text);

    return v_id;
end
$$;

create function sms.api_form_revoke(p_id uuid)
returns void
language sql security definer
set search_path = sms, pg_temp
as $$
    update consent_form f set revoked_at = coalesce(f.revoked_at, clock_timestamp())
     where f.owner_account_id = api_account() and f.form_id = p_id
$$;

-- Only whoever owns the form is told its link.
create function sms.api_form_token(p_id uuid)
returns text
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
begin
    return (select form_token(f.form_id, f.expires_at) from consent_form f
             where f.owner_account_id = api_account() and f.form_id = p_id);
end
$$;

create function sms.api_form_url()
returns text
language sql stable security definer
set search_path = sms, pg_temp
as $$
    select nullif(s.value, '') from setting s where s.name = 'form_url'
$$;

alter table sms.consent_form enable row level security;
create policy api on sms.consent_form for select to sms_api using
    (owner_account_id = nullif(current_setting('sms.account', true), '')::bigint);
grant select on sms.consent_form to sms_api;
grant execute on function
    sms.api_form_put(bigint, smallint[], text, text, timestamptz), sms.api_form_revoke(uuid),
    sms.api_form_token(uuid), sms.api_form_url() to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('POST', '^/v1/consent-forms$', 'consents:write', 'api.consent_forms_post'),
    ('GET', '^/v1/consent-forms$', 'consents:read', 'api.consent_forms_get'),
    ('DELETE', '^/v1/consent-forms/([^/:]+)$', 'consents:write', 'api.consent_form_delete');

create function api.consent_form_body(f sms.consent_form)
returns json
language plpgsql stable
as $$
begin
    return json_build_object(
        'id', sms.id_text('frm', f.form_id),
        'brand', (select sms.id_text('brd', b.public_id) from sms.brand b where b.brand_id = f.brand_id),
        'types', array(select (array['MESAJ', 'ARAMA'])[c] from unnest(f.channels) c),
        'text', f.text,
        'text_version', f.text_version,
        'token', sms.api_form_token(f.form_id),
        'url', sms.api_form_url() || sms.api_form_token(f.form_id),
        'created_at', sms.time_text(f.created_at),
        'expires_at', sms.time_text(f.expires_at),
        'revoked_at', sms.time_text(f.revoked_at));
end
$$;

create function api.consent_forms_post(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_body      jsonb := api.body(p_body, array['brand', 'types', 'text', 'text_version', 'expires_at'],
                                  array['brand', 'types', 'text', 'text_version']);
    v_brand     bigint := api.consent_brand(api.field_text(v_body, 'brand', 1, 40), '/brand');
    v_types     text[] := api.field_words(v_body, 'types', array['MESAJ', 'ARAMA']);
    v_text      text := api.field_text(v_body, 'text', 20, 2000);
    v_version   text := api.field_text(v_body, 'text_version', 1, 40);
    v_expires   timestamptz := coalesce(api.field_time(v_body, 'expires_at'),
                                        clock_timestamp() + interval '30 days');
    v_id        uuid;
begin
    if coalesce(v_types, '{}') = '{}' then
        perform api.raise('invalid-field', '/types', 'MESAJ, ARAMA or both: what a code to a number can prove');
    end if;

    if v_text is null or v_version is null then
        perform api.raise('invalid-field', case when v_text is null then '/text' else '/text_version' end, 'a string');
    end if;

    if v_expires not between clock_timestamp() and clock_timestamp() + interval '366 days' then
        perform api.raise('invalid-field', '/expires_at', 'within a year from now');
    end if;

    v_id := sms.api_form_put(v_brand,
                             array(select array_position(array['MESAJ', 'ARAMA'], t)::smallint
                                     from unnest(v_types) t order by 1), v_text, v_version,
                             date_trunc('second', v_expires));

    if v_id is null then
        perform api.raise('invalid-field', '/brand',
                          'a brand that the account owns, and that people can refuse at a free number received here');
    end if;

    return (201, (select api.consent_form_body(f) from sms.consent_form f where f.form_id = v_id))::api.answer;
end
$$;

create function api.consent_forms_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['limit', 'cursor']);
    v_limit int := api.query_int(q, 'limit', 1, 100, 50);
    v_from  uuid := api.query_cursor(q, 'frm');
    v_ids   uuid[];
    v_next  text;
begin
    v_ids := array(select f.form_id from sms.consent_form f
                    where f.owner_account_id = sms.api_account() and (v_from is null or f.form_id < v_from)
                    order by f.form_id desc
                    limit v_limit + 1);

    if cardinality(v_ids) > v_limit then
        v_ids := v_ids[1 : v_limit];
        v_next := sms.id_text('frm', v_ids[v_limit]);
    end if;

    return (200, json_build_object(
        'forms', coalesce((select json_agg(api.consent_form_body(f) order by f.form_id desc)
                             from sms.consent_form f
                            where f.owner_account_id = sms.api_account() and f.form_id = any (v_ids)), '[]'),
        'next_cursor', v_next))::api.answer;
end
$$;

-- Its link ends; what was given with it stays.
create function api.consent_form_delete(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    v_id    uuid := api.id('frm', p_path[1]);
begin
    perform sms.api_form_revoke(v_id);

    if not exists (select from sms.consent_form f
                    where f.owner_account_id = sms.api_account() and f.form_id = v_id)
    then
        perform api.raise('not-found');
    end if;

    return (200, (select api.consent_form_body(f) from sms.consent_form f
                   where f.owner_account_id = sms.api_account() and f.form_id = v_id))::api.answer;
end
$$;
