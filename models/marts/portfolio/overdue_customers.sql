-- grain: customer and currency with an overdue loan or advance of the book
-- as of: the end of the as-of date
-- decision: 0034 customer types; 0047 likely causes are those of the case, shown by ledger rows

with primary_types as (
    select * from {{ ref('int_portfolio__customer_types') }}
    where is_primary and is_overdue
),

causes as (
    select
        customer_id,
        {{ text_list('cause_id', 'family, cause_id') }} as causes,
        {{ text_list('label_zh', 'family, cause_id', '；') }} as causes_zh,
        {{ text_list('label_en', 'family, cause_id', '; ') }} as causes_en
    from (
        select distinct
            customer_id,
            cause_id,
            family,
            label_zh,
            label_en
        from {{ ref('int_risk__causes') }}
    ) as shown
    group by customer_id
)

select
    {{ as_of() }} as as_of,
    flags.customer_id,
    flags.segment,
    {{ labels_of('segments', 'segment') }},
    flags.currency,
    flags.is_new,
    flags.is_repeat,
    flags.is_large,
    flags.is_long_tenor,
    primary_types.customer_type as primary_type,
    primary_types.label_zh as primary_type_zh,
    primary_types.label_en as primary_type_en,
    flags.earlier_loans,
    flags.exposure,
    flags.longest_tenor_months,
    flags.days_past_due,
    flags.overdue_amount,
    flags.overdue_balance,
    flags.item_type as judged_item_type,
    flags.item_id as judged_item_id,
    flags.started_on as judged_started_on,
    causes.causes as likely_causes,
    causes.causes_zh as likely_causes_zh,
    causes.causes_en as likely_causes_en,
    advice.typical_causes,
    advice.typical_causes_zh,
    advice.typical_causes_en,
    advice.recommended_measures,
    advice.recommended_measures_zh,
    advice.recommended_measures_en,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_portfolio__customer_flags') }} as flags
inner join primary_types on primary_types.customer_id = flags.customer_id and primary_types.currency = flags.currency
left join causes on causes.customer_id = flags.customer_id  -- a miss: no case, and the gate says so
left join {{ ref('int_portfolio__advice') }} as advice  -- a miss: no type of the customer's has advice
    on advice.customer_id = flags.customer_id and advice.currency = flags.currency
{{ join_labels('segments', 'segment', "flags.segment") }}
