-- expand: what was submitted is taken back when the person refuses (C1)
--
-- Only where the operator has a way to: the holder of a bind asks it to forget parts that
-- it has and that nobody has told of.  It may be too late, and often is; then the message
-- ends as any other.

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('recall_hours', '48', 'how old a submitted commercial message may be that is taken back when its recipient refuses; 0: none is');

-- Asks operators to forget commercial messages of these brands to these numbers.  Messages
-- have no index by recipient: the newest optout_look of each account that sends for the
-- brands are read, where a link asks at all.
create function sms.optout_recall(p_now timestamptz, p_brand bigint[], p_number bigint[])
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    v_link  int[] := array(select k.link_id from link k
                            where k.asks_at > p_now - interval '10 minutes');
    v_since timestamptz := p_now - setting_int('recall_hours') * interval '1 hour';
    -- what was scheduled may have been accepted a year before
    v_low   uuid := id_low(v_since - interval '367 days');
    v_high  uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    v_look  int := setting_int('optout_look');
    v_acct  bigint;
    v_n     int;
    n       int := 0;
begin
    if v_link = '{}' or v_since >= p_now then
        return 0;
    end if;

    for v_acct in
        select a from (select brand_owner(b) as a from unnest(p_brand) b
                       union
                       select g.account_id from brand_grant g
                        where g.brand_id = any (p_brand)) x
         order by a
    loop
        insert into ask (account_id, at, submitted_at, link_id, attempt, part, total, message_id,
                         operator_id, recall)
        select v_acct, p_now, s.at, s.link_id, s.attempt, s.part, s.total, m.message_id,
               s.operator_id, true
          from (select x.message_id, x.class, x.brand_id, x."to", x.test
                  from message x
                 where x.account_id = v_acct
                   and x.message_id >= v_low and x.message_id <= v_high
                 order by x.message_id desc
                 limit v_look) m
         cross join lateral (
               select y.* from submit y
                where y.account_id = v_acct and y.message_id = m.message_id
                  and y.message_id >= v_low and y.message_id <= v_high
                  and y.outcome = 1 and y.operator_id is not null and y.at >= v_since
               offset 0) s
         where m.class = 3 and m.brand_id = any (p_brand) and m."to" = any (p_number)
           and not m.test and s.link_id = any (v_link)
           and (select true from settlement e
                 where e.account_id = v_acct and e.message_id = m.message_id
                   and e.message_id >= v_low and e.message_id <= v_high
                 limit 1) is null
           and (select true from receipt r
                 where r.account_id = v_acct and r.message_id = m.message_id
                   and r.message_id >= v_low and r.message_id <= v_high
                   and r.attempt = s.attempt and r.part = s.part
                 limit 1) is null
         order by m.message_id, s.attempt, s.part
            on conflict (account_id, message_id, attempt, part)
            do update set recall = true, at = least(ask.at, excluded.at);

        get diagnostics v_n = row_count;
        n := n + v_n;
    end loop;

    return n;
end
$$;

-- Ends messages of which every part was taken back; of one whose other parts went out the
-- receipts tell.  Upkeep calls it.
create function sms.optout_recalled(p_now timestamptz, p_limit int)
returns int
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_acct  bigint[];
    v_id    uuid[];
    v_whole boolean[];
begin
    select array_agg(w.account_id), array_agg(w.message_id), array_agg(w.whole)
      into v_acct, v_id, v_whole
      from (select a.account_id, a.message_id, count(*) = max(a.total) as whole
              from ask a
             where a.at = 'infinity' and a.recalled
             group by a.account_id, a.message_id, a.attempt
            -- one that is still being asked decides it
            having not exists (select from ask o
                                where o.account_id = a.account_id
                                  and o.message_id = a.message_id and not o.recalled)
             order by a.account_id, a.message_id
             limit p_limit) w;

    if v_id is null then
        return 0;
    end if;

    delete from ask a
     using unnest(v_acct, v_id) u (a, m)
     where a.account_id = u.a and a.message_id = u.m and a.recalled;

    perform account_lock(v_acct);

    perform settle(p_now, array_agg(u.a), array_agg(u.m), array_agg(9::smallint),
                   array_agg('opted-out'::text), array_agg(true))
       from unnest(v_acct, v_id, v_whole) u (a, m, whole)
      where u.whole
     having count(*) > 0;

    return cardinality(v_id);
end
$$;
