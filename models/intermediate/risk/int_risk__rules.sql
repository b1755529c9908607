-- grain: rule of the chosen regime, asset class and segment that it is for
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0040 rule sets are chosen by a setting; what the ledgers cannot answer is kept as not evaluated

select
    treatment.asset_class,
    treatment.segment,
    rules.rule_id,
    rules.rule_set,
    rules.security,
    rules.trigger,
    rules.threshold,
    -- days count whole: more than 90 is at least 91
    cast(rules.threshold as integer) + case when rules.operator = '>' then 1 else 0 end as at_least_days,
    rules.day_count,
    rules.floor_class,
    rules.lifts_rule,
    rules.evaluated <> 'no' as is_evaluated,
    rules.evaluated = 'yes' as is_fully_evaluated,
    coalesce(rules.valid_from, date '0001-01-01') as from_on,
    coalesce({{ add_days('rules.valid_to', 1) }}, date '9999-12-31') as to_on
from {{ ref('risk_treatment') }} as treatment
inner join {{ ref('risk_rule_set') }} as chosen
    on
        chosen.regime = treatment.regime
        and chosen.asset_class = treatment.asset_class
        and chosen.segment = treatment.segment
inner join {{ ref('risk_class_rule') }} as rules on rules.rule_set = chosen.rule_set
where treatment.regime = {{ run_value('risk_regime') }} and (rules.asset_scope = 'all' or not treatment.is_retail)
