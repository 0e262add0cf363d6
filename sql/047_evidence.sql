-- expand: what was declared, asked, sent and answered, as a chain of commitments
--
-- Records are made afterwards, by upkeep, from rows that are there: one of a submission
-- (what was declared about it) and one of each message that has ended (whose consent it
-- rested on, over which link it went, what the operator said).  Nothing is written for
-- them where messages are accepted or sent.
--
-- A record is a JSON text of which not an octet may change.  Of the number and the text it
-- holds only HMAC-SHA256 under a random key: key and value lie in sms.evidence_value and
-- can be erased, and the record still stands (D13).  Records of an account are put into
-- blocks of at most 1,000: a tree of hashes as in RFC 6962 2.1, whose root is in the
-- block's head with the hash of the head before; the head is signed by a worker.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('evidence_minutes', '60', 'how long after it was accepted a message is looked at for evidence, and how often while it has not ended'),
    ('evidence_pack', '200', 'messages that one pack of evidence holds, at most');

insert into sms.secret (name, value)
values ('number', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

create table sms.evidence (
    account_id  bigint not null,
    block_no    bigint not null,
    -- of the first submit; of what was not submitted, when it was accepted
    at          timestamptz not null,
    brand_id    bigint,
    place       int not null,
    -- 1 a submission, 2 a message
    kind        smallint not null,
    -- a submission's is that of its first message
    message_id  uuid not null,
    submission_id uuid not null,
    -- sms.number_key() of a message's
    number_key  bytea,
    -- SHA-256 of a zero octet and doc
    leaf        bytea not null,
    doc         text not null,
    primary key (account_id, block_no, place)
);

create index evidence_number on sms.evidence (account_id, number_key, at)
    where number_key is not null;
create index evidence_message on sms.evidence (account_id, message_id);

-- What the commitments of records are about.  value and salt are null once erased.
create table sms.evidence_value (
    account_id  bigint not null,
    erased_at   timestamptz,
    -- whose row had it
    message_id  uuid not null,
    name        text not null check (name in ('number', 'text')),
    salt        bytea,
    value       text,
    primary key (account_id, message_id, name),
    check ((salt is null) = (value is null) and (salt is null) = (erased_at is not null))
);

create table sms.evidence_block (
    account_id  bigint not null,
    block_no    bigint not null,
    at          timestamptz not null,
    records     int not null,
    -- SHA-256 of head, whose text is signed
    hash        bytea not null,
    head        text not null,
    key_id      text,
    signature   bytea,
    primary key (account_id, block_no)
);

create index evidence_block_unsigned on sms.evidence_block (account_id, block_no)
    where signature is null;

-- Up to which message an account's have been looked at.
create table sms.evidence_cursor (
    account_id  bigint primary key,
    message_id  uuid not null
);

-- Those that had not ended then.
create table sms.evidence_open (
    account_id  bigint not null,
    look_at     timestamptz not null,
    message_id  uuid not null,
    primary key (account_id, message_id)
);

create index evidence_open_look on sms.evidence_open (account_id, look_at);

-- Under which a number is found again that nobody can read from it.
create function sms.number_key(p_number bigint)
returns bytea
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return hmac_sha256((select s.value from secret s where s.name = 'number'),
                       convert_to(p_number::text, 'UTF8'));
end
$$;


-- ---- trees ----------------------------------------------------------------------

-- The hashes above these: RFC 6962 2.1, level by level; what stands alone goes up as
-- it is.
create function sms.merkle_above(p_hash bytea[])
returns bytea[]
language sql immutable strict
as $$
    select array_agg(case when p_hash[2 * i] is null then p_hash[2 * i - 1]
                     else sha256('\x01'::bytea || p_hash[2 * i - 1] || p_hash[2 * i]) end
                     order by i)
      from generate_series(1, (cardinality(p_hash) + 1) / 2) i
$$;

create function sms.merkle_root(p_leaf bytea[])
returns bytea
language plpgsql immutable strict
set search_path = sms, pg_temp
as $$
begin
    while cardinality(p_leaf) > 1 loop
        p_leaf := merkle_above(p_leaf);
    end loop;

    return p_leaf[1];
end
$$;

-- What a leaf (from 1 on) is hashed with on the way to the root: ["L…", "R…"], a hash
-- in hex and the side that it stands on.
create function sms.merkle_path(p_leaf bytea[], p_place int)
returns jsonb
language plpgsql immutable strict
set search_path = sms, pg_temp
as $$
declare
    v_path  text[] := '{}';
    v_beside int;
begin
    while cardinality(p_leaf) > 1 loop
        v_beside := case when p_place % 2 = 1 then p_place + 1 else p_place - 1 end;

        if v_beside <= cardinality(p_leaf) then
            v_path := v_path || (case when v_beside < p_place then 'L' else 'R' end
                                 || encode(p_leaf[v_beside], 'hex'));
        end if;

        p_leaf := merkle_above(p_leaf);
        p_place := (p_place + 1) / 2;
    end loop;

    return to_jsonb(v_path);
end
$$;


-- ---- records --------------------------------------------------------------------

-- What its sender declared of a submission.  p_mac: of its text, in hex; null: it has
-- none that may be kept.
create function sms.evidence_submission(m sms.message, p_mac text)
returns text
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return jsonb_build_object(
        'record', 'submission',
        'account', (select id_text('acc', a.public_id) from account a
                     where a.account_id = m.account_id),
        'submission', id_text('sub', m.message_id),
        'declared_at', time_text(m.accepted_at),
        'schedule_at', time_text(m.due_at),
        'class', class_name(m.class),
        'sender', m.sender,
        -- the reference is whatever the sender wrote, and a bare hash tells the text to
        -- whoever can guess it (D13)
        'declaration', m.doc::jsonb - 'reference' - 'confirmed' || jsonb_build_object(
            'confirmed', coalesce((select jsonb_agg(c - 'text_sha256')
                                     from jsonb_array_elements(m.doc::jsonb -> 'confirmed') c),
                                  '[]')),
        'findings', coalesce((
            -- sentences may quote the text
            select jsonb_agg(f - 'detail_tr' - 'detail_en' - 'repair')
              from jsonb_array_elements(m.rejected::jsonb -> 'findings') f), '[]'),
        'text', p_mac)::text;
end
$$;

-- What became of a message.  p_number, p_text: the commitments, in hex; p_holder: whose
-- text it is.
create function sms.evidence_message(
    m sms.message, p_number text, p_text text, p_holder uuid)
returns text
language plpgsql stable
set search_path = sms, pg_temp
-- bounds are planned with their values, as in sms.text_erase
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
    v_last  uuid := (select x.high_message from message x
                      where x.account_id = m.account_id and x.message_id = m.submission_id);
    e       settlement;
begin
    select * into e from settlement x
     where x.account_id = m.account_id and x.message_id = m.message_id;

    return jsonb_build_object(
        'record', 'message',
        'account', (select id_text('acc', a.public_id) from account a
                     where a.account_id = m.account_id),
        'message', id_text('msg', m.message_id),
        'submission', id_text('sub', m.submission_id),
        'number', p_number,
        'text', p_text,
        'text_of', id_text('msg', p_holder),
        'class', class_name(m.class),
        'recipient_type', (array['BIREYSEL', 'TACIR'])[m.recipient_type],
        'sender', m.sender,
        'brand', (select id_text('brd', b.public_id) from brand b
                   where b.account_id = brand_owner(m.brand_id) and b.brand_id = m.brand_id),
        'iys_code', (select b.iys_code from brand b
                      where b.account_id = brand_owner(m.brand_id) and b.brand_id = m.brand_id),
        'accepted_at', time_text(m.accepted_at),
        'test', m.test,
        'decisions', coalesce((
            select jsonb_agg(v.body order by v.at, v.stage)
              from (select x.at, x.stage, jsonb_build_object(
                               'stage', (array['screen', 'dispatch'])[x.stage],
                               'outcome', (array['passed', 'refused', 'held'])[x.outcome],
                               'code', x.code, 'plugin', x.plugin, 'at', time_text(x.at),
                               'consent', (array['granted', 'refused', 'not_granted',
                                                 'unknown'])[x.consent_state],
                               'consent_as_of', time_text(x.consent_as_of),
                               'proof', x.proof) as body
                      from verdict x
                     where x.account_id = m.account_id and x.message_id = m.message_id
                    union all
                    select p.at, 1, jsonb_build_object(
                               'stage', 'screen', 'outcome', 'passed', 'code', null,
                               'plugin', p.plugin, 'at', time_text(p.at),
                               'consent', (array['granted', 'refused', 'not_granted',
                                                 'unknown'])[p.consent_state],
                               'consent_as_of', time_text(p.consent_as_of[p.n]),
                               'proof', case when cardinality(p.proof) = 1 then p.proof[1]
                                        else p.proof[p.n] end)
                      from (select x.*, array_position(x.message_id, m.message_id) as n
                              from verdict_passed x
                             where x.account_id = m.account_id
                               and x.submission_id = m.submission_id
                               and x.high_message = v_last) p
                     where p.n is not null) v), '[]'),
        'submits', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'at', time_text(x.at), 'attempt', x.attempt, 'part', x.part,
                       'of', x.total, 'link', k.name, 'operator', k.operator,
                       'header', (select p.state from sender_approval p
                                   where p.account_id = m.account_id and p.sender = m.sender
                                     and p.operator = k.operator),
                       'header_decided_at', (select time_text(p.decided_at)
                                               from sender_approval p
                                              where p.account_id = m.account_id
                                                and p.sender = m.sender
                                                and p.operator = k.operator),
                       'outcome', (array['sent', 'rejected', 'retry', 'throttled', 'unknown',
                                         'failover', 'stop'])[x.outcome],
                       'operator_id', x.operator_id, 'operator_code', x.operator_code)
                       order by x.at, x.attempt, x.part)
              from submit x
              left join link k on k.link_id = x.link_id
             where x.account_id = m.account_id and x.message_id = m.message_id), '[]'),
        'receipts', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'at', time_text(x.at), 'stored_at', time_text(x.stored_at),
                       'attempt', x.attempt, 'part', x.part,
                       'state', (array['enroute', 'delivered', 'expired', 'deleted',
                                       'undelivered', 'accepted', 'unknown',
                                       'rejected'])[x.state],
                       'operator_code', x.operator_code) order by x.stored_at, x.attempt, x.part)
              from receipt_final x
             where x.account_id = m.account_id and x.message_id = m.message_id), '[]'),
        'state', state_name(e.state),
        'code', e.code,
        'ended_at', time_text(e.settled_at))::text;
end
$$;

-- Puts these messages of an account into its next block.  p_new: whose submissions'
-- records are due; p_ended: messages that have ended.  Answers how many records.
create function sms.evidence_add(
    p_now timestamptz, p_account bigint, p_new uuid[], p_ended uuid[])
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_low   uuid := id_min(p_new || p_ended);
    v_high  uuid := id_max(p_new || p_ended);
    -- texts lie with the first message of a submission
    v_first uuid;
    v_block bigint;
    v_prev  text;
    v_root  bytea;
    v_head  text;
    n       int;
begin
    select min(x.submission_id::text)::uuid into v_first
      from message x
     where x.account_id = p_account and x.message_id = any (p_ended)
       and x.message_id >= v_low and x.message_id <= v_high;

    v_low := id_min(array[v_low, v_first]);

    -- an OTP's text is gone, and is not kept here either
    insert into evidence_value (account_id, message_id, name, salt, value)
    select p_account, m.message_id, 'text', webhook_secret(), m.text
      from message m
     where m.account_id = p_account and m.message_id >= v_low and m.message_id <= v_high
       and m.message_id in (select unnest(p_new || p_ended)
                             union
                            select x.text_id from message x
                             where x.account_id = p_account and x.message_id = any (p_ended)
                               and x.message_id >= v_low and x.message_id <= v_high)
       and m.text is not null and m.class <> 1
        on conflict do nothing;

    insert into evidence_value (account_id, message_id, name, salt, value)
    select p_account, m.message_id, 'number', webhook_secret(), '+' || m."to"
      from message m
     where m.account_id = p_account and m.message_id = any (p_ended)
       and m.message_id >= v_low and m.message_id <= v_high
        on conflict do nothing;

    select coalesce(max(b.block_no), 0) + 1 into v_block
      from evidence_block b where b.account_id = p_account;

    v_prev := coalesce((select encode(b.hash, 'hex') from evidence_block b
                         where b.account_id = p_account and b.block_no = v_block - 1),
                       repeat('0', 64));

    insert into evidence (account_id, block_no, at, brand_id, place, kind, message_id,
                          submission_id, number_key, leaf, doc)
    select p_account, v_block, r.at, r.brand_id,
           row_number() over (order by r.kind, r.message_id), r.kind, r.message_id,
           r.submission_id, r.number_key,
           sha256('\x00'::bytea || convert_to(r.doc, 'UTF8')), r.doc
      from (select m.accepted_at as at, m.brand_id, 1 as kind, m.message_id,
                   m.message_id as submission_id, null::bytea as number_key,
                   evidence_submission(m, encode(hmac_sha256(t.salt,
                                                 convert_to(t.value, 'UTF8')), 'hex')) as doc
              from message m
              left join evidence_value t on t.account_id = p_account
               and t.message_id = m.message_id and t.name = 'text'
             where m.account_id = p_account and m.message_id = any (p_new)
               and m.message_id >= v_low and m.message_id <= v_high
               and m.high_message is not null
            union all
            select coalesce((select min(s.at) from submit s
                              where s.account_id = p_account and s.message_id = m.message_id
                                and s.message_id >= v_low and s.message_id <= v_high
                                and s.outcome in (1, 5)), m.accepted_at),
                   m.brand_id, 2, m.message_id, m.submission_id, number_key(m."to"),
                   evidence_message(m, encode(hmac_sha256(v.salt,
                                                   convert_to(v.value, 'UTF8')), 'hex'),
                                    encode(hmac_sha256(t.salt,
                                                   convert_to(t.value, 'UTF8')), 'hex'),
                                    t.message_id)
              from message m
              left join evidence_value v on v.account_id = p_account
               and v.message_id = m.message_id and v.name = 'number'
              left join evidence_value t on t.account_id = p_account
               and t.message_id = coalesce(m.text_id, m.message_id) and t.name = 'text'
             where m.account_id = p_account and m.message_id = any (p_ended)
               and m.message_id >= v_low and m.message_id <= v_high) r;

    get diagnostics n = row_count;

    if n > 0 then
        v_root := merkle_root((select array_agg(e.leaf order by e.place) from evidence e
                                where e.account_id = p_account and e.block_no = v_block));
        v_head := jsonb_build_object(
            'account', (select id_text('acc', a.public_id) from account a
                         where a.account_id = p_account),
            'at', time_text(p_now), 'block', v_block, 'records', n,
            'root', encode(v_root, 'hex'), 'previous', v_prev)::text;

        insert into evidence_block (account_id, block_no, at, records, hash, head)
        values (p_account, v_block, p_now, n, sha256(convert_to(v_head, 'UTF8')), v_head);
    end if;

    return n;
end
$$;

-- One account, at most p_limit of its messages: new ones in the order of their ids, and
-- those that had not ended.  Answers how many messages it looked at, and records.
create function sms.evidence_walk(
    p_now timestamptz, p_account bigint, p_limit int, out looked int, out records int)
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_wait  interval := setting_int('evidence_minutes') * interval '1 minute';
    v_from  uuid;
    v_to    uuid := id_low(p_now - v_wait);
    v_new   uuid[];
    v_old   uuid[];
    v_ended uuid[];
begin
    insert into evidence_cursor (account_id, message_id)
    values (p_account, '00000000-0000-0000-0000-000000000000') on conflict do nothing;

    select c.message_id into v_from from evidence_cursor c
     where c.account_id = p_account for update;

    v_new := array(select m.message_id from message m
                    where m.account_id = p_account and m.message_id > v_from
                      and m.message_id < v_to
                    order by m.message_id limit p_limit);

    v_old := array(select o.message_id from evidence_open o
                    where o.account_id = p_account and o.look_at <= p_now
                    order by o.look_at limit p_limit - cardinality(v_new));

    looked := cardinality(v_new) + cardinality(v_old);
    records := 0;

    if looked = 0 then
        return;
    end if;

    v_ended := array(select s.message_id from settlement s
                      where s.account_id = p_account and s.message_id = any (v_new || v_old)
                        and s.message_id >= id_min(v_new || v_old)
                        and s.message_id <= id_max(v_new || v_old));

    delete from evidence_open o
     where o.account_id = p_account and o.message_id = any (v_old)
       and (o.message_id = any (v_ended)
            -- the partition is gone: there is nothing to be told any more
            or not exists (select from message m where m.account_id = p_account
                              and m.message_id = o.message_id));

    update evidence_open o set look_at = p_now + v_wait
     where o.account_id = p_account and o.message_id = any (v_old);

    insert into evidence_open (account_id, message_id, look_at)
    select p_account, m.message_id, greatest(m.due_at, p_now) + v_wait
      from message m
     where m.account_id = p_account and m.message_id = any (v_new)
       and m.message_id >= id_min(v_new) and m.message_id <= id_max(v_new)
       and m.message_id <> all (v_ended);

    records := evidence_add(p_now, p_account, v_new, v_ended);

    if v_new <> '{}' then
        update evidence_cursor set message_id = v_new[cardinality(v_new)]
         where account_id = p_account;
    end if;
end
$$;

-- Accounts from a random one on, until p_limit messages have been looked at.
create function sms.upkeep_evidence(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_start bigint := floor(random() * (select coalesce(max(account_id), 0) + 1 from account));
    v_left  int := p_limit;
    v_made  int := 0;
    v_acct  bigint;
    r       record;
begin
    for v_acct in
        (select account_id from account where account_id >= v_start order by account_id)
        union all
        (select account_id from account where account_id < v_start order by account_id)
    loop
        exit when v_left <= 0;
        select * into r from evidence_walk(p_now, v_acct, least(v_left, 500));
        v_left := v_left - r.looked;
        v_made := v_made + r.records;
    end loop;

    return json_build_object('evidence', v_made, 'more', v_left <= 0);
end
$$;


-- ---- signatures -----------------------------------------------------------------

-- Heads that nobody has signed, the oldest first: a list of account, block, head.
create function sms.evidence_unsigned(p_limit int)
returns json
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    return (
        select coalesce(json_agg(json_build_object('account', b.account_id, 'block', b.block_no,
                                                   'head', b.head)), '[]')
          from (select * from evidence_block x
                 where x.signature is null
                 order by x.account_id, x.block_no
                 limit p_limit) b);
end
$$;

-- p_list: account, block and signature (in hex) of each.
create function sms.evidence_signed(p_list json, p_key text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    update evidence_block b
       set signature = decode(u.signature, 'hex'), key_id = p_key
      from json_to_recordset(p_list) u (account bigint, block bigint, signature text)
     where b.account_id = u.account and b.block_no = u.block and b.signature is null;

    get diagnostics n = row_count;
    return n;
end
$$;

grant execute on function sms.evidence_unsigned(int), sms.evidence_signed(json, text)
    to sms_worker;
