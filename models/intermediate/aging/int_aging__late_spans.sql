{{ kept_by_loan() }}
-- grain: loan and span of int_aging__spans, as far as it has days past due; stretch_no counts the stretches without a day between
-- as of: every day; from_on and to_on (exclusive) say which, as if the loan were never closed
-- decision: 0058 a loan is overdue from its first day past due until the first day that is none

with late as (
    select
        spans.loan_id,
        greatest(spans.from_on, loans.disbursed_on, {{ first_day_past_due('spans.unpaid_since', 'periods.day_count') }}) as from_on,
        spans.to_on,
        spans.unpaid_since,
        periods.day_count
    from {{ ref('int_aging__spans') }} as spans
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = spans.loan_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
    where spans.unpaid_since is not null and {{ touched('spans.loan_id') }}
),

reached as (
    select
        *,
        max(to_on) over (partition by loan_id order by from_on rows between unbounded preceding and 1 preceding) as reached_before
    from late
    where from_on < to_on
)

select
    loan_id,
    cast(
        sum(case when reached_before >= from_on then 0 else 1 end) over (
            partition by loan_id order by from_on rows between unbounded preceding and current row
        ) as integer
    ) as stretch_no,
    from_on,
    to_on,
    unpaid_since,
    day_count
from reached
