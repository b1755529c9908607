-- Two ways to the same figures: sums and look-ups, and each obligation looked at by itself.
with rungs as (
    select
        loan_id,
        min(case when is_overdue then rolled_on end) as oldest_unpaid_due_on,
        sum(unpaid_principal) as outstanding_principal,
        sum(case when is_overdue then unpaid_principal else 0 end) as overdue_principal,
        sum(case when is_overdue then unpaid_interest else 0 end) as overdue_interest,
        sum(case when is_overdue then unpaid_fee else 0 end) as overdue_fees,
        sum(case when is_overdue and kind in ('installment', 'residual') then 1 else 0 end) as missed_installments
    from {{ ref('int_aging__rungs_at') }}
    where {{ touched('loan_id') }}
    group by loan_id
)

select
    loans.loan_id,
    days.oldest_unpaid_due_on,
    rungs.oldest_unpaid_due_on as oldest_by_rungs,
    loans.outstanding_principal,
    rungs.outstanding_principal as outstanding_by_rungs,
    loans.overdue_principal,
    rungs.overdue_principal as overdue_by_rungs
from {{ ref('int_aging__loans_at') }} as loans
inner join {{ ref('int_aging__days_at') }} as days on days.loan_id = loans.loan_id and days.as_of = loans.as_of
left join rungs on rungs.loan_id = loans.loan_id  -- a miss: nothing was ever owed
where
    loans.as_of = {{ as_of() }}
    and {{ touched('loans.loan_id') }}
    and (
        days.oldest_unpaid_due_on is distinct from rungs.oldest_unpaid_due_on
        or loans.outstanding_principal <> coalesce(rungs.outstanding_principal, 0)
        or loans.overdue_principal <> coalesce(rungs.overdue_principal, 0)
        or loans.overdue_interest <> coalesce(rungs.overdue_interest, 0)
        or loans.missed_installments <> coalesce(rungs.missed_installments, 0)
        -- charges outside the queue are no rungs
        or (loans.unpaid_charges = 0 and loans.overdue_fees <> coalesce(rungs.overdue_fees, 0))
    )
