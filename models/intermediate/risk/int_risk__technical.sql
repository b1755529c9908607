-- grain: date of the run, and loan that is past due for a technical reason
-- as of: the end of each date that the run computes
-- decision: 0045 the technical exception: a pause of that reason was in force when the loan fell overdue

with late as (
    select
        as_of,
        item_id,
        days_past_due,
        unpaid_since,
        {{ first_day_past_due('unpaid_since', 'day_count') }} as first_day
    from {{ ref('int_risk__items') }}
    where item_type = 'loan' and days_past_due > 0
)

select distinct
    late.as_of,
    late.item_id,
    late.days_past_due as technical_overdue_days
from late
inner join {{ ref('stg_pauses') }} as pauses on pauses.loan_id = late.item_id
where
    pauses.reason = 'technical'
    and pauses.from_on <= late.first_day
    and coalesce(pauses.to_on, date '9999-12-31') > late.unpaid_since
