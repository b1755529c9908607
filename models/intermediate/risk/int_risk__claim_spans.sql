-- grain: loan of int_risk__claims, period and span of days on which nothing happens to it: no money, nothing comes due unpaid
-- as of: every day from its period's first up to the as-of date; from_on and to_on (exclusive) say which
-- decision: 0041 amounts stand still within a span and days past due grow by themselves

with claimed as (
    select distinct item_id as loan_id from {{ ref('int_risk__claims') }}
    where item_type = 'loan'
),

periods as (
    select periods.*
    from {{ ref('int_aging__periods') }} as periods
    inner join claimed on claimed.loan_id = periods.loan_id
),

positions as (
    select positions.*
    from {{ ref('int_aging__positions') }} as positions
    inner join claimed on claimed.loan_id = positions.loan_id
    where positions.payer_view = 'all'
),

ladder as (
    select ladder.*
    from {{ ref('int_aging__ladder') }} as ladder
    inner join claimed on claimed.loan_id = ladder.loan_id
),

-- where charges or chargebacks are about, it matters too when a rung comes to be, and when it comes due
intricate as (
    select
        loan_id,
        period_no
    from ladder
    where kind in ('reopened', 'charge', 'chargeback')
    union
    select
        loan_id,
        period_no
    from positions
    where charged > 0
),

intricate_rungs as (
    select ladder.*
    from ladder
    inner join intricate on intricate.loan_id = ladder.loan_id and intricate.period_no = ladder.period_no
),

days as (
    select loan_id, period_no, from_on as day, true as is_position, true as is_event from positions
    union all
    select recent_charges.loan_id, recent_charges.period_no, recent_charges.from_on as day, false as is_position, true as is_event
    from {{ ref('int_aging__recent_charges') }} as recent_charges
    inner join claimed on claimed.loan_id = recent_charges.loan_id
    union all
    select loan_id, period_no, due_on as day, false as is_position, true as is_event from intricate_rungs
    union all
    select loan_id, period_no, rolled_on as day, false as is_position, true as is_event from intricate_rungs
    union all
    select loan_id, period_no, exists_from as day, false as is_position, true as is_event from intricate_rungs
    union all
    select loan_id, period_no, late_from as day, false as is_position, true as is_event from intricate_rungs
    union all
    select loan_id, period_no, late_from as day, false as is_position, false as is_event from ladder
),

distinct_days as (
    select
        days.loan_id,
        days.period_no,
        periods.to_on,
        days.day,
        bool_or(days.is_position) as is_position,
        bool_or(days.is_event) as is_event
    from days
    inner join periods on periods.loan_id = days.loan_id and periods.period_no = days.period_no
    where days.day >= periods.from_on and days.day < periods.to_on
    group by days.loan_id, days.period_no, periods.to_on, days.day
),

-- the day since when each position holds
latest as (
    select
        *,
        max(case when is_position then day end) over (
            partition by loan_id, period_no order by day rows between unbounded preceding and current row
        ) as position_on
    from distinct_days
),

-- an obligation that comes due changes nothing where it is paid
changing as (
    select
        latest.*,
        positions.unpaid_since,
        positions.sums_hold_from,
        positions.paid_to,
        positions.charges_paid,
        positions.charged,
        positions.unpaid_principal,
        positions.unpaid_interest,
        positions.unpaid_fees,
        positions.unpaid_rungs,
        positions.overpaid
    from latest
    inner join positions
        on
            positions.loan_id = latest.loan_id
            and positions.period_no = latest.period_no
            and positions.from_on = latest.position_on
    where latest.is_event or positions.unpaid_since <= latest.day
),

spans as (
    select
        *,
        day as from_on,
        lead(day, 1, to_on) over (partition by loan_id, period_no order by day) as until_on
    from changing
)

select
    spans.loan_id,
    spans.period_no,
    spans.from_on,
    spans.until_on as to_on,
    spans.unpaid_since,
    spans.sums_hold_from,
    spans.paid_to,
    spans.charges_paid,
    spans.charged,
    spans.unpaid_principal,
    spans.unpaid_interest,
    spans.unpaid_fees,
    spans.unpaid_rungs,
    spans.overpaid,
    periods.allocation,
    periods.day_count,
    periods.component_order,
    periods.charges_age
from spans
inner join periods on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
where spans.from_on <= {{ as_of() }}
