-- grain: episode, M-stage, channel and best result of a day, on the first such day
-- as of: attempts by the lender in the last contact_history_days
-- decision: 0058 an episode counts once for each stage, channel and result, from the first day of them

with attempted as (
    select
        contacts.loan_id,
        contacts.local_on,
        contacts.channel,
        case
            when bool_or(contacts.is_reached) then 'reached'
            when bool_or(contacts.is_message) then 'left_message'
            else 'not_reached'
        end as result
    from {{ ref('int_collections__loan_contacts') }} as contacts
    where contacts.is_by_lender and contacts.local_on >= {{ contact_history_from() }}
    group by contacts.loan_id, contacts.local_on, contacts.channel
),

-- before anything was paid on the day: as the loan stood at the end of the day before, on an episode's first day at its own end
placed as (
    select
        episodes.customer_id,
        episodes.loan_id,
        episodes.stretch_no,
        episodes.currency,
        episodes.ended_on,
        episodes.ended_by,
        attempted.local_on,
        attempted.channel,
        attempted.result,
        greatest(episodes.entered_on, {{ add_days('attempted.local_on', -1) }}) as stage_on
    from attempted
    inner join {{ ref('int_collections__episodes') }} as episodes on episodes.loan_id = attempted.loan_id
    where
        attempted.local_on >= episodes.entered_on
        and attempted.local_on <= coalesce(episodes.ended_on, {{ as_of() }})
),

aged as (
    select
        placed.*,
        {{ days_past_due('spans.unpaid_since', 'placed.stage_on', 'spans.day_count') }} as days_past_due
    from placed
    inner join {{ ref('int_aging__late_spans') }} as spans
        on spans.loan_id = placed.loan_id and spans.stretch_no = placed.stretch_no
    where spans.from_on <= placed.stage_on and spans.to_on > placed.stage_on
),

stages as (
    select * from {{ ref('int_aging__buckets') }}
    where as_of = {{ as_of() }} and scheme = 'CN_M_STAGE'
)

select
    aged.customer_id,
    aged.loan_id,
    aged.stretch_no,
    aged.currency,
    stages.bucket as m_stage,
    stages.bucket_order as m_stage_order,
    aged.channel,
    aged.result,
    min(aged.local_on) as contacted_on,
    case when aged.ended_by = 'cured' then aged.ended_on end as cured_on,
    case when aged.ended_by = 're_aged' then aged.ended_on end as reaged_on
from aged
cross join stages
where {{ in_bucket('aged.days_past_due', 'stages') }}
group by
    aged.customer_id,
    aged.loan_id,
    aged.stretch_no,
    aged.currency,
    stages.bucket,
    stages.bucket_order,
    aged.channel,
    aged.result,
    aged.ended_on,
    aged.ended_by
