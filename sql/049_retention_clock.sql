-- expand: clocks by what a row is, holds that stop them, erasure on a person's request
--
-- How long something is kept is data: sms.retention.  Messages go in whole partitions
-- (016), with their evidence; before that their texts are emptied and their numbers become
-- keyed hashes.  A hold of a number or a submission stops all of it for them.
--
-- Who asks to be erased is forgotten but for what the law wants kept, and is never
-- written to again for that: a refusal stays, under a keyed hash that still stops (C14).

set role sms_owner;

create table sms.retention (
    class       text primary key,
    days        int not null,
    -- below this the regulation is broken (Reg. m.13: three years)
    least       int not null,
    -- null: nobody has, and the strict reading holds (Law 6563 m.11/3: ten years)
    chosen_at   timestamptz,
    chosen_by   text,
    doc         text not null,
    check (days >= least)
);

insert into sms.retention (class, days, least, doc) values
    ('message', 3653, 1096, 'messages with declaration, header, consent answer and receipts, and their evidence; from acceptance'),
    ('text', 1096, 1096, 'texts of messages, then emptied; from acceptance'),
    ('number', 1096, 1096, 'numbers of messages, then a keyed hash; from acceptance'),
    ('consent', 3653, 1096, 'what was declared of a consent; from when a newer word ended it'),
    ('inbound', 3653, 1096, 'what people wrote; from its arrival');

create function sms.retention_days(p_class text)
returns int
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return (select r.days from retention r where r.class = p_class);
end
$$;

-- The host's choice, and who answers for it.
create function sms.retention_set(p_class text, p_days int, p_by text)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_least int := (select r.least from retention r where r.class = p_class);
begin
    if v_least is null then
        raise exception 'unknown-class: one of %',
            (select string_agg(r.class, ', ' order by r.class) from retention r)
            using errcode = 'SMS04';
    end if;

    if p_days < v_least then
        raise exception 'below-law: % is kept for % days at least', p_class, v_least
            using errcode = 'SMS04';
    end if;

    if coalesce(btrim(p_by), '') = '' then
        raise exception 'nobody-answers: who has chosen it' using errcode = 'SMS04';
    end if;

    update retention
       set days = p_days, chosen_at = clock_timestamp(), chosen_by = p_by
     where class = p_class;
end
$$;


-- ---- numbers that are hashes ----------------------------------------------------

-- What stands for a number where it may not be known any more: below zero, and always the
-- same of one installation.  SHA-256 between the key twice, because it is asked of every
-- recipient of those who have such rows.
create function sms.number_mask(p_number bigint)
returns bigint
language plpgsql stable strict
as $$
declare
    v_key   bytea := (select s.value from sms.secret s where s.name = 'number');
begin
    return case when p_number < 0 then p_number
           else -1 - (('x' || encode(substr(sha256(v_key || convert_to(p_number::text, 'UTF8')
                                                   || v_key), 1, 8), 'hex'))::bit(64)::bigint
                      & 4611686018427387903) end;
end
$$;

-- As screen_listed(), also by numbers that are known by their hashes alone.
create function sms.screen_lists(
    p_acct bigint[], p_group int[], p_class smallint[], p_to bigint[], p_brand bigint[],
    p_owner bigint[])
returns smallint[]
language plpgsql
as $$
declare
    v_list  smallint[] := screen_listed(p_acct, p_group, p_class, p_to, p_brand, p_owner);
    v_more  smallint[];
begin
    if not exists (select from optout o
                    where o.number < 0 and o.owner_account_id = any (p_owner))
       and not exists (select from blacklist b
                        where b.number < 0 and b.account_id = any (p_acct || 0::bigint))
    then
        return v_list;
    end if;

    v_more := screen_listed(p_acct, p_group, p_class,
                            array(select number_mask(u) from unnest(p_to) with ordinality x (u, i)
                                   order by i),
                            p_brand, p_owner);

    return case when v_list is null then v_more
                when v_more is null then v_list
                else array(select coalesce(a, b)
                             from unnest(v_list, v_more) with ordinality x (a, b, i)
                            order by i) end;
end
$$;

-- For the API, which may not read the key.
create function sms.api_number_mask(p_number bigint)
returns bigint
language plpgsql stable strict security definer
set search_path = sms, pg_temp
as $$
begin
    return number_mask(p_number);
end
$$;

grant execute on function sms.api_number_mask(bigint) to sms_api;


-- ---- holds ----------------------------------------------------------------------

-- A complaint or a court stops the clocks of a number or a submission.
create table sms.hold (
    account_id  bigint not null,
    hold_id     uuid not null,
    created_at  timestamptz not null,
    lifted_at   timestamptz,
    -- one of the two
    number      bigint,
    submission_id uuid,
    number_key  bytea,
    reason      text not null check (reason in ('complaint', 'court', 'authority', 'other')),
    reference   text,
    created_by  text not null,
    lifted_by   text,
    lift_reason text,
    primary key (account_id, hold_id),
    check ((number is null) <> (submission_id is null)),
    check ((number is null) = (number_key is null))
);

create index hold_live on sms.hold (account_id) where lifted_at is null;

create function sms.hold_put(
    p_now timestamptz, p_account bigint, p_number bigint, p_submission uuid, p_reason text,
    p_reference text, p_by text)
returns uuid
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_id    uuid := id_new(p_now);
begin
    insert into hold (account_id, hold_id, created_at, number, submission_id, number_key,
                      reason, reference, created_by)
    values (p_account, v_id, p_now, p_number, p_submission, number_key(p_number), p_reason,
            p_reference, p_by);

    return v_id;
end
$$;

-- What it has kept is due again.
create function sms.hold_lift(
    p_now timestamptz, p_account bigint, p_hold uuid, p_reason text, p_by text)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    update hold
       set lifted_at = p_now, lifted_by = p_by, lift_reason = p_reason
     where account_id = p_account and hold_id = p_hold and lifted_at is null;

    if not found then
        return false;
    end if;

    delete from retention_walk;
    return true;
end
$$;

-- Is a message held?  p_number: as it stands in its row.
create function sms.held(p_account bigint, p_number bigint, p_submission uuid)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return exists (select from hold h
                    where h.account_id = p_account and h.lifted_at is null
                      and (h.submission_id = p_submission
                           or p_number in (h.number, number_mask(h.number))));
end
$$;

-- The same of a record, which knows the number by its key.
create function sms.held_record(p_account bigint, p_key bytea, p_submission uuid)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return exists (select from hold h
                    where h.account_id = p_account and h.lifted_at is null
                      and (h.submission_id = p_submission or h.number_key = p_key));
end
$$;


-- ---- clocks ---------------------------------------------------------------------

-- Up to where a partition of messages has been gone through for a class.
create table sms.retention_walk (
    class       text not null,
    name        text not null,
    account_id  bigint not null,
    message_id  uuid not null,
    ended       boolean not null,
    primary key (class, name)
);

-- Values that are still there, for the walk by age.
create index evidence_value_there on sms.evidence_value (name, message_id)
    where value is not null;

-- Blocks whose records are still there.
alter table sms.evidence_block add dropped_at timestamptz;
create index evidence_block_there on sms.evidence_block (at) where dropped_at is null;

-- The next p_limit messages of the oldest partition that is due; null: none is.
create function sms.retention_messages(p_now timestamptz, p_class text, p_limit int)
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set jit = off
as $$
declare
    p       partition;
    v_at    retention_walk;
    v_acct  bigint[];
    v_id    uuid[];
    n       int;
begin
    select x.* into p
      from partition x
     where x.parent = 'message'
       and x.high < p_now - retention_days(p_class) * interval '1 day'
       and not exists (select from retention_walk w
                        where w.class = p_class and w.name = x.name and w.ended)
     order by x.low
     limit 1;

    if not found then
        return null;
    end if;

    insert into retention_walk (class, name, account_id, message_id, ended)
    values (p_class, p.name, -1, '00000000-0000-0000-0000-000000000000', false)
        on conflict do nothing;

    select * into v_at from retention_walk where class = p_class and name = p.name;

    execute format('select array_agg(m.account_id), array_agg(m.message_id)
                      from (select account_id, message_id from sms.%I
                             where (account_id, message_id) > ($1, $2)
                             order by account_id, message_id
                             limit $3) m', p.name)
       into v_acct, v_id
      using v_at.account_id, v_at.message_id, p_limit;

    if p_class = 'text' then
        update message m
           set text = null
          from unnest(v_acct, v_id) u (account_id, message_id)
         where m.account_id = u.account_id and m.message_id = u.message_id
           and m.message_id >= id_low(p.low) and m.message_id < id_low(p.high)
           and m.text is not null
           -- a text of many is kept while one of them is held
           and not held(m.account_id, m."to", m.submission_id)
           and not exists (select from message x
                             join hold h on h.account_id = x.account_id
                              and h.lifted_at is null and h.number = x."to"
                            where m.high_message is not null
                              and x.account_id = m.account_id
                              and x.message_id >= m.message_id
                              and x.message_id <= m.high_message);
    else
        update message m
           set "to" = number_mask(m."to")
          from unnest(v_acct, v_id) u (account_id, message_id)
         where m.account_id = u.account_id and m.message_id = u.message_id
           and m.message_id >= id_low(p.low) and m.message_id < id_low(p.high)
           and m."to" > 0 and not held(m.account_id, m."to", m.submission_id);

        update submit s
           set "to" = m."to"
          from message m
         where m.account_id = any (v_acct) and m.message_id = any (v_id)
           and m.message_id >= id_low(p.low) and m.message_id < id_low(p.high)
           and s.account_id = m.account_id and s.message_id = m.message_id
           and s.message_id >= id_low(p.low) and s.message_id < id_low(p.high)
           and m."to" < 0 and s."to" > 0;
    end if;

    n := coalesce(cardinality(v_id), 0);

    update retention_walk
       set account_id = coalesce(v_acct[n], account_id),
           message_id = coalesce(v_id[n], message_id),
           ended = n < p_limit
     where class = p_class and name = p.name;

    return n;
end
$$;

-- Values of records that are due: a text is kept while a message that has it is held.
create function sms.retention_values(p_now timestamptz, p_class text, p_limit int)
returns setof sms.evidence_value
language plpgsql stable
set search_path = sms, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
    return query
    select v.*
      from evidence_value v
     where v.name = p_class and v.value is not null
       and v.message_id < id_low(p_now - retention_days(p_class) * interval '1 day')
       and not exists (select from evidence e
                        where e.account_id = v.account_id
                          and held_record(e.account_id, e.number_key, e.submission_id)
                          and (e.message_id = v.message_id
                               or p_class = 'text'
                                  and e.doc::jsonb ->> 'text_of' = id_text('msg', v.message_id)
                                  and e.submission_id in (
                                      select x.submission_id from evidence x
                                       where x.account_id = v.account_id
                                         and x.message_id = v.message_id)))
     limit p_limit;
end
$$;

-- Blocks that are due, none of whose records is held.
create function sms.retention_blocks(p_now timestamptz, p_limit int)
returns setof sms.evidence_block
language plpgsql stable
set search_path = sms, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
    return query
    select b.*
      from evidence_block b
     where b.dropped_at is null
       and b.at < p_now - retention_days('message') * interval '1 day'
       and not exists (select from evidence e
                        where e.account_id = b.account_id and e.block_no = b.block_no
                          and held_record(e.account_id, e.number_key, e.submission_id))
     order by b.at
     limit p_limit;
end
$$;

-- Declared consents that a newer word has ended long ago.
create function sms.retention_consents(p_now timestamptz, p_limit int)
returns setof sms.consent_entry
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return query
    select e.*
      from consent_entry e
     where e.done_at is not null
       and e.received_at < p_now - retention_days('consent') * interval '1 day'
       and exists (select from consent_entry x
                    where x.owner_account_id = e.owner_account_id and x.brand_id = e.brand_id
                      and x.channel = e.channel and x.recipient_type = e.recipient_type
                      and x.address = e.address and x.received_at > e.received_at
                      and x.received_at < p_now - retention_days('consent') * interval '1 day')
       and not (e.address ~ '^\+\d{11,15}$'
                and held(e.owner_account_id, substr(e.address, 2)::bigint, null))
     limit p_limit;
end
$$;

create function sms.upkeep_clocks(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_text      int := retention_messages(p_now, 'text', p_limit);
    v_number    int := retention_messages(p_now, 'number', p_limit);
    v_value     int;
    v_record    int;
    v_consent   int;
    v_part      partition;
begin
    with due as (
        select * from retention_values(p_now, 'text', p_limit)
        union all
        select * from retention_values(p_now, 'number', p_limit)
    )
    update evidence_value v
       set value = null, salt = null, erased_at = p_now
      from due d
     where v.account_id = d.account_id and v.message_id = d.message_id and v.name = d.name;

    get diagnostics v_value = row_count;

    with due as (
        select * from retention_blocks(p_now, 10)
    ), gone as (
        delete from evidence e using due d
         where e.account_id = d.account_id and e.block_no = d.block_no
        returning e.account_id, e.message_id
    ), emptied as (
        delete from evidence_value v using gone g
         where v.account_id = g.account_id and v.message_id = g.message_id
    ), marked as (
        update evidence_block b set dropped_at = p_now
          from due d
         where b.account_id = d.account_id and b.block_no = d.block_no
    )
    select count(*) into v_record from gone;

    delete from consent_entry e
     using retention_consents(p_now, p_limit) d
     where e.owner_account_id = d.owner_account_id and e.entry_id = d.entry_id;

    get diagnostics v_consent = row_count;

    -- whose hold has ended
    update erasure e
       set result = erase_number(p_now, e.account_id, e.number), done_at = p_now, number = null
     where e.done_at is null and not held(e.account_id, e.number, null);

    return json_build_object(
        'texts', coalesce(v_text, 0), 'numbers', coalesce(v_number, 0), 'values', v_value,
        'records', v_record, 'consents', v_consent,
        'more', v_text is not null or v_number is not null or v_value > 0 or v_record > 0
                or v_consent > 0);
end
$$;

-- What the next runs would delete, and what is held: nothing is written.
create function sms.retention_plan(p_now timestamptz)
returns table (class text, days int, chosen boolean, what text, due bigint, held bigint)
language plpgsql stable
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select r.class, r.days, r.chosen_at is not null, w.what, w.due, w.held
      from retention r
     cross join lateral (
           select 'partitions' as what, count(*) as due,
                  count(*) filter (where partition_held(p.low, p.high)) as held
             from partition p
            where r.class = 'message' and p.parent = 'message'
              and p.high < p_now - r.days * interval '1 day'
           having r.class = 'message'
           union all
           select 'blocks of evidence',
                  (select count(*) from retention_blocks(p_now, 2147483647)),
                  (select count(*) from evidence_block b
                    where b.dropped_at is null
                      and b.at < p_now - r.days * interval '1 day')
                  - (select count(*) from retention_blocks(p_now, 2147483647))
            where r.class = 'message'
           union all
           select 'messages',
                  count(*) filter (where not held(m.account_id, m."to", m.submission_id)),
                  count(*) filter (where held(m.account_id, m."to", m.submission_id))
             from message m
            where r.class in ('text', 'number')
              and m.message_id < id_low((select max(p.high) from partition p
                                          where p.parent = 'message'
                                            and p.high < p_now - r.days * interval '1 day'))
              and case r.class when 'text' then m.text is not null else m."to" > 0 end
           having r.class in ('text', 'number')
           union all
           select 'values of evidence',
                  (select count(*) from retention_values(p_now, r.class, 2147483647)),
                  (select count(*) from evidence_value v
                    where v.name = r.class and v.value is not null
                      and v.message_id < id_low(p_now - r.days * interval '1 day'))
                  - (select count(*) from retention_values(p_now, r.class, 2147483647))
            where r.class in ('text', 'number')
           union all
           select 'declared consents', count(*), null
             from retention_consents(p_now, 2147483647)
            where r.class = 'consent'
           having r.class = 'consent'
           union all
           select 'partitions', count(*), null
             from partition p
            where p.parent = 'inbound' and p.high < p_now - r.days * interval '1 day'
           having r.class = 'inbound') w
     order by r.class, w.what;
end
$$;

-- Does a hold keep a partition of messages?
create function sms.partition_held(p_low timestamptz, p_high timestamptz)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
as $$
begin
    return exists (select from hold h
                     join message m on m.account_id = h.account_id
                    where h.lifted_at is null
                      and m.message_id >= id_low(p_low) and m.message_id < id_low(p_high)
                      and (m.submission_id = h.submission_id
                           or m."to" in (h.number, number_mask(h.number))));
end
$$;


-- And of what people wrote?
create function sms.inbound_held(p_low timestamptz, p_high timestamptz)
returns boolean
language plpgsql stable
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
as $$
begin
    return exists (select from hold h
                     join inbound i on i.account_id = h.account_id
                                   and i.from_number = h.number
                    where h.lifted_at is null
                      and i.inbound_id >= id_low(p_low) and i.inbound_id < id_low(p_high));
end
$$;


-- ---- erasure --------------------------------------------------------------------

-- Requests of persons, each answered by its due date.
create table sms.erasure (
    account_id  bigint not null,
    erasure_id  uuid not null,
    asked_at    timestamptz not null,
    due_at      timestamptz not null,
    done_at     timestamptz,
    -- until it is done
    number      bigint,
    number_key  bytea not null,
    reference   text,
    -- what was erased, hashed and kept: counts
    result      jsonb,
    primary key (account_id, erasure_id),
    check ((number is null) = (done_at is not null))
);

create index erasure_open on sms.erasure (account_id) where done_at is null;

insert into sms.setting (name, value, doc) values
    ('erasure_days', '30', 'within so many days who asks to be erased gets an answer (KVKK m.13)');

-- Forgets a number of an account but for what has a duty, and what still stops.
create function sms.erase_number(p_now timestamptz, p_account bigint, p_number bigint)
returns jsonb
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_mask      bigint := number_mask(p_number);
    v_optout    int;
    v_black     int;
    v_told      int;
    v_form      int;
    v_mirror    int;
begin
    -- a refusal of the same second may be there already, from another request
    update optout o
       set number = v_mask
     where o.owner_account_id = p_account and o.number = p_number
       and not exists (select from optout x
                        where x.owner_account_id = p_account and x.brand_id = o.brand_id
                          and x.number = v_mask and x.received_at = o.received_at);
    get diagnostics v_optout = row_count;

    -- those that stop every class are looked up by the number where one-time codes are
    -- claimed, and stay
    update blacklist b
       set number = v_mask
     where b.account_id = p_account and b.number = p_number and b.scope = 2;
    get diagnostics v_black = row_count;

    -- what neither refuses nor approves is nobody's proof
    update inbound i
       set text = '', octets = '', "from" = '', from_number = null
     where i.account_id = p_account and i.from_number = p_number and i.kind = 1;
    get diagnostics v_told = row_count;

    delete from consent_form_try t
     where t.owner_account_id = p_account and t.number = p_number;
    get diagnostics v_form = row_count;

    -- İYS is asked again before anything is sent; that it refuses is kept
    delete from consent c
     using brand b
     where b.account_id = p_account and c.owner_account_id = b.account_id
       and c.brand_id = b.brand_id and c.number = p_number and c.state <> 2;
    get diagnostics v_mirror = row_count;

    return jsonb_build_object(
        'erased', jsonb_build_object('inbox', v_told, 'forms', v_form, 'mirror', v_mirror),
        'hashed', jsonb_build_object('refusals', v_optout, 'blacklist', v_black),
        'kept', jsonb_build_object(
            'messages', (select count(*) from evidence e
                          where e.account_id = p_account
                            and e.number_key = number_key(p_number)),
            'consents', (select count(*) from consent_entry e
                          where e.owner_account_id = p_account
                            and e.address = '+' || p_number)));
end
$$;

-- A request is done at once; of a number that is held, when the hold has ended.
create function sms.erasure_add(
    p_now timestamptz, p_account bigint, p_number bigint, p_reference text)
returns sms.erasure
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    e   erasure;
begin
    e.account_id := p_account;
    e.erasure_id := id_new(p_now);
    e.asked_at := p_now;
    e.due_at := p_now + setting_int('erasure_days') * interval '1 day';
    e.number_key := number_key(p_number);
    e.reference := p_reference;

    if not held(p_account, p_number, null) then
        e.result := erase_number(p_now, p_account, p_number);
        e.done_at := p_now;
    else
        e.number := p_number;
    end if;

    insert into erasure select e.*;
    return e;
end
$$;
