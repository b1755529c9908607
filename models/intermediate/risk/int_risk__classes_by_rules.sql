-- grain: date of the run, and item for which a rule holds; every other item is class 1
-- as of: the end of each date that the run computes
-- decision: 0040 the worst floor decides; of equally bad ones the first by id is named

select
    as_of,
    item_type,
    item_id,
    max(floor_class) as risk_class,
    {{ text_list('rule_id', 'rule_id') }} as rules_fired,
    min_by(rule_id, cast(9 - floor_class as varchar) || rule_id) as deciding_rule,
    max(pulled_by) as pulled_by
from {{ ref('int_risk__floors') }}
group by as_of, item_type, item_id
