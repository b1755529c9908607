-- grain: advance made on or before the as-of date and not fully repaid by it, written off or not
-- as of: the end of the as-of date
-- decision: 0030 what of an advance is outstanding, 0031 how long it has been out

select
    figures.as_of,
    figures.advance_id,
    figures.customer_id,
    figures.loan_id,
    figures.segment,
    {{ labels_of('segments', 'segment') }},
    figures.kind,
    kinds.label_zh as kind_label_zh,
    kinds.label_en as kind_label_en,
    figures.security,
    {{ labels_of('securities', 'security') }},
    figures.currency,
    figures.amount,
    figures.outstanding,
    figures.advanced_on,
    figures.due_on,
    figures.duration_days,
    figures.business_duration_days,
    figures.bucket,
    figures.bucket_order,
    figures.bucket_label_zh,
    figures.bucket_label_en,
    figures.days_past_due,
    figures.is_long_held,
    figures.is_written_off,
    figures.last_repaid_on,
    figures.calendar_confirmed,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_advances__figures') }} as figures
inner join {{ ref('advance_kind') }} as kinds on kinds.kind = figures.kind
{{ join_labels('segments', 'segment', "figures.segment") }}
{{ join_labels('securities', 'security', "coalesce(figures.security, 'not_stated')") }}
where figures.as_of = {{ as_of() }}
