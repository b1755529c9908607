-- grain: kind, security, currency and bucket of duration that holds an advance of the book
-- as of: the end of the as-of date
-- decision: 0031 how long it has been out

with held as (
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
        {{ weighted_mean('outstanding', 'duration_days') }} as mean_duration_days
    from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
    group by as_of, kind, coalesce(security, 'not_stated'), currency, bucket, bucket_order, bucket_label_zh, bucket_label_en
)

select
    held.as_of,
    held.kind,
    kinds.label_zh as kind_label_zh,
    kinds.label_en as kind_label_en,
    held.security,
    securities.code_order as security_order,
    securities.label_zh as security_zh,
    securities.label_en as security_en,
    held.currency,
    held.bucket,
    held.bucket_order,
    held.label_zh,
    held.label_en,
    held.advances,
    held.customers,
    held.outstanding,
    held.mean_duration_days,
    {{ run_value('policy_version') }} as policy_version
from held
inner join {{ ref('advance_kind') }} as kinds on kinds.kind = held.kind
inner join {{ ref('label') }} as securities on securities.code_set = 'security' and securities.code = held.security
