-- grain: date of the run, and loan of the book whose class an adjustment overrides on it
-- as of: adjustments in force at the end of each date that the run computes
-- decision: 0114 of several in force the one that began last counts

with in_force as (
    select
        items.as_of,
        items.item_type,
        items.item_id,
        adjustments.risk_class,
        adjustments.adjustment_id,
        adjustments.prepared_by as adjusted_by,
        adjustments.approved_by,
        adjustments.valid_until as adjusted_until,
        row_number() over (
            partition by items.as_of, items.item_id order by adjustments.valid_from desc, adjustments.adjustment_id desc
        ) as place
    from {{ ref('stg_adjustments') }} as adjustments
    inner join {{ ref('int_risk__items') }} as items on items.item_id = adjustments.loan_id
    where
        items.item_type = 'loan'
        and adjustments.figure = 'risk_class'
        and adjustments.valid_from <= items.as_of
        and adjustments.valid_until >= items.as_of
)

select
    as_of,
    item_type,
    item_id,
    risk_class,
    adjustment_id,
    adjusted_by,
    approved_by,
    adjusted_until
from in_force
where place = 1
