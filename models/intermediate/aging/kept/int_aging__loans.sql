{{ kept_by_loan() }}
-- grain: loan
-- as of: none; the dated facts of the newest known version
-- decision: 0001 two dates

select
    loan_id,
    customer_id,
    disbursed_on,
    matures_on,
    principal,
    currency,
    restructured_on,
    written_off_on,
    closed_on,
    close_reason
from {{ ref('stg_loans') }}
where {{ touched('loan_id') }}
