-- grain: asked date, and loan disbursed on or before it and not closed by it, late or not, written off or not
-- as of: the end of each date asked for: one in a nightly run, many in a backfill
-- decision: 0001 two dates, 0004 the ladder, 0008 raw and delinquent days

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
    listed.principal,
    listed.disbursed_on,
    listed.matures_on,
    listed.plan_no,
    listed.plan_effective_on,
    listed.days_before_plan,
    listed.outstanding_principal,
    listed.overpaid_amount,
    listed.overdue_principal,
    listed.overdue_interest,
    listed.overdue_fees,
    listed.overdue_amount,
    listed.overdue_balance,
    listed.oldest_unpaid_due_on,
    listed.days_past_due,
    listed.customer_days_past_due,
    listed.delinquent_days,
    listed.business_days_past_due,
    listed.missed_installments,
    listed.bucket,
    listed.bucket_order,
    listed.bucket_zh,
    listed.bucket_en,
    listed.m_stage,
    stages.bucket_order as m_stage_order,
    stages.label_zh as stage_zh,
    stages.label_en as stage_en,
    listed.first_overdue_on,
    listed.max_days_past_due,
    listed.last_paid_on,
    listed.is_first_payment_default,
    listed.is_restructured,
    listed.is_written_off,
    listed.has_quarantine,
    listed.calendar_confirmed,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_aging__loan_rows') }} as listed
{{ join_labels('segments', 'segment', 'listed.segment') }}
{{ join_labels('securities', 'security', "coalesce(listed.security, 'not_stated')") }}
left join {{ ref('int_aging__buckets') }} as stages
    on stages.scheme = 'CN_M_STAGE' and stages.as_of = listed.as_of and stages.bucket = listed.m_stage
where listed.is_asked
