{{ kept_by_loan() }}
-- grain: loan and count of days past due (1, 31, 61, 91) that it ever reached before it was closed
-- as of: reached_on, the first day with so many days, each day as of that day
-- decision: 0004 history is in the positions: days grow by themselves within a span

with spans as (
    select
        positions.loan_id,
        positions.unpaid_since,
        periods.day_count,
        greatest(positions.from_on, loans.disbursed_on) as first_day,
        least(positions.to_on, coalesce(loans.closed_on, date '9999-12-31')) as end_day
    from {{ ref('int_aging__positions') }} as positions
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = positions.loan_id
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where
        positions.payer_view = 'all'
        and positions.unpaid_since is not null
        and {{ touched('positions.loan_id') }}
),

reached as (
    {%- for days in [1, 31, 61, 91] %}
    select
        loan_id,
        {{ days }} as days,
        greatest(first_day, {{ add_days(first_day_past_due('unpaid_since', 'day_count'), days - 1) }}) as reached_on,
        end_day
    from spans
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    loan_id,
    days,
    min(reached_on) as reached_on
from reached
where reached_on < end_day
group by loan_id, days
