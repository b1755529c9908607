{{ kept_by_loan() }}
-- grain: loan and day on which a new plan or an extension took days past due away
-- as of: reaged_on; the days before it and on it are each as of their day
-- decision: 0024 a new plan or an extension is no cure

with new_plans as (
    select
        loan_id,
        plan_effective_on
    from {{ ref('int_aging__periods') }}
    where is_replacing and from_on = plan_effective_on and {{ touched('loan_id') }}
),

-- a period ends a span, so the day before is the last of one, and the day itself the first of another
days as (
    select
        new_plans.loan_id,
        new_plans.plan_effective_on as reaged_on,
        {{ days_past_due('evening.unpaid_since', add_days('new_plans.plan_effective_on', -1), 'evening.day_count') }} as days_before,
        coalesce({{ days_past_due('since.unpaid_since', 'new_plans.plan_effective_on', 'since.day_count') }}, 0) as days_after
    from new_plans
    inner join {{ ref('int_aging__late_spans') }} as evening
        on evening.loan_id = new_plans.loan_id and evening.to_on = new_plans.plan_effective_on
    left join {{ ref('int_aging__late_spans') }} as since  -- a miss: nothing is overdue any more
        on since.loan_id = new_plans.loan_id and since.from_on = new_plans.plan_effective_on
)

select
    loan_id,
    reaged_on,
    cast(days_before as integer) as days_before,
    cast(days_after as integer) as days_after
from days
where days_after < days_before
