-- grain: loan of the book that is secured by collateral, by what the ledger says of it or because some was valued
-- as of: the end of the as-of date, collateral at its newest valuation by then
-- decision: 0036 collateral shortfall

select
    listed.as_of,
    listed.loan_id,
    listed.customer_id,
    listed.segment,
    {{ labels_of('segments', 'segment') }},
    listed.product_id,
    listed.branch_id,
    listed.security,
    {{ labels_of('securities', 'security') }},
    listed.currency,
    listed.days_past_due,
    listed.m_stage,
    stages.bucket_order as m_stage_order,
    stages.label_zh as stage_zh,
    stages.label_en as stage_en,
    listed.collaterals,
    listed.uncounted_collaterals,
    listed.kinds_zh,
    listed.kinds_en,
    listed.oldest_valued_on,
    listed.oldest_age_days,
    listed.has_stale_valuation,
    listed.collateral_value,
    listed.value_after_haircut,
    listed.balance,
    listed.shortfall,
    listed.loan_to_value,
    listed.target_loan_to_value,
    listed.collateral_to_ask,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_portfolio__shortfalls') }} as listed
{{ join_labels('segments', 'segment', 'listed.segment') }}
{{ join_labels('securities', 'security', "coalesce(listed.security, 'not_stated')") }}
left join {{ ref('int_aging__buckets') }} as stages
    on stages.scheme = 'CN_M_STAGE' and stages.as_of = listed.as_of and stages.bucket = listed.m_stage
