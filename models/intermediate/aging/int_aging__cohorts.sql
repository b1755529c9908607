-- grain: loan
-- as of: the day of disbursement: a cohort stays what it was
-- decision: 0025 vintages

with customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
)

select
    loans.loan_id,
    {{ month_of('loans.disbursed_on') }} as cohort_month,
    customers.segment,
    loans.currency,
    loans.disbursed_on,
    loans.principal
from {{ ref('int_aging__loans') }} as loans
inner join customer_versions as customers
    on
        customers.customer_id = loans.customer_id
        and customers.from_on <= loans.disbursed_on
        and customers.to_on > loans.disbursed_on
