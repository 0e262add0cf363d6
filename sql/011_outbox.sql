-- expand: outbox

set role sms_owner;

-- An id that follows from what it stands for: the same thing put twice, because
-- the answer to the first was lost, is the same row.
create function sms.id_of(p_at timestamptz, p_what text)
returns uuid
language sql immutable strict parallel safe
as $$
    select overlay(overlay(overlay(md5(p_what)
                                   placing substr(replace(sms.id_low(p_at)::text, '-', ''), 1, 12)
                                   from 1 for 12)
                           placing '7' from 13 for 1)
                   placing '8' from 17 for 1)::uuid
$$;


-- Work for the outside world that must not be lost: written in the transaction
-- that causes it, done later, deleted when it is done.
create table sms.outbox (
    account_id  bigint not null,
    not_before  timestamptz not null,
    created_at  timestamptz not null default now(),
    tries       int not null default 0,
    outbox_id   uuid not null,
    topic       text not null,
    key         text not null,
    payload     text not null,
    primary key (account_id, outbox_id)
);

create index outbox_time on sms.outbox (topic, not_before);

-- Put twice before it is done, it is there once.  p_not_before NULL: at once.
-- Plugins choose their topics; those of the host are not theirs.
create function sms.outbox_put(
    p_topic text, p_key text, p_payload text, p_not_before timestamptz)
returns uuid
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_id    uuid := id_of(coalesce(p_not_before, 'epoch'),
                          concat_ws('|', p_topic, p_key, p_payload));
begin
    if p_topic in ('webhook', 'webhook_post', 'notice') then
        raise exception 'reserved-topic' using errcode = 'SMS04';
    end if;

    insert into outbox (account_id, outbox_id, topic, key, payload, not_before)
    values (0, v_id, p_topic, p_key, p_payload, coalesce(p_not_before, now()))
        on conflict do nothing;

    return v_id;
end
$$;

-- What is due, hidden from other takers until p_until.
create function sms.outbox_take(
    p_topic text, p_limit int, p_now timestamptz, p_until timestamptz)
returns table (account_id bigint, outbox_id uuid, key text, payload text, tries int)
language sql volatile security definer
set search_path = sms, pg_temp
as $$
    update outbox o
       set not_before = p_until, tries = o.tries + 1
     where o.ctid = any (array(select x.ctid from outbox x
                                where x.topic = p_topic and x.not_before <= p_now
                                order by x.not_before
                                limit p_limit
                                  for update skip locked))
    returning o.account_id, o.outbox_id, o.key, o.payload, o.tries
$$;

create function sms.outbox_done(p_account bigint[], p_outbox_id uuid[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    delete from outbox o
     using unnest(p_account, p_outbox_id) u (account_id, id)
     where o.account_id = u.account_id and o.outbox_id = u.id;

    get diagnostics n = row_count;
    return n;
end
$$;

grant execute on function
    sms.outbox_put(text, text, text, timestamptz),
    sms.outbox_take(text, int, timestamptz, timestamptz),
    sms.outbox_done(bigint[], uuid[]) to sms_worker;


-- ---- notices ----------------------------------------------------------------

-- A message of our own for the account, as soon as a worker has measured it.  p_what:
-- optout and consent confirm what somebody said; code proves a number (a one-time code);
-- forward brings a person's message on, and that may come from any header of the account,
-- the others from one of the brand only.
create function sms.notice_add(
    p_account bigint, p_brand bigint, p_to bigint, p_what text, p_text text)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_sender    text;
begin
    select s.sender into v_sender
      from sender s
     where s.account_id = p_account and s.revoked_at is null
       and case p_what when 'code' then 'otp' else 'informational' end = any (s.classes)
       and (s.brand_id = p_brand or p_what = 'forward')
     order by s.brand_id is not distinct from p_brand desc,
              exists (select from sender_approval a
                       where a.account_id = s.account_id and a.sender = s.sender
                         and a.state = 'approved') desc,
              s.sender
     limit 1;

    if v_sender is null then
        return false;
    end if;

    insert into outbox (account_id, not_before, outbox_id, topic, key, payload)
    values (p_account, clock_timestamp(), id_new(), 'notice', p_what,
            json_build_object('brand', p_brand, 'to', p_to, 'sender', v_sender,
                              'text', p_text)::text);

    return true;
end
$$;

-- Does not count for what was sent by us to confirm a refusal: the recipient's number
-- being on a blacklist (C10), which is the last of what is looked at.  Of verdicts in which p_black stands for that; null when
-- nothing is left.
create function sms.notices_pass(p_acct bigint[], p_id uuid[], p_verdict int[], p_black int)
returns int[]
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_low       uuid := id_min(p_id);
    v_high      uuid := id_max(p_id);
    v_verdict   int[];
begin
    select array_agg(case when u.v = p_black
                     then case (select m.doc::json ->> 'notice' from message m
                                 where m.account_id = u.a and m.message_id = u.m
                                   and m.message_id >= v_low and m.message_id <= v_high)
                          when 'optout' then 0 else u.v end
                     else u.v end order by u.i)
      into v_verdict
      from unnest(p_acct, p_id, p_verdict) with ordinality u (a, m, v, i);

    return case when 0 <> any (v_verdict) then v_verdict end;
end
$$;

-- Notices to be measured, hidden from other takers until p_until; by what their
-- account pays (D4).
create function sms.notice_take(p_now timestamptz, p_until timestamptz, p_limit int)
returns table (account_id bigint, outbox_id uuid, body text, locking boolean, suffix boolean,
               max_parts int)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select t.account_id, t.outbox_id, t.payload::json ->> 'text', s.shift = 'locking', s.suffix,
           s.max_parts
      from outbox_take('notice', p_limit, p_now, p_until) t
      join account_setting s on s.account_id = t.account_id;
end
$$;

-- Makes messages of measured notices: informational, and one-time codes of one part that
-- are good for five minutes, of the brand's owner, who pays as for any other; they go
-- through screen to their route.  p_parts 0: it cannot be sent.  Answers how many there are; what nobody can pay for waits for an hour.
create function sms.notice_put(
    p_now timestamptz, p_account bigint[], p_outbox uuid[], p_encoding int[], p_parts int[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_old   timestamptz := p_now - setting_int('notice_hours') * interval '1 hour';
    r       record;
    v_id    uuid;
    v_valid int;
    n       int := 0;
begin
    perform account_lock(p_account);

    for r in
        select o.account_id, o.outbox_id, o.created_at, o.key, u.encoding,
               case when o.key = 'code' and (u.parts > 1 or o.created_at < p_now - interval '5 minutes')
                    then 0 else u.parts end as parts,
               o.payload::json as doc, a.available_micro, a.unit,
               coalesce(t.price_micro, 0) * u.parts as price, t.unit as priced_in
          from unnest(p_account, p_outbox, p_encoding, p_parts) u (account_id, id, encoding, parts)
          join outbox o on o.account_id = u.account_id and o.outbox_id = u.id
                       and o.topic = 'notice'
          join account a on a.account_id = o.account_id
          join account_setting s on s.account_id = o.account_id
          left join lateral (
               select x.price_micro, x.unit from tariff_price x
                where x.tariff = s.tariff and x.class = case o.key when 'code' then 1 else 2 end
                  and x.valid_from <= p_now
                  and (o.payload::json ->> 'to') like x.prefix || '%'
                order by length(x.prefix) desc, x.valid_from desc
                limit 1) t on true
         order by o.account_id, o.outbox_id
    loop
        -- several of one account are paid one after the other; what has no price is not free
        if r.parts > 0 and (r.price > 0 or r.priced_in is null) then
            update account a
               set available_micro = a.available_micro - r.price
             where a.account_id = r.account_id and a.available_micro >= r.price
               and r.priced_in = a.unit;

            if not found then
                if r.created_at > v_old and r.key <> 'code' then
                    update outbox o set not_before = p_now + interval '1 hour'
                     where o.account_id = r.account_id and o.outbox_id = r.outbox_id;
                    continue;
                end if;

                r.parts := 0;
            end if;
        end if;

        delete from outbox o where o.account_id = r.account_id and o.outbox_id = r.outbox_id;
        continue when r.parts = 0;

        v_id := id_new(p_now);
        v_valid := case r.key when 'code' then 300 else 86400 end;

        insert into message (account_id, "to", price_micro, brand_id, accepted_at, expires_at,
                             ord, class, recipient_type, encoding, parts, test, message_id,
                             submission_id, batch_id, sender, text, high_message, doc, text_hash)
        values (r.account_id, (r.doc ->> 'to')::bigint, r.price, (r.doc ->> 'brand')::bigint,
                p_now, p_now + v_valid * interval '1 second', 0,
                case r.key when 'code' then 1 else 2 end, 0, r.encoding, r.parts, false, v_id,
                v_id, id_new(p_now), r.doc ->> 'sender', r.doc ->> 'text', v_id,
                json_strip_nulls(json_build_object(
                    'basis', case r.key when 'code' then null else 'other' end,
                    'validity_s', v_valid, 'key_id', 'platform', 'notice', r.key))::text,
                sha256(convert_to(r.doc ->> 'text', 'UTF8')));

        insert into due (at, account_id, expires_at, attempt, parts, message_id)
        values (p_now, r.account_id, p_now + v_valid * interval '1 second', 1, r.parts, v_id);

        n := n + 1;
    end loop;

    return n;
end
$$;

grant execute on function
    sms.notice_take(timestamptz, timestamptz, int),
    sms.notice_put(timestamptz, bigint[], uuid[], int[], int[]) to sms_worker;
