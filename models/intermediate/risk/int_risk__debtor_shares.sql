-- grain: debtor, currency, and span of days with the same claims that are not retail, some of them non-performing by themselves
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0044 what pulls: shares by currency, so that no exchange rate pulls or releases

with balances as (
    select
        claims.customer_id,
        claims.currency,
        claims.item_type,
        claims.item_id,
        claim_days.balance,
        greatest(claims.from_on, claim_days.from_on) as from_on,
        least(claims.to_on, claim_days.to_on) as to_on
    from {{ ref('int_risk__claims') }} as claims
    inner join {{ ref('int_risk__claim_days') }} as claim_days
        on claim_days.item_type = claims.item_type and claim_days.item_id = claims.item_id
    where not claims.is_retail and claims.from_on < claim_days.to_on and claims.to_on > claim_days.from_on
),

non_performing as (
    select
        balances.customer_id,
        balances.currency,
        balances.item_type,
        balances.item_id,
        greatest(balances.from_on, episodes.from_on) as from_on,
        least(balances.to_on, episodes.to_on) as to_on
    from balances
    inner join {{ ref('int_risk__own_episodes') }} as episodes
        on episodes.item_type = balances.item_type and episodes.item_id = balances.item_id
    where balances.from_on < episodes.to_on and balances.to_on > episodes.from_on
),

changes as (
    select customer_id, currency, from_on as changes_on from balances
    union
    select customer_id, currency, to_on as changes_on from balances
    union
    select customer_id, currency, from_on as changes_on from non_performing
    union
    select customer_id, currency, to_on as changes_on from non_performing
),

spans as (
    select
        customer_id,
        currency,
        changes_on as from_on,
        lead(changes_on, 1, date '9999-12-31') over (partition by customer_id, currency order by changes_on) as to_on
    from changes
),

-- only debtors with something non-performing
shares as (
    select
        spans.customer_id,
        spans.currency,
        spans.from_on,
        spans.to_on,
        balances.item_id,
        balances.balance,
        max(case when non_performing.item_id is null then 0 else 1 end) as is_non_performing
    from spans
    inner join balances
        on
            balances.customer_id = spans.customer_id
            and balances.currency = spans.currency
            and balances.from_on <= spans.from_on
            and balances.to_on > spans.from_on
    left join non_performing  -- a miss: this one performs by itself
        on
            non_performing.item_type = balances.item_type
            and non_performing.item_id = balances.item_id
            and non_performing.from_on <= spans.from_on
            and non_performing.to_on > spans.from_on
    where spans.customer_id in (select known.customer_id from non_performing as known)
    group by spans.customer_id, spans.currency, spans.from_on, spans.to_on, balances.item_type, balances.item_id, balances.balance
)

select
    customer_id,
    currency,
    from_on,
    to_on,
    cast(sum(balance) as decimal(18, 2)) as balance,
    cast(sum(case when is_non_performing = 1 then balance else 0 end) as decimal(18, 2)) as non_performing_balance,
    {{ text_list("case when is_non_performing = 1 then item_id end", 'item_id') }} as non_performing_items
from shares
group by customer_id, currency, from_on, to_on
having max(is_non_performing) = 1
