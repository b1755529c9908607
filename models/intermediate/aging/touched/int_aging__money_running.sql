-- grain: event of int_aging__money_events
-- as of: happened_on; running totals after the event
-- decision: 0004 money: what pays charges, what climbs the ladder

with periods as (
    select * from {{ ref('int_aging__periods') }}
    where not is_plain and {{ touched('loan_id') }}
),

events as (
    select
        money_events.*,
        periods.from_on,
        periods.to_on,
        periods.allocation,
        periods.allocation = 'by_installment' and periods.charges_age as is_queue_of_all,
        -- money that a replay lets pay charges first; a waiver that names an installment never does
        case periods.allocation
            when 'fees_first' then money_events.paid + money_events.waived
            when 'by_installment' then case when periods.charges_age then 0 else money_events.waived end
            else 0
        end as for_charges,
        -- where charges stand in the queue of a replay, a waiver finds them there
        case when periods.allocation = 'by_installment' and periods.charges_age then money_events.waived else 0 end as for_charges_in_queue
    from {{ ref('int_aging__money_events') }} as money_events
    inner join periods
        on periods.loan_id = money_events.loan_id and periods.period_no = money_events.period_no
),

{% set sofar %}partition by loan_id, period_no, payer_view order by happened_on, event_order, event_id rows between unbounded preceding and current row{% endset %}

summed as (
    select
        *,
        sum(paid + waived_by_name + waived) over ({{ sofar }}) as received,
        sum(waived) over ({{ sofar }}) as all_waived,
        sum(charged) over ({{ sofar }}) as all_charged,
        sum(charged_back) over ({{ sofar }}) as all_charged_back,
        sum(charged - for_charges) over ({{ sofar }}) as charges_less_money
    from events
),

-- charges and the money for them are a queue: what is unpaid is the balance above its lowest point so far
queued as (
    select
        *,
        charges_less_money - least(0, min(charges_less_money) over ({{ sofar }})) as charges_unpaid
    from summed
),

split as (
    select
        *,
        case
            when allocation = 'oldest_installment_first' then least(all_waived, all_charged)
            when is_queue_of_all then 0
            else all_charged - charges_unpaid
        end as charges_paid
    from queued
)

select
    loan_id,
    period_no,
    payer_view,
    from_on,
    to_on,
    allocation,
    happened_on,
    event_order,
    event_id,
    installment_no,
    cast(for_charges_in_queue as decimal(38, 2)) as for_charges_in_queue,
    cast(received - charges_paid as decimal(38, 2)) as paid_to,
    cast(charges_paid as decimal(38, 2)) as charges_paid,
    cast(all_charged as decimal(38, 2)) as charged,
    cast(all_charged_back as decimal(38, 2)) as charged_back
from split
