-- grain: date of the run, and bucket of each scheme in force on it
-- as of: each date chooses among versions of a scheme
-- decision: 0009 buckets as seeds; a scheme that starts at 1 day gets `current` for 0 days

with schemes as (
    select
        dates.as_of,
        schemes.*
    from {{ ref('bucket_scheme') }} as schemes
    inner join {{ source('raw', 'dates') }} as dates
        on
            dates.as_of >= coalesce(schemes.valid_from, date '0001-01-01')
            and dates.as_of <= coalesce(schemes.valid_to, date '9999-12-31')
),

without_zero as (
    select
        as_of,
        scheme,
        min(day_count) as day_count
    from schemes
    group by as_of, scheme
    having min(lower_days) > 0
)

select
    as_of,
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
    as_of,
    scheme,
    'current' as bucket,
    0 as bucket_order,
    0 as lower_days,
    0 as upper_days,
    day_count,
    '未逾期' as label_zh,
    'Current' as label_en
from without_zero
