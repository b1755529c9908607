{#- The amounts of loans on the first day of spans in which nothing happens to them: one row per loan_id and state_on.
    `spans` is a relation with loan_id, period_no, state_on, allocation, day_count, component_order, charges_age, paid_to,
    charges_paid, charged and recent_charges (decision 0004). -#}
{% macro span_amounts(spans) -%}
with spans as (
    select
        *,
        case when charges_age then 0 else charged - charges_paid end as charges_waiting
    from {{ spans }}
),

rungs as (
    {{ unpaid_rungs('spans') }}
),

amounts as (
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

measured as (
    select
        spans.loan_id,
        spans.state_on,
        spans.paid_to,
        spans.charges_waiting,
        spans.recent_charges,
        amounts.outstanding_principal,
        amounts.overdue_principal,
        amounts.overdue_interest,
        amounts.overdue_fees,
        amounts.missed_installments,
        amounts.overpaid_amount,
        -- where nothing else is owed, all money is for charges
        coalesce(amounts.charges_paid_after, least(spans.charges_waiting, spans.paid_to)) as charges_paid_after
    from spans
    left join amounts  -- a miss: nothing was ever owed
        on amounts.loan_id = spans.loan_id and amounts.state_on = spans.state_on
)

select
    loan_id,
    state_on,
    cast(coalesce(outstanding_principal, 0) as decimal(18, 2)) as outstanding_principal,
    cast(coalesce(overdue_principal, 0) as decimal(18, 2)) as overdue_principal,
    cast(coalesce(overdue_interest, 0) as decimal(18, 2)) as overdue_interest,
    -- of the charges outside the queue the newest are unpaid first, and recent ones are not past due
    cast(
        coalesce(overdue_fees, 0) + greatest(0, charges_waiting - charges_paid_after - recent_charges) as decimal(18, 2)
    ) as overdue_fees,
    cast(charges_waiting - charges_paid_after as decimal(18, 2)) as unpaid_charges,
    cast(coalesce(missed_installments, 0) as integer) as missed_installments,
    cast(coalesce(overpaid_amount, paid_to - charges_paid_after) as decimal(18, 2)) as overpaid_amount
from measured
{%- endmacro %}
