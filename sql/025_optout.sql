-- expand: what a message from a person means: refusals, approvals, what follows
--
-- One transaction (sms.inbound_read) writes the opt-outs, ends what they stop, puts
-- the message into the inboxes it concerns, writes the entries that İYS is due
-- (029), and leaves in the outbox what others have to do:
--
--     received  for an account that has an endpoint: JSON of the message
--     notice    a message of our own that a worker measures: sms.notice_put()

set role sms_owner;

insert into sms.setting (name, value, doc) values
    ('optout_days', '90', 'a refusal without a brand is for those that wrote within so many days'),
    ('optout_look', '100000', 'messages of an account that such a refusal looks at, at most'),
    ('optout_text', '{brand}: ticari ileti reddiniz {date} tarihinde alınmıştır. Bu markadan ticari ileti gönderilmeyecektir.', 'what a person is told who has refused; empty: nothing'),
    ('notice_hours', '24', 'how long a notice waits for an account that cannot pay for it');

-- Confirmations: one for a brand, a number and a day.
create table sms.optout_notice (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    number          bigint not null,
    day             date not null,
    created_at      timestamptz not null default now(),
    primary key (owner_account_id, brand_id, number, day)
);


-- ---- what others have to do -------------------------------------------------

create function sms.optout_confirm(p_brand bigint, p_number bigint, p_at timestamptz)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_day   date := (p_at at time zone 'Europe/Istanbul')::date;
    v_text  text := (select s.value from setting s where s.name = 'optout_text');
begin
    if v_text = '' then
        return;
    end if;

    insert into optout_notice (owner_account_id, brand_id, number, day)
    values (brand_owner(p_brand), p_brand, p_number, v_day)
        on conflict do nothing;

    if found then
        perform notice_add(b.account_id, b.brand_id, p_number, 'optout',
                           replace(replace(v_text, '{date}', to_char(v_day, 'DD.MM.YYYY')),
                                   '{brand}', b.name))
           from brand b
          where b.account_id = brand_owner(p_brand) and b.brand_id = p_brand;
    end if;
end
$$;

-- What follows once it is certain that somebody has refused.
create function sms.optout_certain(
    p_brand bigint[], p_number bigint, p_at timestamptz, p_inbound uuid)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    perform consent_entry_inbound(b, p_number, 2::smallint, p_at, null,
                                  jsonb_build_object('inbound', id_text('inb', p_inbound))),
            optout_confirm(b, p_number, p_at)
       from unnest(p_brand) b;
end
$$;


-- ---- refusals ---------------------------------------------------------------

-- Opt-outs of these brands, and the end of what they stop.  p_decide_at null: it is
-- certain that it is a refusal; else see optout.decide_at.  Answers how many
-- messages it ended.
create function sms.optout_apply(
    p_now timestamptz, p_brand bigint[], p_number bigint, p_at timestamptz, p_inbound uuid,
    p_decide_at timestamptz)
returns int
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    -- İYS has been told of those
    v_told  bigint[] := array(select b from unnest(p_brand) b
                               where exists (select from optout o
                                              where o.owner_account_id = brand_owner(b)
                                                and o.brand_id = b and o.number = p_number
                                                and o.lifted_at is null and o.decide_at is null
                                                and o.source = 'HS_MESAJ'));
    n       int;
begin
    insert into optout (owner_account_id, brand_id, number, received_at, source, inbound_id,
                        decide_at)
    select brand_owner(b), b, p_number, p_at, 'HS_MESAJ', p_inbound, p_decide_at
      from unnest(p_brand) b
        on conflict (owner_account_id, brand_id, number, received_at)
        -- a certain one counts, whatever is or was decided of an unsure one
        do update set decide_at = null, inbound_id = excluded.inbound_id, lifted_at = null,
                      lift_proof = null
            where excluded.decide_at is null
              and (optout.decide_at is not null or optout.lift_proof like 'decided: %');

    if p_decide_at is null then
        perform optout_recall(p_now, p_brand, array[p_number]);
    end if;

    n := optout_end(p_now, p_brand, array[p_number], '-infinity', 2000, 100);

    if p_decide_at is null then
        perform optout_certain(array(select b from unnest(p_brand) b
                                      where b <> all (v_told)), p_number, p_at, p_inbound);
        -- whoever says it again on another day is told again
        perform optout_confirm(b, p_number, p_at) from unnest(v_told) b;
    end if;

    return n;
end
$$;

-- Has one of these accounts submitted a commercial message of the brand to the number
-- since p_since, that names p_own, or came from it?  Messages have no index by
-- recipient, and such a question is rare: the newest messages of each account are
-- read, at most so many.  Null: there were more, and none among those.
create function sms.optout_wrote(
    p_account bigint[], p_brand bigint, p_to bigint, p_own text, p_since timestamptz, p_most int)
returns boolean
language plpgsql
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
    -- what was scheduled may have been accepted a year before
    v_low   uuid := id_low(p_since - interval '367 days');
    v_high  uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    v_acct  bigint;
    v_count bigint;
    v_wrote boolean := false;
begin
    foreach v_acct in array p_account loop
        select count(*), bool_or(m.mine) into v_count, v_wrote
          from (select x.class = 3 and x."to" = p_to and x.brand_id = p_brand
                       and (number_plain(x.sender) = p_own
                            or strpos(coalesce(x.text, (
                                   select y.text from message y
                                    where y.account_id = x.account_id
                                      and y.message_id = x.text_id
                                      and y.message_id >= v_low and y.message_id <= v_high)),
                                   p_own) > 0)
                       and exists (select from submit s
                                    where s.account_id = x.account_id
                                      and s.message_id = x.message_id
                                      and s.message_id >= v_low and s.message_id <= v_high
                                      and s.at >= p_since and s.outcome in (1, 5)) as mine
                  from message x
                 where x.account_id = v_acct
                   and x.message_id >= v_low and x.message_id <= v_high
                 order by x.message_id desc
                 limit p_most) m;

        if v_wrote then
            return true;
        end if;

        if v_count >= p_most then
            return null;
        end if;
    end loop;

    return false;
end
$$;

-- The brands that a refusal is for which names none (C10): those that submitted a
-- commercial message naming the number to this person lately.  Of those that may
-- name it, İYS was asked about the person for the few that come into question: the
-- mirror tells by its key.
create function sms.optout_brands(p_now timestamptz, p_own text, p_to bigint)
returns bigint[]
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    v_since timestamptz := p_now - setting_int('optout_days') * interval '1 day';
    v_look  int := setting_int('optout_look');
    v_all   bigint[] := '{}';
    b       bigint;
begin
    foreach b in array number_brands(p_own) loop
        continue when not exists (select from consent c
                                   where c.owner_account_id = brand_owner(b) and c.brand_id = b
                                     and c.number = p_to
                                     and c.counts_at >= v_since - interval '2 days');

        -- what is too much to be read is believed to be there where İYS has approved
        if coalesce(optout_wrote(
               array(select brand_owner(b) union
                     select g.account_id from brand_grant g where g.brand_id = b),
               b, p_to, p_own, v_since, v_look),
               exists (select from consent c
                        where c.owner_account_id = brand_owner(b) and c.brand_id = b
                          and c.number = p_to and c.permits
                          and c.counts_at >= v_since - interval '2 days'))
        then
            v_all := v_all || b;
        end if;
    end loop;

    return v_all;
end
$$;

-- The brands whose texts may name a number: those with a keyword there, and those of
-- whose account it is.
create function sms.number_brands(p_own text)
returns bigint[]
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return array(select k.brand_id from keyword k where k.number = p_own
                  union
                 select b.brand_id
                   from number n
                   join brand b on b.account_id = n.account_id
                  where n.number = p_own
                  order by 1);
end
$$;


-- ---- a message is read ------------------------------------------------------

-- What a message means, and all that follows from it, once: a message that has been
-- read is left as it is.  p_kind, p_words: of sms_keyword_parse(), 0 neither, 1 a
-- refusal, 2 an approval, and the other words.  p_from: the person's number; null:
-- it is none.  p_decide_at: when what is not understood becomes a refusal.
--
-- A refusal is never lost (C2).  Who names a brand means it.  Who names none means
-- those that wrote (C10); if there are none, all that may have, until a person has
-- looked.  What is not understood on a number for refusals stops, too.
create function sms.inbound_read(
    p_now timestamptz, p_id uuid, p_text text, p_kind int, p_words text, p_from bigint,
    p_decide_at timestamptz, out fresh boolean, out optouts int, out ended int)
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_first     inbound_part;
    v_count     int;
    v_own       text;
    v_number    number;
    k           keyword;
    v_whole     boolean;
    r           record;
    v_named     bigint[] := '{}';
    v_brands    bigint[] := '{}';
    v_kind      int := 1;
    v_decide    timestamptz;
    v_acct      bigint[];
    v_at        timestamptz;
begin
    fresh := false;
    optouts := 0;
    ended := 0;

    perform from inbound_part p where p.inbound_id = p_id order by p.part_id for update;

    update inbound_part p set read_at = p_now where p.inbound_id = p_id and p.read_at is null;
    get diagnostics v_count = row_count;

    if v_count = 0 then
        return;
    end if;

    fresh := true;

    select * into v_first from inbound_part p where p.inbound_id = p_id order by p.seq limit 1;
    -- a time to come is a wrong clock's
    v_at := least(coalesce(v_first.at, v_first.received_at), p_now);
    v_own := number_plain(v_first."to");

    select * into v_number from number n where n.number = v_own;

    for r in select * from keyword_find(v_own, p_words) loop
        if k.number is null then
            k := r.keyword;
            v_whole := r.whole;
        end if;

        if (r.keyword).brand_id <> all (v_named) then
            v_named := v_named || (r.keyword).brand_id;
        end if;
    end loop;

    if p_kind = 1 then
        v_kind := 2;
        v_brands := v_named;

    elsif p_kind = 2 or (k.purpose = 'optin' and v_whole) then
        v_kind := case when cardinality(v_named) = 1 and k.scope is not null
                            and p_from is not null then 3 else 4 end;

    elsif coalesce(k.purpose <> 'optout', false) or not coalesce(v_number.optout, true) then
        v_kind := 1;

    else
        v_kind := 4;
        v_decide := p_decide_at;
        v_brands := v_named;
    end if;

    if p_from is null then
        -- an operator, or a service: it has nothing to refuse
        v_kind := case when v_kind = 2 then 4 else v_kind end;
        v_brands := '{}';

    elsif v_kind = 2 or v_decide is not null then

        if v_brands = '{}' then
            v_brands := optout_brands(p_now, v_own, p_from);
        end if;

        if v_brands = '{}' then
            v_brands := number_brands(v_own);
            v_kind := 4;
            v_decide := 'infinity';
        end if;

        optouts := cardinality(v_brands);
    end if;

    -- whose inbox: what nobody is known to be meant by is no stranger's
    v_acct := case
        when v_decide = 'infinity' then '{}'
        when v_brands <> '{}' then array(select distinct brand_owner(b) from unnest(v_brands) b)
        when cardinality(v_named) = 1 then array[brand_owner(v_named[1])]
        else '{}' end;

    if v_acct = '{}' then
        v_acct := array[coalesce(v_number.account_id, 0)];
    end if;

    if optouts > 0 then
        ended := optout_apply(p_now, v_brands, p_from, v_at, p_id, v_decide);
    end if;

    insert into inbound (account_id, at, stored_at, brand_id, from_number, link_id, data_coding,
                         parts, missing, kind, inbound_id, brands, "from", "to", keyword, text,
                         octets, udh, attrs)
    select a, v_at, p_now,
           case when cardinality(o.brands) = 1 then o.brands[1]
                when cardinality(v_named) = 1 and brand_owner(v_named[1]) = a then v_named[1] end,
           p_from, v_first.link_id, v_first.data_coding, v_first.total, v_first.total - v_count,
           v_kind, p_id, o.brands, v_first."from", v_first."to",
           case when brand_owner(k.brand_id) = a then k.keyword end, p_text,
           (select string_agg(p.octets, '' order by p.seq) from inbound_part p
             where p.inbound_id = p_id), v_first.udh,
           (select p.attrs from inbound_part p
             where p.inbound_id = p_id and p.attrs is not null order by p.seq limit 1)
      from unnest(v_acct) a
     cross join lateral (
           select array(select b from unnest(v_brands) b
                         where brand_owner(b) = a or v_decide = 'infinity') as brands) o
        on conflict do nothing;

    if v_kind = 3 then
        perform consent_entry_inbound(
                    v_named[1], p_from, 1::smallint, v_at, k.scope,
                    jsonb_build_object('inbound', id_text('inb', p_id), 'keyword', k.keyword));
    end if;

    perform inbound_forward(p_now, a, p_id,
                            coalesce(case when brand_owner(k.brand_id) = a then k.forward_to end,
                                     case when v_number.account_id = a then v_number.forward_to end)),
            inbound_tell(p_now, a, p_id)
       from unnest(v_acct) a
      where a <> 0;
end
$$;

grant execute on function
    sms.inbound_read(timestamptz, uuid, text, int, text, bigint, timestamptz) to sms_worker;

-- Sends what came on to a mobile number.  Never to who wrote it, never to a number
-- that is received on here (forward_check), and no more than so many in an hour:
-- nothing that answers by itself can make a loop of it.
create function sms.inbound_forward(
    p_now timestamptz, p_account bigint, p_id uuid, p_to bigint)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    i   inbound;
begin
    if p_to is null then
        return;
    end if;

    select * into i from inbound x where x.account_id = p_account and x.inbound_id = p_id;

    if i.kind not in (1, 4) or i.from_number is not distinct from p_to
       or (select count(*) from inbound x
            where x.account_id = p_account and x.forwarded
              and x.inbound_id >= id_low(p_now - interval '1 hour'))
          >= setting_int('forward_hourly')
    then
        return;
    end if;

    if notice_add(p_account, i.brand_id, p_to, 'forward',
                  left(coalesce('+' || i.from_number, i."from") || ' > ' || i."to" || ': '
                       || i.text, 400))
    then
        update inbound x set forwarded = true
         where x.account_id = p_account and x.inbound_id = p_id;
    end if;
end
$$;

-- Endpoints that want it are told.
create function sms.inbound_tell(p_now timestamptz, p_account bigint, p_id uuid)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    perform webhook_event(p_now, p_account, 'message.received', json_build_object(
               'id', id_text('inb', i.inbound_id),
               'from', coalesce('+' || i.from_number, i."from"),
               'to', i."to",
               'text', i.text,
               'parts', i.parts,
               'missing_parts', i.missing,
               'kind', (array['message', 'refusal', 'approval', 'unclear'])[i.kind],
               'keyword', i.keyword,
               'brand', (select id_text('brd', b.public_id) from brand b
                          where b.account_id = i.account_id and b.brand_id = i.brand_id),
               'received_at', time_text(i.at)))
       from inbound i
      where i.account_id = p_account and i.inbound_id = p_id;
end
$$;


-- ---- decisions --------------------------------------------------------------

-- Of what nobody understood: it was a refusal of these brands, and of the others that
-- it has stopped it was none.  p_brand empty: it was no refusal; null: it was one, of the
-- brands that it has stopped, else of the one that it is about, else of all of the account
-- (C2).  False: it waits for no decision.
create function sms.inbound_decide(
    p_now timestamptz, p_account bigint, p_id uuid, p_brand bigint[], p_by text)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    i       inbound;
    v_more  bigint[];
begin
    if p_brand is null then
        select case when x.brands <> '{}' then x.brands
                    when x.brand_id is not null then array[x.brand_id]
                    else array(select b.brand_id from brand b
                                where b.account_id = p_account or b.brand_id = any (
                                          case when p_account = 0
                                               then number_brands(number_plain(x."to"))
                                               else '{}' end)) end
          into p_brand
          from inbound x
         where x.account_id = p_account and x.inbound_id = p_id;

        p_brand := coalesce(p_brand, '{}');
    end if;

    update inbound x
       set decided_at = p_now,
           decision = case when p_brand = '{}' then 'message' else 'refusal' end
     where x.account_id = p_account and x.inbound_id = p_id
       and x.kind = 4 and x.decided_at is null
    returning * into i;

    if not found then
        return false;
    end if;

    with sure as (
        update optout o
           set decide_at = null
         where o.owner_account_id = any (array(select brand_owner(b) from unnest(i.brands) b))
           and o.brand_id = any (i.brands) and o.brand_id = any (p_brand)
           and o.number = i.from_number and o.inbound_id = p_id
           and o.decide_at is not null and o.lifted_at is null
        returning o.brand_id
    )
    select array_agg(s.brand_id) into i.brands from sure s;

    update optout o
       set decide_at = null, lifted_at = p_now,
           lift_proof = 'decided: no refusal; by ' || p_by
     where o.owner_account_id = any (array(
               select brand_owner(b)
                 from inbound x cross join lateral unnest(x.brands) b
                where x.account_id = p_account and x.inbound_id = p_id))
       and o.number = i.from_number and o.inbound_id = p_id
       and o.decide_at is not null and o.lifted_at is null
       and o.brand_id = any (array(
               select b from inbound x cross join lateral unnest(x.brands) b
                where x.account_id = p_account and x.inbound_id = p_id));

    perform optout_certain(coalesce(i.brands, '{}'), i.from_number, i.at, p_id);

    -- those that it had not stopped
    v_more := array(select b from unnest(p_brand) b
                     where not exists (select from optout o
                                        where o.owner_account_id = brand_owner(b)
                                          and o.brand_id = b and o.number = i.from_number
                                          and o.lifted_at is null
                                          and o.received_at >= i.at));

    if i.from_number is not null and v_more <> '{}' then
        perform optout_apply(p_now, v_more, i.from_number, i.at, p_id, null);
    end if;

    return true;
end
$$;

-- As the account that asks.
create function sms.api_inbox_decide(p_id uuid, p_refusal boolean)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_account   bigint := nullif(current_setting('sms.account', true), '')::bigint;
begin
    return inbound_decide(
        clock_timestamp(), v_account, p_id,
        case when not p_refusal then '{}'::bigint[] end,
        'key ' || current_setting('sms.key', true));
end
$$;

grant execute on function sms.api_inbox_decide(uuid, boolean) to sms_api;


-- ---- upkeep -----------------------------------------------------------------

-- What nobody decided in time becomes certain; parts whose repetitions are over go,
-- and so does what no endpoint was told.
create function sms.upkeep_inbound(p_now timestamptz, p_limit int)
returns json
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    r       record;
    n       int := 0;
    v_parts int;
begin
    for r in
        with sure as (
            update optout o
               set decide_at = null
             where o.ctid = any (array(select x.ctid from optout x
                                        where x.decide_at <= p_now and x.lifted_at is null
                                        order by x.decide_at
                                        limit p_limit
                                          for update skip locked))
            returning o.*
        )
        select * from sure s order by s.owner_account_id, s.brand_id, s.number
    loop
        update inbound i
           set decided_at = p_now, decision = 'time'
         where i.account_id = r.owner_account_id and i.inbound_id = r.inbound_id
           and i.decided_at is null;

        perform optout_certain(array[r.brand_id], r.number, r.received_at, r.inbound_id);
        n := n + 1;
    end loop;

    delete from inbound_part p
     where p.ctid = any (array(select x.ctid from inbound_part x
                                where x.received_at < p_now - interval '2 days'
                                  and x.read_at is not null
                                limit p_limit));
    get diagnostics v_parts = row_count;

    return json_build_object('optouts_certain', n, 'parts', v_parts,
                             'more', greatest(n, v_parts) >= p_limit);
end
$$;
