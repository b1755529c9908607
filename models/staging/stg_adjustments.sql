with versions as (
    {{ newest_version('adjustments', ['adjustment_id']) }}
)

select
    adjustment_id,
    figure,
    loan_id,
    cast(risk_class as integer) as risk_class,
    reason,
    prepared_by,
    approved_by,
    valid_from,
    valid_until,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
