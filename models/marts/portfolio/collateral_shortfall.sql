-- grain: loan of the book that is secured by collateral, by what the ledger says of it or because some was valued
-- as of: the end of the as-of date, collateral at its newest valuation by then
-- decision: 0036 collateral shortfall

select
    as_of,
    loan_id,
    customer_id,
    segment,
    product_id,
    branch_id,
    security,
    currency,
    days_past_due,
    m_stage,
    collaterals,
    uncounted_collaterals,
    kinds_zh,
    kinds_en,
    oldest_valued_on,
    oldest_age_days,
    has_stale_valuation,
    collateral_value,
    value_after_haircut,
    balance,
    shortfall,
    loan_to_value,
    target_loan_to_value,
    collateral_to_ask,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_portfolio__shortfalls') }}
