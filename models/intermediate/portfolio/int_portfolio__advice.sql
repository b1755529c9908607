-- grain: customer and currency with an overdue loan or advance of the book
-- as of: the end of the as-of date
-- decision: 0034 customer types: the advice of every type that the customer is of, each code once

with advised as (
    select
        types.customer_id,
        types.currency,
        advice.advice,
        advice.code,
        100 * types.precedence + advice.code_order as place,
        advice.label_zh,
        advice.label_en,
        row_number() over (
            partition by types.customer_id, types.currency, advice.advice, advice.code
            order by types.precedence, advice.code_order
        ) as times
    from {{ ref('int_portfolio__customer_types') }} as types
    inner join {{ ref('customer_type_advice') }} as advice on advice.customer_type = types.customer_type
)

select
    customer_id,
    currency,
    {%- for advice, column in [('cause', 'likely_causes'), ('measure', 'recommended_measures')] %}
    {%- for said, suffix, separator in [('code', '', ', '), ('label_zh', '_zh', '；'), ('label_en', '_en', '; ')] %}
    {{ dbt.listagg("case when advice = '" ~ advice ~ "' then " ~ said ~ " end", "'" ~ separator ~ "'", 'order by place') }} as {{ column }}{{ suffix }}
    {{- ',' if not (advice == 'measure' and said == 'label_en') }}
    {%- endfor %}
    {%- endfor %}
from advised
where times = 1
group by customer_id, currency
