-- expand: partitions, messages and their life, queue, due, links
--
-- Rows of message never change; its life is appended beside it.  What follows
-- a message is range-partitioned on the message's own UUIDv7, so a key that
-- begins (account_id, message_id) is unique over all partitions, and every
-- statement carries the smallest and largest id of its batch (D2).

set role sms_owner;


-- ---- partitions -------------------------------------------------------------

-- What has been made, so that a changed width goes on where the old one ends.
create table sms.partition (
    parent  text not null,
    name    text not null,
    low     timestamptz not null,
    high    timestamptz not null,
    primary key (parent, name)
);

-- The tables that are partitioned; bounds are the smallest ids of a time.
create table sms.partitioned (
    parent  text primary key
);

create function sms.partition_make(p_parent text, p_low timestamptz, p_high timestamptz)
returns void
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    name    text := p_parent || to_char(p_low at time zone 'UTC', '_YYYYMMDD');
begin
    -- Attached, not created in place: that would wait for every reader of the
    -- table, and everybody else behind it.
    execute format('create table sms.%I (like sms.%I including all)', name, p_parent);

    execute format('alter table sms.%I attach partition sms.%I for values from (%L) to (%L)',
                   p_parent, name, id_low(p_low), id_low(p_high));

    insert into partition (parent, name, low, high) values (p_parent, name, p_low, p_high);
end
$$;

-- Makes partitions from the present one to p_ahead widths ahead, in UTC.
-- There is no DEFAULT partition: a row of a wrong clock is refused, not hidden.
create function sms.partitions_ahead(p_ahead int default 2)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
set timezone = 'UTC'
as $$
declare
    unit    text := (select value from setting where name = 'partition_width');
    step    interval := ('1 ' || unit)::interval;
    t       record;
    low     timestamptz;
    high    timestamptz;
    n       int := 0;
begin
    -- two maintenance workers must not make the same one
    lock table partition in share row exclusive mode;

    for t in select * from partitioned order by parent loop
        low := coalesce((select max(p.high) from partition p where p.parent = t.parent),
                        date_trunc(unit, now()));

        -- A week at least: daily partitions must outlive a long week-end.
        while low <= greatest(date_trunc(unit, now()) + p_ahead * step,
                              now() + interval '7 days') loop
            -- ends on a boundary of the width, also after a change of it
            high := date_trunc(unit, low) + step;
            perform partition_make(t.parent, low, high);
            low := high;
            n := n + 1;

            -- each holds some locks until the end; the next call goes on
            if n = 500 then
                return n;
            end if;
        end loop;
    end loop;

    return n;
end
$$;

grant execute on function sms.partitions_ahead(int) to sms_worker;


-- ---- what was accepted ------------------------------------------------------

-- One row a message.  A submission is its first message: they share the id, and
-- that row holds what belongs to the request as a whole.  A request to one
-- number is the usual one, and it is one row in one index (measured:
-- docs/decisions/one-row.md).
create table sms.message (
    account_id      bigint not null,
    "to"            bigint not null,
    price_micro     bigint not null,
    brand_id        bigint,
    accepted_at     timestamptz not null,
    expires_at      timestamptz not null,
    -- scheduled for then; null: at once
    due_at          timestamptz,
    ord             int not null,
    class           smallint not null,
    recipient_type  smallint not null,
    encoding        smallint not null,
    parts           smallint not null,
    test            boolean not null,
    message_id      uuid not null,
    submission_id   uuid not null,
    -- what was committed with it
    batch_id        uuid not null,
    -- the message of this submission whose row has the text; null: this one
    text_id         uuid,
    sender          text not null,
    reference       text,
    -- null also once erased: an OTP's at settlement (D13)
    text            text,

    -- of first messages only: the largest id of the submission, the declaration
    -- and the text's SHA-256 (not of an OTP, whose digits it would tell), and
    -- what was rejected and found, told again byte for byte (D6)
    high_message    uuid,
    doc             text,
    text_hash       bytea,
    rejected        text,
    primary key (account_id, message_id)
) partition by range (message_id);

create view sms.submission with (security_invoker = true) as
    select account_id, accepted_at, message_id as submission_id, batch_id,
           message_id as low_message, high_message, due_at, class, test, sender, doc,
           text_hash, rejected
      from sms.message
     where high_message is not null;


-- ---- where it waits ---------------------------------------------------------

create table sms.link (
    link_id     int primary key check (link_id > 0),
    name        text not null,
    operator    text not null,
    -- when it became this operator's
    operator_since timestamptz not null default now(),
    -- what no receipt by validity + 24 h means (C12): refund; keep; none: the
    -- link gives no receipts, its messages end as "sent" when submitted
    receipts    text not null default 'refund' check (receipts in ('refund', 'keep', 'none')),
    -- when somebody last looked whether its operator is to be asked something
    asks_at     timestamptz,
    -- of sms.stop: 0 open, 1 drained, 2 stopped; see link_halt()
    halt        smallint not null default 0 check (halt in (0, 1, 2)),
    -- halted, and its binds are closed when nothing is in flight
    unbind      boolean not null default false,
    created_at  timestamptz not null default now()
);

-- What an administrator has halted: by the order of an authority, or for a reason of
-- the house (C20).  Rows stay: they are the record of it.  While one is not lifted,
-- every call of intake, claim and screen_take looks here; without one it is asked
-- once a call whether there is any.
create table sms.stop (
    stop_id     uuid primary key,
    target      text not null check (target in ('account', 'sender', 'link', 'url_host')),
    -- what becomes of messages that were accepted before: refused and refunded; held,
    -- until it is lifted or their validity ends; drain: of a link, they go on or wait
    effect      text not null check (effect in ('refuse', 'hold', 'drain')),
    -- target account; or the only account whose sender is meant
    account_id  bigint,
    link_id     int,
    -- the sender or the host, as sms.text_fold() writes it, and as it was given
    folded      text,
    given       text,
    -- of a link: what waits in its lanes is routed anew; its binds are closed
    reroute     boolean not null default false,
    unbind      boolean not null default false,
    reason      text not null check (reason in
                    ('authority_order', 'abuse', 'operator', 'maintenance', 'other')),
    -- number and date of the order
    reference   text,
    note        text,
    created_at  timestamptz not null,
    created_by  text not null,
    ends_at     timestamptz,
    lifted_at   timestamptz,
    lifted_by   text,
    lift_reason text,
    check (reason <> 'authority_order' or reference is not null),
    check (effect <> 'drain' or target = 'link'),
    check (case target when 'account' then account_id is not null and folded is null
                       when 'link' then link_id is not null and folded is null
                       else folded <> '' end)
);

create index stop_live on sms.stop (target) where lifted_at is null;

-- Before intake and claim look for stops, and before one is made: who makes it waits for
-- those who have looked, and those who come later see it.  No lock of the table, which a
-- dump of the database would keep waiting.
create function sms.stop_reads()
returns void
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock_shared(1937010544);
end
$$;

create function sms.stop_writes()
returns void
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock(1937010544);
end
$$;

-- lane = link_id * 64 + class * 16 + slot; class 0 otp, 1 informational and
-- exempt, 2 commercial.  clock is the largest turn that was claimed.
create table sms.lane (
    lane        int primary key,
    -- place of the lane in account.turns
    pos         int not null unique,
    clock       bigint not null default 0
) with (fillfactor = 50);

create function sms.lane_add(p_lanes int[])
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    lock table lane in share row exclusive mode;

    insert into lane (lane, pos)
    select l, (select coalesce(max(pos), 0) from lane) + row_number() over (order by l)
      from (select distinct unnest(p_lanes) as l) n
     where l is not null
       and not exists (select from lane where lane.lane = n.l);
end
$$;

-- A lane's place in account.turns and its clock; made where no worker has told of
-- its link yet.
create function sms.lane_place(p_lane int, out pos int, out clock bigint)
language plpgsql
as $$
begin
    for i in 1 .. 2 loop
        select l.pos, l.clock into pos, clock from lane l where l.lane = p_lane;
        exit when found;
        perform lane_add(array[p_lane]);
    end loop;
end
$$;

-- In key order this is the fair share: turn is the account's virtual finishing
-- time (D9).  A row is deleted when it is claimed.
create table sms.queue (
    turn        bigint not null,
    account_id  bigint not null,
    expires_at  timestamptz not null,
    -- until when the consent answer it was screened with may be used (C3)
    fresh_until timestamptz,
    lane        int not null,
    attempt     smallint not null,
    parts       smallint not null,
    message_id  uuid not null,
    primary key (lane, turn, message_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.1);

-- Messages of one submission that wait for screen together, until "at": one row,
-- whose deletion is the word that they are decided.  Its key is that of the
-- submission's first message, which is the smallest.
create table sms.due_submission (
    at          timestamptz not null,
    account_id  bigint not null,
    expires_at  timestamptz not null,
    -- how many have not ended
    messages    int not null,
    -- some have ended while it waited
    ended       boolean not null default false,
    submission_id uuid not null,
    high_message uuid not null,
    -- why it is held; null: scheduled, or new
    code        text,
    primary key (at, submission_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

create index due_submission_id on sms.due_submission (submission_id);

-- A single message that waits for a time: for screen (lane null), or to go back
-- into a lane.
create table sms.due (
    at          timestamptz not null,
    account_id  bigint not null,
    expires_at  timestamptz not null,
    fresh_until timestamptz,
    lane        int,
    attempt     smallint not null,
    parts       smallint not null,
    message_id  uuid not null,
    -- why it is held; null: scheduled, or new
    code        text,
    primary key (at, message_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);

create index due_message on sms.due (message_id);

-- Retries are few, and are not looked for among a campaign that waits for İYS.
create index due_retry on sms.due (at, message_id) where lane is not null;

-- A claim is the durable word that its messages may be on the wire (D7): one row
-- for all that one look at the queue took.  It goes when they are all answered,
-- so what is left is in flight or in doubt, and there are few.
create table sms.claim (
    epoch       bigint not null,
    claimed_at  timestamptz not null,
    link_id     int not null,
    claim_id    uuid primary key,
    lease       text not null,
    -- one element a message
    account_id  bigint[] not null,
    message_id  uuid[] not null,
    attempt     smallint[] not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0, toast_tuple_target = 8160);

-- it lives for less than a second: to compress it would cost more than to write it
alter table sms.claim
    alter account_id set storage external,
    alter message_id set storage external,
    alter attempt set storage external;

-- Parts of which nobody knows whether they went out, and what was done.
-- Not partitioned: the open ones are searched by time, and they are few.
create table sms.in_doubt (
    account_id  bigint not null,
    "to"        bigint not null,
    since       timestamptz not null,
    hold_until  timestamptz not null,
    closed_at   timestamptz,
    link_id     int not null,
    attempt     smallint not null,
    part        smallint not null,
    total       smallint not null,
    message_id  uuid not null,
    policy      text not null check (policy in ('resend', 'hold', 'ask')),
    -- of the operator that was asked; null: none yet
    answer      text check (answer in ('told', 'taken-back', 'not-known', 'no-answer')),
    outcome     text check (outcome in ('resent', 'matched', 'settled')),
    sender      text not null,
    primary key (account_id, message_id, attempt, part)
);

create index in_doubt_open on sms.in_doubt (hold_until) where closed_at is null;


-- ---- what became of it ------------------------------------------------------

create table sms.verdict (
    account_id  bigint not null,
    at          timestamptz not null,
    message_id  uuid not null,
    -- 1 screen, 2 dispatch
    stage       smallint not null,
    -- 1 passed, 2 refused, 3 waits
    outcome     smallint not null,
    -- of the contract: 1 granted, 2 refused, 3 not granted, 4 unknown
    consent_state smallint,
    consent_as_of timestamptz,
    code        text,
    plugin      text,
    proof       text,
    primary key (account_id, message_id, at, stage)
) partition by range (message_id);

-- What passed screen of a submission that waited together: one row.  high_message is
-- the submission's largest, so that the row goes with the last of its messages.
create table sms.verdict_passed (
    account_id  bigint not null,
    at          timestamptz not null,
    -- of the contract; null: consent was not asked for
    consent_state smallint,
    submission_id uuid not null,
    high_message uuid not null,
    plugin      text,
    -- one element a message; of proof one alone is that of all
    message_id  uuid[] not null,
    consent_as_of timestamptz[],
    proof       text[],
    primary key (account_id, submission_id, high_message)
) partition by range (high_message);

-- ids and times do not compress: to try would cost more than to write them
alter table sms.verdict_passed
    alter message_id set storage external,
    alter consent_as_of set storage external;

-- Every verdict on one message of the account that asks.
create function sms.verdicts(p_message uuid)
returns setof sms.verdict
language plpgsql stable
as $$
declare
    v_first uuid := (select m.submission_id from sms.message m where m.message_id = p_message);
    v_last  uuid := (select m.high_message from sms.message m where m.message_id = v_first);
begin
    return query
    select v.* from sms.verdict v where v.message_id = p_message;

    return query
    select p.account_id, p.at, u.message_id, 1::smallint, 1::smallint, p.consent_state,
           u.consent_as_of, null::text, p.plugin,
           case when cardinality(p.proof) = 1 then p.proof[1] else u.proof end
      from sms.verdict_passed p
     cross join lateral unnest(p.message_id, p.consent_as_of, p.proof)
                        u (message_id, consent_as_of, proof)
     where p.submission_id = v_first and p.high_message = v_last
       and u.message_id = p_message;
end
$$;

grant execute on function sms.verdicts(uuid) to sms_api;

-- One row a part and attempt: what the operator was given and answered, and what
-- a receipt of it is found and judged by, so that a receipt reads nothing else.
create table sms.submit (
    account_id  bigint not null,
    "to"        bigint not null,
    -- null: the operator gave no id
    id_hash     bigint,
    -- of the message; null for a part that was in doubt, whose receipts are
    -- judged the long way
    price_micro bigint,
    at          timestamptz not null,
    operator_code int not null,
    link_id     int not null,
    attempt     smallint not null,
    part        smallint not null,
    total       smallint not null,
    -- 1 sent, 2 rejected, 3 retry, 4 throttled, 5 unknown, 6 not over this link,
    -- 7 the link rests
    outcome     smallint not null,
    reason      smallint not null,
    class       smallint not null,
    message_id  uuid not null,
    operator_id text,
    primary key (account_id, message_id, attempt, part)
) partition by range (message_id);

-- Finds a part from what an operator gave it (D8).  Not unique: carriers use ids
-- again, the newest wins and the destination must agree.
create index submit_operator on sms.submit (link_id, id_hash);

-- Where receipts look for messages that were accepted days before they were
-- submitted: sms.submit is searched only among the ids of the last days.
create table sms.submit_far (
    account_id  bigint not null,
    id_hash     bigint not null,
    created_at  timestamptz not null,
    link_id     int not null,
    attempt     smallint not null,
    part        smallint not null,
    message_id  uuid not null,
    primary key (link_id, id_hash, message_id, attempt, part)
);

-- The first final receipt of a part stands (D3).  The one that delivers a message
-- of one part is in its settlement; sms.receipt_final has both.
create table sms.receipt (
    account_id  bigint not null,
    at          timestamptz not null,
    stored_at   timestamptz not null,
    operator_code int not null,
    attempt     smallint not null,
    part        smallint not null,
    -- SMPP 3.4 5.2.28
    state       smallint not null,
    reason      smallint not null,
    message_id  uuid not null,
    primary key (account_id, message_id, attempt, part)
) partition by range (message_id);

-- Everything else an operator says of a part: recorded, moves nothing.
create table sms.receipt_late (
    account_id  bigint not null,
    at          timestamptz not null,
    stored_at   timestamptz not null,
    operator_code int not null,
    attempt     smallint not null,
    part        smallint not null,
    state       smallint not null,
    reason      smallint not null,
    -- 1 intermediate state, 2 duplicate, 3 after the final state
    why         smallint not null,
    message_id  uuid not null,
    primary key (account_id, message_id, attempt, part, state, at)
) partition by range (message_id);

-- A message ends once, and this shares out its price.  Only the statement that
-- inserts it may refund.
create table sms.settlement (
    account_id      bigint not null,
    settled_at      timestamptz not null,
    kept_micro      bigint not null,
    refunded_micro  bigint not null,
    -- the receipt that delivered a message of one part: its own time; null: there
    -- is none, or it is in sms.receipt
    receipt_at      timestamptz,
    operator_code   int,
    attempt         smallint,
    -- words in sms.state_name()
    state           smallint not null,
    message_id      uuid not null,
    code            text,
    primary key (account_id, message_id)
) partition by range (message_id);

create view sms.receipt_final with (security_invoker = true) as
    select account_id, at, stored_at, operator_code, attempt, part, state, reason, message_id
      from sms.receipt
    union all
    select account_id, receipt_at, settled_at, operator_code, attempt, 1::smallint,
           2::smallint, 0::smallint, message_id
      from sms.settlement
     where receipt_at is not null;

-- Receipts that came before the submit answer, or belong to nobody.
create table sms.receipt_orphan (
    received_at timestamptz not null,
    at          timestamptz not null,
    id_hash     bigint not null,
    "to"        bigint not null,
    link_id     int not null,
    operator_code int not null,
    state       smallint not null,
    reason      smallint not null,
    operator_id text not null,
    sender      text,
    -- its id in every base it may be written in; unsure: which is not known yet,
    -- and operator_id is a guess
    unsure      boolean not null default false,
    readings    text[],
    primary key (link_id, id_hash, received_at, "to", state)
);

create index receipt_orphan_unsure on sms.receipt_orphan (link_id) where unsure;

-- What one call has stored as sent, until upkeep looks a day later whether it has
-- ended: one row.  An index of sms.submit by time would cost each part more
-- (measured: docs/decisions/rows-of-a-life.md).
create table sms.receipt_watch (
    at          timestamptz not null,
    link_id     int not null,
    watch_id    uuid not null default gen_random_uuid(),
    -- one element a part
    account_id  bigint[] not null,
    message_id  uuid[] not null,
    primary key (at, watch_id)
) with (toast_tuple_target = 8160);

-- ids do not compress: to try would cost more than to write them
alter table sms.receipt_watch
    alter account_id set storage external,
    alter message_id set storage external;

-- Submitted more than a day ago and still without a final state.
create table sms.receipt_wait (
    account_id  bigint not null,
    at          timestamptz not null,
    link_id     int not null,
    message_id  uuid not null,
    -- the operator has been asked, see ask_overdue()
    asked       boolean not null default false,
    primary key (account_id, message_id)
);

create index receipt_wait_at on sms.receipt_wait (at);

create index receipt_orphan_time on sms.receipt_orphan (received_at);

-- How far a sweep has come.
create table sms.sweep (
    name    text primary key,
    at      timestamptz not null
);

-- And a walk over the pages of a table, from its first to its last; see
-- walk_step().
create table sms.walk (
    name    text primary key,
    page    bigint not null
);

insert into sms.partitioned (parent) values
    ('message'), ('verdict'), ('verdict_passed'), ('submit'), ('receipt'), ('receipt_late'), ('settlement');


-- ---- links ------------------------------------------------------------------

-- A worker tells its links at start; the operator's name decides which sender
-- approvals count.
create function sms.link_register(p_link_id int, p_name text, p_operator text)
returns void
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    insert into link (link_id, name, operator)
    values (p_link_id, p_name, p_operator)
    on conflict (link_id) do update
        set name = excluded.name, operator = excluded.operator,
            operator_since = case when link.operator = excluded.operator
                             then link.operator_since else clock_timestamp() end
        where (link.name, link.operator) is distinct from (excluded.name, excluded.operator);

    if (select count(*) from lane
         where lane in (p_link_id * 64, p_link_id * 64 + 16, p_link_id * 64 + 32)) < 3
    then
        perform lane_add(array[p_link_id * 64, p_link_id * 64 + 16, p_link_id * 64 + 32]);
    end if;
end
$$;

grant execute on function sms.link_register(int, text, text) to sms_worker;

create function sms.state_name(p_state int)
returns text
language sql immutable parallel safe
as $$
    select (array['delivered', 'undelivered', 'expired', 'rejected', 'refused',
                  'cancelled', 'unknown', 'no_receipt', 'opted_out', 'sent'])[p_state]
$$;

create function sms.class_name(p_class int)
returns text
language sql immutable parallel safe
as $$
    select (array['otp', 'informational', 'commercial', 'exempt'])[p_class]
$$;

create function sms.encoding_name(p_encoding int)
returns text
language sql immutable parallel safe
as $$
    select (array['gsm7', 'turkish_single', 'turkish_locking', 'ucs2', 'binary'])[p_encoding]
$$;

grant execute on function sms.state_name(int), sms.class_name(int), sms.encoding_name(int)
    to sms_worker, sms_api;
