-- expand: what is handed over as evidence: records, their values, and a text for people
--
-- A pack holds the records of one number, or of some messages, the blocks' heads with
-- their signatures, and the way from each record to its block's root: whoever has it can
-- check it without us ("sms-evidence verify").  The worker that answers signs it as a
-- whole, so that nothing can be taken from it either.

set role sms_owner;

create function sms.day_time(p_at text)
returns text
language sql immutable strict
as $$
    select to_char(p_at::timestamptz at time zone 'Europe/Istanbul', 'DD.MM.YYYY HH24:MI:SS')
$$;

-- What a record says in a sentence for each language.  p_text: its text, null where it is
-- erased or was never kept.
create function sms.evidence_sentence(p_doc jsonb, p_number text, p_text text, p_english boolean)
returns text
language plpgsql stable
set search_path = sms, pg_temp
as $$
declare
    v_asked jsonb := (select d from jsonb_array_elements(p_doc -> 'decisions')
                             with ordinality x (d, i)
                       where d ->> 'consent' is not null order by i desc limit 1);
    v_sent  jsonb := (select d from jsonb_array_elements(p_doc -> 'submits')
                             with ordinality x (d, i)
                       where d ->> 'outcome' in ('sent', 'unknown') order by i desc limit 1);
    v_state text := p_doc ->> 'state';
    v_class text := p_doc ->> 'class';
begin
    if p_english then
        return concat_ws(' ',
            format('Message %s to %s, header %s, class %s, accepted %s (Türkiye time).',
                   p_doc ->> 'message', coalesce(p_number, '(number erased)'),
                   p_doc ->> 'sender', v_class, day_time(p_doc ->> 'accepted_at')),
            case when v_asked is not null then
                format('Consent asked: %s, answer of %s, proof %s.', v_asked ->> 'consent',
                       day_time(v_asked ->> 'consent_as_of'),
                       coalesce(v_asked ->> 'proof', 'none'))
            else 'No consent was asked for.' end,
            case when v_sent is not null then
                format('Submitted %s to %s, operator''s id %s, header %s there.',
                       day_time(v_sent ->> 'at'), v_sent ->> 'operator',
                       coalesce(v_sent ->> 'operator_id', 'none'),
                       coalesce(v_sent ->> 'header', 'not recorded'))
            else 'It was not submitted.' end,
            format('Ended %s: %s%s.', day_time(p_doc ->> 'ended_at'), v_state,
                   coalesce(' (' || (p_doc ->> 'code') || ')', '')),
            'Text: ' || coalesce(p_text, case v_class when 'otp'
                then '(one-time code, not kept)' else '(erased)' end));
    end if;

    return concat_ws(' ',
        format('%s numaralı ileti: alıcı %s, başlık %s, sınıf %s, kabul %s (Türkiye saati).',
               p_doc ->> 'message', coalesce(p_number, '(numara silindi)'), p_doc ->> 'sender',
               case v_class when 'commercial' then 'ticari' when 'informational'
                    then 'bilgilendirme' when 'otp' then 'tek kullanımlık şifre'
                    else 'kapsam dışı' end,
               day_time(p_doc ->> 'accepted_at')),
        case when v_asked is not null then
            format('Onay soruldu: %s, yanıt zamanı %s, kanıt %s.',
                   case v_asked ->> 'consent' when 'granted' then 'onay var'
                        when 'refused' then 'ret' when 'not_granted' then 'onay yok'
                        else 'bilinmiyor' end,
                   day_time(v_asked ->> 'consent_as_of'), coalesce(v_asked ->> 'proof', 'yok'))
        else 'Onay sorulmadı.' end,
        case when v_sent is not null then
            format('%s tarihinde %s işletmecisine iletildi, işletmeci numarası %s, başlığın '
                   'oradaki durumu: %s.', day_time(v_sent ->> 'at'), v_sent ->> 'operator',
                   coalesce(v_sent ->> 'operator_id', 'yok'),
                   case v_sent ->> 'header' when 'approved' then 'onaylı'
                        when 'requested' then 'başvuruldu' when 'rejected' then 'reddedildi'
                        when 'revoked' then 'geri alındı' when 'expired' then 'süresi doldu'
                        else 'kayıt yok' end)
        else 'İşletmeciye iletilmedi.' end,
        format('Sonuç %s: %s%s.', day_time(p_doc ->> 'ended_at'),
               case v_state when 'delivered' then 'teslim edildi'
                    when 'undelivered' then 'teslim edilemedi' when 'expired' then 'süresi doldu'
                    when 'rejected' then 'işletmeci reddetti' when 'refused' then 'gönderilmedi'
                    when 'cancelled' then 'iptal edildi' when 'no_receipt' then 'rapor gelmedi'
                    when 'opted_out' then 'alıcı reddetmişti' when 'sent' then 'gönderildi'
                    else 'bilinmiyor' end,
               coalesce(' (' || (p_doc ->> 'code') || ')', '')),
        'Metin: ' || coalesce(p_text, case v_class when 'otp'
            then '(tek kullanımlık şifre, saklanmaz)' else '(silindi)' end));
end
$$;

-- The pack of these messages of an account; their submissions' records come along.
-- p_about: what was asked for, shown as it is.
create function sms.evidence_pack(
    p_now timestamptz, p_account bigint, p_messages uuid[], p_about jsonb)
returns jsonb
language plpgsql stable
set search_path = sms, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_made  jsonb;
    v_value jsonb;
    v_block bigint[];
    v_heads jsonb;
    v_tr    jsonb;
    v_en    jsonb;
    v_more  text[];
begin
    select coalesce(jsonb_agg(jsonb_build_object(
               'block', e.block_no, 'place', e.place, 'record', e.doc,
               'path', merkle_path((select array_agg(x.leaf order by x.place) from evidence x
                                     where x.account_id = p_account
                                       and x.block_no = e.block_no), e.place))
               order by e.block_no, e.place), '[]'),
           array_agg(distinct e.block_no),
           array_agg(distinct e.doc::jsonb ->> 'text_of') filter (where e.kind = 2)
      into v_made, v_block, v_more
      from evidence e
     where e.account_id = p_account
       and (e.message_id = any (p_messages)
            or e.kind = 1 and e.message_id in (
                select x.submission_id from evidence x
                 where x.account_id = p_account and x.message_id = any (p_messages)));

    select coalesce(jsonb_agg(jsonb_build_object(
               'message', id_text('msg', v.message_id), 'name', v.name,
               'key', encode(v.salt, 'hex'), 'value', v.value,
               'erased_at', time_text(v.erased_at)) order by v.message_id, v.name), '[]')
      into v_value
      from evidence_value v
     where v.account_id = p_account
       and (v.name = 'number' and v.message_id = any (p_messages)
            or v.name = 'text' and id_text('msg', v.message_id) = any (v_more));

    -- each block with the one before; all up to the newest where they are few
    select coalesce(jsonb_agg(jsonb_build_object(
               'head', b.head, 'key_id', b.key_id,
               'signature', translate(encode(b.signature, 'base64'), E'\n', ''))
               order by b.block_no), '[]')
      into v_heads
      from evidence_block b
     where b.account_id = p_account
       and (b.block_no = any (v_block) or b.block_no + 1 = any (v_block)
            or b.block_no > (select min(u) from unnest(v_block) u)
               and (select max(x.block_no) from evidence_block x
                     where x.account_id = p_account)
                   - (select min(u) from unnest(v_block) u) <= 1000);

    select jsonb_agg(evidence_sentence(s.doc, s.number, s.text, false) order by s.at),
           jsonb_agg(evidence_sentence(s.doc, s.number, s.text, true) order by s.at)
      into v_tr, v_en
      from (select e.at, e.doc::jsonb as doc,
                   (select v.value from evidence_value v
                     where v.account_id = p_account and v.message_id = e.message_id
                       and v.name = 'number') as number,
                   -- values have it whole
                   (select regexp_replace(v.value, '\m([1-9][0-9])[0-9]{7}([0-9]{2})\M',
                                          '\1*******\2', 'g')
                      from evidence_value v
                     where v.account_id = p_account and v.name = 'text'
                       and v.message_id = id_parse('msg', e.doc::jsonb ->> 'text_of')) as text
              from evidence e
             where e.account_id = p_account and e.kind = 2
               and e.message_id = any (p_messages)) s;

    return jsonb_build_object(
        'format', 'ngx_sms evidence 1',
        'account', (select id_text('acc', a.public_id) from account a
                     where a.account_id = p_account),
        'account_name', (select s.name from account_setting s where s.account_id = p_account),
        'about', p_about,
        'made_at', time_text(p_now),
        -- what was accepted later may not be here yet
        'complete_until', time_text(p_now - setting_int('evidence_minutes')
                                            * interval '1 minute'),
        'records', v_made,
        'values', v_value,
        'blocks', v_heads,
        'report', jsonb_build_object('tr', coalesce(v_tr, '["Kayıt yok."]'),
                                     'en', coalesce(v_en, '["There is no record."]')));
end
$$;

-- What was done with a number of an account's in this time, the newest p_limit.
create function sms.evidence_messages(
    p_account bigint, p_number bigint, p_from timestamptz, p_to timestamptz, p_limit int)
returns uuid[]
language plpgsql stable
set search_path = sms, pg_temp
as $$
begin
    return array(select e.message_id from evidence e
                  where e.account_id = p_account and e.number_key = number_key(p_number)
                    and e.at >= p_from and e.at < p_to
                  order by e.at desc limit p_limit);
end
$$;

-- What is known of a number's consents besides, for the brands of an account.
create function sms.evidence_consents(p_account bigint, p_number bigint)
returns jsonb
language plpgsql stable
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
begin
    return jsonb_build_object(
        'iys', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'brand', id_text('brd', b.public_id),
                       'recipient_type', (array['BIREYSEL', 'TACIR'])[c.recipient_type],
                       'state', (array['granted', 'refused', 'not_granted'])[c.state],
                       'as_of', time_text(c.as_of), 'source', c.source) order by c.as_of)
              from brand b
              join consent c on c.owner_account_id = b.account_id and c.brand_id = b.brand_id
                            and c.number = p_number
             where b.account_id = p_account), '[]'),
        'refusals', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'brand', id_text('brd', b.public_id),
                       'received_at', time_text(o.received_at), 'source', o.source,
                       'lifted_at', time_text(o.lifted_at), 'lift_proof', o.lift_proof)
                       order by o.received_at)
              from brand b
              join optout o on o.owner_account_id = b.account_id and o.brand_id = b.brand_id
                           and o.number = p_number
             where b.account_id = p_account), '[]'),
        'declared', coalesce((
            select jsonb_agg(jsonb_build_object(
                       'brand', id_text('brd', b.public_id), 'status',
                       (array['ONAY', 'RET'])[e.status], 'source', e.source,
                       'consent_at', time_text(e.consent_at),
                       'received_at', time_text(e.received_at), 'state', e.state,
                       'transaction_id', e.transaction_id, 'scope', e.scope,
                       'evidence', e.evidence) order by e.received_at)
              from brand b
              join consent_entry e on e.owner_account_id = b.account_id
                                  and e.brand_id = b.brand_id
                                  and e.address = '+' || p_number and e.channel = 1
             where b.account_id = p_account), '[]'));
end
$$;

create function sms.api_evidence(p_number bigint, p_from timestamptz, p_to timestamptz)
returns jsonb
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    v_most  int := setting_int('evidence_pack');
    v_ids   uuid[] := evidence_messages(api_account(), p_number, p_from, p_to, v_most + 1);
begin
    return evidence_pack(
               clock_timestamp(), api_account(), v_ids[1:v_most],
               jsonb_build_object('number', '+' || p_number, 'from', time_text(p_from),
                                  'to', time_text(p_to),
                                  'more', cardinality(v_ids) > v_most))
           || jsonb_build_object('consents', evidence_consents(api_account(), p_number));
end
$$;

grant execute on function sms.api_evidence(bigint, timestamptz, timestamptz) to sms_api;


-- ---- routes ---------------------------------------------------------------------

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/evidence$', 'evidence:read', 'api.evidence_get');

-- A number of a request: digits as sms.consent_address() reads them.
create function api.number_read(p_text text, p_problem text, p_pointer text)
returns bigint
language plpgsql
as $$
declare
    v_key   text := sms.consent_address(1, p_text);
begin
    if v_key is null then
        perform api.raise(p_problem, p_pointer, 'number: a mobile number, +905321112233');
    end if;

    return substr(v_key, 2)::bigint;
end
$$;

create function api.evidence_get(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql
as $$
declare
    q       jsonb := api.query(p_query, array['number', 'date', 'days']);
    v_to    bigint;
    v_from  timestamptz;
    v_days  int := api.query_int(q, 'days', 1, 366, 1);
begin
    v_to := api.number_read(q ->> 'number', 'invalid-parameter', '');

    if coalesce(q ->> 'date', '') !~ '^\d{4}-\d{2}-\d{2}$' then
        perform api.raise('invalid-parameter', '', 'date: a day in Türkiye, 2026-12-01');
    end if;

    begin
        v_from := (q ->> 'date')::date::timestamp at time zone 'Europe/Istanbul';
    exception
        when data_exception then
            perform api.raise('invalid-parameter', '', 'date: a day in Türkiye, 2026-12-01');
    end;

    return (200, sms.api_evidence(v_to, v_from, v_from + v_days * interval '1 day')
           )::api.answer;
end
$$;
