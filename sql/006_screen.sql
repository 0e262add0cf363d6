-- expand: consent mirror, opt-outs, screen
--
-- Consent and opt-outs belong to the owner of the brand, not to the account
-- that sends for it (D11): the keys begin with the owner's account.

set role sms_owner;

-- What İYS said, appended, never changed (D12).  counts_at is the moment from
-- which the answer counts: a permission as of the moment İYS stated it, a
-- refusal from the moment it was learnt where that is later, so that a feed,
-- which hides the last hour, stops at once what an older answer permitted.
-- Rows of a permission that did not come from a status query permit nothing
-- (C3); they are kept as history.
create table sms.consent (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    number          bigint not null,
    as_of           timestamptz not null,
    counts_at       timestamptz not null,
    recipient_type  smallint not null check (recipient_type in (1, 2)),
    -- 1 granted, 2 refused, 3 not granted (refusal or no record)
    state           smallint not null check (state in (1, 2, 3)),
    permits         boolean not null,
    batch_id        uuid not null,
    source          text not null,
    primary key (owner_account_id, brand_id, number, recipient_type, counts_at, state)
);

-- Stops commercial messages of the brand to the number, for both recipient
-- types (C1).  Taking effect is being committed here: screen and claim look.
create table sms.optout (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    number          bigint not null,
    received_at     timestamptz not null,
    lifted_at       timestamptz,
    source          text not null,
    -- the message that said it; null when it came another way
    inbound_id      uuid,
    lift_proof      text,
    -- it stops all the same, but that it was a refusal is not sure: then it is taken
    -- for one, unless a person decides otherwise; infinity: only a person can
    decide_at       timestamptz,
    -- when it was learnt, by which upkeep finds it; it may have been said long ago
    stored_at       timestamptz not null default clock_timestamp(),
    primary key (owner_account_id, brand_id, number, received_at)
);

-- Those that an erasure has left: sms.number_mask().
create index optout_hashed on sms.optout (owner_account_id) where number < 0;
create index optout_stored on sms.optout using brin (stored_at) with (pages_per_range = 16);
create index optout_decide on sms.optout (decide_at) where decide_at is not null;


-- ---- screen -----------------------------------------------------------------

-- Puts messages whose time for a retry has come back into their lanes: they need no
-- screening, and do not wait for it.
create function sms.due_release(p_now timestamptz, p_limit int)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_lane      int[];
    v_attempt   smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
    v_fresh     timestamptz[];
begin
    with gone as (
        delete from due d
         where d.ctid = any (array(
                   select w.ctid
                     from due w
                    where w.at <= p_now and w.lane is not null
                    order by w.at, w.message_id
                    limit p_limit
                      for update skip locked))
        returning d.*
    )
    select array_agg(account_id), array_agg(message_id), array_agg(lane), array_agg(attempt),
           array_agg(parts), array_agg(expires_at), array_agg(fresh_until)
      into v_acct, v_id, v_lane, v_attempt, v_parts, v_expires, v_fresh
      from gone;

    if v_id is null then
        return 0;
    end if;

    perform account_lock(v_acct);
    perform enqueue(a.ids, array_fill(0::bigint, array[cardinality(a.ids)]),
                    v_acct, v_id, v_lane, places(v_acct, v_lane), v_attempt, v_parts,
                    v_expires, v_fresh)
       from (select array(select distinct unnest(v_acct)) as ids) a;

    return cardinality(v_id);
end
$$;

grant execute on function sms.due_release(timestamptz, int) to sms_worker;

-- Messages whose time has come, oldest first: those of whole submissions together,
-- or such that wait alone, never both; p_alone: the latter first.  No more than
-- p_limit, but at least one submission.  p_busy: submissions and single messages
-- that the caller has taken and not answered, which it does not get again.
--
-- One array a column.  Of a message: place, of its group among the groups (null: the
-- groups are the messages), and own_text where the group's is not its own.  Of a
-- group: what all its messages have; doc, the declaration, of OTP and exempt ones only.
-- Columns of which all elements would be null are null themselves.
--
-- What needs no asking is decided here and not returned: expired; account closed
-- (refused); account suspended or sender revoked (held, looked at again later, ends
-- with its validity: C9); halted by an administrator (refused or held: C20).  So are opted out and blacklisted messages that wait alone
-- (refused, refunded); of a submission they come back with a verdict, 5 opted out or
-- 6 blacklisted, which shall be their outcome.  Outside the sending window of their
-- account, or not yet their turn by its rates: put off (sql/022_pace.sql).
--
-- One screener holds the lease "screen"; until it has answered a row comes again.
create function sms.screen_take(
    p_limit int, p_now timestamptz, p_busy uuid[], p_alone boolean,
    out place int[], out message_id uuid[], out "to" bigint[], out rtype smallint[],
    out enc smallint[], out parts smallint[], out own_text text[], out verdict smallint[],
    out consent_state smallint[], out consent_as_of timestamptz[],
    out account_id bigint[], out submission_id uuid[], out class smallint[],
    out brand_id bigint[], out owner_account bigint[], out sender text[], out body text[],
    out accepted_at timestamptz[], out expires_at timestamptz[], out test boolean[],
    out doc text[], out tried text[])
language plpgsql security definer
set search_path = sms, pg_temp
-- a backlog is read from its beginning, whatever statistics say of it
set enable_sort = off
as $$
#variable_conflict use_column
declare
    v_alone     boolean := p_alone;
    v_acct      bigint[];
    v_id        uuid[];
    v_at        timestamptz[];
    v_high      uuid[];
    v_ended     boolean[];
    v_count     int[];
    v_text_id   uuid[];
    v_group     int[];
    v_verdict   int[];
    v_code      text[];
    v_again     boolean;
    v_low       uuid;
    v_top       uuid;
begin
    for i in 1 .. 2 loop
        if v_alone then
            select array_agg(d.account_id), array_agg(d.message_id), array_agg(d.at),
                   array_agg(d.code), bool_or(d.attempt > 1)
              into v_acct, v_id, v_at, v_code, v_again
              from (select w.account_id, w.message_id, w.at, w.code, w.attempt
                      from due w
                     where w.at <= p_now and w.lane is null
                       and w.message_id not in (select unnest(p_busy))
                     order by w.at, w.message_id
                     limit p_limit) d;
        else
            select array_agg(d.account_id), array_agg(d.submission_id), array_agg(d.at),
                   array_agg(d.high_message), array_agg(d.ended), array_agg(d.code),
                   array_agg(d.messages)
              into v_acct, v_id, v_at, v_high, v_ended, v_code, v_count
              from (select w.*, sum(w.messages) over (order by w.at, w.submission_id) as total
                      from (select x.*
                              from due_submission x
                             where x.at <= p_now
                               and x.submission_id not in (select unnest(p_busy))
                             order by x.at, x.submission_id
                             limit p_limit / 2 + 1) w) d
             where d.total <= greatest(p_limit, d.messages);
        end if;

        exit when v_id is not null;
        v_alone := not v_alone;
    end loop;

    -- it is asked twenty times a second
    if v_id is null then
        return;
    end if;

    v_low := id_min(v_id);
    v_top := id_max(v_id);

    -- A submission's first message stands for what all have.
    select array_agg(u.account_id), array_agg(u.message_id), array_agg(u.at),
           array_agg(m.submission_id), array_agg(m."to"), array_agg(m.class),
           array_agg(m.recipient_type), array_agg(m.brand_id),
           array_agg(brand_owner(m.brand_id)), array_agg(m.sender), array_agg(m.encoding),
           array_agg(m.parts), array_agg(m.text), array_agg(m.text_id),
           array_agg(m.accepted_at), array_agg(m.expires_at), array_agg(m.test),
           array_agg(m.doc)
      into v_acct, v_id, v_at, submission_id, "to", class, rtype, brand_id, owner_account,
           sender, enc, parts, body, v_text_id, accepted_at, expires_at, test, doc
      from (select unnest(v_acct) as account_id, unnest(v_id) as message_id,
                   unnest(v_at) as at) u
     cross join lateral (
           select x.* from message x
            where x.account_id = u.account_id and x.message_id = u.message_id
              and x.message_id >= v_low and x.message_id <= v_top
            limit 1) m;

    v_verdict := screen_look(p_now, v_alone, v_acct, class, "to", brand_id, owner_account,
                             sender, test, expires_at);

    if 3 = any (v_verdict) then
        v_verdict := notices_pass(v_acct, v_id, v_verdict, 3);
    end if;

    -- Who has windows or rates of its own: what shall not go yet is put off.
    if exists (select from pace p where p.account_id = any (v_acct)) then
        v_verdict := screen_pace(p_now, v_alone, v_acct, v_id, v_at, v_code, v_count, class,
                                 sender, test, coalesce(v_verdict,
                                     array_fill(0, array[cardinality(v_id)])));
    end if;

    if v_verdict is not null then
        -- all accounts of this call at once, or two calls could meet crosswise
        perform account_lock(array(select u.a from unnest(v_acct, v_verdict) u (a, v)
                                    where u.v between 1 and 4 or u.v in (9, 10)));

        if v_alone then
            perform screen_decide(p_now, v_acct, v_id, v_at, v_verdict);
        else
            perform screen_decide_submission(p_now, v_acct, v_id, v_at, v_verdict);
        end if;

        -- the rest goes on
        select array_agg(u.c1), array_agg(u.c2), array_agg(u.c3), array_agg(u.c4),
               array_agg(u.c5), array_agg(u.c6), array_agg(u.c7), array_agg(u.c8),
               array_agg(u.c9), array_agg(u.c10), array_agg(u.c11), array_agg(u.c12),
               array_agg(u.c13), array_agg(u.c14), array_agg(u.c15), array_agg(u.c16),
               array_agg(u.c17), array_agg(u.c18), array_agg(u.c19)
          into v_acct, v_id, submission_id, "to", class, rtype, brand_id, owner_account,
               sender, enc, parts, body, v_text_id, accepted_at, expires_at, test, doc,
               v_high, v_ended
          from unnest(v_acct, v_id, submission_id, "to", class, rtype, brand_id,
                      owner_account, sender, enc, parts, body, v_text_id, accepted_at,
                      expires_at, test, doc, v_high, v_ended, v_verdict)
               u (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17,
                  c18, c19, v)
         where u.v = 0;
    end if;

    if v_id is null then
        return;
    end if;

    -- the row of the declaration, and that of a text, are not above their message
    v_low := id_min(submission_id);

    if array_remove(v_text_id, null) <> '{}' then
        body := screen_texts(v_acct, body, v_text_id, v_low, v_top);
    end if;

    if 1 = any (class) or 4 = any (class) then
        select array_agg(case when u.class in (1, 4)
                         then coalesce(u.doc, (
                              select x.doc from message x
                               where x.account_id = u.account_id and x.message_id = u.first
                                 and x.message_id >= v_low and x.message_id <= v_top)) end
                         order by u.i)
          into doc
          from unnest(v_acct, submission_id, class, doc) with ordinality
               u (account_id, first, class, doc, i);
    else
        doc := null;
    end if;

    account_id := v_acct;
    message_id := v_id;

    if v_again then
        tried := submit_tried(p_now, v_acct, v_id);
    end if;

    if not v_alone then
        v_top := id_max(v_high);

        -- "offset" keeps the planner from joining over whole partitions
        select array_agg(g.i), array_agg(m.message_id), array_agg(m."to"),
               array_agg(m.recipient_type), array_agg(m.encoding), array_agg(m.parts),
               array_agg(case when m.message_id <> g.id then m.text end),
               array_agg(nullif(m.text_id, g.id))
          into v_group, message_id, "to", rtype, enc, parts, own_text, v_text_id
          from (select unnest(v_acct) as account_id, unnest(v_id) as id,
                       unnest(v_high) as high, unnest(v_ended) as ended,
                       generate_series(1, cardinality(v_id)) as i) g
         cross join lateral (
               select x.message_id, x."to", x.recipient_type, x.encoding, x.parts, x.text,
                      x.text_id
                 from message x
                where x.account_id = g.account_id and x.submission_id = g.id
                  and x.message_id >= g.id and x.message_id <= g.high
                  and x.message_id >= v_low and x.message_id <= v_top
                  and (not g.ended
                       or (select true from settlement e
                            where e.account_id = x.account_id and e.message_id = x.message_id
                              and e.message_id >= v_low and e.message_id <= v_top
                            limit 1) is null)
               offset 0) m;

        place := v_group;

        if array_remove(v_text_id, null) <> '{}' then
            own_text := screen_texts(
                            array(select v_acct[u.g] from unnest(v_group) with ordinality
                                         u (g, i) order by u.i),
                            own_text, v_text_id, v_low, v_top);
        end if;

        if array_remove(own_text, null) = '{}' then
            own_text := null;
        end if;
    end if;

    if not v_alone then
        verdict := screen_lists(v_acct, v_group, class, "to", brand_id, owner_account);
    end if;

    if 3 = any (class) then
        select c.state, c.as_of into consent_state, consent_as_of
          from screen_mirror(v_group, class, "to", rtype, brand_id, owner_account) c;
    end if;
end
$$;

grant execute on function sms.screen_take(int, timestamptz, uuid[], boolean) to sms_worker;

-- The texts of messages whose text stands in another's row; the others' as they are.
create function sms.screen_texts(
    p_acct bigint[], p_text text[], p_text_id uuid[], p_low uuid, p_high uuid)
returns text[]
language plpgsql
as $$
begin
    return (
        select array_agg(case when u.text_id is null then u.text
                         else (select x.text from message x
                                where x.account_id = u.account_id and x.message_id = u.text_id
                                  and x.message_id >= p_low and x.message_id <= p_high) end
                         order by u.i)
          from unnest(p_acct, p_text, p_text_id) with ordinality
               u (account_id, text, text_id, i));
end
$$;

-- What is decided without asking, one number each:
--     0 goes on, 1 expired, 2 opted out, 3 blacklisted, 4 account closed,
--     5 account suspended, 6 sender revoked; halted by an administrator: held, 7 the
--     account, 8 the sender; refused, 9 the account, 10 the sender; 11 held: what
--     people have refused of the brand is overdue in İYS (C5)
-- or null when all go on.  p_lists: these are single messages, look at the lists, too.
-- What can be asked once for all is, as in claim_look().
create function sms.screen_look(
    p_now timestamptz, p_lists boolean, p_acct bigint[], p_class smallint[], p_to bigint[],
    p_brand bigint[], p_owner bigint[], p_sender text[], p_test boolean[],
    p_expires timestamptz[])
returns int[]
language plpgsql
as $$
declare
    v_account   boolean := exists (select from account a
                                    where a.account_id = any (p_acct) and a.state <> 1);
    v_sender    boolean := exists (select from sender s
                                    where s.account_id = any (p_acct)
                                      and s.revoked_at is not null);
    v_late      boolean := 3 = any (p_class)
                           and exists (select from brand b
                                        where (b.late_since is not null or b.standing <> '')
                                          and b.account_id = any (p_owner)
                                          and b.brand_id = any (p_brand));
    v_lists     smallint[];
    v_stop      smallint[];
    v_verdict   int[];
begin
    if p_lists then
        v_lists := screen_lists(p_acct, null, p_class, p_to, p_brand, p_owner);
    end if;

    if exists (select from stop s where s.lifted_at is null) then
        v_stop := stopped(p_now, p_acct, p_sender, null);
    end if;

    if not (v_account or v_sender or v_late or v_lists is not null or v_stop is not null
            or p_now >= any (p_expires))
    then
        return null;
    end if;

    select array_agg(case
               when u.expires_at <= p_now then 1
               when a.state = 3 then 4
               when u.list = 5 then 2
               when u.stop = 4 then 9
               when u.stop = 5 then 10
               when u.stop = 1 then 7
               when u.stop = 2 then 8
               when a.state = 2 then 5
               when v_sender and not u.test
                    and (select s.revoked_at is not null from sender s
                          where s.account_id = u.account_id and s.sender = u.sender
                          limit 1) then 6
               when v_late and u.class = 3
                    and (select true from brand b
                          where b.account_id = brand_owner(u.brand_id)
                            and b.brand_id = u.brand_id and b.late_since is not null
                          limit 1) then 11
               when v_late and u.class = 3
                    and (select true from brand b
                          where b.account_id = brand_owner(u.brand_id)
                            and b.brand_id = u.brand_id and b.standing <> ''
                          limit 1) then 13
               -- after all that holds: a notice passes this one (notices_pass)
               when u.list = 6 then 3
               else 0 end)
      into v_verdict
      from (select unnest(p_acct) as account_id, unnest(p_expires) as expires_at,
                   unnest(p_sender) as sender, unnest(p_test) as test,
                   unnest(p_class) as class, unnest(p_brand) as brand_id,
                   unnest(v_lists) as list, unnest(v_stop) as stop) u
      left join lateral (select x.state from account x
                          where v_account and x.account_id = u.account_id limit 1) a on true;

    return case when 0 <> any (v_verdict) then v_verdict end;
end
$$;

-- The numbers that the account's blacklist, or the platform's, stops.  Of a short list
-- all is read, of a long one each number is looked up: an index entry read in passing
-- costs a tenth of one that is looked for.
create function sms.blacklisted(p_account bigint, p_class smallint, p_to bigint[])
returns bigint[]
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_list  bigint[] := array(select b.number
                                from blacklist b
                               where b.account_id in (0, p_account)
                                 and (b.scope = 1 or p_class = 3)
                               limit cardinality(p_to) + 1);
begin
    -- "is true" keeps both from becoming joins, which may be planned as loops
    if cardinality(v_list) <= cardinality(p_to) then
        return array(select u from unnest(p_to) u where (u in (select unnest(v_list))) is true);
    end if;

    return array(select u
                   from unnest(p_to) u
                  where (select true from blacklist b
                          where b.account_id in (0, p_account) and b.number = u
                            and (b.scope = 1 or p_class = 3)
                          limit 1));
end
$$;

-- The numbers that have opted out of the brand, in the same way.
create function sms.opted_out(p_owner bigint, p_brand bigint, p_to bigint[])
returns bigint[]
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_list  bigint[] := array(select o.number
                                from optout o
                               where o.owner_account_id = p_owner and o.brand_id = p_brand
                                 and o.lifted_at is null
                               limit cardinality(p_to) + 1);
begin
    if cardinality(v_list) <= cardinality(p_to) then
        return array(select u from unnest(p_to) u where (u in (select unnest(v_list))) is true);
    end if;

    return array(select u
                   from unnest(p_to) u
                  where (select true from optout o
                          where o.owner_account_id = p_owner and o.brand_id = p_brand
                            and o.number = u and o.lifted_at is null
                          limit 1));
end
$$;

-- Who must not be written to, by the lists: 5 opted out, 6 blacklisted, null the
-- others; null when nobody is.  p_group: the place of a message's group, whose are
-- account, class, brand and owner; null: each message's own.  Called by screen_lists() (049).
create function sms.screen_listed(
    p_acct bigint[], p_group int[], p_class smallint[], p_to bigint[], p_brand bigint[],
    p_owner bigint[])
returns smallint[]
language plpgsql
as $$
declare
    v_black     boolean := exists (select from blacklist b
                                    where b.account_id = any (p_acct || 0::bigint));
    v_optout    boolean := 3 = any (p_class) and exists (
                               select from (select distinct unnest(p_owner) as owner,
                                                            unnest(p_brand) as brand) u
                                cross join lateral (
                                      select true from optout o
                                       where o.owner_account_id = u.owner
                                         and o.brand_id = u.brand and o.lifted_at is null
                                       limit 1) o);
    v_hit       bigint[];
    v_out       bigint[];
    v_list      smallint[];
begin
    if not (v_black or v_optout) then
        return null;
    end if;

    if p_acct[1] = all (p_acct) and p_brand[1] = all (p_brand) and p_class[1] = all (p_class)
    then
        v_hit := case when v_black then blacklisted(p_acct[1], p_class[1], p_to) end;
        v_out := case when v_optout then opted_out(p_owner[1], p_brand[1], p_to) end;

        if coalesce(v_hit, '{}') = '{}' and coalesce(v_out, '{}') = '{}' then
            return null;
        end if;

        return (
            select array_agg(case
                       when u.number in (select unnest(v_hit)) then 6
                       when u.number in (select unnest(v_out)) then 5 end::smallint)
              from (select unnest(p_to) as number) u);
    end if;

    select array_agg(case
               when v_black
                    and (select true from blacklist b
                          where b.account_id in (0, p_acct[u.g]) and b.number = u.number
                            and (b.scope = 1 or p_class[u.g] = 3)
                          limit 1) then 6
               when v_optout and p_class[u.g] = 3
                    and (select true from optout o
                          where o.owner_account_id = p_owner[u.g] and o.brand_id = p_brand[u.g]
                            and o.number = u.number and o.lifted_at is null
                          limit 1) then 5
               end::smallint)
      into v_list
      from (select unnest(p_to) as number,
                   unnest(coalesce(p_group, array(
                       select generate_series(1, cardinality(p_to))))) as g) u;

    return case when array_remove(v_list, null) <> '{}' then v_list end;
end
$$;

-- What the mirror knows of each; null of messages that are not commercial.  Groups as in
-- screen_lists().
create function sms.screen_mirror(
    p_group int[], p_class smallint[], p_to bigint[], p_rtype smallint[], p_brand bigint[],
    p_owner bigint[],
    out state smallint[], out as_of timestamptz[])
language plpgsql
as $$
#variable_conflict use_column
begin
    select array_agg(c.state), array_agg(c.as_of)
      into state, as_of
      from (select unnest(p_to) as number, unnest(p_rtype) as rtype,
                   unnest(coalesce(p_group, array(
                       select generate_series(1, cardinality(p_to))))) as g) u
      left join lateral (
           select x.state, x.as_of from consent x
            where p_class[u.g] = 3
              and x.owner_account_id = p_owner[u.g] and x.brand_id = p_brand[u.g]
              and x.number = u.number and x.recipient_type = u.rtype
              and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c on true;
end
$$;

-- Carries out what screen_take() decided by itself.
create function sms.screen_decide(
    p_now timestamptz, p_acct bigint[], p_id uuid[], p_at timestamptz[], p_verdict int[])
returns void
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_acct  bigint[];
    v_id    uuid[];
    v_state smallint[];
    v_code  text[];
    v_hold  int := setting_int('hold_retry_seconds');
begin
    -- Only what could be deleted here is ours to end.  A message that was held
    -- for a reason and ran out of time was refused for that reason.
    with gone as (
        delete from due d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_id, p_at, p_verdict) u (id, at, verdict)
                    cross join lateral (select x.ctid from due x
                                         where x.at = u.at and x.message_id = u.id
                                         limit 1
                                           for update skip locked) w
                    where u.verdict between 1 and 4 or u.verdict in (9, 10)))
        returning d.account_id, d.message_id, d.code
    )
    select array_agg(g.account_id), array_agg(g.message_id),
           array_agg(case u.verdict
                     when 1 then late_state(coalesce(g.code, 'expired'))
                     when 2 then 9
                     else 5 end::smallint),
           array_agg(case u.verdict
                     when 1 then coalesce(nullif(g.code, 'retry'), 'expired')
                     when 2 then 'opted-out'
                     when 3 then 'blacklisted'
                     when 9 then 'account-stopped'
                     when 10 then 'sender-stopped'
                     else 'account-closed' end)
      into v_acct, v_id, v_state, v_code
      from gone g
      join unnest(p_id, p_verdict) u (id, verdict) on u.id = g.message_id;

    if v_id is not null then
        perform settle(p_now, v_acct, v_id, v_state, v_code,
                       array_fill(true, array[cardinality(v_id)]));
    end if;

    -- Accounts are locked by now, so a row that a cancel holds is not waited for.
    with held as materialized (
        select w.place, w.code is distinct from u.code as news, u.code
          from (select x.id, x.at,
                       (array['account-suspended', 'sender-revoked', 'account-stopped',
                              'sender-stopped', null, null,
                              'consents-overdue', null,
                              'brand-not-authorised'])[x.verdict - 4] as code
                  from unnest(p_id, p_at, p_verdict) x (id, at, verdict)
                 where x.verdict between 5 and 8 or x.verdict in (11, 13)) u
         cross join lateral (select x.ctid as place, x.code from due x
                              where x.at = u.at and x.message_id = u.id
                              limit 1
                                for update skip locked) w
    ), moved as (
        update due d
           set at = p_now + v_hold * interval '1 second', code = h.code
          from held h
         where d.ctid = h.place and d.ctid = any (array(select x.place from held x))
        returning d.account_id, d.message_id, d.code, h.news
    )
    -- told once for each reason
    insert into verdict (account_id, at, message_id, stage, outcome, code)
    select account_id, p_now, message_id, 1, 3, code from moved where news
        on conflict do nothing;
end
$$;

-- The screener's answers to single messages.  p_outcome: 1 queue (lane, fresh_until), 2 refuse
-- (code; refunded), 3 wait until p_at (code).  Only rows that are still due
-- count, so an answer that is sent twice, or after a cancel, does nothing.
create function sms.screened(
    p_now timestamptz, p_message uuid[], p_account bigint[], p_outcome smallint[],
    p_lane int[], p_fresh_until timestamptz[], p_at timestamptz[], p_code text[],
    p_consent_state smallint[], p_consent_as_of timestamptz[], p_proof text[],
    p_plugin text[])
returns int
language plpgsql security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
declare
    v_acct      bigint[];
    v_id        uuid[];
    v_outcome   smallint[];
    v_lane      int[];
    v_attempt   smallint[];
    v_parts     smallint[];
    v_expires   timestamptz[];
    v_fresh     timestamptz[];
    v_at        timestamptz[];
    v_code      text[];
begin
    with gone as (
        delete from due d
         where d.ctid = any (array(
                   select w.ctid
                     from unnest(p_message) u (id)
                    cross join lateral (select x.ctid from due x
                                         where x.message_id = u.id and x.lane is null
                                         limit 1
                                           for update skip locked) w))
        returning d.account_id, d.message_id, d.attempt, d.parts, d.expires_at
    )
    select array_agg(g.account_id), array_agg(g.message_id), array_agg(u.outcome),
           array_agg(case when u.outcome = 1 then u.lane end), array_agg(g.attempt),
           array_agg(g.parts), array_agg(g.expires_at), array_agg(u.fresh_until),
           array_agg(u.at), array_agg(u.code)
      into v_acct, v_id, v_outcome, v_lane, v_attempt, v_parts, v_expires, v_fresh, v_at, v_code
      from gone g
      join unnest(p_message, p_outcome, p_lane, p_fresh_until, p_at, p_code)
           u (id, outcome, lane, fresh_until, at, code) on u.id = g.message_id;

    if v_id is null then
        return 0;
    end if;

    -- a permission is not used beyond the end of the account's sending window
    if exists (select from pace p where p.account_id = any (v_acct)) then
        v_fresh := array(
            select case when u.fresh is not null then least(u.fresh, u.close) end
              from unnest(v_fresh, quiet_closes(p_now, v_acct)) with ordinality
                   u (fresh, close, i)
             order by u.i);
    end if;

    perform account_lock(v_acct);

    insert into verdict (account_id, at, message_id, stage, outcome, consent_state,
                         consent_as_of, code, plugin, proof)
    select u.account_id, p_now, u.id, 1, u.outcome, u.consent_state, u.consent_as_of, u.code,
           u.plugin, u.proof
      from unnest(p_message, p_account, p_outcome, p_consent_state, p_consent_as_of, p_code,
                  p_plugin, p_proof)
           u (id, account_id, outcome, consent_state, consent_as_of, code, plugin, proof)
     where u.id in (select unnest(v_id))
        on conflict do nothing;

    if 1::smallint = any (v_outcome) then
        perform enqueue(a.ids, array_fill(0::bigint, array[cardinality(a.ids)]),
                        v_acct, v_id, v_lane, places(v_acct, v_lane), v_attempt, v_parts,
                        v_expires, v_fresh)
           from (select array(select distinct unnest(v_acct)) as ids) a;
    end if;

    if 2::smallint = any (v_outcome) then
        perform settle(p_now, array_agg(u.a), array_agg(u.m), array_agg(5::smallint),
                       array_agg(u.c), array_agg(true))
           from unnest(v_acct, v_id, v_outcome, v_code) u (a, m, o, c)
          where u.o = 2;
    end if;

    if 3::smallint = any (v_outcome) then
        insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
        select u.at, u.a, u.e, u.t, u.p, u.m, u.c
          from unnest(v_acct, v_id, v_outcome, v_at, v_expires, v_attempt, v_parts, v_code)
               u (a, m, o, at, e, t, p, c)
         where u.o = 3;
    end if;

    return cardinality(v_id);
end
$$;

grant execute on function sms.screened(
    timestamptz, uuid[], bigint[], smallint[], int[], timestamptz[], timestamptz[], text[],
    smallint[], timestamptz[], text[], text[]) to sms_worker;
