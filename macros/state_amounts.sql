{#- The amounts of loans on a day, state_on: one row per loan_id and state_on. `states` is a relation with loan_id, period_no, state_on,
    the money of int_aging__positions and the period's allocation, day_count, component_order and charges_age.
    On an axis they are differences of sums that stand on the ladder (decision 0060); elsewhere each rung is looked at (0004).
    `carried`: columns of the states to show beside the amounts. `due`: where it is known already, what of an axis comes after the last
    rung that has come due (loan_id, period_no, as_of, principal_after, interest_after, fees_after, rungs_after). -#}
{% macro state_amounts(states, carried=[], due=none) -%}
with charged_states as (
    select
        states.*,
        coalesce(recent_charges.amount, 0) as recent_charges,
        -- charges outside the queue, less what waivers, or a replay, paid of them
        case when states.charges_age then 0 else states.charged - states.charges_paid end as charges_waiting
    from {{ states }} as states
    left join {{ ref('int_aging__recent_charges') }} as recent_charges  -- a miss: no charges outside the queue by then
        on
            recent_charges.loan_id = states.loan_id
            and recent_charges.period_no = states.period_no
            and recent_charges.from_on <= states.state_on
            and recent_charges.to_on > states.state_on
),

-- on an axis: the last rung that is past due if it is not paid, the one before money pays charges that wait, and of the charges
-- beside the axis those past due
axis_states as (
    select * from charged_states
    where sums_hold_from <= state_on and not (allocation = 'by_installment' and charges_waiting > 0)
),

{% set shown = carried + ([
    'loan_id', 'period_no', 'state_on', 'charges_age', 'allocation', 'paid_to', 'charges_paid', 'charges_waiting', 'recent_charges',
    'unpaid_principal', 'unpaid_interest', 'unpaid_fees', 'unpaid_rungs', 'overpaid'
] | reject('in', carried) | list) %}
{% set after = ['principal_after', 'interest_after', 'fees_after', 'rungs_after'] %}

{%- if due is none %}
last_rungs as (
    select * from {{ ref('int_aging__ladder') }}
    where
        is_axis
        and late_from < late_to
        and kind in ('installment', 'residual')
        and loan_id in (select loan_id from axis_states)
),

axis_due as (
    {{ last_up_to('axis_states', 'last_rungs', ['loan_id', 'period_no'], 'state_on', 'late_from', shown, after) }}
),
{%- else %}
axis_due as (
    select
        {%- for column in shown %}
        axis_states.{{ column }},
        {%- endfor %}
        {%- for column in after %}
        due.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from axis_states
    left join {{ due }} as due  -- a miss: nothing has come due
        on due.loan_id = axis_states.loan_id and due.period_no = axis_states.period_no and due.as_of = axis_states.state_on
),
{%- endif %}

-- money beyond what has come due, today included, pays charges that wait before it prepays; then less of it stands on the axis
waiting as (
    select * from axis_states
    where charges_waiting > 0 and allocation <> 'fees_first'  -- which pays them as they come
),

waiting_ladder as (
    select * from {{ ref('int_aging__ladder') }}
    where loan_id in (select loan_id from waiting)
),

waiting_rungs as (
    select
        loan_id,
        period_no,
        rolled_on,
        planned_to as due_to
    from waiting_ladder
    where is_axis and late_from < late_to and kind in ('installment', 'residual')
),

waiting_due as (
    {{ last_up_to(
        'waiting', 'waiting_rungs', ['loan_id', 'period_no'], 'state_on', 'rolled_on',
        ['loan_id', 'period_no', 'state_on', 'paid_to', 'charges_waiting'], ['due_to']
    ) }}
),

paid_after as (
    select
        loan_id,
        period_no,
        state_on,
        least(charges_waiting, greatest(0, paid_to - coalesce(due_to, 0))) as charges_paid_after,
        paid_to - least(charges_waiting, greatest(0, paid_to - coalesce(due_to, 0))) as money_left
    from waiting_due
    where paid_to > coalesce(due_to, 0)
),

prepaid as (
    {{ unpaid_on_axis('paid_after', 'waiting_ladder', 'money_left', ['loan_id', 'period_no', 'state_on', 'money_left', 'charges_paid_after']) }}
),

charge_rungs as (
    select
        loan_id,
        period_no,
        late_from,
        charged_to
    from {{ ref('int_aging__ladder') }}
    where is_axis and late_from < late_to and kind = 'charge' and loan_id in (select loan_id from axis_states)
),

charged_beside as (
    select * from axis_states
    where loan_id in (select loan_id from charge_rungs)
),

charges_late as (
    {{ last_up_to(
        'charged_beside', 'charge_rungs', ['loan_id', 'period_no'], 'state_on', 'late_from', ['loan_id', 'state_on', 'charges_paid'],
        ['charged_to'], join='inner'
    ) }}
),

axis_amounts as (
    select
        axis_due.loan_id,
        axis_due.state_on,
        {%- for column in carried %}
        axis_due.{{ column }},
        {%- endfor %}
        case when prepaid.loan_id is null then axis_due.unpaid_principal else prepaid.unpaid_principal end as outstanding_principal,
        greatest(0, axis_due.unpaid_principal - coalesce(axis_due.principal_after, axis_due.unpaid_principal)) as overdue_principal,
        greatest(0, axis_due.unpaid_interest - coalesce(axis_due.interest_after, axis_due.unpaid_interest)) as overdue_interest,
        greatest(0, axis_due.unpaid_fees - coalesce(axis_due.fees_after, axis_due.unpaid_fees))
        -- of the charges outside the queue the newest are unpaid first, and recent ones are not past due
        + greatest(0, axis_due.charges_waiting - coalesce(prepaid.charges_paid_after, 0) - axis_due.recent_charges)
        + greatest(0, coalesce(charges_late.charged_to - charges_late.charges_paid, 0)) as overdue_fees,
        axis_due.charges_waiting - coalesce(prepaid.charges_paid_after, 0) as unpaid_charges,
        greatest(0, axis_due.unpaid_rungs - coalesce(axis_due.rungs_after, axis_due.unpaid_rungs)) as missed_installments,
        case when prepaid.loan_id is null then axis_due.overpaid else prepaid.overpaid end as overpaid_amount
    from axis_due
    left join prepaid  -- a miss: no charges wait, or nothing is left for them
        on prepaid.loan_id = axis_due.loan_id and prepaid.state_on = axis_due.state_on
    left join charges_late  -- a miss: no charges beside the axis
        on charges_late.loan_id = axis_due.loan_id and charges_late.state_on = axis_due.state_on
),

other_states as (
    select * from charged_states
    where sums_hold_from is null or sums_hold_from > state_on or (allocation = 'by_installment' and charges_waiting > 0)
),

rungs as (
    {{ unpaid_rungs('other_states') }}
),

sums as (
    select
        loan_id,
        state_on,
        sum(unpaid_principal) as outstanding_principal,
        sum(case when is_overdue then unpaid_principal else 0 end) as overdue_principal,
        sum(case when is_overdue then unpaid_interest else 0 end) as overdue_interest,
        sum(case when is_overdue then unpaid_fee else 0 end) as overdue_fees,
        sum(case when is_overdue and kind in ('installment', 'residual') then 1 else 0 end) as missed_installments,
        max(charges_paid_after) as charges_paid_after,
        max(overpaid) as overpaid_amount
    from rungs
    group by loan_id, state_on
),

other_sums as (
    select
        other_states.loan_id,
        other_states.state_on,
        other_states.paid_to,
        other_states.charges_waiting,
        other_states.recent_charges,
        {%- for column in carried if column != 'paid_to' %}
        other_states.{{ column }},
        {%- endfor %}
        sums.outstanding_principal,
        sums.overdue_principal,
        sums.overdue_interest,
        sums.overdue_fees,
        sums.missed_installments,
        sums.overpaid_amount,
        -- where nothing else is owed, all money is for charges
        coalesce(sums.charges_paid_after, least(other_states.charges_waiting, other_states.paid_to)) as charges_paid_after
    from other_states
    left join sums  -- a miss: nothing was ever owed
        on sums.loan_id = other_states.loan_id and sums.state_on = other_states.state_on
),

other_amounts as (
    select
        loan_id,
        state_on,
        {%- for column in carried %}
        {{ column }},
        {%- endfor %}
        coalesce(outstanding_principal, 0) as outstanding_principal,
        coalesce(overdue_principal, 0) as overdue_principal,
        coalesce(overdue_interest, 0) as overdue_interest,
        coalesce(overdue_fees, 0) + greatest(0, charges_waiting - charges_paid_after - recent_charges) as overdue_fees,
        charges_waiting - charges_paid_after as unpaid_charges,
        coalesce(missed_installments, 0) as missed_installments,
        coalesce(overpaid_amount, paid_to - charges_paid_after) as overpaid_amount
    from other_sums
),

amounts as (
    select * from axis_amounts
    union all
    select * from other_amounts
)

select
    loan_id,
    state_on,
    {%- for column in carried %}
    {{ column }},
    {%- endfor %}
    cast(outstanding_principal as decimal(18, 2)) as outstanding_principal,
    cast(overdue_principal as decimal(18, 2)) as overdue_principal,
    cast(overdue_interest as decimal(18, 2)) as overdue_interest,
    cast(overdue_fees as decimal(18, 2)) as overdue_fees,
    cast(unpaid_charges as decimal(18, 2)) as unpaid_charges,
    cast(missed_installments as integer) as missed_installments,
    cast(overpaid_amount as decimal(18, 2)) as overpaid_amount
from amounts
{%- endmacro %}
