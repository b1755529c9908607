-- grain: loan of the book or advance not written off
-- as of: the end of the as-of date; previous_class at the last month-end before it
-- decision: 0040 floors, 0042 cure, 0044 what pulls, 0114 adjustments

with items as (
    select * from {{ ref('int_risk__items') }}
    where as_of = {{ as_of() }}
),

month_end as (
    select {{ month_end_before() }} as before_on
),

before as (
    select
        items.item_type,
        items.item_id,
        coalesce(classes.risk_class, 1) as risk_class
    from {{ ref('int_risk__items') }} as items
    inner join month_end on month_end.before_on = items.as_of
    left join {{ ref('int_risk__classes') }} as classes  -- a miss: no rule held
        on classes.as_of = items.as_of and classes.item_type = items.item_type and classes.item_id = items.item_id
),

not_evaluated as (
    select
        asset_class,
        segment,
        {{ text_list('rule_id', 'rule_id') }} as rules
    from {{ ref('int_risk__rules') }}
    where not is_fully_evaluated and from_on <= {{ as_of() }} and to_on > {{ as_of() }}
    group by asset_class, segment
),

classified as (
    select
        items.*,
        coalesce(classes.risk_class, 1) as risk_class,
        coalesce(classes.class_by_rules, 1) as class_by_rules,
        classes.adjustment_id,
        classes.adjusted_by,
        classes.approved_by,
        classes.adjusted_until,
        coalesce(classes.rules_fired, '') as rules_fired,
        classes.deciding_rule,
        classes.pulled_by,
        before.risk_class as previous_class,
        case
            when before.risk_class is null then 'new'
            when coalesce(classes.risk_class, 1) > before.risk_class then 'downgraded'
            when coalesce(classes.risk_class, 1) < before.risk_class then 'upgraded'
            else 'unchanged'
        end as migration
    from items
    left join {{ ref('int_risk__classes') }} as classes  -- a miss: no rule holds
        on classes.as_of = items.as_of and classes.item_type = items.item_type and classes.item_id = items.item_id
    left join before  -- a miss: not in the book at the last month-end
        on before.item_type = items.item_type and before.item_id = items.item_id
)

select
    classified.as_of,
    classified.item_type,
    {{ labels_of('item_types', 'item_type') }},
    classified.item_id,
    classified.customer_id,
    classified.segment,
    {{ labels_of('segments', 'segment') }},
    classified.asset_class,
    classified.currency,
    classified.balance,
    classified.days_past_due,
    classified.risk_class,
    classes.label_zh as class_zh,
    classes.label_en as class_en,
    classes.is_non_performing,
    classified.class_by_rules,
    classified.adjustment_id,
    classified.adjusted_by,
    classified.approved_by,
    classified.adjusted_until,
    classified.rules_fired,
    classified.deciding_rule,
    classified.pulled_by,
    not_evaluated.rules as rules_not_evaluated,
    classified.previous_class,
    classified.migration,
    {{ labels_of('migrations', 'migration') }},
    provisions.rate as provision_rate,
    cast(round({{ times('classified.balance', 'provisions.rate') }}, 2) as decimal(18, 2)) as provision_amount,
    {{ run_value('policy_version') }} as policy_version
from classified
inner join {{ ref('risk_class') }} as classes on classes.risk_class = classified.risk_class
inner join {{ ref('provision_rate') }} as provisions
    on provisions.risk_class = classified.risk_class and provisions.scheme = {{ run_value('provision_scheme') }}
left join not_evaluated  -- a miss: the ledgers hold all that its rules need
    on not_evaluated.asset_class = classified.asset_class and not_evaluated.segment = classified.segment
{{ join_labels('item_types', 'item_type', "classified.item_type") }}
{{ join_labels('segments', 'segment', "classified.segment") }}
{{ join_labels('migrations', 'migration', "classified.migration") }}
