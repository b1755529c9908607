{{ kept_by_loan() }}
-- grain: loan, period and span of days with the same charges outside the queue that are not past due yet
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 charges outside the queue are paid oldest first, so those not past due yet are the last to be paid

with periods as (
    select * from {{ ref('int_aging__periods') }}
    where not charges_age and {{ touched('loan_id') }}
),

to_roll as (
    select
        periods.loan_id,
        periods.period_no,
        periods.from_on,
        periods.to_on,
        periods.day_count,
        periods.due_date_roll,
        {{ rolls_by('periods') }} as rolls_by,
        charges.original_due_on,
        greatest(charges.happened_on, charges.original_due_on) as counts_on,
        case when charges.is_reversal then -charges.amount else charges.amount end as amount
    from periods
    inner join {{ ref('int_aging__charges') }} as charges
        on
            charges.loan_id = periods.loan_id
            and charges.original_due_on >= periods.counts_from
            and charges.original_due_on < periods.to_on
            and charges.happened_on < periods.to_on
),

rolled as (
    select
        to_roll.*,
        {{ rolled('to_roll.original_due_on', 'to_roll.due_date_roll', 'days') }} as rolled_on
    from to_roll
    left join {{ ref('int_calendar__days') }} as days  -- a miss: nothing to roll, or beyond the calendar's years
        on days.calendar = to_roll.rolls_by and days.day = to_roll.original_due_on
),

-- a charge is recent from its day until it is past due
changes as (
    select loan_id, period_no, from_on, to_on, greatest(counts_on, from_on) as changed_on, amount
    from rolled
    where {{ first_day_past_due('rolled_on', 'day_count') }} > greatest(counts_on, from_on)
    union all
    select loan_id, period_no, from_on, to_on, {{ first_day_past_due('rolled_on', 'day_count') }} as changed_on, -amount as amount
    from rolled
    where {{ first_day_past_due('rolled_on', 'day_count') }} > greatest(counts_on, from_on)
),

daily as (
    select
        loan_id,
        period_no,
        to_on,
        changed_on,
        sum(amount) as amount
    from changes
    where changed_on < to_on
    group by loan_id, period_no, to_on, changed_on
)

select
    loan_id,
    period_no,
    changed_on as from_on,
    lead(changed_on, 1, to_on) over (partition by loan_id, period_no order by changed_on) as to_on,
    cast(sum(amount) over (partition by loan_id, period_no order by changed_on) as decimal(38, 2)) as amount
from daily
