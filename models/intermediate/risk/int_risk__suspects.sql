-- grain: customer whose items may ever have been non-performing, in view of the cure rule and of what pulls a debtor's claims
-- as of: every day up to the as-of date
-- decision: 0041 the history of a few is worked out day by day, not that of the book

with entering as (
    select min(at_least_days) as at_least_days
    from {{ ref('int_risk__rules') }}
    where floor_class >= 3 and trigger = 'days_past_due'
),

-- arrears may be material for longer than the oldest of them is unpaid, and by several loans in turn
materially_late as (
    select loans.customer_id
    from {{ ref('int_risk__rules') }} as rules
    cross join {{ ref('int_aging__late_spans') }} as spans
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = spans.loan_id
    where rules.trigger = 'material_days_past_due' and spans.from_on <= {{ as_of() }}
    group by loans.customer_id
    having {{ days_between('min(spans.from_on)', 'least(max(spans.to_on), ' ~ add_days(as_of(), 1) ~ ')') }} >= min(rules.at_least_days)
),

suspect_loans as (
    select spans.loan_id
    from {{ ref('int_aging__positions') }} as spans
    cross join entering
    where
        spans.payer_view = 'all'
        and spans.unpaid_since is not null
        and spans.from_on <= {{ as_of() }}
        -- the due date may count as a day
        and {{ days_between('spans.unpaid_since', 'least(spans.to_on, ' ~ add_days(as_of(), 1) ~ ')') }} >= entering.at_least_days - 1
    union
    select loan_id from {{ source('raw', 'loans') }}
    where credit_impaired
    union
    select loan_id from {{ ref('int_aging__loans') }}
    where restructured_on is not null
)

select loans.customer_id
from suspect_loans
inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = suspect_loans.loan_id
union
select customer_id from materially_late
union
select customer_id from {{ ref('stg_advances') }}
