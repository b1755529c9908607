-- grain: customer and currency with an overdue loan or advance of the book
-- as of: the end of the as-of date
-- decision: 0034 customer types: the advice of every type that the customer is of, each code once; 0046 measures by days past due

with late as (
    select
        customer_id,
        max(greatest(coalesce(loan_days_past_due, 0), coalesce(advance_days_past_due, 0))) as days_past_due
    from {{ ref('int_portfolio__exposures') }}
    group by customer_id
),

advised as (
    select
        held.customer_id,
        held.currency,
        advice.advice,
        advice.code,
        100 * held.precedence + advice.code_order as place,
        advice.label_zh,
        advice.label_en,
        row_number() over (
            partition by held.customer_id, held.currency, advice.advice, advice.code
            order by held.precedence, advice.code_order
        ) as times
    from {{ ref('int_portfolio__customer_types') }} as held
    inner join {{ ref('customer_type_advice') }} as advice on advice.customer_type = held.customer_type
    inner join late on late.customer_id = held.customer_id
    left join {{ ref('measure') }} as measures  -- a miss: a cause, or a measure for any number of days
        on measures.measure_id = advice.code and advice.advice = 'measure'
    where held.is_overdue and (measures.measure_id is null or ({{ measure_fits('measures', 'late.days_past_due') }}))
)

select
    customer_id,
    currency,
    {{ advice_list('cause', 'code', ', ') }} as typical_causes,
    {{ advice_list('cause', 'label_zh', '；') }} as typical_causes_zh,
    {{ advice_list('cause', 'label_en', '; ') }} as typical_causes_en,
    {{ advice_list('measure', 'code', ', ') }} as recommended_measures,
    {{ advice_list('measure', 'label_zh', '；') }} as recommended_measures_zh,
    {{ advice_list('measure', 'label_en', '; ') }} as recommended_measures_en
from advised
where times = 1
group by customer_id, currency
