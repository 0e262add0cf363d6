-- expand: what İYS and people say, as it is written down

set role sms_owner;

-- p_source: status, add, feed, push, upstream.
create function sms.consent_put(
    p_owner bigint[], p_brand bigint[], p_rtype smallint[], p_number bigint[],
    p_state smallint[], p_as_of timestamptz[], p_batch uuid, p_source text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    insert into consent (owner_account_id, brand_id, number, as_of, counts_at, recipient_type,
                         state, permits, batch_id, source)
    select u.owner, u.brand, u.number, u.as_of,
           case when u.state = 2 then greatest(u.as_of, clock_timestamp()) else u.as_of end,
           u.rtype, u.state, u.state = 1 and p_source = 'status', p_batch, p_source
      from unnest(p_owner, p_brand, p_rtype, p_number, p_state, p_as_of)
           u (owner, brand, rtype, number, state, as_of)
        on conflict do nothing;

    get diagnostics n = row_count;
    return n;
end
$$;

create function sms.optout_put(
    p_owner bigint, p_brand bigint, p_number bigint, p_received_at timestamptz,
    p_source text, p_inbound uuid)
returns boolean
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    insert into optout (owner_account_id, brand_id, number, received_at, source, inbound_id)
    values (p_owner, p_brand, p_number, p_received_at, p_source, p_inbound)
        on conflict do nothing;

    return found;
end
$$;

-- Only a consent given later than the refusal lifts it, and it must be proved;
-- that İYS still lists an approval is no proof, it may not know of the refusal.
create function sms.optout_lift(
    p_owner bigint, p_brand bigint, p_number bigint, p_consent_at timestamptz, p_proof text)
returns int
language plpgsql security definer
set search_path = sms, pg_temp
as $$
declare
    n   int;
begin
    if coalesce(p_proof, '') = '' then
        raise exception 'consent-proof-missing' using errcode = 'SMS02';
    end if;

    update optout
       set lifted_at = clock_timestamp(), lift_proof = p_proof
     where owner_account_id = p_owner and brand_id = p_brand
       and number in (p_number, number_mask(p_number))
       and lifted_at is null and received_at < p_consent_at;

    get diagnostics n = row_count;
    return n;
end
$$;

grant execute on function
    sms.consent_put(bigint[], bigint[], smallint[], bigint[], smallint[], timestamptz[], uuid, text),
    sms.optout_put(bigint, bigint, bigint, timestamptz, text, uuid),
    sms.optout_lift(bigint, bigint, bigint, timestamptz, text) to sms_worker;
