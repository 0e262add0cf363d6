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
    if p_topic in ('webhook', 'webhook_post', 'received', 'consent', 'notice') then
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
