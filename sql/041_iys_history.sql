-- expand: İYS's history of one address, and which retailers may use its consent
--
-- İYS answers a hundred histories an hour: who wants one leaves a question, and reads the
-- answer when it is there.  Nobody waits for it in a request.

set role sms_owner;

create table sms.iys_asked (
    owner_account_id bigint not null,
    brand_id        bigint not null,
    asked_at        timestamptz not null,
    answered_at     timestamptz,
    channel         smallint not null check (channel in (1, 2, 3)),
    recipient_type  smallint not null check (recipient_type in (1, 2)),
    kind            text not null check (kind in ('history', 'access')),
    address         text collate "C" not null,
    -- why İYS did not answer
    code            text,
    -- retailers: [{"retailerCode","title"}]; a history lies in iys_move
    retailers       jsonb,
    primary key (owner_account_id, brand_id, kind, address, channel, recipient_type)
);

-- Asks unless there is an answer of the last hour, or a question that stands.  Address as
-- consent_address() makes it.  True: it is asked now.
create function sms.iys_ask(
    p_now timestamptz, p_owner bigint, p_brand bigint, p_kind text, p_channel smallint,
    p_rtype smallint, p_address text)
returns boolean
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    if not exists (select from brand b
                    where b.account_id = p_owner and b.brand_id = p_brand
                      and b.iys_code is not null and b.brand_code is not null)
       or exists (select from iys_asked a
                   where a.owner_account_id = p_owner and a.brand_id = p_brand
                     and a.kind = p_kind and a.address = p_address and a.channel = p_channel
                     and a.recipient_type = p_rtype
                     and a.answered_at > p_now - interval '1 hour')
    then
        return false;
    end if;

    insert into iys_task (owner_account_id, brand_id, next_at, kind, arg)
    values (p_owner, p_brand, p_now, p_kind,
            (array['MESAJ', 'ARAMA', 'EPOSTA'])[p_channel] || '|'
            || (array['BIREYSEL', 'TACIR'])[p_rtype] || '|' || p_address)
        on conflict do nothing;

    if not found then
        return false;
    end if;

    insert into iys_asked (owner_account_id, brand_id, asked_at, channel, recipient_type, kind,
                           address)
    values (p_owner, p_brand, p_now, p_channel, p_rtype, p_kind, p_address)
        on conflict (owner_account_id, brand_id, kind, address, channel, recipient_type)
        do update set asked_at = p_now;

    return true;
end
$$;

create function sms.iys_asked_done(
    p_now timestamptz, p_task sms.iys_task, p_code text, p_retailers jsonb)
returns void
language plpgsql
set search_path = sms, pg_temp
as $$
begin
    update iys_asked a
       set answered_at = p_now, code = p_code,
           retailers = case when p_code is null then p_retailers else a.retailers end
     where a.owner_account_id = p_task.owner_account_id and a.brand_id = p_task.brand_id
       and a.kind = p_task.kind and a.address = split_part(p_task.arg, '|', 3)
       and a.channel = array_position(array['MESAJ', 'ARAMA', 'EPOSTA'],
                                      split_part(p_task.arg, '|', 1))
       and a.recipient_type = array_position(array['BIREYSEL', 'TACIR'],
                                             split_part(p_task.arg, '|', 2));
end
$$;

-- POST …/consents/history, newest first.  Its movements are İYS's as any others; a refusal
-- counts when it is the last word of the address, as of this answer.
create function sms.iys_history_page(
    p_now timestamptz, p_task sms.iys_task, p_http int, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(null);
    v_body  jsonb := case when p_http = 204 then '{"list":[]}' else p_body end;
    v_told  iys_told[] := iys_read(p_now, p_task.owner_account_id, p_task.brand_id,
                                   v_body -> 'list');
    v_new   iys_told[];
begin
    o.rows := jsonb_array_length(v_body -> 'list');
    v_told := array(select t from unnest(v_told) t
                     where t.address = split_part(p_task.arg, '|', 3));
    v_new := iys_store(p_now, 'history', v_told);

    o.refusals := iys_refuse(p_now, 'history', array(
        select n from unnest(v_new) n
         where n.status = 2
           and not exists (select from iys_move m
                            where m.owner_account_id = n.owner_account_id
                              and m.brand_id = n.brand_id and m.address = n.address
                              and m.channel = n.channel
                              and m.recipient_type = n.recipient_type and m.status = 1
                              and m.created_at > n.created_at)));

    if o.rows >= 100 and p_task.position < 10000 then
        o.next_at := p_now;
        o.position := p_task.position + o.rows;
        return o;
    end if;

    perform iys_asked_done(p_now, p_task, null, null);
    return o;
end
$$;

-- POST …/consent/retailers/access/list.  Of a retailer its code and title are kept.
create function sms.iys_access_page(
    p_now timestamptz, p_task sms.iys_task, p_http int, p_body text)
returns sms.iys_outcome
language plpgsql
set search_path = sms, pg_temp
as $$
declare
    o       iys_outcome := iys_outcome_at(null);
    v_body  jsonb := case when p_http = 204 then '{"list":[]}' else p_body end;
    v_all   jsonb;
begin
    if jsonb_typeof(v_body -> 'list') is distinct from 'array' then
        raise exception 'answer-malformed' using errcode = '22023';
    end if;

    o.rows := jsonb_array_length(v_body -> 'list');
    v_all := coalesce(p_task.carry, '[]') || coalesce((
        select jsonb_agg(jsonb_build_object('retailerCode', e.r -> 'retailerCode',
                                            'title', e.r -> 'title') order by e.n)
          from jsonb_array_elements(v_body -> 'list') with ordinality e (r, n)), '[]');

    if o.rows >= 100 and p_task.position < 10000 then
        o.next_at := p_now;
        o.position := p_task.position + o.rows;
        o.carry := v_all;
        return o;
    end if;

    perform iys_asked_done(p_now, p_task, null, v_all);
    return o;
end
$$;
