-- grain: kind, security, currency and bucket of duration that holds an advance of the book
-- as of: the end of the as-of date
-- decision: 0031 how long it has been out

select
    as_of,
    kind,
    coalesce(security, 'not_stated') as security,
    currency,
    bucket,
    bucket_order,
    bucket_label_zh as label_zh,
    bucket_label_en as label_en,
    cast(count(*) as bigint) as advances,
    cast(count(distinct customer_id) as bigint) as customers,
    cast(sum(outstanding) as decimal(18, 2)) as outstanding,
    {{ weighted_mean('outstanding', 'duration_days') }} as mean_duration_days,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_advances__figures') }}
where as_of = {{ as_of() }} and not is_written_off
group by as_of, kind, coalesce(security, 'not_stated'), currency, bucket, bucket_order, bucket_label_zh, bucket_label_en
