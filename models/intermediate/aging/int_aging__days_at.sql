-- grain: loan in int_aging__loans_at
-- as of: the end of the as-of date
-- decision: 0003 business days, 0008 raw and delinquent days

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

positions as (
    select * from {{ ref('int_aging__positions') }}
    where from_on <= {{ as_of() }} and to_on > {{ as_of() }}
),

calendar as (
    select * from {{ ref('int_calendar__days') }}
),

today as (
    select * from calendar where day = {{ as_of() }}
),

counted as (
    select
        loans.loan_id,
        loans.day_count,
        loans.calendar,
        loans.plan_no,
        everybody.unpaid_since,
        {{ days_past_due('everybody.unpaid_since', as_of(), 'loans.day_count') }} as days_past_due,
        {{ days_past_due('everybody.unpaid_since', as_of(), "'exclude_due_date'") }} as days_excluding_due_date,
        {{ days_past_due('everybody.unpaid_since', as_of(), "'include_due_date'") }} as days_including_due_date,
        case
            when customer.loan_id is null
                then {{ days_past_due('everybody.unpaid_since', as_of(), 'loans.day_count') }}
            else {{ days_past_due('customer.unpaid_since', as_of(), 'loans.day_count') }}
        end as customer_days_past_due
    from loans
    inner join positions as everybody
        on everybody.loan_id = loans.loan_id and everybody.payer_view = 'all'
    left join positions as customer  -- a miss: nobody else paid
        on customer.loan_id = loans.loan_id and customer.payer_view = 'customer'
),

-- the days on the day before the plan in force replaced another
before_plan as (
    select
        loans.loan_id,
        {{ days_past_due('positions.unpaid_since', add_days('loans.plan_effective_on', -1), 'periods.day_count') }} as days_before_plan
    from loans
    inner join {{ ref('int_aging__positions') }} as positions
        on
            positions.loan_id = loans.loan_id
            and positions.payer_view = 'all'
            and positions.from_on < loans.plan_effective_on
            and positions.to_on >= loans.plan_effective_on
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where loans.plan_no > 1 and coalesce(periods.plan_no, 0) <> loans.plan_no
)

select
    counted.loan_id,
    case when counted.days_past_due > 0 then counted.unpaid_since end as oldest_unpaid_due_on,
    coalesce(counted.days_past_due, 0) as days_past_due,
    coalesce(counted.days_excluding_due_date, 0) as days_excluding_due_date,
    coalesce(counted.days_including_due_date, 0) as days_including_due_date,
    coalesce(counted.customer_days_past_due, 0) as customer_days_past_due,
    case
        when counted.days_past_due > 0
            then
                today.working_days_to - coalesce(since.working_days_to, 0)
                + case when counted.day_count = 'include_due_date' and since.is_working_day then 1 else 0 end
        else 0
    end as business_days_past_due,
    before_plan.days_before_plan,
    coalesce(today.is_confirmed, false) and (counted.days_past_due = 0 or coalesce(since.is_confirmed, false) or counted.unpaid_since is null)
        as calendar_confirmed
from counted
left join today on today.calendar = counted.calendar  -- a miss: an as-of date beyond the calendar's years
left join calendar as since  -- a miss: nothing is overdue
    on since.calendar = counted.calendar and since.day = counted.unpaid_since
left join before_plan on before_plan.loan_id = counted.loan_id  -- a miss: the first plan
