{{ config(materialized='view') }}
-- grain: date, and loan disbursed on or before it and not closed by it, late or not, written off or not; dates asked for, and
-- of dates compared with earlier publications the loans that may differ
-- as of: the end of each date
-- decision: 0001 two dates, 0004 the ladder, 0008 raw and delinquent days

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

quarantined as (
    select distinct loan_id
    from {{ source('raw', 'quarantine') }}
    where is_open and loan_id is not null
),

measured as (
    select
        loans.*,
        days.oldest_unpaid_due_on,
        days.customer_days_past_due,
        days.business_days_past_due,
        days.days_before_plan,
        days.calendar_confirmed,
        coalesce(paused.paused_days, 0) as paused_days
    from loans
    inner join {{ ref('int_aging__days_at') }} as days on days.loan_id = loans.loan_id and days.as_of = loans.as_of
    left join {{ ref('int_aging__paused_at') }} as paused  -- a miss: never paused
        on paused.loan_id = loans.loan_id and paused.as_of = loans.as_of
),

delinquent as (
    select
        *,
        case
            when overdue_amount <= greatest(tolerance_amount, tolerance_rate * outstanding_principal) then 0
            else greatest(0, days_past_due - grace_days - paused_days)
        end as delinquent_days
    from measured
),

staged as (
    select
        delinquent.*,
        case bucket_on
            when 'delinquent_days' then delinquent_days
            when 'business_days_past_due' then business_days_past_due
            else days_past_due
        end as bucket_days
    from delinquent
)

select
    staged.as_of,
    staged.is_asked,
    staged.is_restated,
    staged.loan_id,
    staged.customer_id,
    staged.segment,
    staged.product_id,
    staged.branch_id,
    staged.security,
    staged.currency,
    staged.principal,
    staged.disbursed_on,
    staged.matures_on,
    staged.plan_no,
    staged.plan_effective_on,
    staged.days_before_plan,
    staged.outstanding_principal,
    staged.overpaid_amount,
    staged.overdue_principal,
    staged.overdue_interest,
    staged.overdue_fees,
    staged.overdue_amount,
    staged.overdue_balance,
    staged.oldest_unpaid_due_on,
    staged.days_past_due,
    cast(staged.customer_days_past_due as integer) as customer_days_past_due,
    cast(staged.delinquent_days as integer) as delinquent_days,
    cast(staged.business_days_past_due as integer) as business_days_past_due,
    staged.missed_installments,
    product_buckets.bucket,
    product_buckets.bucket_order,
    product_buckets.label_zh as bucket_zh,
    product_buckets.label_en as bucket_en,
    staged.m_stage,
    history.first_overdue_on,
    cast(coalesce(history.max_days_past_due, 0) as integer) as max_days_past_due,
    last_payments.last_paid_on,
    first_payments.is_first_payment_default,
    staged.is_restructured,
    staged.is_written_off,
    quarantined.loan_id is not null as has_quarantine,
    staged.calendar_confirmed
from staged
left join {{ ref('int_aging__history_at') }} as history  -- a miss: never overdue
    on history.loan_id = staged.loan_id and history.as_of = staged.as_of
left join {{ ref('int_aging__first_payments') }} as first_payments  -- a miss: not to be judged yet
    on first_payments.loan_id = staged.loan_id and first_payments.judged_on <= staged.as_of
left join {{ ref('int_aging__last_payments') }} as last_payments  -- a miss: never paid
    on
        last_payments.loan_id = staged.loan_id
        and last_payments.from_on <= staged.as_of
        and last_payments.to_on > staged.as_of
left join quarantined on quarantined.loan_id = staged.loan_id  -- a miss: nothing in quarantine
left join {{ ref('int_aging__buckets') }} as product_buckets
    on
        product_buckets.as_of = staged.as_of
        and product_buckets.scheme = staged.bucket_scheme
        and {{ in_bucket('staged.bucket_days', 'product_buckets') }}
