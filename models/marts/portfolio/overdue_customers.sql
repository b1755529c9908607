-- grain: customer and currency with an overdue loan or advance of the book
-- as of: the end of the as-of date
-- decision: 0034 customer types

with primary_types as (
    select * from {{ ref('int_portfolio__customer_types') }}
    where is_primary and is_overdue
)

select
    {{ as_of() }} as as_of,
    flags.customer_id,
    flags.segment,
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
    advice.likely_causes,
    advice.likely_causes_zh,
    advice.likely_causes_en,
    advice.recommended_measures,
    advice.recommended_measures_zh,
    advice.recommended_measures_en,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_portfolio__customer_flags') }} as flags
inner join primary_types on primary_types.customer_id = flags.customer_id and primary_types.currency = flags.currency
left join {{ ref('int_portfolio__advice') }} as advice  -- a miss: no type of the customer's has advice
    on advice.customer_id = flags.customer_id and advice.currency = flags.currency
