-- grain: item of int_risk__claims, and span of days on each of which arrears are above both thresholds; spans of an item do not touch
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0048 days count while both thresholds are exceeded, by the item's arrears or by all of its debtor's in the currency

with thresholds as (
    select * from {{ ref('materiality_threshold') }}
    where regime = {{ run_value('risk_regime') }}
),

-- judged: whose arrears are added up
claims as (
    select
        claims.item_type,
        claims.item_id,
        case thresholds.judged_on when 'debtor' then claims.customer_id else claims.item_type || ' ' || claims.item_id end as judged,
        thresholds.judged_on,
        claims.segment,
        claims.currency,
        case when thresholds.currency = claims.currency then thresholds.absolute_amount else 0 end as absolute_amount,
        thresholds.relative_share,
        claims.from_on,
        claims.to_on
    from {{ ref('int_risk__claims') }} as claims
    inner join thresholds on thresholds.segment = claims.segment
),

owed as (
    select
        claims.judged_on,
        claims.judged,
        claims.segment,
        claims.currency,
        claims.absolute_amount,
        claims.relative_share,
        claim_days.overdue_amount,
        claim_days.balance,
        greatest(claims.from_on, claim_days.from_on) as from_on,
        least(claims.to_on, claim_days.to_on) as to_on
    from claims
    inner join {{ ref('int_risk__claim_days') }} as claim_days
        on claim_days.item_type = claims.item_type and claim_days.item_id = claims.item_id
    where claims.from_on < claim_days.to_on and claims.to_on > claim_days.from_on
),

changes as (
    select judged_on, judged, segment, currency, absolute_amount, relative_share, overdue_amount, balance, from_on as changes_on
    from owed
    union all
    select judged_on, judged, segment, currency, absolute_amount, relative_share, -overdue_amount, -balance, to_on as changes_on
    from owed
),

changed as (
    select
        judged_on,
        judged,
        segment,
        currency,
        absolute_amount,
        relative_share,
        changes_on,
        sum(overdue_amount) as overdue_amount,
        sum(balance) as balance
    from changes
    group by judged_on, judged, segment, currency, absolute_amount, relative_share, changes_on
),

sums as (
    select
        judged_on,
        judged,
        segment,
        currency,
        absolute_amount,
        relative_share,
        changes_on as from_on,
        lead(changes_on, 1, changes_on) over (partition by judged_on, judged, segment, currency order by changes_on) as to_on,
        sum(overdue_amount) over (partition by judged_on, judged, segment, currency order by changes_on) as overdue_amount,
        sum(balance) over (partition by judged_on, judged, segment, currency order by changes_on) as balance
    from changed
),

above as (
    select
        claims.item_type,
        claims.item_id,
        greatest(claims.from_on, sums.from_on) as from_on,
        least(claims.to_on, sums.to_on) as to_on
    from claims
    inner join sums
        on
            sums.judged_on = claims.judged_on
            and sums.judged = claims.judged
            and sums.segment = claims.segment
            and sums.currency = claims.currency
    where
        claims.from_on < sums.to_on
        and claims.to_on > sums.from_on
        and sums.overdue_amount > sums.absolute_amount
        and sums.overdue_amount > sums.relative_share * sums.balance
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
