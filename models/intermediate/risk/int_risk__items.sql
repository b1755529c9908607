{{ config(materialized='view') }}
-- grain: date of the run, and loan of the book or advance not written off on it
-- as of: the end of each date that the run computes
-- decision: 0040 what is classified

with dates as (
    select as_of from {{ source('raw', 'dates') }}
    where is_whole
)

select
    figures.as_of,
    'loan' as item_type,
    figures.loan_id as item_id,
    figures.customer_id,
    figures.segment,
    figures.asset_class,
    figures.security,
    figures.currency,
    figures.outstanding_principal as balance,
    figures.overdue_amount,
    figures.days_past_due,
    figures.days_excluding_due_date,
    figures.days_including_due_date,
    cast(null as integer) as advance_days,
    figures.day_count,
    figures.unpaid_since,
    figures.is_credit_impaired,
    figures.is_restructured
from {{ ref('int_aging__figures') }} as figures
inner join dates on dates.as_of = figures.as_of
where not figures.is_written_off
union all
select
    figures.as_of,
    'advance' as item_type,
    figures.advance_id as item_id,
    figures.customer_id,
    figures.segment,
    'advance' as asset_class,
    figures.security,
    figures.currency,
    figures.outstanding as balance,
    case when figures.days_past_due > 0 then figures.outstanding else 0 end as overdue_amount,
    figures.days_past_due,
    figures.days_past_due as days_excluding_due_date,
    figures.days_including_due_date,
    figures.duration_days as advance_days,
    'exclude_due_date' as day_count,
    figures.overdue_since as unpaid_since,
    false as is_credit_impaired,
    false as is_restructured
from {{ ref('int_advances__figures') }} as figures
inner join dates on dates.as_of = figures.as_of
where not figures.is_written_off
