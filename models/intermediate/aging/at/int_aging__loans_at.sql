-- grain: date, asked for or compared, and loan disbursed on or before it and not closed by it; of dates only compared with earlier
-- publications the loans that may differ
-- as of: the end of each date
-- decision: 0001 two dates

with changed as (
    select distinct
        as_of,
        loan_id
    from {{ ref('int_quality__changes_since') }}
)

select
    figures.as_of,
    figures.is_whole,
    figures.loan_id,
    figures.customer_id,
    figures.segment,
    figures.product_id,
    figures.branch_id,
    figures.security,
    figures.asset_class,
    figures.currency,
    figures.is_credit_impaired,
    figures.is_restructured,
    figures.is_written_off,
    figures.period_no,
    figures.plan_no,
    figures.plan_effective_on,
    figures.day_count,
    figures.unpaid_since,
    figures.paid_to,
    figures.charges_paid,
    figures.charged,
    figures.days_past_due,
    figures.days_excluding_due_date,
    figures.days_including_due_date,
    figures.outstanding_principal,
    figures.overpaid_amount,
    figures.overdue_principal,
    figures.overdue_interest,
    figures.overdue_fees,
    figures.missed_installments,
    figures.unpaid_charges,
    figures.m_stage,
    figures.m_stage_order,
    figures.is_asked,
    figures.is_history,
    figures.overdue_amount,
    figures.overdue_balance,
    changed.loan_id is not null as is_restated,
    loans.principal,
    loans.disbursed_on,
    periods.matures_on,
    periods.is_replacing,
    {%- for column in convention_columns() if column not in ['day_count', 'asset_class'] %}
    periods.{{ column }},
    {%- endfor %}
    periods.counts_from
from {{ ref('int_aging__figures') }} as figures
inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = figures.loan_id
inner join {{ ref('int_aging__periods') }} as periods
    on periods.loan_id = figures.loan_id and periods.period_no = figures.period_no
left join changed  -- a miss: nothing new about the loan since an earlier publication of the date
    on changed.loan_id = figures.loan_id and changed.as_of = figures.as_of
where figures.is_asked or changed.loan_id is not null
