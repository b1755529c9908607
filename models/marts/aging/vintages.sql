-- grain: date of the history, month of disbursement, segment (ALL included) and currency
-- as of: the end of each date of the history; ever looks at every day up to it
-- decision: 0025 vintages: the cohort is all that was disbursed, closed and written off loans included

{% set counts = [[1, 1], [30, 31], [60, 61], [90, 91]] %}

with dates as (
    select max(as_of) as as_of
    from {{ source('raw', 'dates') }}
    where is_history
    group by {{ month_of('as_of') }}
),

cohorts as (
    select * from {{ ref('int_aging__cohorts') }}
),

thresholds as (
    {%- for name, days in counts %}
    select {{ days }} as days
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- a loan counts as bad from the first day that it reached so many days, or was written off
ever_bad as (
    select
        cohorts.loan_id,
        thresholds.days,
        least(
            coalesce(reached.reached_on, date '9999-12-31'), coalesce(loans.written_off_on, date '9999-12-31')
        ) as since_on
    from cohorts
    cross join thresholds
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = cohorts.loan_id
    left join {{ ref('int_aging__reached') }} as reached  -- a miss: never so late
        on reached.loan_id = cohorts.loan_id and reached.days = thresholds.days
    where reached.loan_id is not null or loans.written_off_on is not null
),

-- everything that happened to a cohort, summed by day
disbursed as (
    select
        cohort_month,
        segment,
        currency,
        disbursed_on as day,
        count(*) as loans,
        sum(principal) as principal
    from cohorts
    group by cohort_month, segment, currency, disbursed_on
),

bad as (
    select
        cohorts.cohort_month,
        cohorts.segment,
        cohorts.currency,
        ever_bad.days,
        ever_bad.since_on as day,
        count(*) as loans,
        sum(cohorts.principal) as principal
    from ever_bad
    inner join cohorts on cohorts.loan_id = ever_bad.loan_id
    group by cohorts.cohort_month, cohorts.segment, cohorts.currency, ever_bad.days, ever_bad.since_on
),

written_off as (
    select
        cohorts.cohort_month,
        cohorts.segment,
        cohorts.currency,
        write_offs.written_off_on as day,
        count(*) as loans,
        sum(write_offs.outstanding_principal) as principal
    from {{ ref('int_aging__write_offs') }} as write_offs
    inner join cohorts on cohorts.loan_id = write_offs.loan_id
    group by cohorts.cohort_month, cohorts.segment, cohorts.currency, write_offs.written_off_on
),

judged as (
    select
        cohorts.cohort_month,
        cohorts.segment,
        cohorts.currency,
        first_payments.judged_on as day,
        count(*) as loans,
        sum(case when first_payments.is_first_payment_default then 1 else 0 end) as defaulted
    from {{ ref('int_aging__first_payments') }} as first_payments
    inner join cohorts on cohorts.loan_id = first_payments.loan_id
    group by cohorts.cohort_month, cohorts.segment, cohorts.currency, first_payments.judged_on
),

cohorts_at as (
    select
        dates.as_of,
        disbursed.cohort_month,
        disbursed.segment,
        disbursed.currency,
        sum(disbursed.loans) as loans,
        sum(disbursed.principal) as principal
    from dates
    inner join disbursed on disbursed.day <= dates.as_of
    group by dates.as_of, disbursed.cohort_month, disbursed.segment, disbursed.currency
),

bad_at as (
    select
        dates.as_of,
        bad.cohort_month,
        bad.segment,
        {%- for name, days in counts %}
        sum(case when bad.days = {{ days }} then bad.loans else 0 end) as loans_{{ name }},
        sum(case when bad.days = {{ days }} then bad.principal else 0 end) as principal_{{ name }},
        {%- endfor %}
        bad.currency
    from dates
    inner join bad on bad.day <= dates.as_of
    group by dates.as_of, bad.cohort_month, bad.segment, bad.currency
),

written_off_at as (
    select
        dates.as_of,
        written_off.cohort_month,
        written_off.segment,
        written_off.currency,
        sum(written_off.loans) as loans,
        sum(written_off.principal) as principal
    from dates
    inner join written_off on written_off.day <= dates.as_of
    group by dates.as_of, written_off.cohort_month, written_off.segment, written_off.currency
),

judged_at as (
    select
        dates.as_of,
        judged.cohort_month,
        judged.segment,
        judged.currency,
        sum(judged.loans) as loans,
        sum(judged.defaulted) as defaulted
    from dates
    inner join judged on judged.day <= dates.as_of
    group by dates.as_of, judged.cohort_month, judged.segment, judged.currency
),

late_at as (
    select
        figures.as_of,
        cohorts.cohort_month,
        cohorts.segment,
        {%- for name, days in counts %}
        sum(case when figures.days_past_due >= {{ days }} then 1 else 0 end) as loans_{{ name }},
        sum(case when figures.days_past_due >= {{ days }} then figures.outstanding_principal else 0 end) as principal_{{ name }},
        {%- endfor %}
        cohorts.currency
    from {{ ref('int_aging__figures') }} as figures
    inner join cohorts on cohorts.loan_id = figures.loan_id
    where figures.is_history and not figures.is_written_off
    group by figures.as_of, cohorts.cohort_month, cohorts.segment, cohorts.currency
),

{% set on -%}
    {0}.as_of = cohorts_at.as_of
    and {0}.cohort_month = cohorts_at.cohort_month
    and {0}.segment = cohorts_at.segment
    and {0}.currency = cohorts_at.currency
{%- endset %}

shown as (
    {%- for segment in ['cohorts_at.segment', "'ALL'"] %}
    select
        cohorts_at.as_of,
        cohorts_at.cohort_month,
        {{ segment }} as segment,
        currencies.shown_in as currency,
        sum(cohorts_at.loans) as loans,
        {{ shown_sum('cohorts_at.principal') }} as principal,
        {%- for name, days in counts %}
        sum(coalesce(bad_at.loans_{{ name }}, 0)) as ever_{{ name }}_loans,
        {{ shown_sum('coalesce(bad_at.principal_' ~ name ~ ', 0)') }} as ever_{{ name }}_principal,
        sum(coalesce(late_at.loans_{{ name }}, 0) + coalesce(written_off_at.loans, 0)) as current_{{ name }}_loans,
        {{ shown_sum('coalesce(late_at.principal_' ~ name ~ ', 0) + coalesce(written_off_at.principal, 0)') }}
            as current_{{ name }}_principal,
        {%- endfor %}
        sum(coalesce(judged_at.loans, 0)) as first_payments_judged,
        sum(coalesce(judged_at.defaulted, 0)) as first_payment_defaults
    from cohorts_at
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = cohorts_at.as_of and currencies.currency = cohorts_at.currency
    left join bad_at on {{ on.format('bad_at') }}  -- a miss: none was ever late
    left join late_at on {{ on.format('late_at') }}  -- a miss: none is open
    left join written_off_at on {{ on.format('written_off_at') }}  -- a miss: none was written off
    left join judged_at on {{ on.format('judged_at') }}  -- a miss: no first payment can be judged yet
    group by cohorts_at.as_of, cohorts_at.cohort_month{{ ', cohorts_at.segment' if loop.first }}, currencies.shown_in
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    shown.as_of,
    shown.cohort_month,
    shown.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    shown.currency,
    {{ calendar_months_between('shown.cohort_month', 'shown.as_of') }} as months_on_book,
    cast(shown.loans as bigint) as loans,
    shown.principal,
    {%- for kind in ['ever', 'current'] %}
    {%- for name, days in counts %}
    cast(shown.{{ kind }}_{{ name }}_loans as bigint) as {{ kind }}_{{ name }}_loans,
    shown.{{ kind }}_{{ name }}_principal,
    {{ share('shown.' ~ kind ~ '_' ~ name ~ '_loans', 'shown.loans') }} as {{ kind }}_{{ name }}_rate_by_count,
    {{ share('shown.' ~ kind ~ '_' ~ name ~ '_principal', 'shown.principal') }} as {{ kind }}_{{ name }}_rate_by_principal,
    {%- endfor %}
    {%- endfor %}
    cast(shown.first_payments_judged as bigint) as first_payments_judged,
    cast(shown.first_payment_defaults as bigint) as first_payment_defaults,
    {{ share('shown.first_payment_defaults', 'shown.first_payments_judged') }} as first_payment_default_rate,
    {{ run_value('policy_version') }} as policy_version
from shown
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = shown.segment
