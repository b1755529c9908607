-- grain: suspect debtor, and span of days on which one of its items in the book is credit-impaired
-- as of: every day; from_on and to_on (exclusive) say which; spans of a debtor do not touch
-- decision: 0042 the cure rule wants a debtor without a credit-impaired item

with impaired as (
    select
        customer_id,
        from_on,
        to_on,
        max(to_on) over (
            partition by customer_id order by from_on, to_on rows between unbounded preceding and 1 preceding
        ) as reached_before
    from {{ ref('int_risk__claims') }}
    where is_credit_impaired
),

numbered as (
    select
        *,
        sum(case when reached_before >= from_on then 0 else 1 end) over (
            partition by customer_id order by from_on, to_on rows between unbounded preceding and current row
        ) as span_no
    from impaired
)

select
    customer_id,
    min(from_on) as from_on,
    max(to_on) as to_on
from numbered
group by customer_id, span_no
