-- grain: item of int_risk__claims, and span of days on which nothing happens to it
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0041 balance and arrears stand still within a span and days grow by themselves

with spans as (
    select
        *,
        from_on as state_on
    from {{ ref('int_risk__claim_spans') }}
),

amounts as (
    {{ state_amounts('spans') }}
),

-- an advance is one obligation, overdue from the day after its due date until it is repaid
advances as (
    select
        balances.advance_id,
        balances.outstanding,
        advances.advanced_on,
        balances.overdue_since as unpaid_since,
        greatest(balances.from_on, advances.advanced_on) as from_on,
        balances.to_on
    from {{ ref('int_advances__balances') }} as balances
    inner join {{ ref('stg_advances') }} as advances on advances.advance_id = balances.advance_id
    where balances.outstanding > 0
),

advance_days as (
    select
        *,
        from_on as starts_on,
        least(to_on, {{ first_day_past_due('unpaid_since', "'exclude_due_date'") }}) as ends_on,
        cast(0 as decimal(18, 2)) as overdue_amount
    from advances
    union all
    select
        *,
        greatest(from_on, {{ first_day_past_due('unpaid_since', "'exclude_due_date'") }}) as starts_on,
        to_on as ends_on,
        outstanding as overdue_amount
    from advances
)

select
    'loan' as item_type,
    spans.loan_id as item_id,
    spans.state_on as from_on,
    spans.to_on,
    spans.unpaid_since,
    cast(null as date) as advanced_on,
    amounts.outstanding_principal as balance,
    cast(amounts.overdue_principal + amounts.overdue_interest + amounts.overdue_fees as decimal(18, 2)) as overdue_amount
from spans
inner join amounts on amounts.loan_id = spans.loan_id and amounts.state_on = spans.state_on
union all
select
    'advance' as item_type,
    advance_id as item_id,
    starts_on as from_on,
    ends_on as to_on,
    unpaid_since,
    advanced_on,
    outstanding as balance,
    overdue_amount
from advance_days
where starts_on < ends_on
