{{ config(materialized='view') }}
-- grain: row of int_aging__states
-- as of: the end of each date that the run computes
-- decision: 0001 two dates, 0008 raw days

select
    states.as_of,
    states.is_whole,
    states.loan_id,
    states.customer_id,
    states.segment,
    states.product_id,
    states.branch_id,
    states.security,
    states.asset_class,
    states.currency,
    states.is_credit_impaired,
    states.is_restructured,
    states.is_written_off,
    states.period_no,
    states.plan_no,
    states.plan_effective_on,
    states.day_count,
    states.unpaid_since,
    states.paid_to,
    states.charges_paid,
    states.charged,
    states.days_past_due,
    states.days_excluding_due_date,
    states.days_including_due_date,
    states.outstanding_principal,
    states.overpaid_amount,
    states.overdue_principal,
    states.overdue_interest,
    states.overdue_fees,
    states.missed_installments,
    states.unpaid_charges,
    states.m_stage,
    states.m_stage_order,
    dates.is_asked,
    dates.is_history,
    cast(states.overdue_principal + states.overdue_interest + states.overdue_fees as decimal(18, 2)) as overdue_amount,
    case when states.days_past_due > 0 then states.outstanding_principal else 0 end as overdue_balance
from {{ ref('int_aging__states') }} as states
inner join {{ source('raw', 'dates') }} as dates on dates.as_of = states.as_of
