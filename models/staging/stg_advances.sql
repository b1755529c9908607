with versions as (
    {{ newest_version('advances', ['advance_id']) }}
)

select
    advance_id,
    customer_id,
    loan_id,
    kind,
    advanced_on,
    amount,
    currency,
    security,
    due_on,
    written_off_on,
    gl_account,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
