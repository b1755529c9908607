-- grain: loan and due date that stood in the plan in force on it
-- as of: every day; passed_on is the first day on which it would be past due
-- decision: 0042 repayment periods are counted on due dates

with wanted as (
    select item_id as loan_id from {{ ref('int_risk__claims') }}
    where item_type = 'loan'
    union
    select loan_id from {{ ref('int_aging__loans') }}
    where restructured_on is not null
)

select distinct
    ladder.loan_id,
    ladder.rolled_on as due_on,
    {{ first_day_past_due('ladder.rolled_on', 'periods.day_count') }} as passed_on
from {{ ref('int_aging__ladder') }} as ladder
inner join wanted on wanted.loan_id = ladder.loan_id
inner join {{ ref('int_aging__periods') }} as periods
    on periods.loan_id = ladder.loan_id and periods.period_no = ladder.period_no
where
    ladder.kind in ('installment', 'residual')
    and ladder.amount > 0
    and ladder.rolled_on >= periods.from_on
    and ladder.rolled_on < periods.to_on
    and ladder.rolled_on < date '9999-01-01'
