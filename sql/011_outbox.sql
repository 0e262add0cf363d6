-- expand: inbound messages, outbox

set role sms_owner;

-- Messages from people.  account_id 0: nobody's yet; who a number and keyword
-- belong to is looked up in sms.keyword.
create table sms.inbound (
    account_id  bigint not null,
    at          timestamptz not null,
    stored_at   timestamptz not null,
    brand_id    bigint,
    link_id     int not null,
    data_coding int not null,
    inbound_id  uuid not null,
    "from"      text not null,
    "to"        text not null,
    octets      bytea not null,
    udh         bytea not null,
    text        text,
    -- what else the operator said, by name: {"partner":"..."}
    attrs       json,
    primary key (account_id, inbound_id)
) partition by range (inbound_id);

insert into sms.partitioned (parent) values ('inbound');

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

-- A keyword is the first or the last word ("MARKA RET", "RET MARKA"); it makes
-- the message the brand's only when it fits exactly one.  p_at: of the message;
-- a link that tells none makes a repetition another message.  A time for which
-- there is no partition must not cost a refusal (C2): then it is the arrival's.
-- p_attrs: names and values in turn, or NULL.
create function sms.inbound_put(
    p_link_id int, p_from text, p_to text, p_octets bytea, p_udh bytea, p_data_coding int,
    p_text text, p_at timestamptz, p_attrs text[] default null)
returns table (inbound_id uuid, account_id bigint, brand_id bigint)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_at    timestamptz := coalesce(p_at, clock_timestamp());
    v_id    uuid;
    v_brand bigint;
begin
    if not exists (select from partition x
                    where x.parent = 'inbound' and x.low <= v_at and x.high > v_at)
    then
        v_at := clock_timestamp();
    end if;

    v_id := id_of(v_at, concat_ws('|', p_link_id, p_from, p_to, encode(p_octets, 'hex'),
                                  encode(p_udh, 'hex')));

    select min(w.brand_id) into v_brand
      from keyword w
     where w.number = p_to
       and w.keyword in (upper(split_part(trim(p_text), ' ', 1)),
                         upper(split_part(trim(p_text), ' ', -1)))
    having count(distinct w.brand_id) = 1;

    insert into inbound (account_id, at, stored_at, brand_id, link_id, data_coding, inbound_id,
                         "from", "to", octets, udh, text, attrs)
    values (coalesce(brand_owner(v_brand), 0), v_at, clock_timestamp(), v_brand, p_link_id,
            coalesce(p_data_coding, 0), v_id, p_from, p_to, coalesce(p_octets, ''),
            coalesce(p_udh, ''), p_text, json_object(p_attrs))
        on conflict do nothing;

    return query select v_id, coalesce(brand_owner(v_brand), 0), v_brand;
end
$$;

grant execute on function sms.inbound_put(
    int, text, text, bytea, bytea, int, text, timestamptz, text[]) to sms_worker;


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
-- Plugins choose their topics; those of webhooks are not theirs.
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
    if p_topic in ('webhook', 'webhook_post') then
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
