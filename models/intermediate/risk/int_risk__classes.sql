-- grain: date of the run, and item for which a rule holds or that an adjustment is about; every other item is class 1
-- as of: the end of each date that the run computes
-- decision: 0114 the class is that of the adjustment in force, else what the rules say

select
    coalesce(adjusted.as_of, by_rules.as_of) as as_of,
    coalesce(adjusted.item_type, by_rules.item_type) as item_type,
    coalesce(adjusted.item_id, by_rules.item_id) as item_id,
    coalesce(adjusted.risk_class, by_rules.risk_class) as risk_class,
    coalesce(by_rules.risk_class, 1) as class_by_rules,
    by_rules.rules_fired,
    by_rules.deciding_rule,
    by_rules.pulled_by,
    adjusted.adjustment_id,
    adjusted.adjusted_by,
    adjusted.approved_by,
    adjusted.adjusted_until
from {{ ref('int_risk__classes_by_rules') }} as by_rules
full join {{ ref('int_risk__adjusted') }} as adjusted  -- a miss: no adjustment, or no rule holds
    on adjusted.as_of = by_rules.as_of and adjusted.item_type = by_rules.item_type and adjusted.item_id = by_rules.item_id
