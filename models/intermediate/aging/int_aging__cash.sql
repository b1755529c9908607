{{ kept_by_loan() }}
-- grain: loan and day with payments or reversals of payments
-- as of: paid_on, each on its own day
-- decision: 0024 recovery counts cash: a waiver is none

select
    loan_id,
    happened_on as paid_on,
    sum(case when is_reversal then -amount else amount end) as amount
from {{ ref('int_aging__payments') }}
where original_kind = 'payment' and {{ touched('loan_id') }}
group by loan_id, happened_on
