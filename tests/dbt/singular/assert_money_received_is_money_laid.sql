-- Money is neither lost nor made: what came in by the as-of date stands on obligations, on charges, or as overpaid.
with laid as (
    select
        loan_id,
        sum(amount - unpaid) as on_rungs,
        max(charges_paid_after) as on_charges,
        max(overpaid) as overpaid,
        min(unpaid) as least_unpaid
    from {{ ref('int_aging__rungs_at') }}
    where {{ touched('loan_id') }}
    group by loan_id
)

select
    laid.loan_id,
    loans.paid_to,
    laid.on_rungs,
    laid.on_charges,
    laid.overpaid,
    laid.least_unpaid
from laid
inner join {{ ref('int_aging__loans_at') }} as loans on loans.loan_id = laid.loan_id
where
    loans.as_of = {{ as_of() }}
    and (
    -- a charge in the queue may have been paid by waivers, which do not climb
        laid.on_rungs + laid.on_charges + laid.overpaid <> loans.paid_to + case when loans.charges_age then loans.charges_paid else 0 end
        or laid.least_unpaid < 0
    )
