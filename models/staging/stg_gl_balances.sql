with versions as (
    {{ newest_version('gl_balances', ['as_of', 'gl_account', 'currency']) }}
)

select
    as_of,
    gl_account,
    currency,
    balance,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
