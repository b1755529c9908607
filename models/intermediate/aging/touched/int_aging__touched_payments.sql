-- grain: row of int_aging__payments of a loan touched
-- as of: none; happened_on says from when it counts
-- decision: 0006 the ledger is read once for all that is computed again

select
    repayment_id,
    loan_id,
    original_id,
    happened_on,
    original_paid_on,
    original_kind,
    installment_no,
    payer,
    amount,
    is_reversal
from {{ ref('int_aging__payments') }}
where {{ touched('loan_id') }}
