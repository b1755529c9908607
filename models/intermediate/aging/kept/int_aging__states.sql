{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ forget_states() }}"
) }}
-- grain: date of the run, and loan disbursed on or before it and not closed by it; on dates that are only compared with an
-- earlier publication, only loans that may differ from it
-- as of: the end of each date that the run computes; dateless columns by the lag rule
-- decision: 0001 two dates; 0060 a date that has passed does not change: computed once, and again for loans touched

with dates as (
    select as_of from {{ source('raw', 'dates') }}
    where is_whole
),

-- dates for which the whole book stands here already, the loans touched taken out
kept_dates as (
    {% if is_incremental() -%}
    select distinct as_of from {{ this }}
    {%- else -%}
    select as_of from dates
    where false
    {%- endif %}
),

new_dates as (
    select dates.as_of
    from dates
    left join kept_dates on kept_dates.as_of = dates.as_of  -- a miss: what is looked for
    where kept_dates.as_of is null
),

compared as (
    select distinct
        changes.as_of,
        changes.loan_id
    from {{ ref('int_quality__changes_since') }} as changes
    left join dates on dates.as_of = changes.as_of  -- a miss: a date that is only compared
    where dates.as_of is null
),

loans as (
    select
        loan_id,
        customer_id,
        currency,
        disbursed_on,
        coalesce(closed_on, date '9999-12-31') as closed_on,
        restructured_on,
        written_off_on
    from {{ ref('int_aging__loans') }}
),

wanted as (
    select
        new_dates.as_of,
        true as is_whole,
        loans.*
    from loans
    inner join new_dates on new_dates.as_of >= loans.disbursed_on and new_dates.as_of < loans.closed_on
    union all
    select
        kept_dates.as_of,
        true as is_whole,
        loans.*
    from loans
    inner join kept_dates on kept_dates.as_of >= loans.disbursed_on and kept_dates.as_of < loans.closed_on
    where {{ touched('loans.loan_id') }}
    union all
    select
        compared.as_of,
        false as is_whole,
        loans.*
    from loans
    inner join compared on compared.loan_id = loans.loan_id
    where compared.as_of >= loans.disbursed_on and compared.as_of < loans.closed_on
),

positions as (
    select * from {{ ref('int_aging__positions') }}
    where payer_view = 'all'
),

{% set money = [
    'period_no', 'sums_hold_from', 'unpaid_since', 'paid_to', 'charges_paid', 'charged', 'unpaid_principal', 'unpaid_interest',
    'unpaid_fees', 'unpaid_rungs', 'overpaid'
] %}

placed as (
    {{ last_up_to(
        'wanted', 'positions', 'loan_id', 'as_of', 'from_on',
        ['as_of', 'is_whole', 'loan_id', 'customer_id', 'currency', 'restructured_on', 'written_off_on'], money, join='inner'
    ) }}
),

dated as (
    select
        placed.*,
        placed.as_of as state_on,
        periods.plan_no,
        periods.plan_effective_on,
        periods.asset_class,
        periods.allocation,
        periods.day_count,
        periods.component_order,
        periods.charges_age
    from placed
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = placed.loan_id and periods.period_no = placed.period_no
),

amounts as (
    {{ state_amounts('dated') }}
),

loan_versions as (
    {{ versions_of('loans', ['loan_id']) }}
),

customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
),

stages as (
    select * from {{ ref('int_aging__buckets') }}
    where scheme = 'CN_M_STAGE'
)

select
    dated.as_of,
    dated.is_whole,
    dated.loan_id,
    dated.customer_id,
    customers.segment,
    versions.product_id,
    versions.branch_id,
    versions.security,
    dated.asset_class,
    dated.currency,
    {{ flag_at('versions.credit_impaired', 'versions._delivery', 'dated.as_of') }} as is_credit_impaired,
    coalesce(dated.restructured_on <= dated.as_of, false) as is_restructured,
    coalesce(dated.written_off_on <= dated.as_of, false) as is_written_off,
    dated.period_no,
    dated.plan_no,
    dated.plan_effective_on,
    dated.day_count,
    dated.unpaid_since,
    dated.paid_to,
    dated.charges_paid,
    dated.charged,
    cast(coalesce({{ days_past_due('dated.unpaid_since', 'dated.as_of', 'dated.day_count') }}, 0) as integer) as days_past_due,
    cast(coalesce({{ days_past_due('dated.unpaid_since', 'dated.as_of', "'exclude_due_date'") }}, 0) as integer)
        as days_excluding_due_date,
    cast(coalesce({{ days_past_due('dated.unpaid_since', 'dated.as_of', "'include_due_date'") }}, 0) as integer)
        as days_including_due_date,
    amounts.outstanding_principal,
    amounts.overpaid_amount,
    amounts.overdue_principal,
    amounts.overdue_interest,
    amounts.overdue_fees,
    amounts.missed_installments,
    amounts.unpaid_charges,
    stages.bucket as m_stage,
    stages.bucket_order as m_stage_order
from dated
inner join amounts on amounts.loan_id = dated.loan_id and amounts.state_on = dated.as_of
inner join loan_versions as versions
    on versions.loan_id = dated.loan_id and versions.from_on <= dated.as_of and versions.to_on > dated.as_of
inner join customer_versions as customers
    on customers.customer_id = dated.customer_id and customers.from_on <= dated.as_of and customers.to_on > dated.as_of
left join stages
    on
        stages.as_of = dated.as_of
        and {{ in_bucket("coalesce(" ~ days_past_due('dated.unpaid_since', 'dated.as_of', 'dated.day_count') ~ ", 0)", 'stages') }}
