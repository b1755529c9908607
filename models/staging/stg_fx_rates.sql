with versions as (
    {{ newest_version('fx_rates', ['as_of', 'currency']) }}
)

select
    as_of,
    currency,
    rate,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
