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

days as (
    select * from late
    where from_on < to_on
),

numbered as (
    {{ in_stretches('days', 'loan_id') }}
)

select
    loan_id,
    cast(stretch_no as integer) as stretch_no,
    from_on,
    to_on,
    unpaid_since,
    day_count
from numbered
