-- expand: each account's own book, tariffs, and the one function that ends a message
--
-- Four pots per account: funded, available, held, spent.  Whatever moves an amount
-- moves it from one pot to another of the same account, so an account's pots sum to
-- zero (D14).  funded is the outside world and goes negative.  Only available is
-- stored (account.available_micro); the rest are sums.
--
-- A message is its own posting (docs/decisions/message-is-posting.md): its row moves
-- price_micro from available to held, its settlement moves kept_micro on to spent and
-- refunded_micro back.  posting has what comes from outside.

set role sms_owner;

create table sms.posting (
    account_id      bigint not null,
    amount_micro    bigint not null,
    at              timestamptz not null,
    -- 1 fund: funded to available; 2 withdraw: back
    kind            smallint not null check (kind in (1, 2)),
    -- of the payment, which counts once
    posting_id      uuid not null,
    note            text,
    primary key (account_id, posting_id),
    check (amount_micro > 0)
);

-- What the messages of a partition cost that were not refunded: the books go on
-- without their rows (D13).  Counts once the partition is gone.
create table sms.retired (
    account_id  bigint not null,
    kept_micro  bigint not null,
    name        text not null,
    primary key (account_id, name)
);

-- Every account's book.  available equals the stored balance in every snapshot, and
-- total is zero: held is what messages cost that have not ended, and every settlement
-- has shared out its message's whole price.
create view sms.book as
    select a.account_id, -b.funded as funded_micro,
           b.funded - m.price + m.refunded - r.kept as available_micro, m.held as held_micro,
           m.kept + r.kept as spent_micro,
           m.refunded + m.held + m.kept - m.price as total_micro,
           a.available_micro as stored_micro
      from sms.account a
     cross join lateral (
           select coalesce(sum(case p.kind when 1 then p.amount_micro else -p.amount_micro end),
                           0)::bigint as funded
             from sms.posting p
            where p.account_id = a.account_id) b
     cross join lateral (
           select coalesce(sum(x.price_micro), 0)::bigint as price,
                  coalesce(sum(x.price_micro) filter (where s.message_id is null),
                           0)::bigint as held,
                  coalesce(sum(s.kept_micro), 0)::bigint as kept,
                  coalesce(sum(s.refunded_micro), 0)::bigint as refunded
             from sms.message x
             left join sms.settlement s on s.account_id = x.account_id
                                       and s.message_id = x.message_id
            where x.account_id = a.account_id) m
     cross join lateral (
           select coalesce(sum(x.kept_micro), 0)::bigint as kept
             from sms.retired x
            where x.account_id = a.account_id
              and not exists (select from sms.partition p
                               where p.parent = 'message' and p.name = x.name)) r;

-- Dated prices of one part by tariff, destination and class (D4).  prefix: the
-- longest that the number begins with wins; valid_from: the newest not later
-- than the acceptance.  price null: this destination is not sold.
create table sms.tariff_price (
    tariff      int not null,
    prefix      text not null check (prefix ~ '^[0-9]*$'),
    class       smallint not null check (class between 1 and 4),
    valid_from  timestamptz not null,
    price_micro bigint check (price_micro >= 0),
    unit        sms.unit not null,
    primary key (tariff, prefix, class, valid_from)
);

-- Billing plugins keep the rows and are told when they change.
create function sms.tariff_changed()
returns trigger
language plpgsql
as $$
begin
    perform pg_notify('sms_tariff', '');
    return null;
end
$$;

create trigger tariff_changed
    after insert or update or delete on sms.tariff_price
    for each statement execute function sms.tariff_changed();

-- Prices that hold now or will later, newest first per destination.
create function sms.tariffs(p_now timestamptz)
returns table (tariff int, prefix text, class smallint, valid_from timestamptz,
               price_micro bigint, unit text)
language sql stable security definer
set search_path = sms, pg_temp
as $$
    select t.tariff, t.prefix, t.class, t.valid_from, t.price_micro, t.unit
      from tariff_price t
     where t.valid_from > p_now
        or t.valid_from = (select max(o.valid_from)
                             from tariff_price o
                            where o.tariff = t.tariff and o.prefix = t.prefix
                              and o.class = t.class and o.valid_from <= p_now)
     order by t.tariff, t.prefix, t.class, t.valid_from desc
$$;

grant execute on function sms.tariffs(timestamptz) to sms_worker;


-- ---- locks ------------------------------------------------------------------

-- Every function that writes account rows calls this first, so all of them meet
-- in the same order and none can deadlock (measured: an ordered array is not
-- enough, the update's own plan decides its order).
create function sms.account_lock(p_accounts bigint[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
begin
    perform from account
      where account_id = any (p_accounts)
      order by account_id
        for update;
end
$$;


-- ---- the end of a message ---------------------------------------------------

-- A one-time code has done its work once its message has ended; nobody may read
-- it again (D13).  It has one recipient, so its text is in its own row.
create function sms.text_erase(p_account bigint[], p_message uuid[])
returns void
language plpgsql
set search_path = sms, pg_temp
-- an update opens every partition that its plan knows, so the plan must know few
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_low   uuid := id_min(p_message);
    v_high  uuid := id_max(p_message);
begin
    update message m
       set text = null
      from unnest(p_account, p_message) u (account_id, message_id)
     where m.account_id = u.account_id and m.message_id = u.message_id
       and m.message_id >= v_low and m.message_id <= v_high;
end
$$;

-- Ends the messages that have not ended.  refund: the whole price goes back
-- from held to available; else it goes to spent.  Returns how many ended now; a
-- message that had ended, or stands in the arrays again, is left as it is.
create function sms.settle(
    p_now timestamptz, p_account bigint[], p_message uuid[], p_state smallint[],
    p_code text[], p_refund boolean[])
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_low       uuid;
    v_high      uuid;
    v_otp_acct  bigint[];
    v_otp       uuid[];
    -- is anybody told at all; then who
    v_told      boolean := exists (select from webhook);
    v_told_acct bigint[];
    v_told_id   uuid[];
    n           int;
begin
    if coalesce(cardinality(p_message), 0) = 0 then
        return 0;
    end if;

    v_low := id_min(p_message);
    v_high := id_max(p_message);

    -- Keeping moves nothing that is stored, so only refunds meet the lock.
    if true = any (p_refund) then
        perform account_lock(array(select distinct a
                                     from unnest(p_account, p_refund) u (a, r) where r));
    end if;

    -- "limit 1" keeps the planner from turning a look-up per id into a scan of
    -- whole partitions once its statistics are behind.
    with source as materialized (
        select u.account_id, u.message_id, u.state, u.code, u.refund,
               m.price_micro, m.class
          from unnest(p_account, p_message, p_state, p_code, p_refund)
               u (account_id, message_id, state, code, refund)
         cross join lateral (
               select x.price_micro, x.class
                 from message x
                where x.account_id = u.account_id and x.message_id = u.message_id
                  and x.message_id >= v_low and x.message_id <= v_high
                limit 1) m
         order by u.account_id, u.message_id
    ), ended as (
        insert into settlement (account_id, settled_at, kept_micro, refunded_micro,
                                state, message_id, code)
        select account_id, p_now,
               case when refund then 0 else price_micro end,
               case when refund then price_micro else 0 end,
               state, message_id, code
          from source
            on conflict (account_id, message_id) do nothing
        returning account_id, message_id, refunded_micro
    ), balances as (
        update account a
           set available_micro = a.available_micro + r.amount
          from (select account_id, sum(refunded_micro) as amount
                  from ended
                 where refunded_micro > 0
                 group by account_id) r
         where a.account_id = r.account_id and a.account_id = any (p_account)
    )
    select (select count(*) from ended),
           array_agg(s.account_id) filter (where s.class = 1),
           array_agg(s.message_id) filter (where s.class = 1),
           array_agg(s.account_id) filter (where v_told),
           array_agg(s.message_id) filter (where v_told)
      into n, v_otp_acct, v_otp, v_told_acct, v_told_id
      from ended e
      join source s using (account_id, message_id);

    if v_otp_acct is not null then
        perform text_erase(v_otp_acct, v_otp);
    end if;

    if v_told_id is not null then
        perform webhook_put(p_now, v_told_acct, v_told_id);
    end if;

    return n;
end
$$;

-- Ends messages that keep their whole price and have not ended, which the caller
-- knows of: nothing is looked up.  p_receipt_at, p_operator_code and p_attempt: of
-- the receipts that ended them, or null.  Raises unique_violation when one of them
-- has ended already, or stands in the arrays twice.
create function sms.settle_kept(
    p_now timestamptz, p_account bigint[], p_message uuid[], p_class smallint[],
    p_price bigint[], p_state smallint, p_code text, p_receipt_at timestamptz[],
    p_operator_code int[], p_attempt smallint[])
returns void
language plpgsql
as $$
begin
    -- in the order of ids, so that two calls with the same messages do not deadlock
    insert into settlement (account_id, settled_at, kept_micro, refunded_micro, receipt_at,
                            operator_code, attempt, state, message_id, code)
    select u.account_id, p_now, u.price, 0, u.receipt_at, u.operator_code, u.attempt, p_state,
           u.message_id, p_code
      from (select unnest(p_account) as account_id, unnest(p_price) as price,
                   unnest(p_receipt_at) as receipt_at, unnest(p_operator_code) as operator_code,
                   unnest(p_attempt) as attempt, unnest(p_message) as message_id) u
     order by u.message_id;

    if 1 = any (p_class) then
        perform text_erase(array_agg(u.a), array_agg(u.m))
           from unnest(p_account, p_message, p_class) u (a, m, c)
          where u.c = 1;
    end if;

    if exists (select from webhook) then
        perform webhook_put(p_now, p_account, p_message);
    end if;
end
$$;
