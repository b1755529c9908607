-- grain: loan touched, plan and installment
-- as of: none; the newest known version
-- decision: 0006 the ledger is read once for all that is computed again

select
    loan_id,
    plan_no,
    installment_no,
    effective_on,
    due_on,
    principal_due,
    interest_due,
    fee_due
from {{ ref('stg_installments') }}
where {{ touched('loan_id') }}
