-- The ladder of a plan that lists everything adds up to the loan: what the plan leaves out of the principal is a residual.
with planned as (
    select
        loan_id,
        period_no,
        sum(principal_due) as principal_due
    from {{ ref('int_aging__ladder') }}
    where kind in ('installment', 'residual') and {{ touched('loan_id') }}
    group by loan_id, period_no
)

select
    periods.loan_id,
    periods.period_no,
    loans.principal,
    planned.principal_due
from {{ ref('int_aging__periods') }} as periods
inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = periods.loan_id
left join planned  -- a miss: a loan of 0.00
    on planned.loan_id = periods.loan_id and planned.period_no = periods.period_no
where
    {{ touched('periods.loan_id') }}
    and not periods.is_remaining
    and coalesce(planned.principal_due, 0) < loans.principal
