-- grain: date, asked for or compared, and loan of int_aging__loans_at that was ever overdue
-- as of: every day up to each date asked for, each as of that day
-- decision: 0004 history is in the positions: days grow by themselves within a span

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

-- spans with days past due on some day
late as (
    select
        positions.loan_id,
        positions.unpaid_since,
        positions.to_on,
        periods.day_count,
        greatest(positions.from_on, loans.disbursed_on, {{ first_day_past_due('positions.unpaid_since', 'periods.day_count') }})
            as first_day
    from {{ ref('int_aging__positions') }} as positions
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = positions.loan_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where positions.payer_view = 'all' and positions.unpaid_since is not null
)

select
    loans.as_of,
    loans.loan_id,
    min(late.first_day) as first_overdue_on,
    max({{ days_past_due('late.unpaid_since', 'least(' ~ add_days('late.to_on', -1) ~ ', loans.as_of)', 'late.day_count') }})
        as max_days_past_due
from loans
inner join late on late.loan_id = loans.loan_id and late.first_day <= loans.as_of
where late.first_day < late.to_on
group by loans.as_of, loans.loan_id
