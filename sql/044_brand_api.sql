-- expand: an account's brands, and what keeps them from sending

set role sms_owner;

alter table sms.brand_standing enable row level security;
create policy api on sms.brand_standing for select to sms_api using
    (owner_account_id = nullif(current_setting('sms.account', true), '')::bigint);
alter table sms.iys_subscription enable row level security;
create policy api on sms.iys_subscription for select to sms_api using
    (owner_account_id = nullif(current_setting('sms.account', true), '')::bigint);
grant select on sms.brand_standing, sms.iys_subscription to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/brands$', 'consents:read', 'api.brands');

-- Those of the account itself; what it sends for others by their grant is theirs to see.
create function api.brands(p_path text[], p_query text, p_body text)
returns api.answer
language sql
as $$
    select 200, json_build_object('brands', coalesce(json_agg(json_build_object(
               'id', sms.id_text('brd', b.public_id), 'name', b.name,
               'iys_code', b.iys_code, 'brand_code', b.brand_code,
               'rights', case when s.brand_id is not null then json_build_object(
                              'MESAJ', s.mesaj, 'ARAMA', s.arama, 'EPOSTA', s.eposta) end,
               'subscription', u.status,
               'subscription_ends_at', sms.time_text(u.expires_at),
               'addresses_left', u.consent_limit - u.consent_used,
               'asked_at', sms.time_text(greatest(s.as_of, u.as_of)),
               'commercial', case when b.iys_code is null or b.brand_code is null
                                  then 'brand-not-registered'
                                  when b.standing <> '' then 'brand-not-authorised'
                                  when b.late_since is not null then 'consents-overdue'
                                  else 'may' end) order by b.brand_id), '[]'))
      from sms.brand b
      left join sms.brand_standing s on s.owner_account_id = b.account_id
                                    and s.brand_id = b.brand_id
      left join sms.iys_subscription u on u.owner_account_id = b.account_id
                                      and u.iys_code = b.iys_code
     where b.account_id = sms.api_account()
$$;
