-- grain: charge or reversal of a charge
-- as of: none; happened_on says from when it counts
-- decision: 0004 money

with charges as (
    select * from {{ ref('stg_charges') }}
    where {{ touched('loan_id') }}
)

select
    charge_id,
    loan_id,
    charge_id as original_id,
    due_on as happened_on,
    due_on as original_due_on,
    amount,
    false as is_reversal
from charges
where kind <> 'reversal'
union all
select
    reversal.charge_id,
    reversal.loan_id,
    charges.charge_id as original_id,
    reversal.due_on as happened_on,
    charges.due_on as original_due_on,
    reversal.amount,
    true as is_reversal
from charges as reversal
inner join charges on charges.charge_id = reversal.reverses_id
where reversal.kind = 'reversal'
