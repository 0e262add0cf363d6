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
declare
    v_any   bigint[] := blacklisted(p_account, 3::smallint, p_number);
    v_all   bigint[] := blacklisted(p_account, 2::smallint, v_any);
    v_out   bigint[] := opted_out(p_owner, p_brand, p_number);
    v_mask  bigint[];
    v_hit   bigint[];
begin
    -- those of whom an erasure has left hashes
    if exists (select from optout o where o.number < 0 and o.owner_account_id = p_owner)
       or exists (select from blacklist l where l.number < 0 and l.account_id in (0, p_account))
    then
        v_mask := array(select number_mask(u) from unnest(p_number) with ordinality x (u, i)
                         order by i);
        v_hit := blacklisted(p_account, 3::smallint, v_mask);
        v_any := v_any || array(select z.n from unnest(p_number, v_mask) z (n, m)
                                 where (z.m in (select unnest(v_hit))) is true);
        v_hit := opted_out(p_owner, p_brand, v_mask);
        v_out := v_out || array(select z.n from unnest(p_number, v_mask) z (n, m)
                                 where (z.m in (select unnest(v_hit))) is true);
    end if;

    return query
    select u.number, u.rtype, u.blacklisted, u.commercial, u.opted_out, c.state, c.as_of
      from (select x.number, x.rtype, (x.number in (select unnest(v_all))) is true as blacklisted,
                   (x.number in (select unnest(v_any))) is true as commercial,
                   (x.number in (select unnest(v_out))) is true as opted_out
              from unnest(p_number, p_rtype) x (number, rtype)) u
      left join lateral (
           select x.state, x.as_of from consent x
            where x.owner_account_id = p_owner and x.brand_id = p_brand
              and x.number = u.number and x.recipient_type = u.rtype
              and (x.permits or x.state <> 1)
            order by x.counts_at desc
            limit 1) c on true
     where u.commercial or u.opted_out or c.state is not null;
end
$$;

grant execute on function sms.preview(bigint, bigint, bigint, bigint[], smallint[])
    to sms_worker;
