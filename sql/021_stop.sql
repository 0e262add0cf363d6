-- expand: what an administrator has stopped or drained: asked by every stage (C20)

set role sms_owner;

-- ---- what is stopped --------------------------------------------------------

-- Senders and texts in the form in which stops are compared: lower case, every i the
-- same, no characters that are not seen, one sort of dot.
create function sms.text_fold(p_text text)
returns text
language sql immutable parallel safe
as $$
    select lower(translate(p_text,
                           E'İIı\u3002\uff0e\uff61\u00ad\u200b\u200c\u200d\u2060\ufeff',
                           'iii...'))
$$;

-- Does a folded text have an address on this host, or on one below it?  With or without
-- a scheme: telephones make links of both.
create function sms.text_names_host(p_text text, p_host text)
returns boolean
language plpgsql immutable
as $$
begin
    return strpos(p_text, p_host) > 0
           and p_text ~ ('(^|[^[:alnum:]-])' || replace(p_host, '.', '[.]')
                         || '($|[^[:alnum:].-]|[.]($|[^[:alnum:]]))');
end
$$;

-- Which messages a stop of an account, a sender or a host concerns, one number each:
-- 0 none; held: 1 the account's, 2 the sender's, 3 a host's; refused: 4 to 6 the same,
-- which come first.  Null: none at all.  p_text null: texts are not looked at; null of a
-- message: its text is not here.
create function sms.stopped(
    p_now timestamptz, p_acct bigint[], p_sender text[], p_text text[])
returns smallint[]
language plpgsql
as $$
declare
    v_stop  smallint[];
begin
    if not exists (select from stop s
                    where s.lifted_at is null and s.target <> 'link'
                      and (s.ends_at is null or s.ends_at > p_now))
    then
        return null;
    end if;

    select array_agg(coalesce(
               (select max(case s.target when 'account' then 1 when 'sender' then 2 else 3 end
                           + case s.effect when 'refuse' then 3 else 0 end)
                  from stop s
                 where s.lifted_at is null and (s.ends_at is null or s.ends_at > p_now)
                   and case s.target
                       when 'account' then s.account_id = u.account_id
                       when 'sender' then s.folded = u.sender
                                          and (s.account_id is null
                                               or s.account_id = u.account_id)
                       when 'url_host' then text_names_host(u.text, s.folded)
                       else false end), 0)::smallint order by u.i)
      into v_stop
      from (select x.i, x.account_id, text_fold(x.sender) as sender, text_fold(x.text) as text
              from unnest(p_acct, p_sender, p_text) with ordinality x (account_id, sender, text, i)
            offset 0) u;

    return case when 0 <> any (v_stop) then v_stop end;
end
$$;

-- Writes into the link's row what its stops say, and tells the workers.
create function sms.link_halt(p_link int)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    -- two that make or lift stops of one link read them one after the other
    perform from link k where k.link_id = p_link for update;

    update link k
       set halt = x.halt, unbind = x.unbind
      from (select coalesce(max(case s.effect when 'drain' then 1 else 2 end), 0) as halt,
                   coalesce(bool_or(s.unbind), false) as unbind
              from stop s
             where s.lifted_at is null and s.target = 'link' and s.link_id = p_link) x
     where k.link_id = p_link;

    perform pg_notify('sms_link', p_link::text);
end
$$;

-- What every worker knows of the links: asked after each connect and each notice.
create function sms.link_halts()
returns table (link_id int, halt smallint, unbind boolean)
language plpgsql stable security definer
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query select k.link_id, k.halt, k.unbind from link k where k.halt <> 0;
end
$$;

-- How many messages that the stop concerns were claimed before it and are not answered.
create function sms.stop_in_flight(p_stop uuid)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    s   stop;
begin
    select * into s from stop where stop_id = p_stop;

    if s.target in ('link', 'account') then
        return (
            select count(*)
              from claim c
             cross join lateral unnest(c.account_id) u (account_id)
             where case s.target when 'link' then c.link_id = s.link_id
                   else u.account_id = s.account_id end);
    end if;

    return (
        select count(*)
          from claim c
         cross join lateral unnest(c.account_id, c.message_id) u (account_id, id)
         cross join lateral (
               select x.sender, x.text_id, x.text from message x
                where x.account_id = u.account_id and x.message_id = u.id
                limit 1) m
         where case s.target
               when 'sender' then text_fold(m.sender) = s.folded
                                  and (s.account_id is null or s.account_id = u.account_id)
               else text_names_host(text_fold(case when m.text_id is null then m.text
                        else (select x.text from message x
                               where x.account_id = u.account_id and x.message_id = m.text_id)
                        end), s.folded) end);
end
$$;

-- Ends stops whose time is over, and empties the lanes of links whose messages shall not
-- wait there: refused and refunded, or given back to screen.
create function sms.upkeep_stops(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_links     int[];
    v_ended     int;
    v_acct      bigint[];
    v_id        uuid[];
    v_refuse    boolean[];
    n           int;
begin
    if not exists (select from stop where lifted_at is null) then
        return json_build_object('stops_ended', 0, 'more', false);
    end if;

    with ended as (
        update stop s
           set lifted_at = s.ends_at, lifted_by = 'its end', lift_reason = 'its time was over'
         where s.lifted_at is null and s.ends_at <= p_now
        returning s.link_id
    )
    select count(*), array_remove(array_agg(distinct e.link_id), null)
      into v_ended, v_links
      from ended e;

    perform link_halt(l) from unnest(v_links) l;

    with swept as (
        select s.link_id, bool_or(s.effect = 'refuse') as refuse
          from stop s
         where s.lifted_at is null and s.target = 'link'
           and (s.effect = 'refuse' or s.reroute)
         group by s.link_id
    ), gone as (
        delete from queue q
         where q.ctid = any (array(
                   select w.place
                     from swept s
                    cross join lateral (
                          select x.ctid as place
                            from queue x
                           where x.lane >= s.link_id * 64 and x.lane < s.link_id * 64 + 64
                           order by x.lane, x.turn, x.message_id
                           limit p_limit
                             for update skip locked) w
                    limit p_limit))
        returning q.*
    ), due_again as (
        insert into due (at, account_id, expires_at, attempt, parts, message_id, code)
        select p_now, g.account_id, g.expires_at, g.attempt, g.parts, g.message_id,
               'link-drained'
          from gone g
          join swept s on s.link_id = g.lane / 64
         where not s.refuse
    )
    select array_agg(g.account_id), array_agg(g.message_id), array_agg(s.refuse)
      into v_acct, v_id, v_refuse
      from gone g
      join swept s on s.link_id = g.lane / 64;

    n := coalesce(cardinality(v_id), 0);

    if n > 0 then
        if true = any (v_refuse) then
            perform settle(p_now, array_agg(u.a), array_agg(u.m), array_agg(5::smallint),
                           array_agg('link-stopped'::text), array_agg(true))
               from unnest(v_acct, v_id, v_refuse) u (a, m, r)
              where u.r;
        end if;

        insert into verdict (account_id, at, message_id, stage, outcome, code)
        select u.a, p_now, u.m, 2, case when u.r then 2 else 3 end,
               case when u.r then 'link-stopped' else 'link-drained' end
          from unnest(v_acct, v_id, v_refuse) u (a, m, r)
            on conflict do nothing;
    end if;

    return json_build_object('stops_ended', v_ended, 'link_emptied', n, 'more', n >= p_limit);
end
$$;

grant execute on function sms.link_halts() to sms_worker;
