-- grain: item of int_risk__claims, and span of days on which nothing happens to it
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0041 balance and arrears stand still within a span and days grow by themselves

with claimed as (
    select distinct item_id from {{ ref('int_risk__claims') }}
    where item_type = 'loan'
),

spans as (
    select
        spans.loan_id,
        spans.period_no,
        spans.from_on as state_on,
        spans.to_on,
        spans.unpaid_since,
        spans.paid_to,
        spans.charges_paid,
        spans.charged,
        spans.recent_charges,
        {{ conventions_of('periods') }}
    from {{ ref('int_aging__spans') }} as spans
    inner join claimed on claimed.item_id = spans.loan_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
    where spans.from_on <= {{ as_of() }}
),

amounts as (
    {{ span_amounts('spans') }}
)

select
    'loan' as item_type,
    spans.loan_id as item_id,
    spans.state_on as from_on,
    spans.to_on,
    spans.unpaid_since,
    amounts.outstanding_principal as balance,
    cast(amounts.overdue_principal + amounts.overdue_interest + amounts.overdue_fees as decimal(18, 2)) as overdue_amount
from spans
inner join amounts on amounts.loan_id = spans.loan_id and amounts.state_on = spans.state_on
