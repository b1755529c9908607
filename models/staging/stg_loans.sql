with versions as (
    {{ newest_version('loans', ['loan_id']) }}
)

select
    loan_id,
    customer_id,
    product_id,
    disbursed_on,
    matures_on,
    principal,
    currency,
    annual_rate,
    security,
    branch_id,
    purpose,
    restructured_on,
    written_off_on,
    closed_on,
    close_reason,
    credit_impaired,
    gl_account,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
