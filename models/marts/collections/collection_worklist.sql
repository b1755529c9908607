-- grain: customer with something to collect
-- as of: what to do on the day after the as-of date
-- decision: 0056 whom collection is about, 0057 the ladder, 0059 the time of day, 0062 treatment

with promises as (
    select
        customer_id,
        min(case when promise_status = 'open' and promised_on > {{ as_of() }} then promised_on end) as promise_due_on,
        max(case when promise_status in ('broken', 'partly_kept') then promised_on end) as broken_on
    from {{ ref('int_collections__promises') }}
    group by customer_id
),

refused_steps as (
    select
        steps.customer_id,
        {{ text_list("steps.channel_code || ': ' || steps.why_not", 'steps.ladder_step', '; ') }} as steps_not_allowed,
        {{ text_list("ladder.label_zh || '：' || reasons.label_zh", 'steps.ladder_step', '；') }} as steps_not_allowed_zh,
        {{ text_list("ladder.label_en || ': ' || reasons.label_en", 'steps.ladder_step', '; ') }} as steps_not_allowed_en
    from {{ ref('int_collections__steps') }} as steps
    inner join {{ ref('collection_channel') }} as ladder on ladder.channel_code = steps.channel_code
    {{ join_labels('reasons', 'why_not', 'steps.why_not') }}
    where steps.why_not <> 'other_treatment'
    group by steps.customer_id
),

tried_steps as (
    select
        customer_id,
        {{ text_list("channel_code || ': ' || cast(tried as varchar)", 'ladder_step', '; ') }} as steps_tried
    from {{ ref('int_collections__steps') }}
    where tried > 0 and coalesce(why_not, '') <> 'other_treatment'
    group by customer_id
),

times_tried as (
    select
        customer_id,
        channel_code,
        {{ text_list("part_of_day || ': ' || cast(calls_in_vain as varchar)", 'part_order', '; ') }} as parts_of_day_tried
    from {{ ref('int_collections__call_times') }}
    where calls_in_vain > 0
    group by customer_id, channel_code
),

-- all of the customer's items are held, or no step is lawful
decided as (
    select
        *,
        coalesce(held_because, case when channel_code is null then 'no_step_allowed' end) as held_reason
    from (
        select
            treatments.*,
            steps.channel_code,
            steps.channel,
            steps.party,
            steps.contact_point_id,
            steps.from_minute,
            steps.to_minute
        from {{ ref('int_collections__treatments') }} as treatments
        left join {{ ref('int_collections__steps') }} as steps  -- a miss: no step is allowed
            on steps.customer_id = treatments.customer_id and steps.turn = 1
        where treatments.is_to_be_collected
    ) as worst
),

-- what is held has no step, and says why
told as (
    select
        decided.customer_id,
        case when decided.held_reason is null then 'due' else 'held' end as status,
        case when decided.held_reason is null then decided.channel_code end as step,
        case when decided.held_reason is null then decided.channel end as channel,
        case when decided.held_reason is null then decided.party end as party,
        case when decided.held_reason is null then decided.contact_point_id end as contact_point_id,
        case when decided.held_reason is null then decided.from_minute end as from_minute,
        case when decided.held_reason is null then decided.to_minute end as to_minute,
        coalesce(
            decided.held_reason,
            case
                when lost.is_lost_contact then 'lost_contact'
                when promises.promise_due_on = {{ add_days(as_of(), 1) }} then 'promise_due'
                when promises.promise_due_on is not null then 'promise_open'
                when promises.broken_on is not null then 'promise_broken'
                else 'overdue'
            end
        ) as reason,
        promises.promise_due_on,
        decided.treatment,
        decided.treatment_zh,
        decided.treatment_en,
        decided.treatment_rule,
        decided.treatment_from,
        decided.deadline_on,
        decided.next_treatment,
        decided.next_treatment_on,
        decided.item_type,
        decided.item_id,
        decided.currency,
        decided.overdue_amount,
        decided.days_past_due
    from decided
    left join {{ ref('int_collections__lost_contact') }} as lost on lost.customer_id = decided.customer_id  -- a miss: never lost
    left join promises on promises.customer_id = decided.customer_id  -- a miss: never promised
)

select
    {{ as_of() }} as as_of,
    {{ add_days(as_of(), 1) }} as work_on,
    told.customer_id,
    told.status,
    {{ labels_of('statuses', 'status') }},
    told.step,
    ladder.label_zh as step_zh,
    ladder.label_en as step_en,
    told.channel,
    {{ labels_of('channels', 'channel') }},
    told.party,
    {{ labels_of('parties', 'party') }},
    told.contact_point_id,
    {{ clock_of_minute('told.from_minute') }} as allowed_from,
    {{ clock_of_minute('told.to_minute') }} as allowed_to,
    times.part_of_day,
    parts.label_zh as part_of_day_zh,
    parts.label_en as part_of_day_en,
    {{ clock_of_minute('times.from_minute') }} as preferred_from,
    {{ clock_of_minute('times.to_minute') }} as preferred_to,
    times_tried.parts_of_day_tried,
    told.reason,
    {{ labels_of('reasons', 'reason') }},
    told.promise_due_on,
    told.treatment,
    told.treatment_zh,
    told.treatment_en,
    told.treatment_rule,
    told.treatment_from,
    told.deadline_on,
    told.deadline_on < {{ add_days(as_of(), 1) }} and tried_steps.steps_tried is null as is_deadline_missed,
    told.next_treatment,
    successors.label_zh as next_treatment_zh,
    successors.label_en as next_treatment_en,
    told.next_treatment_on,
    told.item_type,
    {{ labels_of('item_types', 'item_type') }},
    told.item_id,
    told.currency,
    told.overdue_amount,
    cast(told.days_past_due as integer) as days_past_due,
    tried_steps.steps_tried,
    refused_steps.steps_not_allowed,
    refused_steps.steps_not_allowed_zh,
    refused_steps.steps_not_allowed_en,
    {{ run_value('policy_version') }} as policy_version
from told
left join refused_steps on refused_steps.customer_id = told.customer_id  -- a miss: every step of the treatment is allowed
left join tried_steps on tried_steps.customer_id = told.customer_id  -- a miss: nothing was tried since the treatment began
left join {{ ref('int_collections__call_times') }} as times  -- a miss: held, or the step is no call
    on times.customer_id = told.customer_id and times.channel_code = told.step and times.turn = 1
left join times_tried  -- a miss: no call in vain since the customer was reached
    on times_tried.customer_id = told.customer_id and times_tried.channel_code = told.step
left join {{ ref('collection_channel') }} as ladder on ladder.channel_code = told.step  -- a miss: held
left join {{ ref('part_of_day') }} as parts on parts.part_of_day = times.part_of_day  -- a miss: no call
left join {{ ref('collection_treatment') }} as successors on successors.treatment = told.next_treatment  -- a miss: nothing follows
{{ join_labels('statuses', 'work_status', 'told.status') }}
{{ join_labels('channels', 'channel', 'told.channel') }}
{{ join_labels('parties', 'party', 'told.party') }}
{{ join_labels('reasons', 'work_reason', 'told.reason') }}
{{ join_labels('item_types', 'item_type', 'told.item_type') }}
