-- grain: loan in int_aging__loans_at
-- as of: every day up to the as-of date, each as of that day
-- decision: 0004 history is in the positions: days grow by themselves within a span

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

spans as (
    select
        positions.loan_id,
        positions.unpaid_since,
        periods.day_count,
        greatest(positions.from_on, loans.disbursed_on) as first_day,
        least({{ add_days('positions.to_on', -1) }}, {{ as_of() }}) as last_day
    from {{ ref('int_aging__positions') }} as positions
    inner join loans on loans.loan_id = positions.loan_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where
        positions.payer_view = 'all'
        and positions.unpaid_since is not null
        and positions.from_on <= {{ as_of() }}
        and positions.to_on > loans.disbursed_on
),

dated as (
    select
        *,
        {{ first_day_past_due('unpaid_since', 'day_count') }} as first_day_past_due,
        {{ days_past_due('unpaid_since', 'last_day', 'day_count') }} as days_on_last_day
    from spans
)

select
    loan_id,
    min(case when days_on_last_day > 0 then greatest(first_day, first_day_past_due) end) as first_overdue_on,
    max(days_on_last_day) as max_days_past_due
from dated
group by loan_id
