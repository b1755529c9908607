-- Two ways to the same day: the position of the loan's money, and the oldest obligation that is unpaid and overdue.
with rungs as (
    select
        loan_id,
        min(rolled_on) as oldest_unpaid_due_on
    from {{ ref('int_aging__rungs_at') }}
    where is_overdue
    group by loan_id
)

select
    days.loan_id,
    days.oldest_unpaid_due_on,
    rungs.oldest_unpaid_due_on as by_rungs
from {{ ref('int_aging__days_at') }} as days
left join rungs on rungs.loan_id = days.loan_id  -- a miss: nothing is overdue
where days.as_of = {{ as_of() }} and days.oldest_unpaid_due_on is distinct from rungs.oldest_unpaid_due_on
