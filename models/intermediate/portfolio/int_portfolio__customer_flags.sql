-- grain: customer and currency with a loan or advance of the book
-- as of: the end of the as-of date
-- decision: 0034 customer types

with customers as (
    {{ version_at('customers', ['customer_id']) }}
),

thresholds as (
    select
        judged.customer_id,
        judged.currency,
        customers.segment,
        case when own.segment is null then of_any.large_from else own.large_from end as large_from,
        case when own.segment is null then of_any.long_tenor_above_months else own.long_tenor_above_months end as long_tenor_above_months
    from {{ ref('int_portfolio__judged_items') }} as judged
    inner join customers on customers.customer_id = judged.customer_id
    left join {{ ref('customer_type_threshold') }} as own  -- a miss: those of any currency
        on own.segment = customers.segment and own.currency = judged.currency
    left join {{ ref('customer_type_threshold') }} as of_any  -- a miss: no limit is stated
        on of_any.segment = customers.segment and of_any.currency = '*'
)

select
    judged.customer_id,
    thresholds.segment,
    judged.currency,
    judged.item_type,
    judged.item_id,
    judged.is_overdue,
    judged.started_on,
    judged.days_past_due,
    judged.longest_tenor_months,
    judged.earlier_loans,
    exposures.exposure,
    exposures.overdue_amount,
    exposures.overdue_balance,
    case when not judged.is_before_history then judged.earlier_loans = 0 end as is_new,
    case when not judged.is_before_history then judged.earlier_loans >= 1 end as is_repeat,
    exposures.exposure >= thresholds.large_from as is_large,
    judged.longest_tenor_months > thresholds.long_tenor_above_months as is_long_tenor
from {{ ref('int_portfolio__judged_items') }} as judged
inner join thresholds on thresholds.customer_id = judged.customer_id and thresholds.currency = judged.currency
inner join {{ ref('int_portfolio__exposures') }} as exposures
    on exposures.customer_id = judged.customer_id and exposures.currency = judged.currency
