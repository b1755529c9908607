-- grain: bucket of the customer's worst loan, bucket of the customer's longest advance, and currency that holds a customer
-- as of: the end of the as-of date
-- decision: 0032 exposure

with customers as (
    select
        exposures.*,
        coalesce(stages.bucket, 'none') as loan_bucket,
        coalesce(stages.bucket_order, no_bucket.code_order) as loan_bucket_order,
        coalesce(stages.label_zh, no_bucket.label_zh) as loan_bucket_zh,
        coalesce(stages.label_en, no_bucket.label_en) as loan_bucket_en,
        coalesce(buckets.bucket, 'none') as advance_bucket,
        coalesce(buckets.bucket_order, no_bucket.code_order) as advance_bucket_order,
        coalesce(buckets.label_zh, no_bucket.label_zh) as advance_bucket_zh,
        coalesce(buckets.label_en, no_bucket.label_en) as advance_bucket_en
    from {{ ref('int_portfolio__exposures') }} as exposures
    left join {{ ref('int_aging__buckets') }} as stages  -- a miss: no loan
        on
            stages.as_of = {{ as_of() }}
            and stages.scheme = 'CN_M_STAGE'
            and {{ in_bucket('exposures.loan_days_past_due', 'stages') }}
    left join {{ ref('advance_bucket') }} as buckets  -- a miss: no advance
        on {{ in_advance_bucket('exposures.duration_days', as_of(), 'buckets') }}
    cross join {{ ref('label') }} as no_bucket
    where no_bucket.code_set = 'bucket' and no_bucket.code = 'none'
)

select
    {{ as_of() }} as as_of,
    loan_bucket,
    loan_bucket_order,
    loan_bucket_zh,
    loan_bucket_en,
    advance_bucket,
    advance_bucket_order,
    advance_bucket_zh,
    advance_bucket_en,
    currency,
    cast(count(*) as bigint) as customers,
    cast(sum(loan_balance) as decimal(18, 2)) as loan_balance,
    cast(sum(advance_balance) as decimal(18, 2)) as advance_balance,
    {{ run_value('policy_version') }} as policy_version
from customers
group by
    loan_bucket,
    loan_bucket_order,
    loan_bucket_zh,
    loan_bucket_en,
    advance_bucket,
    advance_bucket_order,
    advance_bucket_zh,
    advance_bucket_en,
    currency
