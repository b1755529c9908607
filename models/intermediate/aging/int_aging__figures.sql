-- grain: date of the run, and loan disbursed on or before it and not closed by it
-- as of: the end of each date that the run computes
-- decision: 0001 two dates, 0008 raw days

select
    loans.as_of,
    loans.is_asked,
    loans.is_history,
    loans.is_restated,
    loans.loan_id,
    loans.customer_id,
    loans.segment,
    loans.product_id,
    loans.branch_id,
    loans.security,
    loans.gl_account,
    loans.purpose,
    loans.is_credit_impaired,
    loans.currency,
    loans.principal,
    loans.disbursed_on,
    loans.matures_on,
    loans.is_restructured,
    loans.is_written_off,
    loans.period_no,
    loans.plan_no,
    loans.plan_effective_on,
    loans.counts_from,
    {{ conventions_of('loans') }},
    loans.unpaid_since,
    loans.paid_to,
    loans.charges_paid,
    loans.charged,
    loans.days_past_due,
    loans.days_excluding_due_date,
    loans.days_including_due_date,
    balances.outstanding_principal,
    balances.overpaid_amount,
    balances.overdue_principal,
    balances.overdue_interest,
    balances.overdue_fees,
    balances.missed_installments,
    balances.unpaid_charges,
    cast(balances.overdue_principal + balances.overdue_interest + balances.overdue_fees as decimal(18, 2)) as overdue_amount,
    case when loans.days_past_due > 0 then balances.outstanding_principal else 0 end as overdue_balance,
    stages.bucket as m_stage,
    stages.bucket_order as m_stage_order
from {{ ref('int_aging__loans_at') }} as loans
inner join {{ ref('int_aging__balances') }} as balances
    on balances.loan_id = loans.loan_id and balances.from_on = loans.span_from_on
left join {{ ref('int_aging__buckets') }} as stages
    on
        stages.as_of = loans.as_of
        and stages.scheme = 'CN_M_STAGE'
        and {{ in_bucket('loans.days_past_due', 'stages') }}
