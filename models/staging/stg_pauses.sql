with versions as (
    {{ newest_version('pauses', ['loan_id', 'from_on']) }}
)

select
    loan_id,
    from_on,
    to_on,
    reason,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
