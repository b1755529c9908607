select
    repayment_id,
    loan_id,
    paid_on,
    amount,
    kind,
    reverses_id,
    installment_no,
    payer,
    posted_at,
    channel,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from {{ source('raw', 'repayments') }}
