-- grain: customer and currency with a loan or an advance of the book
-- as of: the end of the as-of date
-- decision: 0032 exposure

with items as (
    select
        customer_id,
        currency,
        outstanding_principal as loan_balance,
        0 as advance_balance,
        overdue_balance,
        overdue_amount,
        days_past_due as loan_days,
        cast(null as integer) as advance_days,
        cast(null as integer) as duration_days
    from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
    union all
    select
        customer_id,
        currency,
        0 as loan_balance,
        outstanding as advance_balance,
        case when days_past_due > 0 then outstanding else 0 end as overdue_balance,
        case when days_past_due > 0 then outstanding else 0 end as overdue_amount,
        cast(null as integer) as loan_days,
        days_past_due as advance_days,
        duration_days
    from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
)

select
    customer_id,
    currency,
    cast(count(loan_days) as bigint) as loans,
    cast(count(duration_days) as bigint) as advances,
    cast(sum(loan_balance) as decimal(18, 2)) as loan_balance,
    cast(sum(advance_balance) as decimal(18, 2)) as advance_balance,
    cast(sum(loan_balance) + sum(advance_balance) as decimal(18, 2)) as exposure,
    cast(sum(overdue_balance) as decimal(18, 2)) as overdue_balance,
    cast(sum(overdue_amount) as decimal(18, 2)) as overdue_amount,
    -- null where the customer has none of them
    max(loan_days) as loan_days_past_due,
    max(advance_days) as advance_days_past_due,
    max(duration_days) as duration_days
from items
group by customer_id, currency
