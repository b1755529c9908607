with versions as (
    {{ newest_version('underwriting', ['loan_id']) }}
)

select
    loan_id,
    decided_on,
    score,
    income_verified,
    site_visit,
    debt_to_income,
    policy_exceptions,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
