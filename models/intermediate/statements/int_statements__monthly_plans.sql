-- grain: loan and plan repaid in monthly installments: more than one, and one due in each calendar month from the first to the last
-- as of: none; a plan is what its newest known version says
-- decision: 0021 statements: how much of a loan in installments is overdue

with months as (
    select distinct
        loan_id,
        plan_no,
        {{ month_of('due_on') }} as due_month
    from {{ ref('stg_installments') }}
)

select
    loan_id,
    plan_no
from months
group by loan_id, plan_no
having count(*) > 1 and {{ calendar_months_between('min(due_month)', 'max(due_month)') }} = count(*) - 1
