select
    advance_repayment_id,
    advance_id,
    paid_on,
    amount,
    kind,
    reverses_id,
    posted_at,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from {{ source('raw', 'advance_repayments') }}
