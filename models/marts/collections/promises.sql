-- grain: promise to pay, which is a contact attempt that ended in one or names its day
-- as of: the end of the as-of date
-- decision: 0055 promised against paid

select
    {{ as_of() }} as as_of,
    attempt_id,
    customer_id,
    loan_id,
    currency,
    made_on,
    promised_on,
    promised_amount,
    paid_amount,
    promise_status as status,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_collections__promises') }}
