-- grain: kind, security, currency (and ALL) and bucket of duration that holds an advance of the book
-- as of: the end of the as-of date
-- decision: 0031 how long it has been out, 0022 one currency

select
    figures.as_of,
    figures.kind,
    coalesce(figures.security, 'not_stated') as security,
    currencies.shown_in as currency,
    figures.bucket,
    figures.bucket_order,
    figures.bucket_label_zh as label_zh,
    figures.bucket_label_en as label_en,
    cast(count(*) as bigint) as advances,
    cast(count(distinct figures.customer_id) as bigint) as customers,
    {{ shown_sum('figures.outstanding') }} as outstanding,
    {{ weighted_mean('figures.outstanding', 'currencies.rate', 'figures.duration_days') }} as mean_duration_days,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_advances__figures') }} as figures
inner join {{ ref('int_statements__currencies') }} as currencies
    on currencies.currency = figures.currency and currencies.as_of = figures.as_of
where figures.as_of = {{ as_of() }} and not figures.is_written_off
group by
    figures.as_of,
    figures.kind,
    coalesce(figures.security, 'not_stated'),
    currencies.shown_in,
    figures.bucket,
    figures.bucket_order,
    figures.bucket_label_zh,
    figures.bucket_label_en
