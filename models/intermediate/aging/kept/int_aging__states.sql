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

-- dates that stand here already, of loans touched, and of a date that is only compared those that may differ
again as (
    select
        kept_dates.as_of,
        true as is_whole,
        touched_loans.loan_id
    from kept_dates
    cross join {{ ref('int_aging__touched_loans') }} as touched_loans
    union all
    select
        as_of,
        false as is_whole,
        loan_id
    from compared
),

-- the days on which a loan is there, and what holds of it
positions as (
    select
        positions.*,
        greatest(positions.from_on, loans.disbursed_on) as there_from,
        least(positions.to_on, loans.closed_on) as there_to,
        loans.customer_id,
        loans.currency,
        loans.restructured_on,
        loans.written_off_on
    from {{ ref('int_aging__positions') }} as positions
    inner join loans on loans.loan_id = positions.loan_id
    where positions.payer_view = 'all'
),

{% set of_loan = ['loan_id', 'customer_id', 'currency', 'restructured_on', 'written_off_on'] %}
{% set money = [
    'period_no', 'sums_hold_from', 'unpaid_since', 'paid_to', 'charges_paid', 'charged', 'unpaid_principal', 'unpaid_interest',
    'unpaid_fees', 'unpaid_rungs', 'overpaid'
] %}

placed as (
    {{ spans_on_dates('positions', 'there_from', 'there_to', of_loan + money) }}
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

-- on an axis, what comes after the last rung that has come due
axis_rungs as (
    select * from {{ ref('int_aging__ladder') }}
    where is_axis and kind in ('installment', 'residual')
),

due as (
    {{ spans_on_dates(
        'axis_rungs', 'late_from', 'late_to',
        ['loan_id', 'period_no', 'principal_after', 'interest_after', 'fees_after', 'rungs_after']
    ) }}
),

{% set carried = [
    'as_of', 'is_whole', 'customer_id', 'currency', 'restructured_on', 'written_off_on', 'period_no', 'unpaid_since', 'paid_to',
    'charges_paid', 'charged', 'plan_no', 'plan_effective_on', 'asset_class', 'day_count'
] %}

amounts as (
    {{ state_amounts('dated', carried, 'due') }}
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
    amounts.as_of,
    amounts.is_whole,
    amounts.loan_id,
    amounts.customer_id,
    customers.segment,
    versions.product_id,
    versions.branch_id,
    versions.security,
    amounts.asset_class,
    amounts.currency,
    {{ flag_at('versions.credit_impaired', 'versions._delivery', 'amounts.as_of') }} as is_credit_impaired,
    coalesce(amounts.restructured_on <= amounts.as_of, false) as is_restructured,
    coalesce(amounts.written_off_on <= amounts.as_of, false) as is_written_off,
    amounts.period_no,
    amounts.plan_no,
    amounts.plan_effective_on,
    amounts.day_count,
    amounts.unpaid_since,
    amounts.paid_to,
    amounts.charges_paid,
    amounts.charged,
    cast(coalesce({{ days_past_due('amounts.unpaid_since', 'amounts.as_of', 'amounts.day_count') }}, 0) as integer) as days_past_due,
    cast(coalesce({{ days_past_due('amounts.unpaid_since', 'amounts.as_of', "'exclude_due_date'") }}, 0) as integer)
        as days_excluding_due_date,
    cast(coalesce({{ days_past_due('amounts.unpaid_since', 'amounts.as_of', "'include_due_date'") }}, 0) as integer)
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
from amounts
inner join loan_versions as versions
    on versions.loan_id = amounts.loan_id and versions.from_on <= amounts.as_of and versions.to_on > amounts.as_of
inner join customer_versions as customers
    on customers.customer_id = amounts.customer_id and customers.from_on <= amounts.as_of and customers.to_on > amounts.as_of
left join stages
    on
        stages.as_of = amounts.as_of
        and {{ in_bucket("coalesce(" ~ days_past_due('amounts.unpaid_since', 'amounts.as_of', 'amounts.day_count') ~ ", 0)", 'stages') }}
