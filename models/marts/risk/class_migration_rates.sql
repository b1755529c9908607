-- grain: two dates, segment and currency as in class_migration, and rate
-- as of: the end of both dates
-- decision: 0049 class migration

with moves as (
    select * from {{ ref('class_migration') }}
    where to_order <= 5  -- still there: what has left has not migrated
),

of_rate as (
    select
        moves.*,
        rates.rate_id,
        rates.rate_order,
        rates.label_zh,
        rates.label_en,
        moves.to_order >= rates.to_class_min as is_migrated
    from moves
    inner join {{ ref('migration_rate') }} as rates
        on rates.from_class_min <= moves.from_class and rates.from_class_max >= moves.from_class
),

counted as (
    select
        from_as_of,
        as_of,
        span,
        span_zh,
        span_en,
        is_partial,
        segment,
        segment_order,
        segment_zh,
        segment_en,
        currency,
        rate_id,
        rate_order,
        label_zh,
        label_en,
        sum(case when is_migrated then items else 0 end) as migrated_items,
        sum(items) as kept_items,
        sum(case when is_migrated then kept_balance else 0 end) as migrated_balance,
        sum(kept_balance) as kept_balance
    from of_rate
    group by
        from_as_of,
        as_of,
        span,
        span_zh,
        span_en,
        is_partial,
        segment,
        segment_order,
        segment_zh,
        segment_en,
        currency,
        rate_id,
        rate_order,
        label_zh,
        label_en
)

select
    from_as_of,
    as_of,
    span,
    span_zh,
    span_en,
    segment,
    segment_order,
    segment_zh,
    segment_en,
    currency,
    rate_id,
    rate_order,
    label_zh,
    label_en,
    cast(migrated_items as bigint) as migrated_items,
    cast(kept_items as bigint) as kept_items,
    {{ share('migrated_items', 'kept_items') }} as rate_by_count,
    cast(migrated_balance as decimal(18, 2)) as migrated_balance,
    cast(kept_balance as decimal(18, 2)) as kept_balance,
    {{ share('migrated_balance', 'kept_balance') }} as rate_by_balance,
    is_partial,
    {{ run_value('policy_version') }} as policy_version
from counted
