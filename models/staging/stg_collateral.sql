with versions as (
    {{ newest_version('collateral', ['collateral_id', 'valued_on']) }}
)

select
    collateral_id,
    valued_on,
    loan_id,
    kind,
    value,
    currency,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
