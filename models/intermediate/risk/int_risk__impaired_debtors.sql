-- grain: suspect debtor, and span of days on which one of its items in the book is credit-impaired
-- as of: every day; from_on and to_on (exclusive) say which; spans of a debtor do not touch
-- decision: 0042 the cure rule wants a debtor without a credit-impaired item

with impaired as (
    select
        customer_id,
        from_on,
        to_on
    from {{ ref('int_risk__claims') }}
    where is_credit_impaired
),

numbered as (
    {{ in_stretches('impaired', 'customer_id') }}
)

select
    customer_id,
    min(from_on) as from_on,
    max(to_on) as to_on
from numbered
group by customer_id, stretch_no
