select
    charge_id,
    loan_id,
    due_on,
    amount,
    kind,
    reverses_id,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from {{ source('raw', 'charges') }}
