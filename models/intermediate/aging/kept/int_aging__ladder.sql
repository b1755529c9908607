{{ kept_by_loan() }}
-- grain: obligation (rung) of a loan in a period
-- as of: none; a rung exists from exists_from on
-- decision: 0004 the ladder: obligations laid end to end by due date; money is one number that climbs it; 0016 extensions; 0060 one axis

with periods as (
    select * from {{ ref('int_aging__periods') }}
    where {{ touched('loan_id') }}
),

loans as (
    select * from {{ ref('int_aging__loans') }}
    where {{ touched('loan_id') }}
),

planned as (
    select
        periods.loan_id,
        periods.period_no,
        periods.is_axis and not periods.has_charges_in_queue as is_bare_axis,
        periods.due_date_roll,
        {{ rolls_by('periods') }} as rolls_by,
        periods.day_count,
        installments.installment_no,
        installments.due_on,
        installments.principal_due,
        installments.interest_due,
        installments.fee_due
    from periods
    inner join {{ ref('int_aging__installments') }} as installments
        on installments.loan_id = periods.loan_id and installments.plan_no = periods.plan_no
),

planned_sums as (
    select
        loan_id,
        period_no,
        max(due_on) as last_due_on,
        sum(principal_due) as principal_due,
        sum(interest_due) as interest_due,
        sum(fee_due) as fee_due
    from planned
    group by loan_id, period_no
),

-- principal that a whole plan leaves out is due at maturity; so is all of it where there is no plan
left_out as (
    select
        periods.loan_id,
        periods.period_no,
        periods.is_axis and not periods.has_charges_in_queue as is_bare_axis,
        periods.due_date_roll,
        {{ rolls_by('periods') }} as rolls_by,
        periods.day_count,
        coalesce(periods.matures_on, planned_sums.last_due_on, date '9999-12-31') as due_on,
        cast(loans.principal - coalesce(planned_sums.principal_due, 0) as decimal(18, 2)) as principal_due
    from periods
    inner join loans on loans.loan_id = periods.loan_id
    left join planned_sums  -- a miss: a loan without installments
        on planned_sums.loan_id = periods.loan_id and planned_sums.period_no = periods.period_no
    where not periods.is_remaining and loans.principal > coalesce(planned_sums.principal_due, 0)
),

-- charges that age, less what of them was reversed when the period began
aging_charges as (
    select
        periods.loan_id,
        periods.period_no,
        charges.original_id,
        charges.original_due_on as due_on,
        sum(case when charges.is_reversal then -charges.amount else charges.amount end) as amount
    from periods
    inner join {{ ref('int_aging__charges') }} as charges on charges.loan_id = periods.loan_id
    where
        periods.charges_age
        and charges.original_due_on >= periods.counts_from
        and charges.original_due_on < periods.to_on
        and (not charges.is_reversal or charges.happened_on <= periods.from_on)
    group by periods.loan_id, periods.period_no, charges.original_id, charges.original_due_on
),

chargebacks as (
    select
        periods.loan_id,
        periods.period_no,
        repayments.repayment_id,
        repayments.paid_on as due_on,
        repayments.amount
    from periods
    inner join {{ ref('stg_repayments') }} as repayments on repayments.loan_id = periods.loan_id
    where
        repayments.kind = 'chargeback'
        and {{ touched('repayments.loan_id') }}
        and repayments.paid_on >= periods.money_counts_from
        and repayments.paid_on < periods.to_on
),

-- money from before a remaining plan that was reversed since: owed again, due on the day the plan took effect
reopened as (
    select
        periods.loan_id,
        periods.period_no,
        payments.repayment_id,
        payments.happened_on,
        periods.plan_effective_on as due_on,
        payments.amount
    from periods
    inner join {{ ref('int_aging__touched_payments') }} as payments on payments.loan_id = periods.loan_id
    where
        periods.is_remaining
        and payments.is_reversal
        and payments.original_paid_on < periods.money_counts_from
        and payments.happened_on between periods.money_counts_from and periods.from_on
),

{% set late_to = "coalesce(" ~ first_day_past_due('next_rolled_on', 'day_count') ~ ", date '9999-12-31')" %}
{% set zero = 'cast(0 as decimal(18, 2))' %}
{% set big_zero = 'cast(0 as decimal(38, 2))' %}

obligations as (
    select
        loan_id, period_no, 'reopened' as kind, -1 as kind_order, cast(null as integer) as installment_no,
        repayment_id as obligation_id,
        due_on, happened_on as exists_from, amount as principal_due,
        {{ zero }} as interest_due, {{ zero }} as fee_due
    from reopened
    union all
    select
        loan_id, period_no, 'installment' as kind, 0 as kind_order, installment_no, cast(null as varchar) as obligation_id,
        due_on, date '0001-01-01' as exists_from, principal_due, interest_due, fee_due
    from planned
    where not is_bare_axis
    union all
    select
        loan_id, period_no, 'residual' as kind, 1 as kind_order, cast(null as integer) as installment_no,
        cast(null as varchar) as obligation_id,
        due_on, date '0001-01-01' as exists_from, principal_due, {{ zero }} as interest_due, {{ zero }} as fee_due
    from left_out
    where not is_bare_axis
    union all
    select
        loan_id, period_no, 'charge' as kind, 2 as kind_order, cast(null as integer) as installment_no,
        original_id as obligation_id,
        due_on, due_on as exists_from, {{ zero }} as principal_due, {{ zero }} as interest_due,
        cast(amount as decimal(18, 2)) as fee_due
    from aging_charges
    union all
    select
        loan_id, period_no, 'chargeback' as kind, 3 as kind_order, cast(null as integer) as installment_no,
        repayment_id as obligation_id,
        due_on, due_on as exists_from, amount as principal_due, {{ zero }} as interest_due, {{ zero }} as fee_due
    from chargebacks
),

to_roll as (
    select
        obligations.*,
        periods.due_date_roll,
        {{ rolls_by('periods') }} as rolls_by,
        periods.day_count,
        periods.is_axis
    from obligations
    inner join periods
        on periods.loan_id = obligations.loan_id and periods.period_no = obligations.period_no
),

rolled as (
    select
        to_roll.*,
        -- what a remaining plan reopened stands before everything else
        case when to_roll.kind = 'reopened' then date '0001-01-01' else to_roll.due_on end as queue_place,
        to_roll.principal_due + to_roll.interest_due + to_roll.fee_due as amount,
        {{ rolled('to_roll.due_on', 'to_roll.due_date_roll', 'days') }} as rolled_on
    from to_roll
    left join {{ ref('int_calendar__days') }} as days  -- a miss: nothing to roll, or beyond the calendar's years
        on days.calendar = to_roll.rolls_by and days.day = to_roll.due_on
),

{% set queue = 'partition by loan_id, period_no order by queue_place, kind_order, installment_no, obligation_id' %}
{% set queue_above = queue ~ ' rows between 1 following and unbounded following' %}

numbered as (
    select
        *,
        cast(row_number() over ({{ queue }}) as integer) as rung_no,
        -- how far up the axis of money each part of the queue reaches, this rung included
        sum(case when kind_order in (0, 1) then amount else 0 end) over ({{ queue }}) as planned_to,
        sum(case when kind_order = 2 then amount else 0 end) over ({{ queue }}) as charged_to,
        sum(case when kind_order in (-1, 3) then amount else 0 end) over ({{ queue }}) as charged_back_to,
        -- what comes after this rung, by component: with it no state of an axis needs all of its rungs
        coalesce(sum(case when kind_order in (0, 1) then principal_due else 0 end) over ({{ queue_above }}), 0) as principal_after,
        coalesce(sum(case when kind_order in (0, 1) then interest_due else 0 end) over ({{ queue_above }}), 0) as interest_after,
        coalesce(sum(case when kind_order in (0, 1) then fee_due else 0 end) over ({{ queue_above }}), 0) as fees_after,
        coalesce(sum(case when kind_order in (0, 1) and amount > 0 then 1 else 0 end) over ({{ queue_above }}), 0) as rungs_after,
        lead(rolled_on) over (
            partition by loan_id, period_no, kind_order in (0, 1) order by queue_place, kind_order, installment_no, obligation_id
        ) as next_rolled_on
    from rolled
),

-- the usual case: the installments of one plan and what they leave out, and nothing else in the queue
axis_obligations as (
    select
        loan_id, period_no, 0 as kind_order, installment_no, due_on, due_date_roll, rolls_by, day_count,
        principal_due, interest_due, fee_due
    from planned
    where is_bare_axis
    union all
    select
        loan_id, period_no, 1 as kind_order, cast(null as integer) as installment_no, due_on, due_date_roll, rolls_by, day_count,
        principal_due, {{ zero }} as interest_due, {{ zero }} as fee_due
    from left_out
    where is_bare_axis
),

axis_rolled as (
    select
        axis_obligations.*,
        axis_obligations.principal_due + axis_obligations.interest_due + axis_obligations.fee_due as amount,
        {{ rolled('axis_obligations.due_on', 'axis_obligations.due_date_roll', 'days') }} as rolled_on
    from axis_obligations
    left join {{ ref('int_calendar__days') }} as days  -- a miss: nothing to roll, or beyond the calendar's years
        on days.calendar = axis_obligations.rolls_by and days.day = axis_obligations.due_on
),

{% set axis = 'partition by loan_id, period_no order by due_on, kind_order, installment_no' %}
{% set axis_above = axis ~ ' rows between 1 following and unbounded following' %}

axis as (
    select
        *,
        row_number() over ({{ axis }}) as rung_no,
        sum(amount) over ({{ axis }} rows between unbounded preceding and current row) as planned_to,
        coalesce(sum(principal_due) over ({{ axis_above }}), 0) as principal_after,
        coalesce(sum(interest_due) over ({{ axis_above }}), 0) as interest_after,
        coalesce(sum(fee_due) over ({{ axis_above }}), 0) as fees_after,
        coalesce(sum(case when amount > 0 then 1 else 0 end) over ({{ axis_above }}), 0) as rungs_after,
        lead(rolled_on) over ({{ axis }}) as next_rolled_on
    from axis_rolled
)

select
    loan_id,
    period_no,
    rung_no,
    kind,
    installment_no,
    obligation_id,
    due_on,
    rolled_on,
    {{ first_day_past_due('rolled_on', 'day_count') }} as late_from,
    exists_from,
    principal_due,
    interest_due,
    fee_due,
    cast(amount as decimal(18, 2)) as amount,
    cast(planned_to as decimal(38, 2)) as planned_to,
    cast(charged_to as decimal(38, 2)) as charged_to,
    cast(charged_back_to as decimal(38, 2)) as charged_back_to,
    is_axis,
    cast(principal_after as decimal(38, 2)) as principal_after,
    cast(interest_after as decimal(38, 2)) as interest_after,
    cast(fees_after as decimal(38, 2)) as fees_after,
    cast(rungs_after as integer) as rungs_after,
    {{ late_to }} as late_to
from numbered
union all
select
    loan_id,
    period_no,
    cast(rung_no as integer) as rung_no,
    case when kind_order = 0 then 'installment' else 'residual' end as kind,
    installment_no,
    cast(null as varchar) as obligation_id,
    due_on,
    rolled_on,
    {{ first_day_past_due('rolled_on', 'day_count') }} as late_from,
    date '0001-01-01' as exists_from,
    principal_due,
    interest_due,
    fee_due,
    cast(amount as decimal(18, 2)) as amount,
    cast(planned_to as decimal(38, 2)) as planned_to,
    {{ big_zero }} as charged_to,
    {{ big_zero }} as charged_back_to,
    true as is_axis,
    cast(principal_after as decimal(38, 2)) as principal_after,
    cast(interest_after as decimal(38, 2)) as interest_after,
    cast(fees_after as decimal(38, 2)) as fees_after,
    cast(rungs_after as integer) as rungs_after,
    {{ late_to }} as late_to
from axis
