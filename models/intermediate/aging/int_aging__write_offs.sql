{{ kept_by_loan() }}
-- grain: loan that was written off
-- as of: the end of the day of the write-off
-- decision: 0025 vintages: a loan written off stays, with its principal of that day

with written_off as (
    select
        loans.loan_id,
        loans.written_off_on as state_on,
        spans.period_no,
        spans.paid_to,
        spans.charges_paid,
        spans.charged,
        {{ conventions_of('periods') }}
    from {{ ref('int_aging__loans') }} as loans
    inner join {{ ref('int_aging__spans') }} as spans
        on spans.loan_id = loans.loan_id and spans.from_on <= loans.written_off_on and spans.to_on > loans.written_off_on
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
    where {{ touched('loans.loan_id') }}
),

rungs as (
    {{ unpaid_rungs('written_off') }}
)

select
    loan_id,
    state_on as written_off_on,
    cast(sum(unpaid_principal) as decimal(18, 2)) as outstanding_principal
from rungs
group by loan_id, state_on
