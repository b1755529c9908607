-- grain: loan and day on which it moved from an M-stage to another, within an episode, into one or out of one
-- as of: every day up to the as-of date
-- decision: 0058 moves of the M-stage, each day as of that day; a move by a new plan or an extension is no cure (0024)

with late as (
    select
        episodes.customer_id,
        spans.loan_id,
        spans.stretch_no,
        episodes.currency,
        spans.from_on,
        least(spans.to_on, coalesce(episodes.ended_on, {{ add_days(as_of(), 1) }})) as to_on,
        {{ days_past_due('spans.unpaid_since', 'spans.from_on', 'spans.day_count') }} as first_days
    from {{ ref('int_aging__late_spans') }} as spans
    inner join {{ ref('int_collections__episodes') }} as episodes
        on episodes.loan_id = spans.loan_id and episodes.stretch_no = spans.stretch_no
    where spans.from_on < coalesce(episodes.ended_on, {{ add_days(as_of(), 1) }})
),

stages as (
    select * from {{ ref('int_aging__buckets') }}
    where as_of = {{ as_of() }} and scheme = 'CN_M_STAGE'
),

-- days grow by one a day, so the day on which a stage is reached within a span is a subtraction
stays as (
    select
        late.customer_id,
        late.loan_id,
        late.stretch_no,
        late.currency,
        {{ add_days('late.from_on', 'greatest(0, stages.lower_days - late.first_days)') }} as from_on,
        stages.bucket as m_stage,
        stages.bucket_order as m_stage_order,
        false as ends_reaged
    from late
    cross join stages
    where
        stages.upper_days >= late.first_days
        and stages.lower_days < late.first_days + {{ days_between('late.from_on', 'late.to_on') }}
    union all
    select
        episodes.customer_id,
        episodes.loan_id,
        episodes.stretch_no,
        episodes.currency,
        episodes.ended_on as from_on,
        case when episodes.ended_by = 'closed' then episodes.ended_by else stages.bucket end as m_stage,
        case when episodes.ended_by <> 'closed' then stages.bucket_order end as m_stage_order,
        episodes.ended_by = 're_aged' as ends_reaged
    from {{ ref('int_collections__episodes') }} as episodes
    cross join stages
    where episodes.ended_on is not null and stages.lower_days <= 0 and stages.upper_days >= 0
),

-- before an episode the loan is where a loan without days past due is
moves as (
    select
        stays.customer_id,
        stays.loan_id,
        stays.currency,
        stays.from_on as moved_on,
        lag(stays.m_stage, 1, without_days.bucket) over (
            partition by stays.loan_id, stays.stretch_no order by stays.from_on
        ) as from_stage,
        lag(stays.m_stage_order, 1, without_days.bucket_order) over (
            partition by stays.loan_id, stays.stretch_no order by stays.from_on
        ) as from_stage_order,
        stays.m_stage as to_stage,
        stays.m_stage_order as to_stage_order,
        stays.ends_reaged
    from stays
    cross join stages as without_days
    where without_days.lower_days <= 0 and without_days.upper_days >= 0
)

select
    moves.customer_id,
    moves.loan_id,
    moves.currency,
    moves.moved_on,
    moves.from_stage,
    moves.from_stage_order,
    moves.to_stage,
    -- null where it left by being closed
    moves.to_stage_order,
    moves.to_stage_order > moves.from_stage_order as is_worse,
    moves.ends_reaged or reagings.loan_id is not null as is_reaged
from moves
left join {{ ref('int_aging__reagings') }} as reagings  -- a miss: no new plan took days away on the day
    on reagings.loan_id = moves.loan_id and reagings.reaged_on = moves.moved_on
where moves.from_stage <> moves.to_stage and moves.moved_on >= {{ contact_history_from() }}
