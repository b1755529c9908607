-- grain: date, asked for or compared, and loan of int_aging__loans_at
-- as of: the end of each date asked for
-- decision: 0003 business days, 0008 raw and delinquent days

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

calendar as (
    select * from {{ ref('int_calendar__days') }}
),

-- days by the customer's own money, where others paid
by_customer as (
    select
        loans.as_of,
        loans.loan_id,
        {{ days_past_due('positions.unpaid_since', 'loans.as_of', 'loans.day_count') }} as days_past_due
    from loans
    inner join {{ ref('int_aging__positions') }} as positions
        on positions.loan_id = loans.loan_id and positions.from_on <= loans.as_of and positions.to_on > loans.as_of
    where positions.payer_view = 'customer'
),

-- the day before the plan in force, or the extension, replaced another
new_plans as (
    select distinct
        loan_id,
        plan_effective_on
    from loans
    where is_replacing
),

before_plan as (
    select
        new_plans.loan_id,
        new_plans.plan_effective_on,
        {{ days_past_due('positions.unpaid_since', add_days('new_plans.plan_effective_on', -1), 'periods.day_count') }} as days_before_plan
    from new_plans
    inner join {{ ref('int_aging__positions') }} as positions
        on
            positions.loan_id = new_plans.loan_id
            and positions.payer_view = 'all'
            and positions.from_on < new_plans.plan_effective_on
            and positions.to_on >= new_plans.plan_effective_on
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
)

select
    loans.as_of,
    loans.loan_id,
    case when loans.days_past_due > 0 then loans.unpaid_since end as oldest_unpaid_due_on,
    coalesce(by_customer.days_past_due, loans.days_past_due) as customer_days_past_due,
    case
        when loans.days_past_due > 0
            then
                today.working_days_to - coalesce(since.working_days_to, 0)
                + case when loans.day_count = 'include_due_date' and since.is_working_day then 1 else 0 end
        else 0
    end as business_days_past_due,
    case when loans.is_replacing then before_plan.days_before_plan end as days_before_plan,
    coalesce(today.is_confirmed, false)
    and (loans.days_past_due = 0 or coalesce(since.is_confirmed, false) or loans.unpaid_since is null)
        as calendar_confirmed
from loans
left join by_customer  -- a miss: nobody else paid
    on by_customer.loan_id = loans.loan_id and by_customer.as_of = loans.as_of
left join calendar as today on today.calendar = loans.calendar and today.day = loans.as_of  -- a miss: beyond the calendar's years
left join calendar as since  -- a miss: nothing is overdue
    on since.calendar = loans.calendar and since.day = loans.unpaid_since
left join before_plan  -- a miss: the first plan, never extended
    on before_plan.loan_id = loans.loan_id and before_plan.plan_effective_on = loans.plan_effective_on
