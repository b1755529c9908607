{{ config(materialized='view') }}
-- grain: date of the run, and loan of the book or advance not written off on it
-- as of: the end of each date that the run computes
-- decision: 0040 what is classified

select
    as_of,
    'loan' as item_type,
    loan_id as item_id,
    customer_id,
    segment,
    asset_class,
    security,
    currency,
    outstanding_principal as balance,
    overdue_amount,
    days_past_due,
    days_excluding_due_date,
    days_including_due_date,
    cast(null as integer) as advance_days,
    day_count,
    unpaid_since,
    is_credit_impaired,
    is_restructured
from {{ ref('int_aging__figures') }}
where not is_written_off
