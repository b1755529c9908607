{{ kept_by_loan() }}
-- grain: loan that was written off
-- as of: the end of the day of the write-off
-- decision: 0025 vintages: a loan written off stays, with its principal of that day

with written_off as (
    select
        positions.*,
        loans.written_off_on as state_on,
        periods.allocation,
        periods.day_count,
        periods.component_order,
        periods.charges_age
    from {{ ref('int_aging__loans') }} as loans
    inner join {{ ref('int_aging__positions') }} as positions
        on
            positions.loan_id = loans.loan_id
            and positions.payer_view = 'all'
            and positions.from_on <= loans.written_off_on
            and positions.to_on > loans.written_off_on
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where {{ touched('loans.loan_id') }}
),

amounts as (
    {{ state_amounts('written_off') }}
)

select
    loan_id,
    state_on as written_off_on,
    outstanding_principal
from amounts
