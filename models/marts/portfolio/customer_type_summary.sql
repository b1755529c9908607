-- grain: type of customer, as primary type or as any of the customer's types, and currency
-- as of: the end of the as-of date
-- decision: 0034 customer types

with shown as (
    select * from {{ ref('int_statements__currencies') }}
    where as_of = {{ as_of() }}
),

customers as (
    select
        held.customer_id,
        held.customer_type,
        held.precedence,
        held.label_zh,
        held.label_en,
        held.is_primary,
        held.is_overdue,
        flags.exposure,
        flags.overdue_amount,
        flags.overdue_balance,
        shown.shown_in,
        shown.rate
    from {{ ref('int_portfolio__customer_types') }} as held
    inner join {{ ref('int_portfolio__customer_flags') }} as flags
        on flags.customer_id = held.customer_id and flags.currency = held.currency
    inner join shown on shown.currency = held.currency
),

counted as (
    {%- for basis in ['primary', 'any'] %}
    select
        '{{ basis }}' as type_basis,
        customer_type,
        precedence,
        label_zh,
        label_en,
        shown_in as currency,
        cast(count(distinct case when is_overdue then customer_id end) as bigint) as customers,
        {{ shown_sum('case when is_overdue then exposure else 0 end', 'rate') }} as exposure,
        {{ shown_sum('case when is_overdue then overdue_amount else 0 end', 'rate') }} as overdue_amount,
        {{ shown_sum('overdue_balance', 'rate') }} as overdue_balance,
        cast(count(distinct customer_id) as bigint) as type_customers,
        {{ shown_sum('exposure', 'rate') }} as type_balance
    from customers
    {{ 'where is_primary' if basis == 'primary' }}
    group by customer_type, precedence, label_zh, label_en, shown_in
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

book as (
    select
        shown.shown_in as currency,
        {{ shown_sum('exposures.exposure', 'shown.rate') }} as exposure,
        {{ shown_sum('exposures.overdue_balance', 'shown.rate') }} as overdue_balance
    from {{ ref('int_portfolio__exposures') }} as exposures
    inner join shown on shown.currency = exposures.currency
    group by shown.shown_in
)

select
    {{ as_of() }} as as_of,
    counted.type_basis,
    counted.customer_type,
    counted.precedence as type_order,
    counted.label_zh,
    counted.label_en,
    counted.currency,
    counted.customers,
    counted.exposure,
    counted.overdue_amount,
    counted.overdue_balance,
    book.overdue_balance as all_overdue_balance,
    book.exposure as all_balance,
    {{ share('counted.overdue_balance', 'book.overdue_balance') }} as share_of_overdue_balance,
    {{ share('counted.exposure', 'book.exposure') }} as share_of_book,
    counted.type_customers,
    counted.type_balance,
    {{ share('counted.type_balance', 'book.exposure') }} as type_share_of_book,
    {{ share('counted.overdue_balance', 'counted.type_balance') }} as overdue_rate,
    {{ run_value('policy_version') }} as policy_version
from counted
inner join book on book.currency = counted.currency
