-- grain: scheme and bucket in force on the as-of date
-- as of: the as-of date chooses among versions of a scheme
-- decision: 0009 buckets as seeds; a scheme that starts at 1 day gets `current` for 0 days

with schemes as (
    select * from {{ ref('bucket_scheme') }}
    where
        (valid_from is null or valid_from <= {{ as_of() }})
        and (valid_to is null or valid_to >= {{ as_of() }})
),

without_zero as (
    select
        scheme,
        min(day_count) as day_count
    from schemes
    group by scheme
    having min(lower_days) > 0
)

select
    scheme,
    bucket,
    bucket_order,
    lower_days,
    -- the last bucket is open
    coalesce(upper_days, 2147483647) as upper_days,
    day_count,
    label_zh,
    label_en
from schemes
union all
select
    scheme,
    'current' as bucket,
    0 as bucket_order,
    0 as lower_days,
    0 as upper_days,
    day_count,
    '未逾期' as label_zh,
    'Current' as label_en
from without_zero
