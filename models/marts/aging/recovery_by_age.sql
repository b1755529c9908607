-- grain: opening date of the history, M-stage on it (M1 and later), segment, currency and horizon of 30, 60 or 90 days
-- as of: opening date and as-of date; figures of a horizon that ends after the as-of date are null
-- decision: 0024 recovery: cash after the opening date, over what was overdue on it

with opening as (
    select
        figures.as_of as from_as_of,
        figures.loan_id,
        figures.segment,
        figures.currency,
        figures.m_stage,
        figures.m_stage_order,
        figures.overdue_amount
    from {{ ref('int_aging__figures') }} as figures
    where figures.is_history and figures.days_past_due > 0
),

horizons as (
    {%- for days in [30, 60, 90] %}
    select {{ days }} as horizon_days
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

followed as (
    select
        opening.*,
        horizons.horizon_days,
        {{ add_days('opening.from_as_of', 'horizons.horizon_days') }} as to_day,
        {{ add_days('opening.from_as_of', 'horizons.horizon_days') }} <= {{ as_of() }} as is_over
    from opening
    cross join horizons
),

received as (
    select
        followed.from_as_of,
        followed.loan_id,
        followed.horizon_days,
        sum(cash.amount) as amount
    from followed
    inner join {{ ref('int_aging__cash') }} as cash on cash.loan_id = followed.loan_id
    where followed.is_over and cash.paid_on > followed.from_as_of and cash.paid_on <= followed.to_day
    group by followed.from_as_of, followed.loan_id, followed.horizon_days
),

-- days past due at the horizon's end, of loans closed since as well
cured as (
    select
        followed.from_as_of,
        followed.loan_id,
        followed.horizon_days,
        {{ days_past_due('spans.unpaid_since', 'followed.to_day', 'periods.day_count') }} = 0 as is_cured
    from followed
    inner join {{ ref('int_aging__positions') }} as spans
        on
            spans.loan_id = followed.loan_id
            and spans.payer_view = 'all'
            and spans.from_on <= followed.to_day
            and spans.to_on > followed.to_day
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
    where followed.is_over
),

-- days taken away by a new plan or an extension within the horizon
reaged as (
    select distinct
        followed.from_as_of,
        followed.loan_id,
        followed.horizon_days
    from followed
    inner join {{ ref('int_aging__reagings') }} as reagings on reagings.loan_id = followed.loan_id
    where followed.is_over and reagings.reaged_on > followed.from_as_of and reagings.reaged_on <= followed.to_day
),

counted as (
    {%- for segment in ['followed.segment', "'ALL'"] %}
    select
        followed.from_as_of,
        followed.horizon_days,
        followed.is_over,
        followed.m_stage,
        followed.m_stage_order,
        {{ segment }} as segment,
        currencies.shown_in as currency,
        count(*) as loans,
        {{ shown_sum('followed.overdue_amount') }} as overdue_amount,
        {{ shown_sum('least(followed.overdue_amount, coalesce(received.amount, 0))') }} as recovered_amount,
        sum(case when cured.is_cured and reaged.loan_id is null then 1 else 0 end) as cured_loans,
        sum(case when cured.is_cured and reaged.loan_id is not null then 1 else 0 end) as reaged_loans
    from followed
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = followed.from_as_of and currencies.currency = followed.currency
    left join received  -- a miss: no cash, or the horizon is not over
        on
            received.loan_id = followed.loan_id
            and received.from_as_of = followed.from_as_of
            and received.horizon_days = followed.horizon_days
    left join cured  -- a miss: the horizon is not over
        on
            cured.loan_id = followed.loan_id
            and cured.from_as_of = followed.from_as_of
            and cured.horizon_days = followed.horizon_days
    left join reaged  -- a miss: no new plan took days away
        on
            reaged.loan_id = followed.loan_id
            and reaged.from_as_of = followed.from_as_of
            and reaged.horizon_days = followed.horizon_days
    group by
        followed.from_as_of,
        followed.horizon_days,
        followed.is_over,
        followed.m_stage,
        followed.m_stage_order,
        {{ 'followed.segment,' if loop.first }}
        currencies.shown_in
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    {{ as_of() }} as as_of,
    counted.from_as_of,
    counted.m_stage,
    counted.m_stage_order,
    stages.label_zh as stage_zh,
    stages.label_en as stage_en,
    counted.horizon_days,
    counted.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    counted.currency,
    cast(counted.loans as bigint) as loans,
    counted.overdue_amount,
    case when counted.is_over then counted.recovered_amount end as recovered_amount,
    case when counted.is_over then {{ share('counted.recovered_amount', 'counted.overdue_amount') }} end as recovery_rate,
    case when counted.is_over then cast(counted.cured_loans as bigint) end as cured_loans,
    case when counted.is_over then {{ share('counted.cured_loans', 'counted.loans') }} end as cure_rate,
    case when counted.is_over then cast(counted.reaged_loans as bigint) end as reaged_loans,
    case when counted.is_over then {{ share('counted.reaged_loans', 'counted.loans') }} end as reage_rate,
    {{ run_value('policy_version') }} as policy_version
from counted
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = counted.segment
inner join {{ ref('int_aging__buckets') }} as stages
    on stages.scheme = 'CN_M_STAGE' and stages.as_of = {{ as_of() }} and stages.bucket = counted.m_stage
