-- grain: obligation (rung) that exists on the as-of date, of a loan in int_aging__loans_at
-- as of: the end of the as-of date
-- decision: 0004 what of each rung is unpaid: money due reaches first, then charges outside the queue, then prepayment

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

replay as (
    select * from {{ ref('int_aging__replay') }}
    where payer_view = 'all' and from_on <= {{ as_of() }} and to_on > {{ as_of() }}
),

rungs as (
    select
        ladder.*,
        loans.allocation,
        loans.day_count,
        loans.component_order,
        loans.paid_to,
        loans.charges_paid,
        -- charges outside the queue that nothing has paid yet
        case when loans.charges_age or loans.allocation = 'fees_first' then 0 else loans.charged - loans.charges_paid end
            as charges_waiting,
        ladder.rolled_on <= {{ as_of() }} as is_due,
        -- rungs still to come stand after all chargebacks and charges that exist by now
        sum(case when ladder.kind in ('reopened', 'chargeback') then ladder.amount else 0 end)
            over (partition by ladder.loan_id) as charged_back_by_now,
        sum(case when ladder.kind = 'charge' then ladder.amount else 0 end)
            over (partition by ladder.loan_id) as charged_by_now
    from loans
    inner join {{ ref('int_aging__ladder') }} as ladder
        on ladder.loan_id = loans.loan_id and ladder.period_no = loans.period_no
    where ladder.exists_from <= {{ as_of() }}
),

placed as (
    select
        rungs.*,
        -- the part of the rung that climbing money has to pay
        case
            when kind = 'charge' then least(amount, {{ charges_left_to('rungs', 'rungs') }})
            else amount
        end as owed,
        planned_to
        + case when due_on <= {{ as_of() }} then charged_back_to else charged_back_by_now end
        + case
            when allocation = 'fees_first' then 0
            when due_on <= {{ as_of() }} then {{ charges_left_to('rungs', 'rungs') }}
            else greatest(0, charged_by_now - charges_paid)
        end as reaches_to,
        kind = 'charge' and allocation = 'fees_first' as is_beside_the_axis
    from rungs
),

-- money left after all that is due pays charges outside the queue, before it prepays anything
left_over as (
    select
        *,
        least(
            charges_waiting,
            greatest(
                0,
                paid_to - sum(case when is_due and not is_beside_the_axis then owed else 0 end) over (partition by loan_id)
            )
        ) as charges_paid_after
    from placed
),

laid as (
    select
        left_over.*,
        case
            when left_over.allocation = 'by_installment' then {{ element_at('replay.paid', 'left_over.rung_no') }}
            when left_over.is_beside_the_axis then 0
            else {{ clamp(
                'paid_to - case when is_due then 0 else charges_paid_after end - (reaches_to - owed)', '0', 'owed'
            ) }}
        end as received,
        coalesce(replay.credit, 0) as credit
    from left_over
    left join replay  -- a miss: money does not name installments
        on replay.loan_id = left_over.loan_id and replay.period_no = left_over.period_no
),

-- a replay has prepaid already: what charges take comes from its credit, then back from the last rungs not yet due
taken_back as (
    select
        *,
        case
            when allocation = 'by_installment' and not is_due
                then {{ clamp(
                    "greatest(0, charges_paid_after - credit) - coalesce(sum(case when not is_due then received else 0 end)
                    over (partition by loan_id order by rung_no desc rows between unbounded preceding and 1 preceding), 0)",
                    '0', 'received'
                ) }}
            else 0
        end as given_back
    from laid
),

unpaid as (
    select
        *,
        cast(owed - received + given_back as decimal(18, 2)) as unpaid
    from taken_back
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
    principal_due,
    interest_due,
    fee_due,
    amount,
    unpaid,
    {{ unpaid_component('principal') }} as unpaid_principal,
    {{ unpaid_component('interest') }} as unpaid_interest,
    {{ unpaid_component('fee') }} as unpaid_fee,
    unpaid > 0
    and case when day_count = 'include_due_date' then rolled_on <= {{ as_of() }} else rolled_on < {{ as_of() }} end
        as is_overdue,
    -- per loan, repeated on its rungs: what left-over money paid of charges outside the queue, and what nothing could take
    cast(charges_paid_after as decimal(38, 2)) as charges_paid_after,
    cast(
        case
            when allocation = 'by_installment' then greatest(0, credit - charges_paid_after)
            else greatest(
                0,
                paid_to - charges_paid_after
                - sum(case when is_beside_the_axis then 0 else owed end) over (partition by loan_id)
            )
        end as decimal(38, 2)
    ) as overpaid
from unpaid
