-- grain: date of the run, item, and rule that holds for it
-- as of: the end of each date that the run computes
-- decision: 0040 floors: every rule that holds is kept, the worst decides

with items as (
    select
        items.*,
        -- keys that are ready before a join: a condition on the left side would make it a nested loop
        case when items.item_type = 'loan' and items.is_restructured then items.item_id end as restructured_loan_id,
        case when items.item_type = 'loan' and items.days_past_due > 0 then items.item_id end as late_loan_id,
        treatment.is_retail,
        treatment.upgrade
    from {{ ref('int_risk__items') }} as items
    inner join {{ ref('risk_treatment') }} as treatment
        on treatment.asset_class = items.asset_class and treatment.segment = items.segment
    where treatment.regime = {{ run_value('risk_regime') }}
),

rules as (
    select * from {{ ref('int_risk__rules') }}
    where is_evaluated
),

-- what an item shows by itself
own as (
    select
        items.as_of,
        items.item_type,
        items.item_id,
        rules.rule_id,
        rules.floor_class,
        rules.lifts_rule,
        cast(null as varchar) as pulled_by
    from items
    inner join rules on rules.asset_class = items.asset_class and rules.segment = items.segment
    left join {{ ref('int_risk__observations') }} as observations  -- a miss: never restructured
        on
            observations.loan_id = items.restructured_loan_id
            and observations.observed_from <= items.as_of
            and observations.observed_to > items.as_of
    left join {{ ref('int_risk__technical') }} as technical  -- a miss: no technical pause, or not past due
        on technical.item_id = items.late_loan_id and technical.as_of = items.as_of
    left join {{ ref('int_risk__material') }} as material  -- a miss: arrears are not material, or the regime has no thresholds
        on
            material.item_type = items.item_type
            and material.item_id = items.item_id
            and material.from_on <= items.as_of
            and material.to_on > items.as_of
    where
        (
            items.days_including_due_date > 0
            or items.is_credit_impaired
            or items.is_restructured
            or items.advance_days > 0
            or material.item_id is not null
        )
        and items.as_of >= rules.from_on
        and items.as_of < rules.to_on
        and (rules.security is null or rules.security = items.security)
        and case rules.trigger
            when 'days_past_due' then {{ days_by('items', 'rules') }} >= rules.at_least_days
            when 'material_days_past_due' then {{ days_between('material.from_on', 'items.as_of') }} + 1 >= rules.at_least_days
            when 'advance_days' then items.advance_days >= rules.at_least_days
            when 'technical_overdue_days' then technical.technical_overdue_days <= rules.threshold
            when 'credit_impaired_flag' then items.is_credit_impaired
            when 'restructured_flag' then observations.loan_id is not null
            when 'restructured_still_overdue_flag' then observations.loan_id is not null and items.days_past_due > 0
            else false
        end
),

lifted as (
    select as_of, item_type, item_id, lifts_rule from own
    where lifts_rule is not null
),

-- what the debtor's other claims do to it
from_share as (
    select
        items.as_of,
        items.item_type,
        items.item_id,
        pulls.rule_id,
        rules.floor_class,
        -- by the claims of each currency
        {{ text_list('pulls.pulled_by', 'pulls.pulled_by') }} as pulled_by
    from items
    inner join {{ ref('int_risk__pulls') }} as pulls
        on pulls.item_type = items.item_type and pulls.item_id = items.item_id and pulls.from_on <= items.as_of and pulls.to_on > items.as_of
    inner join rules
        on rules.rule_id = pulls.rule_id and rules.asset_class = items.asset_class and rules.segment = items.segment
    left join {{ ref('int_risk__own_episodes') }} as episodes  -- a miss: it performs by itself
        on
            episodes.item_type = items.item_type
            and episodes.item_id = items.item_id
            and episodes.from_on <= items.as_of
            and episodes.to_on > items.as_of
    where not items.is_retail and episodes.item_id is null
    group by items.as_of, items.item_type, items.item_id, pulls.rule_id, rules.floor_class
),

from_others as (
    select
        items.as_of,
        items.item_type,
        items.item_id,
        rules.rule_id,
        rules.floor_class,
        {{ text_list('distinct fellow_claims.item_id', 'fellow_claims.item_id') }} as pulled_by
    from items
    inner join rules on rules.asset_class = items.asset_class and rules.segment = items.segment
    inner join {{ ref('int_risk__non_performing') }} as fellow_claims
        on fellow_claims.customer_id = items.customer_id and fellow_claims.as_of = items.as_of
    where
        rules.trigger = 'debtor_npl_flag'
        and items.as_of >= rules.from_on
        and items.as_of < rules.to_on
        and not (fellow_claims.item_type = items.item_type and fellow_claims.item_id = items.item_id)
    group by items.as_of, items.item_type, items.item_id, rules.rule_id, rules.floor_class
),

-- not better than substandard until the cure rule holds
held as (
    select
        items.as_of,
        items.item_type,
        items.item_id,
        'CURE_PAID' as rule_id,
        3 as floor_class
    from items
    inner join {{ ref('int_risk__episodes') }} as episodes
        on
            episodes.item_type = items.item_type
            and episodes.item_id = items.item_id
            and episodes.from_on <= items.as_of
            and episodes.to_on > items.as_of
    where items.upgrade = 'cure_rule'
),

floors as (
    select own.as_of, own.item_type, own.item_id, own.rule_id, own.floor_class, own.pulled_by
    from own
    left join lifted  -- a miss: no exception lifts the rule
        on
            lifted.as_of = own.as_of
            and lifted.item_type = own.item_type
            and lifted.item_id = own.item_id
            and lifted.lifts_rule = own.rule_id
    where lifted.item_id is null
    union all
    select as_of, item_type, item_id, rule_id, floor_class, pulled_by from from_share
    union all
    select as_of, item_type, item_id, rule_id, floor_class, pulled_by from from_others
    union all
    select as_of, item_type, item_id, rule_id, floor_class, cast(null as varchar) as pulled_by from held
),

weighed as (
    select
        *,
        max(case when rule_id = 'CURE_PAID' then 0 else floor_class end) over (partition by as_of, item_type, item_id)
            as floor_of_the_day
    from floors
)

select as_of, item_type, item_id, rule_id, floor_class, pulled_by
from weighed
-- the cure rule is a reason only where nothing of the day is
where rule_id <> 'CURE_PAID' or floor_of_the_day < 3
