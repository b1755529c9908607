with versions as (
    {{ newest_version('products', ['product_id', 'valid_from']) }}
)

select
    product_id,
    valid_from,
    product_name,
    asset_class,
    day_count,
    due_date_roll,
    calendar,
    grace_days,
    tolerance_amount,
    tolerance_rate,
    pause_scope,
    allocation,
    component_order,
    charges_age,
    plan_basis,
    plan_includes_day,
    bucket_scheme,
    bucket_on,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
