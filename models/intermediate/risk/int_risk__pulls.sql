-- grain: item of int_risk__claims that is not retail, rule by which its debtor's other claims pull it, and span of days
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0044 what pulls: claims non-performing by themselves, never claims that were pulled

with pulls as (
    select
        claims.item_type,
        claims.item_id,
        rules.rule_id,
        debtor_shares.non_performing_items as pulled_by,
        greatest(claims.from_on, debtor_shares.from_on, rules.from_on) as from_on,
        least(claims.to_on, debtor_shares.to_on, rules.to_on) as to_on
    from {{ ref('int_risk__claims') }} as claims
    inner join {{ ref('int_risk__debtor_shares') }} as debtor_shares on debtor_shares.customer_id = claims.customer_id
    inner join {{ ref('int_risk__rules') }} as rules
        on rules.asset_class = claims.asset_class and rules.segment = claims.segment
    where
        not claims.is_retail
        and rules.trigger = 'debtor_npl_share'
        and rules.is_evaluated
        and (
            debtor_shares.non_performing_balance > {{ times('debtor_shares.balance', 'rules.threshold') }}
            or rules.threshold = 0  -- any claim pulls, one of which only interest is left too
        )
)

select * from pulls
where from_on < to_on
