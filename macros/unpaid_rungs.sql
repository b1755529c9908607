{#- What of each rung is unpaid, for states of loans: relations with loan_id, period_no, state_on, the conventions, paid_to,
    charges_paid and charged. One row per state and obligation that exists on state_on. Money due reaches first, then charges
    outside the queue, then prepayment (decision 0004). -#}
{% macro unpaid_rungs(states) -%}
    {%- set exists = 'ladder.loan_id = states.loan_id and ladder.period_no = states.period_no' -%}
    {#- what of a rung climbing money has to pay -#}
    {%- set owed -%}
        case
            when ladder.kind = 'charge' then least(ladder.amount, {{ charges_left_to('ladder', 'states') }})
            else ladder.amount
        end
    {%- endset -%}
    {#- under fees_first charges in the queue are paid beside the axis of money -#}
    {%- set beside = "ladder.kind = 'charge' and states.allocation = 'fees_first'" -%}
with states as (
    select * from {{ states }}
),

ladder as (
    select * from {{ ref('int_aging__ladder') }}
    where loan_id in (select loan_id from states)
),

replay as (
    select
        states.loan_id,
        states.state_on,
        replay.paid,
        replay.credit
    from states
    inner join {{ ref('int_aging__replay') }} as replay
        on replay.loan_id = states.loan_id and replay.period_no = states.period_no
    where replay.payer_view = 'all' and replay.from_on <= states.state_on and replay.to_on > states.state_on
),

totals as (
    select
        states.loan_id,
        states.state_on,
        sum(case when ladder.kind in ('reopened', 'chargeback') then ladder.amount else 0 end) as charged_back_by_now,
        sum(case when ladder.kind = 'charge' then ladder.amount else 0 end) as charged_by_now,
        sum(case when {{ beside }} then 0 else {{ owed }} end) as owed,
        sum(case when {{ beside }} or ladder.rolled_on > states.state_on then 0 else {{ owed }} end) as owed_by_now
    from states
    inner join ladder on {{ exists }}
    where ladder.exists_from <= states.state_on
    group by states.loan_id, states.state_on
),

-- money left after all that is due pays charges outside the queue, before it prepays anything
left_over as (
    select
        states.*,
        totals.charged_back_by_now,
        totals.charged_by_now,
        totals.owed as owed_in_all,
        least(
            case
                when states.charges_age or states.allocation = 'fees_first' then 0
                else states.charged - states.charges_paid
            end,
            greatest(0, states.paid_to - totals.owed_by_now)
        ) as charges_paid_after
    from states
    inner join totals on totals.loan_id = states.loan_id and totals.state_on = states.state_on
),

-- a replay has prepaid already: what charges take comes from its credit, then back from the last rungs not yet due
given_back as (
    select
        states.loan_id,
        states.state_on,
        ladder.rung_no,
        {{ clamp(
            "greatest(0, states.charges_paid_after - replay.credit) - coalesce(sum("
            ~ element_at('replay.paid', 'ladder.rung_no') ~ ") over (
                partition by states.loan_id, states.state_on order by ladder.rung_no desc
                rows between unbounded preceding and 1 preceding), 0)",
            '0', element_at('replay.paid', 'ladder.rung_no')
        ) }} as amount
    from left_over as states
    inner join replay on replay.loan_id = states.loan_id and replay.state_on = states.state_on
    inner join ladder on {{ exists }}
    where
        states.charges_paid_after > 0
        and ladder.exists_from <= states.state_on
        and ladder.rolled_on > states.state_on
),

laid as (
    select
        states.loan_id,
        states.period_no,
        states.state_on,
        states.allocation,
        states.day_count,
        states.component_order,
        states.paid_to,
        states.charges_paid_after,
        states.owed_in_all,
        ladder.rung_no,
        ladder.kind,
        ladder.installment_no,
        ladder.obligation_id,
        ladder.due_on,
        ladder.rolled_on,
        ladder.principal_due,
        ladder.interest_due,
        ladder.fee_due,
        ladder.amount,
        coalesce(replay.credit, 0) as credit,
        {{ owed }} as owed,
        case
            when states.allocation = 'by_installment'
                then {{ element_at('replay.paid', 'ladder.rung_no') }} - coalesce(given_back.amount, 0)
            when {{ beside }} then 0
            else {{ clamp(
                "states.paid_to - case when ladder.rolled_on <= states.state_on then 0 else states.charges_paid_after end - ("
                "ladder.planned_to"
                " + case when ladder.due_on <= states.state_on then ladder.charged_back_to else states.charged_back_by_now end"
                " + case when states.allocation = 'fees_first' then 0"
                " when ladder.due_on <= states.state_on then " ~ charges_left_to('ladder', 'states')
                ~ " else greatest(0, states.charged_by_now - states.charges_paid) end - (" ~ owed ~ "))", '0', owed
            ) }}
        end as received
    from left_over as states
    inner join ladder on {{ exists }}
    left join replay  -- a miss: money does not name installments
        on replay.loan_id = states.loan_id and replay.state_on = states.state_on
    left join given_back  -- a miss: nothing to give back
        on
            given_back.loan_id = states.loan_id
            and given_back.state_on = states.state_on
            and given_back.rung_no = ladder.rung_no
    where ladder.exists_from <= states.state_on
),

unpaid as (
    select
        *,
        cast(owed - received as decimal(18, 2)) as unpaid
    from laid
)

select
    loan_id,
    period_no,
    state_on,
    rung_no,
    kind,
    installment_no,
    obligation_id,
    due_on,
    rolled_on,
    principal_due,
    interest_due,
    fee_due,
    amount,
    unpaid,
    {{ unpaid_component('principal') }} as unpaid_principal,
    {{ unpaid_component('interest') }} as unpaid_interest,
    {{ unpaid_component('fee') }} as unpaid_fee,
    unpaid > 0
    and case when day_count = 'include_due_date' then rolled_on <= state_on else rolled_on < state_on end
        as is_overdue,
    -- per loan, repeated on its rungs: what left-over money paid of charges outside the queue, and what nothing could take
    cast(charges_paid_after as decimal(38, 2)) as charges_paid_after,
    cast(
        case
            when allocation = 'by_installment' then greatest(0, credit - charges_paid_after)
            else greatest(0, paid_to - charges_paid_after - owed_in_all)
        end as decimal(38, 2)
    ) as overpaid
from unpaid
{%- endmacro %}
