-- grain: item of int_risk__claims, and span of days that break the count of clean days of its cure
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0042 its own arrears or, where the cure is the debtor's, those of each of the debtor's items in the book

with claims as (
    select
        *,
        lead(from_on) over (partition by item_type, item_id order by from_on) as next_from_on
    from {{ ref('int_risk__claims') }}
),

overdue as (
    select
        claims.customer_id,
        claims.item_type,
        claims.item_id,
        greatest(claims.from_on, claim_days.from_on) as from_on,
        least(claims.to_on, claim_days.to_on) as to_on
    from claims
    inner join {{ ref('int_risk__claim_days') }} as claim_days
        on claim_days.item_type = claims.item_type and claim_days.item_id = claims.item_id
    where claim_days.overdue_amount > 0 and claims.from_on < claim_days.to_on and claims.to_on > claim_days.from_on
)

select
    claims.item_type,
    claims.item_id,
    greatest(claims.from_on, overdue.from_on) as from_on,
    least(claims.to_on, overdue.to_on) as to_on
from claims
inner join overdue on overdue.customer_id = claims.customer_id
where
    claims.from_on < overdue.to_on
    and claims.to_on > overdue.from_on
    and (
        claims.cure_scope = 'debtor'
        or (overdue.item_type = claims.item_type and overdue.item_id = claims.item_id)
    )
union all
-- an advance that was repaid in full, until the repayment is taken back
select
    item_type,
    item_id,
    to_on as from_on,
    next_from_on as to_on
from claims
where to_on < next_from_on
