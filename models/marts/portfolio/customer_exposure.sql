-- grain: customer and currency with a loan or an advance of the book
-- as of: the end of the as-of date
-- decision: 0032 exposure, 0033 capacity signal

with fired as (
    select * from {{ ref('int_portfolio__capacity') }}
    where severity > 0 or worst_severity = 0
)

select
    {{ as_of() }} as as_of,
    customer_id,
    currency,
    loans,
    advances,
    loan_balance,
    advance_balance,
    overdue_balance,
    overdue_amount,
    loan_days_past_due,
    greatest(coalesce(loan_days_past_due, 0), coalesce(advance_days_past_due, 0)) as days_past_due,
    duration_days,
    arrears_share,
    repaid_share_90d,
    collateral_value,
    coverage,
    max(case when severity = worst_severity then signal end) as capacity_signal,
    {{ dbt.listagg('rule', "', '", 'order by severity desc, rule') }} as capacity_reasons,
    {{ dbt.listagg('label_zh', "'；'", 'order by severity desc, rule') }} as capacity_reasons_zh,
    {{ dbt.listagg('label_en', "'; '", 'order by severity desc, rule') }} as capacity_reasons_en,
    {{ run_value('policy_version') }} as policy_version
from fired
group by
    customer_id,
    currency,
    loans,
    advances,
    loan_balance,
    advance_balance,
    overdue_balance,
    overdue_amount,
    loan_days_past_due,
    advance_days_past_due,
    duration_days,
    arrears_share,
    repaid_share_90d,
    collateral_value,
    coverage
