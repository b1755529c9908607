{{ kept_by_loan() }}
-- grain: loan and span of days (its first day) that some date computed so far has fallen into
-- as of: every day of the span; nothing changes within it
-- decision: 0006 amounts are computed once for each span that a date asks for, and kept until the loan is touched

-- depends_on: {{ ref('int_aging__touched_loans') }}

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

spans as (
    select distinct
        loan_id,
        period_no,
        span_from_on as state_on,
        allocation,
        day_count,
        component_order,
        charges_age,
        paid_to,
        charges_paid,
        charged,
        recent_charges
    from loans
    {%- if is_incremental() %}
    where not exists (
        select 1 from {{ this }} as known
        where known.loan_id = loans.loan_id and known.from_on = loans.span_from_on
    )
    {%- endif %}
),

amounts as (
    {{ span_amounts('spans') }}
)

select
    loan_id,
    state_on as from_on,
    outstanding_principal,
    overdue_principal,
    overdue_interest,
    overdue_fees,
    unpaid_charges,
    missed_installments,
    overpaid_amount
from amounts
