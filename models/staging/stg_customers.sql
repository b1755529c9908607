with versions as (
    {{ newest_version('customers', ['customer_id']) }}
)

select
    customer_id,
    segment,
    region,
    industry,
    time_zone,
    opened_on,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
