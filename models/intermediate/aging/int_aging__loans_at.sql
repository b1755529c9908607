-- grain: date of the run, and loan disbursed on or before it and not closed by it; on dates that are only compared with an
-- earlier publication, only loans that may differ from it
-- as of: the end of each date that the run computes; dateless columns by the lag rule
-- decision: 0001 two dates

with dates as (
    select * from {{ source('raw', 'dates') }}
),

changed as (
    select distinct
        as_of,
        loan_id
    from {{ ref('int_quality__changes_since') }}
),

loans as (
    select
        dates.as_of,
        dates.is_asked,
        dates.is_history,
        changed.loan_id is not null as is_restated,
        loans.*
    from {{ ref('int_aging__loans') }} as loans
    inner join dates on dates.as_of >= loans.disbursed_on and dates.as_of < coalesce(loans.closed_on, date '9999-12-31')
    left join changed  -- a miss: nothing new about the loan since an earlier publication of the date
        on changed.loan_id = loans.loan_id and changed.as_of = dates.as_of
    where
        dates.is_asked
        or dates.is_history
        or dates.as_of = {{ month_end_before() }}  -- from which classes migrate
        or changed.loan_id is not null
),

loan_versions as (
    {{ versions_of('loans', ['loan_id']) }}
),

customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
)

select
    loans.as_of,
    loans.is_asked,
    loans.is_history,
    loans.is_restated,
    loans.loan_id,
    loans.customer_id,
    customers.segment,
    versions.product_id,
    versions.branch_id,
    versions.security,
    versions.gl_account,
    versions.purpose,
    coalesce(versions.credit_impaired, false) as is_credit_impaired,
    loans.currency,
    loans.principal,
    loans.disbursed_on,
    loans.matures_on,
    coalesce(loans.restructured_on <= loans.as_of, false) as is_restructured,
    coalesce(loans.written_off_on <= loans.as_of, false) as is_written_off,
    periods.period_no,
    periods.plan_no,
    periods.plan_effective_on,
    periods.counts_from,
    {{ conventions_of('periods') }},
    -- the span that the date falls into: amounts are those of its first day
    spans.from_on as span_from_on,
    spans.unpaid_since,
    spans.paid_to,
    spans.charges_paid,
    spans.charged,
    spans.recent_charges,
    cast(coalesce({{ days_past_due('spans.unpaid_since', 'loans.as_of', 'periods.day_count') }}, 0) as integer) as days_past_due,
    cast(coalesce({{ days_past_due('spans.unpaid_since', 'loans.as_of', "'exclude_due_date'") }}, 0) as integer)
        as days_excluding_due_date,
    cast(coalesce({{ days_past_due('spans.unpaid_since', 'loans.as_of', "'include_due_date'") }}, 0) as integer)
        as days_including_due_date
from loans
inner join loan_versions as versions
    on versions.loan_id = loans.loan_id and versions.from_on <= loans.as_of and versions.to_on > loans.as_of
inner join customer_versions as customers
    on customers.customer_id = loans.customer_id and customers.from_on <= loans.as_of and customers.to_on > loans.as_of
inner join {{ ref('int_aging__spans') }} as spans
    on spans.loan_id = loans.loan_id and spans.from_on <= loans.as_of and spans.to_on > loans.as_of
inner join {{ ref('int_aging__periods') }} as periods
    on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
