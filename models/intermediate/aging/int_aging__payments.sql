{{ config(materialized='view') }}
-- grain: repayment row that is money (payments, waivers and their reversals; chargebacks are obligations)
-- as of: none; happened_on says from when it counts
-- decision: 0004 money

with repayments as (
    select * from {{ ref('stg_repayments') }}
),

originals as (
    select * from repayments
    where kind in ('payment', 'waiver')
)

select
    repayment_id,
    loan_id,
    repayment_id as original_id,
    paid_on as happened_on,
    paid_on as original_paid_on,
    kind as original_kind,
    installment_no,
    payer,
    amount,
    false as is_reversal
from originals
union all
select
    reversal.repayment_id,
    reversal.loan_id,
    originals.repayment_id as original_id,
    reversal.paid_on as happened_on,
    originals.paid_on as original_paid_on,
    originals.kind as original_kind,
    originals.installment_no,
    originals.payer,
    reversal.amount,
    true as is_reversal
from repayments as reversal
inner join originals on originals.repayment_id = reversal.reverses_id
where reversal.kind = 'reversal'
