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

-- Those that an erasure has left: sms.number_mask().
create index blacklist_hashed on sms.blacklist (account_id) where number < 0;

create trigger account_look
    after insert or delete on sms.blacklist
    for each row execute function sms.account_look();

-- Keys live a day, so the table is not partitioned: a key must be unique for
-- longer than a partition's id can say (D2).
create table sms.idempotency (
    account_id      bigint not null,
    created_at      timestamptz not null,
    submission_id   uuid not null,
    -- the first half of the key's SHA-256: what a client chose is of any length,
    -- and may say more than we need to know
    key             uuid not null,
    -- SHA-256 of the request
    hash            bytea not null,
    primary key (account_id, key)
) with (autovacuum_vacuum_insert_scale_factor = 0.5);


-- ---- turns ------------------------------------------------------------------

-- Each row's place among those of its account and lane, from 1 on.
create function sms.places(m_account bigint[], m_lane int[])
returns int[]
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
    return (
        select array_agg(p.nth order by p.i)
          from (select u.i, (row_number() over (partition by u.account_id, u.lane
                                                order by u.i))::int as nth
                  from unnest(m_account, m_lane) with ordinality u (account_id, lane, i)) p);
end
$$;

-- Puts messages into their lanes and debits accounts in the same row update.
-- The account rows must be locked.  A message gets the turn
--     greatest(the account's last turn in this lane, the lane's clock) + place * step
-- so a claim in key order takes one message of each account in turn, whatever
-- the accounts have waiting; of an account of weight 2, whose step is half the usual
-- one, two.  Rows with lane null are not queued.
--
-- A batch has as many passes as it has lanes, mostly one.
create function sms.enqueue(
    p_account bigint[], p_debit bigint[],
    m_account bigint[], m_id uuid[], m_lane int[], m_place int[], m_attempt smallint[],
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
        select p.pos, p.clock into v_pos, v_clock from lane_place(v_lane) p;

        with share as (
            select u.account_id, max(u.place) as n
              from unnest(m_account, m_lane, m_place) u (account_id, lane, place)
             where u.lane = v_lane
             group by u.account_id
        ), turned as (
            update account a
               set available_micro = a.available_micro - d.amount,
                   turns[v_pos] = case when d.n is null then a.turns[v_pos]
                                  else greatest(coalesce(a.turns[v_pos], 0), v_clock)
                                       + d.n * a.step end
              from (select p.account_id, p.amount, s.n
                      from unnest(p_account, v_debit) p (account_id, amount)
                      left join share s using (account_id)
                     where p.amount <> 0 or s.n is not null) d
             where a.account_id = d.account_id and a.account_id = any (p_account)
            returning a.account_id, a.turns[v_pos] - d.n * a.step as base, a.step
        )
        insert into queue (turn, account_id, expires_at, fresh_until, lane, attempt, parts,
                           message_id)
        select t.base + u.place * t.step, u.account_id, u.expires_at, u.fresh_until, v_lane, u.attempt,
               u.parts, u.message_id
          from unnest(m_account, m_id, m_lane, m_place, m_attempt, m_parts, m_expires, m_fresh)
               u (account_id, message_id, lane, place, attempt, parts, expires_at, fresh_until)
          join turned t using (account_id)
         where u.lane = v_lane;

        v_debit := array_fill(0::bigint, array[cardinality(p_account)]);
    end loop;
end
$$;


-- Debits accounts and takes their next turns in one lane, all or none: one pass
-- over the account rows, in the order of p_account, which is that of the lock.
-- p_count: how many messages each has.  p_lane null: no turns, no queue.  Answers
-- the turn before each account's first, how far each message moves it on (null: 720 for
-- all), and what must be looked at: the bits of all accounts (account.look), 1 where the
-- platform has a blacklist, and 8 where an administrator has halted anything.  p_lease: a
-- lease
-- that must be this epoch's.  Raises SMS05 when it is not, or an account is missing or
-- not active; check_violation when one is short of credit.
create function sms.account_charge(
    p_account bigint[], p_debit bigint[], p_count int[], p_lane int,
    p_lease text, p_epoch bigint, out base bigint[], out step int[], out look int)
language plpgsql
as $$
#variable_conflict use_column
declare
    v_pos       int;
    v_clock     bigint;
    v_acct      bigint[];
    v_well      boolean;
begin
    -- An index gives the rows of "= any" in the order of its key; width_bucket() tells
    -- the place of an id in a sorted array.
    if p_lane is null then
        with charged as (
            update account a
               set available_micro = a.available_micro
                                     - p_debit[width_bucket(a.account_id, p_account)]
             where a.account_id = any (p_account)
            returning a.account_id, a.state, a.look
        )
        select array_agg(c.account_id),
               bool_and(c.state = 1) and (p_lease is null or lease_held(p_lease, p_epoch)),
               bit_or(c.look) | case when exists (select from blacklist b where b.account_id = 0)
                                then 1 else 0 end
                              | case when exists (select from stop s where s.lifted_at is null)
                                then 8 else 0 end
          into v_acct, v_well, look
          from charged c;
    else
        select p.pos, p.clock into v_pos, v_clock from lane_place(p_lane) p;

        with charged as (
            update account a
               set available_micro = a.available_micro
                                     - p_debit[width_bucket(a.account_id, p_account)],
                   turns[v_pos] = greatest(coalesce(a.turns[v_pos], 0), v_clock)
                                  + p_count[width_bucket(a.account_id, p_account)] * a.step
             where a.account_id = any (p_account)
            returning a.account_id, a.state, a.look, a.step,
                      a.turns[v_pos] - p_count[width_bucket(a.account_id, p_account)] * a.step
                          as base
        )
        select array_agg(c.account_id), array_agg(c.base), bool_and(c.state = 1),
               bit_or(c.look) | case when exists (select from blacklist b where b.account_id = 0)
                                then 1 else 0 end
                              | case when exists (select from stop s where s.lifted_at is null)
                                then 8 else 0 end,
               case when bit_or(c.look) & 4 <> 0 then array_agg(c.step) end
          into v_acct, base, v_well, look, step
          from charged c;
    end if;

    if v_well is not true or v_acct is distinct from p_account then
        raise exception 'cannot-charge' using errcode = 'SMS05';
    end if;
end
$$;


-- ---- intake -----------------------------------------------------------------

-- Writes one batch of submissions: messages, money, idempotency keys and queue
-- in one commit.  Arrays hold one element a message, a submission's together
-- and in the order of the request; its first message has the submission's id
-- and brings high, doc, hash, rejected, key and request, null in the others.
-- p_acct: each account once, by id, with what its messages cost and how many
-- they are.  pos: the place of the message's account there; place: see
-- sms.places().
--
-- Answers nothing when all of it was taken.  Accounts that cannot be taken as a
-- whole are left out whole, one row each: outcome 1, judge their submissions
-- again one by one.  A batch of one submission gets the exact outcome instead:
--     2  idempotency key known, same request; detail: the stored submission
--     3  idempotency key known, other request
--     4  not enough credit
--     5  blacklisted recipients; detail: JSON array of the numbers
--     6  account not active
--     8  halted by an administrator; detail: account-stopped, sender-stopped,
--        route-stopped, or url-host-stopped and behind it the places of the messages
-- A batch sent again unchanged finds its accounts done and moves nothing (D1).
--
-- p_claim: all messages are of p_link, whose lanes are empty, and the worker that
-- holds this lease has room for them: they are claimed with their acceptance and
-- not queued (docs/decisions/claimed-at-intake.md), and a row says so: account 0,
-- outcome 7.  Without that row none of them is claimed.
create function sms.intake(
    p_batch uuid, p_now timestamptz,
    p_acct bigint[], p_acct_sum bigint[], p_acct_count int[],
    m_id uuid[], m_acct bigint[], m_sub uuid[], m_ord int[], m_to bigint[], m_class smallint[],
    m_rtype smallint[], m_brand bigint[], m_sender text[], m_enc smallint[],
    m_parts smallint[], m_price bigint[], m_expires timestamptz[], m_due timestamptz[],
    m_lane int[], m_pos int[], m_place int[], m_ref text[], m_test boolean[], m_text_id uuid[],
    m_text text[],
    m_high uuid[], m_doc text[], m_hash bytea[], m_rejected text[], m_key uuid[],
    m_request bytea[],
    p_claim uuid default null, p_link int default null, p_lease text default null,
    p_epoch bigint default null)
returns table (account_id bigint, submission_id uuid, outcome smallint, detail text)
language plpgsql security definer
set search_path = sms, pg_temp
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
    v_keys  boolean := array_remove(m_key, null) <> '{}';
    -- the one lane of all messages: nearly always
    v_lane  int := case when m_lane[1] = all (m_lane) then m_lane[1] end;
    v_claim boolean := p_claim is not null and lease_held(p_lease, p_epoch);
    -- A large body locks its account when its messages are written, not before: an OTP
    -- of that account waits from there on, for the commit, too.
    v_late  boolean := cardinality(p_acct) = 1 and cardinality(m_id) > 64
                       and (v_lane is not null or array_remove(m_lane, null) = '{}');
    v_pays  boolean;
    -- what account_charge() says
    v_charged record;
    v_look  int := 15;
    v_stop  bigint[];
begin
    perform stop_reads();

    -- The batch and its keys are nearly always new and the accounts can pay, so
    -- all is written without a look (which would cost a third of all this); what
    -- does not hold undoes the attempt, and only then it is asked.
    <<attempt>>
    for try in 1 .. 2 loop
        -- who cannot pay for it does not have it written first
        if try = 1 and v_late then
            select a.state = 1 and a.available_micro >= p_acct_sum[1],
                   a.look | case when exists (select from blacklist b where b.account_id = 0)
                            then 1 else 0 end
                          | case when exists (select from stop s where s.lifted_at is null)
                            then 4 else 0 end
              into v_pays, v_look
              from account a
             where a.account_id = p_acct[1];

            continue when v_pays is not true;
        end if;

        if try = 2 or (v_lane is null and not v_claim and not v_late) then
            -- The lock comes before anything is looked up or written: whoever
            -- waited here sees what the other has written.
            select array_agg(b.account_id) filter (where a.state is distinct from 1),
                   array_agg(b.account_id) filter (where a.available_micro < b.amount)
              into v_dead, v_poor
              from unnest(p_acct, p_acct_sum) b (account_id, amount)
              left join (select x.account_id, x.state, x.available_micro
                           from account x
                          where x.account_id = any (p_acct)
                          order by x.account_id
                            for update) a using (account_id);

            -- A poor or closed account may be one that has this batch already.
            continue when try = 1 and (v_dead is not null or v_poor is not null);
        end if;

        if try = 2 then
            v_lane := null;
            v_claim := false;
            v_late := false;
            v_black := intake_black(p_acct, m_acct, m_to, m_class);
            v_stop := intake_stopped(p_now, m_acct, m_sender, m_text, m_lane);

            -- An account's messages are written together: one of them tells of all.
            select array_agg(b.account_id)
              into v_done
              from (select distinct on (u.account_id) u.account_id, u.message_id
                      from unnest(m_acct, m_id) u (account_id, message_id)) b
             where (select true from message x
                     where x.account_id = b.account_id and x.message_id = b.message_id
                       and x.message_id >= id_min(m_id) and x.message_id <= id_max(m_id)
                     limit 1);

            select array_agg(k.account_id)
              into v_known
              from unnest(m_acct, m_key) k (account_id, key)
             where k.key is not null
               and (select true from idempotency i
                     where i.account_id = k.account_id and i.key = k.key
                     limit 1);

            v_out := array(select distinct o
                             from unnest(v_dead || v_poor || v_known || v_black || v_stop) o
                            where o <> all (coalesce(v_done, '{}')));

            if v_out <> '{}' then
                if cardinality(array_remove(m_doc, null)) = 1 then
                    return query
                    select * from intake_verdict(m_acct[1], m_sub[1], m_key[1], m_request[1],
                                                 v_dead is not null, m_to, m_class,
                                                 case when v_stop is not null
                                                 then intake_stop(p_now, m_acct, m_sender,
                                                                  m_text, m_lane, m_id,
                                                                  m_text_id, m_ord) end);
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
                   array_agg(u.e), array_agg(u.f), array_agg(u.g), array_agg(u.h),
                   array_agg(u.i), array_agg(u.j), array_agg(u.k), array_agg(u.l),
                   array_agg(u.m), array_agg(u.n), array_agg(u.o), array_agg(u.p),
                   array_agg(u.q), array_agg(u.r), array_agg(u.s), array_agg(u.t),
                   array_agg(u.u), array_agg(u.v), array_agg(u.w), array_agg(u.x),
                   array_agg(u.y), array_agg(u.z)
              into m_id, m_acct, m_sub, m_ord, m_to, m_class, m_rtype, m_brand, m_sender, m_enc,
                   m_parts, m_price, m_expires, m_due, m_lane, m_place, m_ref, m_test,
                   m_text_id, m_text, m_high, m_doc, m_hash, m_rejected, m_key, m_request
              from unnest(m_id, m_acct, m_sub, m_ord, m_to, m_class, m_rtype, m_brand, m_sender,
                          m_enc, m_parts, m_price, m_expires, m_due, m_lane, m_place, m_ref,
                          m_test, m_text_id, m_text, m_high, m_doc, m_hash, m_rejected, m_key,
                          m_request)
                   u (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y,
                      z)
             where u.b = any (v_keep);
        end if;

        begin
            if not v_late and (v_claim or v_lane is not null) then
                v_charged := account_charge(p_acct, p_acct_sum, p_acct_count,
                                            case when not v_claim then v_lane end,
                                            case when v_claim then p_lease end, p_epoch);
                v_look := v_charged.look;
            end if;

            if try = 1 and v_look & 1 <> 0
               and intake_black(p_acct, m_acct, m_to, m_class) is not null
            then
                raise exception 'blacklisted' using errcode = 'SMS05';
            end if;

            if try = 1 and v_look & 8 <> 0
               and intake_stopped(p_now, m_acct, m_sender, m_text, m_lane) is not null
            then
                raise exception 'stopped' using errcode = 'SMS05';
            end if;

            if v_claim and v_look & 10 <> 0 and not intake_may_claim(p_link, p_acct) then
                if v_lane is null then
                    raise exception 'several-lanes' using errcode = 'SMS05';
                end if;

                v_claim := false;

                if not v_late then
                    v_charged := account_charge(
                        p_acct, array_fill(0::bigint, array[cardinality(p_acct)]),
                        p_acct_count, v_lane, null, null);
                end if;
            end if;

            -- Here and below: functions in a select list run in step and cost less than
            -- in FROM (measured).
            if v_keys then
                insert into idempotency (account_id, created_at, submission_id, key, hash)
                select u.account_id, p_now, u.submission_id, u.key, u.request
                  from (select unnest(m_acct) as account_id, unnest(m_sub) as submission_id,
                               unnest(m_key) as key, unnest(m_request) as request) u
                 where u.key is not null;
            end if;

            insert into message (account_id, "to", price_micro, brand_id, accepted_at,
                                 expires_at, due_at, ord, class, recipient_type, encoding,
                                 parts, test, message_id, submission_id, batch_id, text_id,
                                 sender, reference, text, high_message, doc, text_hash,
                                 rejected)
            select unnest(m_acct), unnest(m_to), unnest(m_price), unnest(m_brand), p_now,
                   unnest(m_expires), unnest(m_due), unnest(m_ord), unnest(m_class),
                   unnest(m_rtype), unnest(m_enc), unnest(m_parts), unnest(m_test),
                   unnest(m_id), unnest(m_sub), p_batch, unnest(m_text_id), unnest(m_sender),
                   unnest(m_ref), unnest(m_text), unnest(m_high), unnest(m_doc),
                   unnest(m_hash), unnest(m_rejected);

            if v_late then
                v_charged := account_charge(p_acct, p_acct_sum, p_acct_count,
                                            case when not v_claim then v_lane end,
                                            case when v_claim then p_lease end, p_epoch);
            end if;

            exit attempt;
        exception
            when unique_violation or check_violation or sqlstate 'SMS05' then
                -- twice the same key in one batch: the worker's fault
                if try = 2 then
                    raise;
                end if;
        end;
    end loop;

    if v_claim then
        insert into claim (epoch, claimed_at, link_id, claim_id, lease, account_id, message_id,
                           attempt)
        values (p_epoch, p_now, p_link, p_claim, p_lease, m_acct, m_id,
                array_fill(1::smallint, array[cardinality(m_id)]));

        return query select 0::bigint, null::uuid, 7::smallint, null::text;
        return;
    end if;

    if v_lane is not null then
        if v_charged.step is null then
            insert into queue (turn, account_id, expires_at, lane, attempt, parts, message_id)
            select v_charged.base[unnest(m_pos)] + unnest(m_place) * 720, unnest(m_acct),
                   unnest(m_expires), v_lane, 1, unnest(m_parts), unnest(m_id);
        else
            insert into queue (turn, account_id, expires_at, lane, attempt, parts, message_id)
            select v_charged.base[u.pos] + u.place * v_charged.step[u.pos], u.account_id,
                   u.expires_at, v_lane, 1, u.parts, u.message_id
              from (select unnest(m_pos) as pos, unnest(m_place) as place,
                           unnest(m_acct) as account_id, unnest(m_expires) as expires_at,
                           unnest(m_parts) as parts, unnest(m_id) as message_id) u;
        end if;

        return;
    end if;

    if not v_late then
        perform enqueue(p_acct, p_acct_sum, m_acct, m_id, m_lane, m_place,
                        array_fill(1::smallint, array[cardinality(m_id)]), m_parts, m_expires,
                        array_fill(null::timestamptz, array[cardinality(m_id)]));
    end if;

    if array_position(m_lane, null) is not null then
        perform due_put(p_now, m_acct, m_id, m_sub, m_lane, m_expires, m_due, m_parts, m_high);
    end if;
end
$$;

-- May messages of accounts that have lost something be claimed with their acceptance?
-- What a claim looks at again is judged by then, but for what workers know from their
-- caches.
create function sms.intake_may_claim(p_link int, p_acct bigint[])
returns boolean
language plpgsql
as $$
begin
    return not exists (select from link k where k.link_id = p_link and k.halt <> 0)
           and not exists (select from sender s
                            where s.account_id = any (p_acct) and s.revoked_at is not null)
           and not exists (select from sender_approval p
                            where p.account_id = any (p_acct)
                              and p.operator = (select k.operator from link k
                                                 where k.link_id = p_link)
                              and p.state <> 'approved');
end
$$;

-- The accounts, as often as they have messages to numbers that their blacklist or the
-- platform's (account 0) stops; null where none has.
create function sms.intake_black(
    p_acct bigint[], m_acct bigint[], m_to bigint[], m_class smallint[])
returns bigint[]
language plpgsql
as $$
begin
    if cardinality(p_acct) = 1 and m_class[1] = all (m_class) then
        return (select array_agg(p_acct[1])
                  from unnest(blacklisted(p_acct[1], m_class[1], m_to)));
    end if;

    return (
        select array_agg(m.account_id)
          from (select unnest(m_acct) as account_id, unnest(m_to) as number,
                       unnest(m_class) as class) m
         where (select true from blacklist b
                 where b.account_id in (0, m.account_id) and b.number = m.number
                   and (b.scope = 1 or m.class = 3)
                 limit 1));
end
$$;

-- The accounts, as often as they have messages that an administrator has halted; null
-- where none has.  A text that stands in another's row is looked at there.
create function sms.intake_stopped(
    p_now timestamptz, m_acct bigint[], m_sender text[], m_text text[], m_lane int[])
returns bigint[]
language plpgsql
as $$
declare
    v_stop  smallint[];
    v_acct  bigint[];
begin
    if not exists (select from stop s where s.lifted_at is null) then
        return null;
    end if;

    v_stop := stopped(p_now, m_acct, m_sender, m_text);

    if v_stop is not null then
        select array_agg(u.account_id) into v_acct
          from unnest(m_acct, v_stop) u (account_id, stop)
         where u.stop > 0;
    end if;

    if exists (select from stop s where s.lifted_at is null and s.target = 'link') then
        v_acct := v_acct || array(
            select u.account_id
              from unnest(m_acct, m_lane) u (account_id, lane)
             where u.lane / 64 in (select k.link_id from link k where k.halt = 2));
    end if;

    return nullif(v_acct, '{}');
end
$$;

-- Why, of the messages of one submission: see sms.intake().
create function sms.intake_stop(
    p_now timestamptz, m_acct bigint[], m_sender text[], m_text text[], m_lane int[],
    m_id uuid[], m_text_id uuid[], m_ord int[])
returns text
language plpgsql
as $$
declare
    v_stop  smallint[] := stopped(p_now, m_acct, m_sender, m_text);
    v_hit   uuid[];
begin
    if v_stop && array[1, 4]::smallint[] then
        return 'account-stopped';
    elsif v_stop && array[2, 5]::smallint[] then
        return 'sender-stopped';
    elsif v_stop && array[3, 6]::smallint[] then
        v_hit := array(select u.id from unnest(m_id, v_stop) u (id, stop) where u.stop > 0);

        return (select 'url-host-stopped ' || string_agg(u.ord::text, ' ' order by u.ord)
                  from unnest(m_id, m_text_id, m_ord) u (id, text_id, ord)
                 where coalesce(u.text_id, u.id) = any (v_hit));
    end if;

    return 'route-stopped';
end
$$;

-- Why the one submission of a batch was not taken.  A known key comes first: a
-- replay is answered as it was, whatever has happened to account and credit.
create function sms.intake_verdict(
    p_acct bigint, p_sub uuid, p_key uuid, p_request bytea, p_dead boolean,
    m_to bigint[], m_class smallint[], p_stop text)
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
        select p_acct, p_sub, case when known.hash = p_request then 2 else 3 end::smallint,
               known.submission_id::text;
        return;
    end if;

    if p_dead then
        return query select p_acct, p_sub, 6::smallint, null::text;
        return;
    end if;

    if p_stop is not null then
        return query select p_acct, p_sub, 8::smallint, p_stop;
        return;
    end if;

    -- Before credit: without these numbers the rest may be affordable.
    select json_agg(distinct m.number)
      into black
      from unnest(m_to, m_class) m (number, class)
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
    uuid, timestamptz, bigint[], bigint[], int[], uuid[], bigint[], uuid[], int[], bigint[],
    smallint[], smallint[], bigint[], text[], smallint[], smallint[], bigint[], timestamptz[],
    timestamptz[], int[], int[], int[], text[], boolean[], uuid[], text[], uuid[], text[], bytea[],
    text[], uuid[], bytea[], uuid, int, text, bigint) to sms_worker;


-- What the 202 to a request with this key said, to say it again (D6); in the
-- order of the request.  Nothing: the key is not known, or was another
-- request's.
create function sms.submission_rows(p_account bigint, p_key uuid, p_request bytea)
returns table (submission_id uuid, sub_rejected text, message_id uuid, ord int, "to" bigint,
               enc smallint, parts smallint, price bigint, ref text)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
declare
    v_id    uuid := (select i.submission_id
                       from idempotency i
                      where i.account_id = p_account and i.key = p_key
                        and i.hash = p_request);
    s       message;
begin
    select x.* into s
      from message x
     where x.account_id = p_account and x.message_id = v_id;

    return query
    select v_id, s.rejected, m.message_id, m.ord, m."to", m.encoding, m.parts, m.price_micro,
           m.reference
      from message m
     where m.account_id = p_account and m.submission_id = v_id
       and m.message_id >= s.message_id and m.message_id <= s.high_message
     order by m.ord;
end
$$;

grant execute on function sms.submission_rows(bigint, uuid, bytea) to sms_worker;
