-- grain: item of int_risk__claims, rule that makes it non-performing, and span of days on which it does
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0041 days grow by themselves within a span, so the day on which a rule begins to hold is known

with rules as (
    select * from {{ ref('int_risk__rules') }}
    where floor_class >= 3 and is_evaluated
),

ruled as (
    select
        claims.item_type,
        claims.item_id,
        claims.is_credit_impaired,
        rules.rule_id,
        rules.trigger,
        rules.at_least_days,
        case rules.day_count when 'as_agreed' then claims.day_count else rules.day_count end as day_count,
        greatest(claims.from_on, rules.from_on) as from_on,
        least(claims.to_on, rules.to_on) as to_on
    from {{ ref('int_risk__claims') }} as claims
    inner join rules on rules.asset_class = claims.asset_class and rules.segment = claims.segment
    where rules.security is null or rules.security = claims.security
),

by_days as (
    select
        ruled.item_type,
        ruled.item_id,
        ruled.rule_id,
        greatest(
            ruled.from_on,
            claim_days.from_on,
            case
                when ruled.trigger = 'advance_days' then {{ add_days('claim_days.advanced_on', 'ruled.at_least_days') }}
                else {{ add_days(first_day_past_due('claim_days.unpaid_since', 'ruled.day_count'), 'ruled.at_least_days - 1') }}
            end
        ) as from_on,
        least(ruled.to_on, claim_days.to_on) as to_on
    from ruled
    inner join {{ ref('int_risk__claim_days') }} as claim_days
        on claim_days.item_type = ruled.item_type and claim_days.item_id = ruled.item_id
    where
        claim_days.unpaid_since is not null
        and (
            ruled.trigger = 'days_past_due'
            or (ruled.trigger = 'advance_days' and claim_days.advanced_on is not null)
        )
),

by_material_days as (
    select
        ruled.item_type,
        ruled.item_id,
        ruled.rule_id,
        greatest(ruled.from_on, {{ add_days('material.from_on', 'ruled.at_least_days - 1') }}) as from_on,
        least(ruled.to_on, material.to_on) as to_on
    from ruled
    inner join {{ ref('int_risk__material') }} as material
        on material.item_type = ruled.item_type and material.item_id = ruled.item_id
    where ruled.trigger = 'material_days_past_due'
),

by_flag as (
    select item_type, item_id, rule_id, from_on, to_on
    from ruled
    where trigger = 'credit_impaired_flag' and is_credit_impaired
),

by_observation as (
    select
        ruled.item_type,
        ruled.item_id,
        ruled.rule_id,
        greatest(ruled.from_on, observations.observed_from) as from_on,
        least(ruled.to_on, observations.observed_to) as to_on
    from ruled
    inner join {{ ref('int_risk__observations') }} as observations on observations.loan_id = ruled.item_id
    where ruled.trigger = 'restructured_flag' and ruled.item_type = 'loan'
),

breaches as (
    select * from by_days
    union all
    select * from by_material_days
    union all
    select * from by_flag
    union all
    select * from by_observation
)

select * from breaches
where from_on < to_on
