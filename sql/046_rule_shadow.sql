-- expand: rules that judge beside others, without any effect, and what they would change

set role sms_owner;

-- Sums of workers, by shadow and the version of its rule data; nothing personal, and no
-- text.  change:
--
--     judged      texts that both have judged
--     failed      texts that the shadow could not judge
--     differs     texts whose decision would be another
--     adds, drops because of this finding of the shadow's; of the rules that judge now
--
-- samples: messages, the newest last, of texts that were accepted.
create table sms.rule_shadow (
    shadow      text collate "C" not null,
    version     text collate "C" not null,
    change      text not null check (change in ('judged', 'failed', 'differs', 'adds', 'drops')),
    -- of a finding; '' but for adds and drops
    code        text collate "C" not null,
    texts       bigint not null,
    samples     uuid[] not null default '{}',
    first_at    timestamptz not null,
    last_at     timestamptz not null,
    primary key (shadow, version, change, code)
);

-- What a worker has counted since it last told; p_sample null: none.  What nothing was
-- added to for 90 days is forgotten.
create function sms.rule_shadow_put(
    p_now timestamptz, p_shadow text[], p_version text[], p_change text[], p_code text[],
    p_texts bigint[], p_sample uuid[])
returns void
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    insert into rule_shadow as r (shadow, version, change, code, texts, samples, first_at, last_at)
    select u.shadow, u.version, u.change, u.code, u.texts,
           case when u.sample is null then '{}' else array[u.sample] end, p_now, p_now
      from unnest(p_shadow, p_version, p_change, p_code, p_texts, p_sample)
           u (shadow, version, change, code, texts, sample)
     -- several workers at once: each row in the same order
     order by u.shadow, u.version, u.change, u.code
        on conflict (shadow, version, change, code) do update
           set texts = r.texts + excluded.texts,
               samples = (r.samples || excluded.samples)
                         [greatest(1, cardinality(r.samples || excluded.samples) - 19) :],
               last_at = greatest(r.last_at, excluded.last_at);

    delete from rule_shadow where last_at < p_now - interval '90 days';
end
$$;

grant execute on function sms.rule_shadow_put(timestamptz, text[], text[], text[], text[],
                                              bigint[], uuid[]) to sms_worker;

-- Of each shadow the version that judged last.
create function sms.rule_shadow_now()
returns table (shadow text, version text, change text, code text, texts bigint)
language plpgsql stable
set search_path = sms, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select r.shadow, r.version, r.change, r.code, r.texts
      from rule_shadow r
      join (select distinct on (x.shadow) x.shadow, x.version
              from rule_shadow x
             order by x.shadow, x.last_at desc, x.version desc) n using (shadow, version);
end
$$;

create function api.admin_rule_shadows(p_path text[], p_query text, p_body text)
returns api.answer
language plpgsql security definer
set search_path = sms, pg_temp
as $$
begin
    perform admin_check();
    perform api.query(p_query, '{}');

    return (200, json_build_object('shadows', coalesce((
        select json_agg(json_build_object(
                   'shadow', s.shadow, 'version', s.version,
                   'judged', s.judged, 'failed', s.failed, 'differs', s.differs,
                   'first_at', time_text(s.first_at), 'last_at', time_text(s.last_at),
                   'samples', (select coalesce(json_agg(id_text('msg', m) order by i), '[]')
                                 from rule_shadow r
                                cross join unnest(r.samples) with ordinality x (m, i)
                                where (r.shadow, r.version, r.change) = (s.shadow, s.version, 'differs')),
                   'codes', (select coalesce(json_agg(json_build_object(
                                        'code', r.code, 'change', r.change, 'texts', r.texts,
                                        'samples', (select coalesce(json_agg(id_text('msg', m)
                                                                    order by i), '[]')
                                                      from unnest(r.samples) with ordinality x (m, i)))
                                        order by r.texts desc, r.code, r.change), '[]')
                               from rule_shadow r
                              where (r.shadow, r.version) = (s.shadow, s.version)
                                and r.change in ('adds', 'drops')))
                   order by s.last_at desc, s.shadow, s.version)
          from (select r.shadow, r.version, min(r.first_at) as first_at, max(r.last_at) as last_at,
                       coalesce(sum(r.texts) filter (where r.change = 'judged'), 0) as judged,
                       coalesce(sum(r.texts) filter (where r.change = 'failed'), 0) as failed,
                       coalesce(sum(r.texts) filter (where r.change = 'differs'), 0) as differs
                  from rule_shadow r
                 group by r.shadow, r.version) s), '[]')))::api.answer;
end
$$;

grant execute on function api.admin_rule_shadows(text[], text, text) to sms_api;

set role sms_api;

insert into api.route (method, pattern, scope, function) values
    ('GET', '^/v1/admin/rule-shadows$', 'admin', 'api.admin_rule_shadows');
