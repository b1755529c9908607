-- grain: item of int_risk__claims, and span of days on each of which arrears are above both thresholds; spans of an item do not touch
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0048 days count while both thresholds are exceeded, by the item's arrears or by all of its debtor's in the currency

with thresholds as (
    select * from {{ ref('materiality_threshold') }}
    where regime = {{ run_value('risk_regime') }}
),

-- whose_arrears: the items whose arrears and balances are added up
claims as (
    select
        claims.item_type,
        claims.item_id,
        claims.segment || ' ' || claims.currency || ' ' || case thresholds.judged_on
            when 'debtor' then 'debtor ' || claims.customer_id
            else claims.item_type || ' ' || claims.item_id
        end as whose_arrears,
        case when thresholds.currency = claims.currency then thresholds.absolute_amount else 0 end as absolute_amount,
        thresholds.relative_share,
        claims.from_on,
        claims.to_on
    from {{ ref('int_risk__claims') }} as claims
    inner join thresholds on thresholds.segment = claims.segment
),

owed as (
    select
        claims.whose_arrears,
        claim_days.overdue_amount,
        claim_days.balance,
        greatest(claims.from_on, claim_days.from_on) as from_on,
        least(claims.to_on, claim_days.to_on) as to_on
    from claims
    inner join {{ ref('int_risk__claim_days') }} as claim_days
        on claim_days.item_type = claims.item_type and claim_days.item_id = claims.item_id
    where claims.from_on < claim_days.to_on and claims.to_on > claim_days.from_on
),

-- what each day adds to the sums of the day before
changes as (
    select whose_arrears, from_on as changes_on, overdue_amount, balance from owed
    union all
    select whose_arrears, to_on as changes_on, -overdue_amount as overdue_amount, -balance as balance from owed
),

changed as (
    select whose_arrears, changes_on, sum(overdue_amount) as overdue_amount, sum(balance) as balance
    from changes
    group by whose_arrears, changes_on
),

sums as (
    select
        whose_arrears,
        changes_on as from_on,
        lead(changes_on, 1, changes_on) over (partition by whose_arrears order by changes_on) as to_on,
        sum(overdue_amount) over (partition by whose_arrears order by changes_on) as overdue_amount,
        sum(balance) over (partition by whose_arrears order by changes_on) as balance
    from changed
),

above as (
    select
        claims.item_type,
        claims.item_id,
        greatest(claims.from_on, sums.from_on) as from_on,
        least(claims.to_on, sums.to_on) as to_on
    from claims
    inner join sums on sums.whose_arrears = claims.whose_arrears
    where
        claims.from_on < sums.to_on
        and claims.to_on > sums.from_on
        and sums.overdue_amount > claims.absolute_amount
        and sums.overdue_amount > {{ times('sums.balance', 'claims.relative_share') }}
),

numbered as (
    {{ in_stretches('above', 'item_type, item_id') }}
)

select
    item_type,
    item_id,
    min(from_on) as from_on,
    max(to_on) as to_on
from numbered
group by item_type, item_id, stretch_no
