-- grain: loan of int_aging__loans_at with charges outside the queue
-- as of: the end of the as-of date
-- decision: 0021 FINREP counts the oldest unpaid amount, a charge's too, whatever the product's charges_age says

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
    where as_of = {{ as_of() }} and not charges_age and charged > 0
),

charges as (
    select
        charges.loan_id,
        charges.charge_id,
        charges.due_on,
        charges.amount - coalesce(sum(reversal.amount), 0) as amount
    from {{ ref('stg_charges') }} as charges
    left join {{ ref('stg_charges') }} as reversal  -- a miss: not reversed by then
        on reversal.reverses_id = charges.charge_id and reversal.kind = 'reversal' and reversal.due_on <= {{ as_of() }}
    where charges.kind <> 'reversal' and charges.due_on <= {{ as_of() }}
    group by charges.loan_id, charges.charge_id, charges.due_on, charges.amount
),

queue as (
    select
        ladder.loan_id,
        ladder.due_on,
        case ladder.kind when 'reopened' then 0 when 'chargeback' then 3 else 1 end as kind_order,
        lpad(cast(ladder.rung_no as varchar), 9, '0') as place,
        ladder.rolled_on,
        ladder.amount,
        false as is_charge
    from {{ ref('int_aging__ladder') }} as ladder
    inner join loans on loans.loan_id = ladder.loan_id and loans.period_no = ladder.period_no
    where ladder.due_on <= {{ as_of() }} and ladder.exists_from <= {{ as_of() }} and ladder.amount > 0
    union all
    select
        charges.loan_id,
        charges.due_on,
        2 as kind_order,
        charges.charge_id as place,
        {{ rolled('charges.due_on', 'loans.due_date_roll', 'days') }} as rolled_on,
        charges.amount,
        true as is_charge
    from charges
    inner join loans on loans.loan_id = charges.loan_id and loans.counts_from <= charges.due_on
    left join {{ ref('int_calendar__days') }} as days  -- a miss: nothing to roll, or beyond the calendar's years
        on days.calendar = {{ rolls_by('loans') }} and days.day = charges.due_on
    where charges.amount > 0
),

{% set so_far = 'partition by loan_id order by due_on, kind_order, place rows between unbounded preceding and current row' %}

heights as (
    select
        *,
        sum(case when is_charge then 0 else amount end) over ({{ so_far }}) as planned_to,
        sum(case when is_charge then amount else 0 end) over ({{ so_far }}) as charged_to
    from queue
),

unpaid as (
    select
        heights.loan_id,
        heights.rolled_on
    from heights
    inner join loans on loans.loan_id = heights.loan_id
    where
        case
            -- named money stays where it is; of the charges the oldest are paid
            when loans.allocation = 'by_installment' then heights.is_charge and heights.charged_to > loans.charged - loans.unpaid_charges
            when heights.is_charge and heights.charged_to <= loans.charges_paid then false
            when loans.allocation = 'fees_first' then heights.is_charge or heights.planned_to > loans.paid_to
            else heights.planned_to + greatest(0, heights.charged_to - loans.charges_paid) > loans.paid_to
        end
)

select
    loans.as_of,
    loans.loan_id,
    least(min(unpaid.rolled_on), case when loans.allocation = 'by_installment' then loans.unpaid_since end) as unpaid_since
from loans
left join unpaid on unpaid.loan_id = loans.loan_id  -- a miss: all is paid
group by loans.as_of, loans.loan_id, loans.allocation, loans.unpaid_since
