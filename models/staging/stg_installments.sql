with versions as (
    {{ newest_version('installments', ['loan_id', 'plan_no', 'installment_no']) }}
)

select
    loan_id,
    plan_no,
    installment_no,
    effective_on,
    due_on,
    principal_due,
    interest_due,
    fee_due,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
