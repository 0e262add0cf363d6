-- expand: what preview asks of lists and mirror

set role sms_owner;

-- One row per given number and type that any list or the mirror knows.  Preview
-- never asks İYS: what the mirror does not know is "unknown" there (D21).
create function sms.preview(
    p_account bigint, p_owner bigint, p_brand bigint,
    p_number bigint[], p_rtype smallint[])
returns table (number bigint, recipient_type smallint, blacklisted boolean,
               blacklisted_commercial boolean, opted_out boolean,
               consent_state smallint, consent_as_of timestamptz)
language plpgsql stable security definer
set search_path = sms, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
    return query
    select u.number, u.rtype, coalesce(b.scope_all, false),
           coalesce(b.scope_commercial, false), coalesce(o.found, false), c.state, c.as_of
      from unnest(p_number, p_rtype) u (number, rtype)
      left join lateral (
           select bool_or(x.scope = 1) as scope_all, bool_or(x.scope = 2) as scope_commercial
             from blacklist x
            where x.account_id in (0, p_account) and x.number = u.number) b on true
      left join lateral (
           select true as found from optout x
            where x.owner_account_id = p_owner and x.brand_id = p_brand
              and x.number = u.number and x.lifted_at is null
            limit 1) o on true
      left join lateral (
           select x.state, x.as_of from consent x
            where x.owner_account_id = p_owner and x.brand_id = p_brand
              and x.number = u.number and x.recipient_type = u.rtype
              and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c on true
     where b.scope_all or b.scope_commercial or o.found or c.state is not null;
end
$$;

grant execute on function sms.preview(bigint, bigint, bigint, bigint[], smallint[])
    to sms_worker;
