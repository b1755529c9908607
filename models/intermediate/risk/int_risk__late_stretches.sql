-- grain: loan of a customer that is overdue, and stretch of days past due without a day between
-- as of: every day up to the as-of date; a stretch that goes on has the days it had by then
-- decision: 0046 signals: overdue again

with overdue as (
    select distinct customer_id from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }} and not is_written_off and days_past_due > 0
),

late as (
    select
        loans.customer_id,
        spans.loan_id,
        greatest(spans.from_on, loans.disbursed_on, {{ first_day_past_due('spans.unpaid_since', 'periods.day_count') }}) as from_on,
        least(spans.to_on, coalesce(loans.closed_on, date '9999-12-31'), {{ add_days(as_of(), 1) }}) as to_on,
        spans.unpaid_since,
        periods.day_count
    from {{ ref('int_aging__spans') }} as spans
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = spans.loan_id
    inner join overdue on overdue.customer_id = loans.customer_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
    where spans.unpaid_since is not null
),

reached as (
    select
        *,
        max(to_on) over (partition by loan_id order by from_on rows between unbounded preceding and 1 preceding) as reached_before
    from late
    where from_on < to_on
),

numbered as (
    select
        *,
        sum(case when reached_before >= from_on then 0 else 1 end) over (
            partition by loan_id order by from_on rows between unbounded preceding and current row
        ) as stretch_no
    from reached
)

select
    customer_id,
    loan_id,
    min(from_on) as from_on,
    max(to_on) as to_on,
    max(to_on) > {{ as_of() }} as is_going_on,
    max({{ days_past_due('unpaid_since', add_days('to_on', -1), 'day_count') }}) as most_days
from numbered
group by customer_id, loan_id, stretch_no
