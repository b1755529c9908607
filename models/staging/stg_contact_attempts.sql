with versions as (
    {{ first_version('contact_attempts', ['attempt_id']) }}
)

select
    attempt_id,
    customer_id,
    loan_id,
    attempted_at,
    ended_at,
    initiated_by,
    channel,
    party,
    agency_id,
    contact_point_id,
    outcome,
    stop_requested,
    debt_disclosed,
    recorded,
    promised_on,
    promised_amount,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
