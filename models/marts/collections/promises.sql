-- grain: promise to pay, which is a contact attempt that ended in one or names its day
-- as of: the end of the as-of date
-- decision: 0055 promised against paid

select
    {{ as_of() }} as as_of,
    promises.attempt_id,
    promises.customer_id,
    promises.loan_id,
    promises.currency,
    promises.made_on,
    promises.promised_on,
    promises.promised_amount,
    promises.paid_amount,
    promises.promise_status as status,
    labels.code_order as status_order,
    labels.label_zh as status_zh,
    labels.label_en as status_en,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_collections__promises') }} as promises
inner join {{ ref('label') }} as labels on labels.code_set = 'promise' and labels.code = promises.promise_status
