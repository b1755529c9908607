-- grain: customer with something of the book overdue, currency of it, and size that a measure may have
-- as of: the end of the as-of date
-- decision: 0047 a measure has a size: what is due, collateral, a limit, a plan

with owed as (
    select
        customer_id,
        currency,
        cast(sum(overdue_amount) as decimal(18, 2)) as overdue_amount,
        cast(sum(collateral_to_ask) as decimal(18, 2)) as collateral_to_ask,
        cast(greatest(0, sum(paid_six_months)) as decimal(18, 2)) as paid_six_months
    from {{ ref('int_risk__case_debts') }}
    group by customer_id, currency
),

carried as (
    select
        *,
        {{ part_of('paid_six_months', '6') }} as a_month
    from owed
),

planned as (
    select
        *,
        cast(least({{ times_to_pay('overdue_amount', 'a_month') }}, 2147483647) as integer) as months
    from carried
)

select
    customer_id,
    currency,
    'overdue_amount' as size,
    overdue_amount as amount,
    cast(null as integer) as months
from owed
union all
select
    customer_id,
    currency,
    'collateral_to_ask' as size,
    collateral_to_ask as amount,
    cast(null as integer) as months
from owed
union all
-- nothing is lent beyond what is owed
select
    owed.customer_id,
    owed.currency,
    'limit' as size,
    exposures.exposure as amount,
    cast(null as integer) as months
from owed
inner join {{ ref('int_portfolio__exposures') }} as exposures
    on exposures.customer_id = owed.customer_id and exposures.currency = owed.currency
union all
-- without months: what was paid carries no plan
select
    customer_id,
    currency,
    'plan' as size,
    a_month as amount,
    case when months between 1 and {{ run_value('plan_max_months') }} then months end as months
from planned
