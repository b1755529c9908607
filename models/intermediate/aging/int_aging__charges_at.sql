-- grain: loan with charges outside the queue by the as-of date
-- as of: the end of the as-of date
-- decision: 0004 charges outside the queue are paid oldest first, so the unpaid ones are the newest

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
    where not charges_age and charged > 0
),

charges as (
    select * from {{ ref('stg_charges') }}
    where due_on <= {{ as_of() }}
),

net as (
    select
        charges.charge_id,
        charges.loan_id,
        charges.due_on,
        charges.amount - coalesce(sum(reversal.amount), 0) as amount
    from charges
    left join charges as reversal  -- a miss: never reversed
        on reversal.kind = 'reversal' and reversal.reverses_id = charges.charge_id
    where charges.kind <> 'reversal'
    group by charges.charge_id, charges.loan_id, charges.due_on, charges.amount
),

to_roll as (
    select
        loans.loan_id,
        loans.day_count,
        loans.due_date_roll,
        case when loans.due_date_roll <> 'none' then loans.calendar end as rolls_by,
        net.due_on,
        net.amount
    from loans
    inner join net on net.loan_id = loans.loan_id and net.due_on >= loans.counts_from
),

rolled as (
    select
        to_roll.loan_id,
        to_roll.day_count,
        to_roll.amount,
        case to_roll.due_date_roll
            when 'following' then coalesce(days.following_on, to_roll.due_on)
            when 'following_holiday' then coalesce(days.following_holiday_on, to_roll.due_on)
            else to_roll.due_on
        end as rolled_on
    from to_roll
    left join {{ ref('int_calendar__days') }} as days  -- a miss: nothing to roll, or beyond the calendar's years
        on days.calendar = to_roll.rolls_by and days.day = to_roll.due_on
),

-- charges that are not past due yet: among the newest, so unpaid first
recent as (
    select
        loan_id,
        sum(case when {{ days_past_due('rolled_on', as_of(), 'day_count') }} > 0 then 0 else amount end) as amount
    from rolled
    group by loan_id
),

after_left_over as (
    select
        loans.loan_id,
        loans.charged - loans.charges_paid - coalesce(max(rungs.charges_paid_after), least(loans.charged - loans.charges_paid, loans.paid_to))
            as unpaid
    from loans
    left join {{ ref('int_aging__rungs_at') }} as rungs  -- a miss: nothing but charges is owed
        on rungs.loan_id = loans.loan_id
    group by loans.loan_id, loans.charged, loans.charges_paid, loans.paid_to
)

select
    after_left_over.loan_id,
    cast(after_left_over.unpaid as decimal(18, 2)) as unpaid,
    cast(greatest(0, after_left_over.unpaid - coalesce(recent.amount, 0)) as decimal(18, 2)) as overdue
from after_left_over
left join recent on recent.loan_id = after_left_over.loan_id  -- a miss: every charge is past due
