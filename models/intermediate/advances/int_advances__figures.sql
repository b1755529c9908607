-- grain: date of the run, and advance made on or before it and not fully repaid by it
-- as of: the end of each date that the run computes; dateless columns by the lag rule
-- decision: 0030 what of an advance is outstanding, 0031 how long it has been out

with dates as (
    select * from {{ source('raw', 'dates') }}
    where is_whole
),

out_by_then as (
    select
        dates.as_of,
        dates.is_asked,
        dates.is_history,
        advances.*,
        balances.outstanding,
        balances.last_repaid_on,
        balances.overdue_since,
        {{ days_between('advances.advanced_on', 'dates.as_of') }} as duration_days
    from {{ ref('stg_advances') }} as advances
    inner join dates on dates.as_of >= advances.advanced_on
    inner join {{ ref('int_advances__balances') }} as balances
        on balances.advance_id = advances.advance_id and balances.from_on <= dates.as_of and balances.to_on > dates.as_of
    where balances.outstanding > 0
),

advance_versions as (
    {{ versions_of('advances', ['advance_id']) }}
),

customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
),

calendar as (
    select days.*
    from {{ ref('int_calendar__days') }} as days
    inner join {{ ref('convention_default') }} as house on house.calendar = days.calendar
)

select
    out_by_then.as_of,
    out_by_then.is_asked,
    out_by_then.is_history,
    out_by_then.advance_id,
    out_by_then.customer_id,
    out_by_then.loan_id,
    versions.kind,
    customers.segment,
    versions.security,
    versions.gl_account,
    out_by_then.currency,
    out_by_then.amount,
    out_by_then.outstanding,
    out_by_then.advanced_on,
    out_by_then.due_on,
    out_by_then.overdue_since,
    out_by_then.duration_days,
    cast(today.working_days_to - coalesce(since.working_days_to, 0) as integer) as business_duration_days,
    cast({{ days_past_due('out_by_then.overdue_since', 'out_by_then.as_of', "'exclude_due_date'") }} as integer) as days_past_due,
    cast({{ days_past_due('out_by_then.overdue_since', 'out_by_then.as_of', "'include_due_date'") }} as integer)
        as days_including_due_date,
    buckets.bucket,
    buckets.bucket_order,
    buckets.label_zh as bucket_label_zh,
    buckets.label_en as bucket_label_en,
    out_by_then.duration_days > kinds.long_held_after_days as is_long_held,
    coalesce(out_by_then.written_off_on <= out_by_then.as_of, false) as is_written_off,
    out_by_then.last_repaid_on,
    coalesce(today.is_confirmed, false) and coalesce(since.is_confirmed, false) as calendar_confirmed
from out_by_then
inner join advance_versions as versions
    on
        versions.advance_id = out_by_then.advance_id
        and versions.from_on <= out_by_then.as_of
        and versions.to_on > out_by_then.as_of
inner join customer_versions as customers
    on
        customers.customer_id = out_by_then.customer_id
        and customers.from_on <= out_by_then.as_of
        and customers.to_on > out_by_then.as_of
inner join {{ ref('advance_kind') }} as kinds on kinds.kind = versions.kind
inner join {{ ref('advance_bucket') }} as buckets
    on {{ in_advance_bucket('out_by_then.duration_days', 'out_by_then.as_of', 'buckets') }}
left join calendar as today on today.day = out_by_then.as_of  -- a miss: beyond the calendar's years
left join calendar as since on since.day = out_by_then.advanced_on  -- a miss: beyond the calendar's years
