{{ kept_by_loan() }}
-- grain: loan and span of int_aging__positions, as far as it has days past due; stretch_no counts the stretches without a day between
-- as of: every day; from_on and to_on (exclusive) say which, as if the loan were never closed
-- decision: 0058 a loan is overdue from its first day past due until the first day that is none

with late as (
    select
        positions.loan_id,
        greatest(positions.from_on, loans.disbursed_on, {{ first_day_past_due('positions.unpaid_since', 'periods.day_count') }}) as from_on,
        positions.to_on,
        positions.unpaid_since,
        periods.day_count
    from {{ ref('int_aging__positions') }} as positions
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = positions.loan_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where positions.payer_view = 'all' and positions.unpaid_since is not null and {{ touched('positions.loan_id') }}
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
