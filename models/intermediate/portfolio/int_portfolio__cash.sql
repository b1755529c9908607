-- grain: customer and currency with payments, or reversals of payments, in the 90 days up to the as-of date
-- as of: the end of the as-of date
-- decision: 0032 exposure: repaid is what came as cash, a waiver never

with received as (
    select
        loans.customer_id,
        loans.currency,
        cash.paid_on,
        cash.amount
    from {{ ref('int_aging__cash') }} as cash
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = cash.loan_id
    union all
    select
        advances.customer_id,
        advances.currency,
        money.happened_on as paid_on,
        money.repaid as amount
    from {{ ref('int_advances__money') }} as money
    inner join {{ ref('stg_advances') }} as advances on advances.advance_id = money.advance_id
    where money.original_kind = 'payment'
)

select
    customer_id,
    currency,
    cast(sum(amount) as decimal(18, 2)) as cash
from received
where paid_on > {{ add_days(as_of(), -90) }} and paid_on <= {{ as_of() }}
group by customer_id, currency
