with versions as (
    {{ newest_version('contact_points', ['contact_point_id']) }}
)

select
    contact_point_id,
    customer_id,
    kind,
    source,
    consented,
    valid_from,
    valid_to,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
