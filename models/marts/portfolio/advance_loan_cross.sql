-- grain: bucket of the customer's worst loan, bucket of the customer's longest advance, and currency (and ALL) that holds a customer
-- as of: the end of the as-of date
-- decision: 0032 exposure, 0022 one currency

with customers as (
    select
        measures.customer_id,
        measures.currency,
        coalesce(stages.bucket, 'none') as loan_bucket,
        coalesce(stages.bucket_order, -1) as loan_bucket_order,
        coalesce(buckets.bucket, 'none') as advance_bucket,
        coalesce(buckets.bucket_order, -1) as advance_bucket_order
    from {{ ref('int_portfolio__measures') }} as measures
    left join {{ ref('int_aging__buckets') }} as stages  -- a miss: no loan
        on
            stages.as_of = {{ as_of() }}
            and stages.scheme = 'CN_M_STAGE'
            and {{ in_bucket('measures.loan_days_past_due', 'stages') }}
    left join {{ ref('advance_bucket') }} as buckets  -- a miss: no advance
        on {{ in_advance_bucket('measures.duration_days', as_of(), 'buckets') }}
)

-- from the balances in their own currencies, so that a cell of ALL is rounded once
select
    {{ as_of() }} as as_of,
    customers.loan_bucket,
    customers.loan_bucket_order,
    customers.advance_bucket,
    customers.advance_bucket_order,
    customers.currency,
    cast(count(distinct customers.customer_id) as bigint) as customers,
    {{ shown_sum('exposures.loan_balance') }} as loan_balance,
    {{ shown_sum('exposures.advance_balance') }} as advance_balance,
    {{ run_value('policy_version') }} as policy_version
from customers
inner join {{ ref('int_portfolio__exposures') }} as exposures on exposures.customer_id = customers.customer_id
inner join {{ ref('int_statements__currencies') }} as currencies
    on currencies.currency = exposures.currency and currencies.shown_in = customers.currency and currencies.as_of = {{ as_of() }}
group by
    customers.loan_bucket,
    customers.loan_bucket_order,
    customers.advance_bucket,
    customers.advance_bucket_order,
    customers.currency
