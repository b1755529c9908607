-- grain: loan of a customer that is overdue, and stretch of days past due without a day between
-- as of: every day up to the as-of date; a stretch that goes on has the days it had by then
-- decision: 0046 signals: overdue again

with overdue as (
    select distinct customer_id from {{ ref('int_risk__items') }}
    where as_of = {{ as_of() }} and days_past_due > 0
),

late as (
    select
        loans.customer_id,
        spans.loan_id,
        spans.stretch_no,
        spans.from_on,
        least(spans.to_on, coalesce(loans.closed_on, date '9999-12-31'), {{ add_days(as_of(), 1) }}) as to_on,
        spans.unpaid_since,
        spans.day_count
    from {{ ref('int_aging__late_spans') }} as spans
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = spans.loan_id
    inner join overdue on overdue.customer_id = loans.customer_id
)

select
    customer_id,
    loan_id,
    min(from_on) as from_on,
    max(to_on) as to_on,
    max(to_on) > {{ as_of() }} as is_going_on,
    max({{ days_past_due('unpaid_since', add_days('to_on', -1), 'day_count') }}) as most_days
from late
where from_on < to_on
group by customer_id, loan_id, stretch_no
