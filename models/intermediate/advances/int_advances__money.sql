-- grain: advance repayment row, a reversal beside what it reverses
-- as of: none; happened_on says from when it counts
-- decision: 0030 what of an advance is outstanding

with repayments as (
    select * from {{ ref('stg_advance_repayments') }}
)

select
    advance_repayment_id,
    advance_id,
    advance_repayment_id as original_id,
    kind as original_kind,
    paid_on as happened_on,
    paid_on as original_paid_on,
    case when kind = 'chargeback' then -amount else amount end as repaid
from repayments
where kind <> 'reversal'
union all
select
    reversal.advance_repayment_id,
    reversal.advance_id,
    originals.advance_repayment_id as original_id,
    originals.kind as original_kind,
    reversal.paid_on as happened_on,
    originals.paid_on as original_paid_on,
    -reversal.amount as repaid
from repayments as reversal
inner join repayments as originals on originals.advance_repayment_id = reversal.reverses_id
where reversal.kind = 'reversal'
