-- expand: blacklist, idempotency keys, the queue's turns, intake

set role sms_owner;

-- The account's own list (kara liste); account 0 is the platform's.  It stops
-- every class unless the entry is limited to commercial (C1).  Opt-outs are
-- another list, which nothing here touches.
create table sms.blacklist (
    account_id  bigint not null,
    number      bigint not null,
    -- 1 all, 2 commercial
    scope       smallint not null check (scope in (1, 2)),
    reason      text not null,
    created_at  timestamptz not null default now(),
    primary key (account_id, number)
);

-- Keys live a day, so the table is not partitioned: a key must be unique for
-- longer than a partition's id can say (D2).
create table sms.idempotency (
    account_id      bigint not null,
    created_at      timestamptz not null,
    submission_id   uuid not null,
    -- compared as octets, whatever the database's language is
    key             text collate "C" not null,
    hash            bytea not null,
    primary key (account_id, key)
) with (autovacuum_vacuum_insert_scale_factor = 0.5);

create index idempotency_time on sms.idempotency using brin (created_at);

-- Batches that charge an account nothing have no posting to be known by.
create table sms.intake_batch (
    account_id  bigint not null,
    created_at  timestamptz not null,
    batch_id    uuid not null,
    primary key (account_id, batch_id)
);

create index intake_batch_time on sms.intake_batch using brin (created_at);


-- ---- turns ------------------------------------------------------------------

-- Puts messages into their lanes and debits accounts in the same row update.
-- The account rows must be locked.  A message gets the turn
--     greatest(the account's last turn in this lane, the lane's clock) + 1, 2, ...
-- so a claim in key order takes one message of each account in turn, whatever
-- the accounts have waiting.  Rows with lane null are not queued.
--
-- A batch has as many passes as it has lanes, mostly one.
create function sms.enqueue(
    p_account bigint[], p_debit bigint[],
    m_account bigint[], m_id uuid[], m_lane int[], m_attempt smallint[],
    m_parts smallint[], m_expires timestamptz[], m_fresh timestamptz[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
-- arrays meet arrays here, and the planner takes each for ten rows
set enable_nestloop = off
set jit = off
as $$
declare
    v_lanes int[] := array(select distinct l from unnest(m_lane) l where l is not null);
    v_debit bigint[] := p_debit;
    v_lane  int;
    v_pos   int;
    v_clock bigint;
begin
    if v_lanes = '{}' then
        update account a
           set available_micro = a.available_micro - d.amount
          from unnest(p_account, p_debit) d (account_id, amount)
         where a.account_id = d.account_id and a.account_id = any (p_account)
           and d.amount <> 0;
        return;
    end if;

    foreach v_lane in array v_lanes loop
        select pos, clock into v_pos, v_clock from lane where lane = v_lane;

        if not found then
            -- a link that no worker has told of yet
            perform lane_add(array[v_lane]);
            select pos, clock into v_pos, v_clock from lane where lane = v_lane;
        end if;

        with waiting as materialized (
            select u.account_id, u.message_id, u.attempt, u.parts, u.expires_at, u.fresh_until,
                   row_number() over (partition by u.account_id order by u.i) as nth
              from unnest(m_account, m_id, m_lane, m_attempt, m_parts, m_expires, m_fresh)
                   with ordinality
                   u (account_id, message_id, lane, attempt, parts, expires_at, fresh_until, i)
             where u.lane = v_lane
        ), share as (
            select account_id, max(nth) as n from waiting group by account_id
        ), turned as (
            update account a
               set available_micro = a.available_micro - d.amount,
                   turns[v_pos] = case when d.n is null then a.turns[v_pos]
                                  else greatest(coalesce(a.turns[v_pos], 0), v_clock) + d.n end
              from (select p.account_id, p.amount, s.n
                      from unnest(p_account, v_debit) p (account_id, amount)
                      left join share s using (account_id)
                     where p.amount <> 0 or s.n is not null) d
             where a.account_id = d.account_id and a.account_id = any (p_account)
            returning a.account_id, a.turns[v_pos] - d.n as base
        )
        insert into queue (turn, account_id, expires_at, fresh_until, lane, attempt, parts,
                           message_id)
        select t.base + w.nth, w.account_id, w.expires_at, w.fresh_until, v_lane, w.attempt,
               w.parts, w.message_id
          from waiting w
          join turned t using (account_id);

        v_debit := array_fill(0::bigint, array[cardinality(p_account)]);
    end loop;
end
$$;


-- ---- intake -----------------------------------------------------------------

-- Writes one batch of submissions: messages, money, idempotency keys and queue
-- in one commit.
--
-- Answers nothing when all of it was taken.  Accounts that cannot be taken as a
-- whole are left out whole, one row each: outcome 1, judge their submissions
-- again one by one.  A batch of one submission gets the exact outcome instead:
--     2  idempotency key known, same request; detail: the stored submission
--     3  idempotency key known, other request
--     4  not enough credit
--     5  blacklisted recipients; detail: JSON array of the numbers
--     6  account not active
-- A batch sent again unchanged finds its accounts done and moves nothing (D1).
create function sms.intake(
    p_batch uuid, p_now timestamptz,
    p_acct bigint[], p_acct_sum bigint[],
    p_sub_id uuid[], p_sub_acct bigint[], p_sub_key text[], p_sub_hash bytea[],
    p_sub_doc text[], p_sub_rejected text[], p_sub_due timestamptz[],
    p_body_id uuid[], p_body_acct bigint[], p_body_text text[],
    p_msg_id uuid[], p_msg_acct bigint[], p_msg_sub uuid[], p_msg_ord int[],
    p_msg_body uuid[], p_msg_to bigint[], p_msg_class smallint[], p_msg_rtype smallint[],
    p_msg_brand bigint[], p_msg_sender text[], p_msg_enc smallint[], p_msg_parts smallint[],
    p_msg_price bigint[], p_msg_expires timestamptz[], p_msg_lane int[], p_msg_ref text[],
    p_msg_test boolean[])
returns table (account_id bigint, submission_id uuid, outcome smallint, detail text)
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_done  bigint[];
    v_dead  bigint[];
    v_poor  bigint[];
    v_known bigint[];
    v_black bigint[];
    v_out   bigint[];
    v_keep  bigint[];
    v_zero  boolean := 0 = any (p_acct_sum);
    v_keys  boolean := array_remove(p_sub_key, null) <> '{}';
    v_one   boolean := p_sub_id = p_msg_sub and p_body_id = p_msg_body;
    v_low   uuid[];
    v_high  uuid[];
begin
    -- The lock comes before anything is looked up or written: whoever waited
    -- here sees what the other has written.
    select array_agg(b.account_id) filter (where a.state is distinct from 1),
           array_agg(b.account_id) filter (where a.available_micro < b.amount)
      into v_dead, v_poor
      from unnest(p_acct, p_acct_sum) b (account_id, amount)
      left join (select x.account_id, x.state, x.available_micro
                   from account x
                  where x.account_id = any (p_acct)
                  order by x.account_id
                    for update) a using (account_id);

    -- account 0 is the platform's list
    select array_agg(m.account_id)
      into v_black
      from unnest(p_msg_acct, p_msg_to, p_msg_class) m (account_id, number, class)
     where (select true from blacklist b
             where b.account_id in (0, m.account_id) and b.number = m.number
               and (b.scope = 1 or m.class = 3)
             limit 1);

    -- The batch and its keys are nearly always new, so they are written without
    -- a look (which would cost a fifth of all this); a row that is there already
    -- undoes the attempt, and only then it is asked which.
    <<attempt>>
    for try in 1 .. 2 loop
        if try = 2 then
            select array_agg(b.account_id)
              into v_done
              from unnest(p_acct) b (account_id)
             where (select true from posting p
                     where p.account_id = b.account_id and p.posting_id = p_batch
                       and p.kind = 1
                     limit 1)
                or (select true from intake_batch i
                     where i.account_id = b.account_id and i.batch_id = p_batch
                     limit 1);

            select array_agg(k.account_id)
              into v_known
              from unnest(p_sub_acct, p_sub_key) k (account_id, key)
             where k.key is not null
               and (select true from idempotency i
                     where i.account_id = k.account_id and i.key = k.key
                     limit 1);
        end if;

        -- A poor or closed account may be one that has this batch already.
        continue when try = 1 and (v_dead is not null or v_poor is not null
                                   or v_black is not null);

        if try = 2 then
            v_out := array(select distinct o
                             from unnest(v_dead || v_poor || v_known || v_black) o
                            where o <> all (coalesce(v_done, '{}')));

            if v_out <> '{}' then
                if cardinality(p_sub_id) = 1 then
                    return query
                    select * from intake_verdict(p_sub_acct[1], p_sub_id[1], p_sub_key[1],
                                                 p_sub_hash[1], v_dead is not null,
                                                 p_msg_to, p_msg_class);
                    return;
                end if;

                return query
                select o, null::uuid, 1::smallint, null::text from unnest(v_out) o order by o;
            end if;

            v_keep := array(select a from unnest(p_acct) a
                             where a <> all (coalesce(v_done, '{}')) and a <> all (v_out));

            if v_keep = '{}' then
                return;
            end if;

            -- The rest is the same batch without the others' rows.
            select array_agg(u.a), array_agg(u.s)
              into p_acct, p_acct_sum
              from unnest(p_acct, p_acct_sum) u (a, s)
             where u.a = any (v_keep);

            select array_agg(u.a), array_agg(u.b), array_agg(u.c), array_agg(u.d),
                   array_agg(u.e), array_agg(u.f), array_agg(u.g)
              into p_sub_id, p_sub_acct, p_sub_key, p_sub_hash,
                   p_sub_doc, p_sub_rejected, p_sub_due
              from unnest(p_sub_id, p_sub_acct, p_sub_key, p_sub_hash,
                          p_sub_doc, p_sub_rejected, p_sub_due) u (a, b, c, d, e, f, g)
             where u.b = any (v_keep);

            select array_agg(u.a), array_agg(u.b), array_agg(u.c)
              into p_body_id, p_body_acct, p_body_text
              from unnest(p_body_id, p_body_acct, p_body_text) u (a, b, c)
             where u.b = any (v_keep);

            select array_agg(u.a), array_agg(u.b), array_agg(u.c), array_agg(u.d),
                   array_agg(u.e), array_agg(u.f), array_agg(u.g), array_agg(u.h),
                   array_agg(u.i), array_agg(u.j), array_agg(u.k), array_agg(u.l),
                   array_agg(u.m), array_agg(u.n), array_agg(u.o), array_agg(u.p),
                   array_agg(u.q)
              into p_msg_id, p_msg_acct, p_msg_sub, p_msg_ord,
                   p_msg_body, p_msg_to, p_msg_class, p_msg_rtype,
                   p_msg_brand, p_msg_sender, p_msg_enc, p_msg_parts,
                   p_msg_price, p_msg_expires, p_msg_lane, p_msg_ref,
                   p_msg_test
              from unnest(p_msg_id, p_msg_acct, p_msg_sub, p_msg_ord,
                          p_msg_body, p_msg_to, p_msg_class, p_msg_rtype,
                          p_msg_brand, p_msg_sender, p_msg_enc, p_msg_parts,
                          p_msg_price, p_msg_expires, p_msg_lane, p_msg_ref,
                          p_msg_test)
                   u (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q)
             where u.b = any (v_keep);
        end if;

        begin
            insert into posting (account_id, amount_micro, at, kind, debit, credit, posting_id)
            select u.account_id, u.amount, p_now, 1, 2, 3, p_batch
              from unnest(p_acct, p_acct_sum) u (account_id, amount)
             where u.amount <> 0;

            if v_zero then
                insert into intake_batch (account_id, created_at, batch_id)
                select u.account_id, p_now, p_batch
                  from unnest(p_acct, p_acct_sum) u (account_id, amount)
                 where u.amount = 0;
            end if;

            if v_keys then
                insert into idempotency (account_id, created_at, submission_id, key, hash)
                select u.account_id, p_now, u.submission_id, u.key, u.hash
                  from unnest(p_sub_acct, p_sub_id, p_sub_key, p_sub_hash)
                       u (account_id, submission_id, key, hash)
                 where u.key is not null;
            end if;

            exit attempt;
        exception
            when unique_violation then
                -- twice the same key in one batch: the worker's fault
                if try = 2 then
                    raise;
                end if;
        end;
    end loop;

    -- Range of each submission's message ids; one message each is the usual case.
    if p_sub_id = p_msg_sub then
        v_low := p_msg_id;
        v_high := p_msg_id;
    else
        select array_agg(r.low order by s.i), array_agg(r.high order by s.i)
          into v_low, v_high
          from unnest(p_sub_id) with ordinality s (id, i)
          left join (select u.sub, min(u.id::text collate "C")::uuid as low,
                            max(u.id::text collate "C")::uuid as high
                       from unnest(p_msg_sub, p_msg_id) u (sub, id)
                      group by u.sub) r on r.sub = s.id;
    end if;

    -- Functions in the select list run in step and cost less than in FROM
    -- (measured); all arrays of a group have one length.
    insert into submission (account_id, accepted_at, submission_id, batch_id, low_message,
                            high_message, due_at, doc, rejected, text)
    select unnest(p_sub_acct), p_now, unnest(p_sub_id), p_batch, unnest(v_low),
           unnest(v_high), unnest(p_sub_due), unnest(p_sub_doc), unnest(p_sub_rejected),
           unnest(case when v_one then p_body_text
                  else array_fill(null::text, array[cardinality(p_sub_id)]) end);

    if v_one then
        p_msg_body := array_fill(null::uuid, array[cardinality(p_msg_id)]);
    else
        insert into body (account_id, body_id, text)
        select unnest(p_body_acct), unnest(p_body_id), unnest(p_body_text);
    end if;

    insert into message (account_id, "to", price_micro, brand_id, expires_at, ord, class,
                         recipient_type, encoding, parts, test, message_id, submission_id,
                         body_id, sender, reference)
    select unnest(p_msg_acct), unnest(p_msg_to), unnest(p_msg_price), unnest(p_msg_brand),
           unnest(p_msg_expires), unnest(p_msg_ord), unnest(p_msg_class),
           unnest(p_msg_rtype), unnest(p_msg_enc), unnest(p_msg_parts), unnest(p_msg_test),
           unnest(p_msg_id), unnest(p_msg_sub), unnest(p_msg_body), unnest(p_msg_sender),
           unnest(p_msg_ref);

    perform enqueue(p_acct, p_acct_sum, p_msg_acct, p_msg_id, p_msg_lane,
                    array_fill(1::smallint, array[cardinality(p_msg_id)]),
                    p_msg_parts, p_msg_expires,
                    array_fill(null::timestamptz, array[cardinality(p_msg_id)]));

    if array_position(p_msg_lane, null) is not null then
        insert into due (at, account_id, expires_at, attempt, parts, message_id)
        select coalesce(s.due_at, p_now), m.account_id, m.expires_at, 1, m.parts, m.id
          from unnest(p_msg_acct, p_msg_id, p_msg_sub, p_msg_lane, p_msg_expires, p_msg_parts)
               m (account_id, id, sub, lane, expires_at, parts)
          join unnest(p_sub_id, p_sub_due) s (id, due_at) on s.id = m.sub
         where m.lane is null;
    end if;
end
$$;

-- Why the one submission of a batch was not taken.  A known key comes first: a
-- replay is answered as it was, whatever has happened to account and credit.
create function sms.intake_verdict(
    p_acct bigint, p_sub uuid, p_key text, p_hash bytea, p_dead boolean,
    p_msg_to bigint[], p_msg_class smallint[])
returns table (account_id bigint, submission_id uuid, outcome smallint, detail text)
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    known   idempotency;
    black   json;
begin
    select i.* into known
      from idempotency i
     where i.account_id = p_acct and i.key = p_key;

    if found then
        return query
        select p_acct, p_sub,
               case when known.hash is not distinct from p_hash then 2 else 3 end::smallint,
               known.submission_id::text;
        return;
    end if;

    if p_dead then
        return query select p_acct, p_sub, 6::smallint, null::text;
        return;
    end if;

    -- Before credit: without these numbers the rest may be affordable.
    select json_agg(distinct m.number)
      into black
      from unnest(p_msg_to, p_msg_class) m (number, class)
     where (select true from blacklist b
             where b.account_id in (0, p_acct) and b.number = m.number
               and (b.scope = 1 or m.class = 3)
             limit 1);

    if black is not null then
        return query select p_acct, p_sub, 5::smallint, black::text;
        return;
    end if;

    return query select p_acct, p_sub, 4::smallint, null::text;
end
$$;

grant execute on function sms.intake(
    uuid, timestamptz, bigint[], bigint[], uuid[], bigint[], text[], bytea[], text[], text[],
    timestamptz[], uuid[], bigint[], text[], uuid[], bigint[], uuid[], int[], uuid[], bigint[],
    smallint[], smallint[], bigint[], text[], smallint[], smallint[], bigint[], timestamptz[],
    int[], text[], boolean[]) to sms_worker;


-- What a 202 said, to say it again (D6); in the order of the request.
create function sms.submission_rows(p_account bigint, p_submission uuid)
returns table (sub_doc text, sub_rejected text, status smallint, message_id uuid, ord int,
               "to" bigint, enc smallint, parts smallint, price bigint, ref text,
               due timestamptz)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    s   submission;
begin
    select x.* into s
      from submission x
     where x.account_id = p_account and x.submission_id = p_submission;

    return query
    select s.doc, s.rejected, 202::smallint, m.message_id, m.ord, m."to", m.encoding, m.parts,
           m.price_micro, m.reference, s.due_at
      from message m
     where m.account_id = p_account and m.submission_id = p_submission
       and m.message_id >= s.low_message and m.message_id <= s.high_message
     order by m.ord;
end
$$;

grant execute on function sms.submission_rows(bigint, uuid) to sms_worker;
