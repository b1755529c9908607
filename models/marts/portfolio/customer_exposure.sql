-- grain: customer and currency with a loan or an advance of the book
-- as of: the end of the as-of date
-- decision: 0032 exposure, 0033 capacity signal

with signals as (
    select
        customer_id,
        currency,
        max(case when severity = worst_severity then signal end) as capacity_signal,
        {{ dbt.listagg('rule', "', '", 'order by severity desc, rule') }} as capacity_reasons,
        {{ dbt.listagg('label_zh', "'；'", 'order by severity desc, rule') }} as capacity_reasons_zh,
        {{ dbt.listagg('label_en', "'; '", 'order by severity desc, rule') }} as capacity_reasons_en
    from {{ ref('int_portfolio__capacity') }}
    where severity > 0 or worst_severity = 0
    group by customer_id, currency
)

select
    {{ as_of() }} as as_of,
    measures.customer_id,
    measures.currency,
    measures.loans,
    measures.advances,
    measures.loan_balance,
    measures.advance_balance,
    measures.overdue_balance,
    measures.overdue_amount,
    measures.loan_days_past_due,
    greatest(coalesce(measures.loan_days_past_due, 0), coalesce(measures.advance_days_past_due, 0)) as days_past_due,
    measures.duration_days,
    measures.arrears_share,
    measures.repaid_90d,
    measures.repaid_share_90d,
    measures.collateral_value,
    measures.coverage,
    signals.capacity_signal,
    labels.code_order as capacity_signal_order,
    labels.label_zh as capacity_signal_zh,
    labels.label_en as capacity_signal_en,
    signals.capacity_reasons,
    signals.capacity_reasons_zh,
    signals.capacity_reasons_en,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_portfolio__measures') }} as measures
inner join signals on signals.customer_id = measures.customer_id and signals.currency = measures.currency
inner join {{ ref('label') }} as labels on labels.code_set = 'capacity' and labels.code = signals.capacity_signal
