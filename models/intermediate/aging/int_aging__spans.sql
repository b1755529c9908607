{{ kept_by_loan() }}
-- grain: loan, period and span of days on which nothing happens to the loan: no money, nothing comes due
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 amounts stand still within a span and days past due grow by themselves, so any date, or many, is a look-up

with periods as (
    select * from {{ ref('int_aging__periods') }}
    where {{ touched('loan_id') }}
),

money as (
    select * from {{ ref('int_aging__money') }}
    where payer_view = 'all' and {{ touched('loan_id') }}
),

positions as (
    select * from {{ ref('int_aging__positions') }}
    where payer_view = 'all' and {{ touched('loan_id') }}
),

ladder as (
    select * from {{ ref('int_aging__ladder') }}
    where {{ touched('loan_id') }}
),

recent_charges as (
    select * from {{ ref('int_aging__recent_charges') }}
    where {{ touched('loan_id') }}
),

-- where charges or chargebacks are about, it matters too when a rung comes to be, and when it comes due
intricate as (
    select loan_id, period_no from ladder
    where kind in ('reopened', 'charge', 'chargeback')
    union
    select loan_id, period_no from money
    where charged > 0
),

dues as (
    select
        ladder.loan_id,
        ladder.period_no,
        {{ first_day_past_due('ladder.rolled_on', 'periods.day_count') }} as day
    from ladder
    inner join periods on periods.loan_id = ladder.loan_id and periods.period_no = ladder.period_no
),

intricate_days as (
    select ladder.loan_id, ladder.period_no, ladder.due_on as day
    from ladder
    inner join intricate on intricate.loan_id = ladder.loan_id and intricate.period_no = ladder.period_no
    union all
    select ladder.loan_id, ladder.period_no, ladder.rolled_on as day
    from ladder
    inner join intricate on intricate.loan_id = ladder.loan_id and intricate.period_no = ladder.period_no
    union all
    select ladder.loan_id, ladder.period_no, ladder.exists_from as day
    from ladder
    inner join intricate on intricate.loan_id = ladder.loan_id and intricate.period_no = ladder.period_no
    union all
    select ladder.loan_id, ladder.period_no, {{ first_day_past_due('ladder.rolled_on', 'periods.day_count') }} as day
    from ladder
    inner join intricate on intricate.loan_id = ladder.loan_id and intricate.period_no = ladder.period_no
    inner join periods on periods.loan_id = ladder.loan_id and periods.period_no = ladder.period_no
),

days as (
    select loan_id, period_no, from_on as day, true as is_money, false as is_position, false as is_charge, true as is_event
    from money
    union all
    select loan_id, period_no, from_on as day, false as is_money, true as is_position, false as is_charge, true as is_event
    from positions
    union all
    select loan_id, period_no, from_on as day, false as is_money, false as is_position, true as is_charge, true as is_event
    from recent_charges
    union all
    select loan_id, period_no, day, false as is_money, false as is_position, false as is_charge, true as is_event
    from intricate_days
    union all
    select loan_id, period_no, day, false as is_money, false as is_position, false as is_charge, false as is_event
    from dues
),

distinct_days as (
    select
        days.loan_id,
        days.period_no,
        periods.to_on,
        days.day,
        bool_or(days.is_money) as is_money,
        bool_or(days.is_position) as is_position,
        bool_or(days.is_charge) as is_charge,
        bool_or(days.is_event) as is_event
    from days
    inner join periods on periods.loan_id = days.loan_id and periods.period_no = days.period_no
    where days.day >= periods.from_on and days.day < periods.to_on
    group by days.loan_id, days.period_no, periods.to_on, days.day
),

{% set sofar = 'partition by loan_id, period_no order by day rows between unbounded preceding and current row' %}

-- the day since when each state holds
latest as (
    select
        *,
        max(case when is_money then day end) over ({{ sofar }}) as money_on,
        max(case when is_position then day end) over ({{ sofar }}) as position_on,
        max(case when is_charge then day end) over ({{ sofar }}) as charge_on
    from distinct_days
),

-- an obligation that comes due changes nothing where it is paid
changing as (
    select
        latest.*,
        positions.unpaid_since
    from latest
    inner join positions
        on
            positions.loan_id = latest.loan_id
            and positions.period_no = latest.period_no
            and positions.from_on = latest.position_on
    where latest.is_event or positions.unpaid_since <= latest.day
)

select
    changing.loan_id,
    changing.period_no,
    changing.day as from_on,
    lead(changing.day, 1, changing.to_on) over (partition by changing.loan_id, changing.period_no order by changing.day) as to_on,
    changing.unpaid_since,
    money.paid_to,
    money.charges_paid,
    money.charged,
    coalesce(recent_charges.amount, 0) as recent_charges
from changing
inner join money
    on money.loan_id = changing.loan_id and money.period_no = changing.period_no and money.from_on = changing.money_on
left join recent_charges  -- a miss: no charges outside the queue by then
    on
        recent_charges.loan_id = changing.loan_id
        and recent_charges.period_no = changing.period_no
        and recent_charges.from_on = changing.charge_on
