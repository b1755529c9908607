-- No loan falls out between the ledger and the mart, written-off ones and those past maturity included.
with loan_aging as (
    select loan_id from {{ ref('loan_aging') }}
    where as_of = {{ as_of() }}
)

select
    loans.loan_id,
    loan_aging.loan_id as aged
from {{ ref('stg_loans') }} as loans
full join loan_aging on loan_aging.loan_id = loans.loan_id
where
    (loan_aging.loan_id is not null)
    is distinct from (loans.disbursed_on <= {{ as_of() }} and (loans.closed_on is null or loans.closed_on > {{ as_of() }}))
