-- grain: M-stage at an opening date (M1 and later), segment, ALL included, and months since then; all openings of the history pooled
-- as of: the last date of the history in each month, up to the as-of date
-- decision: 0028 cure curves: what is not followed for so long is not counted

-- one date a month; a month counts where it is whole
with dates as (
    select max(as_of) as as_of
    from {{ source('raw', 'dates') }}
    where is_history
    group by {{ month_of('as_of') }}
),

months as (
    select
        opening.as_of as from_as_of,
        later.as_of as to_as_of,
        {{ calendar_months_between('opening.as_of', 'later.as_of') }} as months_since
    from dates as opening
    inner join dates as later on later.as_of > opening.as_of
),

followed as (
    select * from months
    where months_since <= 12 and to_as_of >= {{ add_months('from_as_of', 'months_since') }}
),

states as (
    select
        figures.as_of,
        figures.loan_id,
        figures.segment,
        figures.m_stage,
        figures.m_stage_order,
        figures.days_past_due
    from {{ ref('int_aging__figures') }} as figures
    inner join dates on dates.as_of = figures.as_of
    where not figures.is_written_off
),

late as (
    select * from states
    where days_past_due > 0
),

current_on as (
    select
        late.as_of as from_as_of,
        late.loan_id,
        min(states.as_of) as ended_on
    from late
    inner join states on states.loan_id = late.loan_id and states.as_of > late.as_of
    where states.days_past_due = 0
    group by late.as_of, late.loan_id
),

repaid_on as (
    select
        late.as_of as from_as_of,
        late.loan_id,
        min(dates.as_of) as ended_on
    from late
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = late.loan_id
    inner join dates on dates.as_of >= loans.closed_on
    where
        loans.closed_on > late.as_of
        and coalesce(loans.close_reason, 'repaid') = 'repaid'
        and (loans.written_off_on is null or loans.written_off_on > loans.closed_on)
    group by late.as_of, late.loan_id
),

ended as (
    select
        from_as_of,
        loan_id,
        min(ended_on) as ended_on
    from (
        select * from current_on
        union all
        select * from repaid_on
    ) as both_ways
    group by from_as_of, loan_id
),

reaged as (
    select distinct
        ended.from_as_of,
        ended.loan_id
    from ended
    inner join {{ ref('int_aging__reagings') }} as reagings on reagings.loan_id = ended.loan_id
    where reagings.reaged_on > ended.from_as_of and reagings.reaged_on <= ended.ended_on
),

paid as (
    select
        ended.from_as_of,
        ended.loan_id,
        sum(cash.amount) as amount
    from ended
    inner join {{ ref('int_aging__cash') }} as cash on cash.loan_id = ended.loan_id
    where cash.paid_on > ended.from_as_of and cash.paid_on <= ended.ended_on
    group by ended.from_as_of, ended.loan_id
),

told as (
    select
        late.as_of as from_as_of,
        late.segment,
        late.m_stage,
        late.m_stage_order,
        {{ calendar_months_between('late.as_of', 'ended.ended_on') }} as ended_after,
        case
            when reaged.loan_id is not null then 'reaged'
            when paid.amount > 0 then 'cured'
            else 'other'
        end as how
    from late
    left join ended on ended.loan_id = late.loan_id and ended.from_as_of = late.as_of  -- a miss: late ever since, or gone otherwise
    left join reaged on reaged.loan_id = late.loan_id and reaged.from_as_of = late.as_of  -- a miss: no plan took days away
    left join paid on paid.loan_id = late.loan_id and paid.from_as_of = late.as_of  -- a miss: nothing was paid
),

in_segments as (
    {%- for segment in ['segment', "'ALL'"] %}
    select
        from_as_of,
        {{ segment }} as segment,
        m_stage,
        m_stage_order,
        ended_after,
        how,
        count(*) as loans
    from told
    group by from_as_of{{ ', segment' if loop.first }}, m_stage, m_stage_order, ended_after, how
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pooled as (
    select
        in_segments.m_stage,
        in_segments.m_stage_order,
        in_segments.segment,
        followed.months_since,
        {%- for how in ['cured', 'reaged', 'other'] %}
        sum(
            case when in_segments.how = '{{ how }}' and in_segments.ended_after <= followed.months_since then in_segments.loans else 0 end
        ) as {{ how }}_loans,
        {%- endfor %}
        sum(
            case when in_segments.how = 'cured' and in_segments.ended_after = followed.months_since then in_segments.loans else 0 end
        ) as cured_in_month,
        count(distinct followed.from_as_of) as openings,
        sum(in_segments.loans) as loans
    from followed
    inner join in_segments on in_segments.from_as_of = followed.from_as_of
    group by in_segments.m_stage, in_segments.m_stage_order, in_segments.segment, followed.months_since
)

select
    {{ as_of() }} as as_of,
    pooled.m_stage,
    pooled.m_stage_order,
    stages.label_zh as stage_zh,
    stages.label_en as stage_en,
    pooled.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    cast(pooled.months_since as integer) as months_since,
    cast(pooled.openings as bigint) as openings,
    cast(pooled.loans as bigint) as loans,
    cast(pooled.cured_in_month as bigint) as cured_in_month,
    cast(pooled.cured_loans as bigint) as cured_loans,
    {{ share('pooled.cured_loans', 'pooled.loans') }} as cure_rate,
    cast(pooled.reaged_loans as bigint) as reaged_loans,
    {{ share('pooled.reaged_loans', 'pooled.loans') }} as reage_rate,
    cast(pooled.other_loans as bigint) as other_loans,
    {{ run_value('policy_version') }} as policy_version
from pooled
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = pooled.segment
inner join {{ ref('int_aging__buckets') }} as stages
    on stages.scheme = 'CN_M_STAGE' and stages.as_of = {{ as_of() }} and stages.bucket = pooled.m_stage
