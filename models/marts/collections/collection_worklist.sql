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
        customer_id,
        {{ text_list("channel_code || ': ' || why_not", 'ladder_step', '; ') }} as steps_not_allowed
    from {{ ref('int_collections__steps') }}
    where why_not <> 'other_treatment'
    group by customer_id
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
)

select
    {{ as_of() }} as as_of,
    {{ add_days(as_of(), 1) }} as work_on,
    decided.customer_id,
    case when decided.held_reason is null then 'due' else 'held' end as status,
    case when decided.held_reason is null then decided.channel_code end as step,
    case when decided.held_reason is null then decided.channel end as channel,
    case when decided.held_reason is null then decided.party end as party,
    case when decided.held_reason is null then decided.contact_point_id end as contact_point_id,
    case when decided.held_reason is null then {{ clock_of_minute('decided.from_minute') }} end as allowed_from,
    case when decided.held_reason is null then {{ clock_of_minute('decided.to_minute') }} end as allowed_to,
    case when decided.held_reason is null then times.part_of_day end as part_of_day,
    case when decided.held_reason is null then {{ clock_of_minute('times.from_minute') }} end as preferred_from,
    case when decided.held_reason is null then {{ clock_of_minute('times.to_minute') }} end as preferred_to,
    case when decided.held_reason is null then times_tried.parts_of_day_tried end as parts_of_day_tried,
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
    decided.deadline_on < {{ add_days(as_of(), 1) }} and tried_steps.steps_tried is null as is_deadline_missed,
    decided.next_treatment,
    decided.next_treatment_on,
    decided.item_type,
    decided.item_id,
    decided.currency,
    decided.overdue_amount,
    cast(decided.days_past_due as integer) as days_past_due,
    tried_steps.steps_tried,
    refused_steps.steps_not_allowed,
    {{ run_value('policy_version') }} as policy_version
from decided
left join {{ ref('int_collections__lost_contact') }} as lost on lost.customer_id = decided.customer_id  -- a miss: never lost
left join promises on promises.customer_id = decided.customer_id  -- a miss: never promised
left join refused_steps on refused_steps.customer_id = decided.customer_id  -- a miss: every step of the treatment is allowed
left join tried_steps on tried_steps.customer_id = decided.customer_id  -- a miss: nothing was tried since the treatment began
left join {{ ref('int_collections__call_times') }} as times  -- a miss: the step is no call
    on times.customer_id = decided.customer_id and times.channel_code = decided.channel_code and times.turn = 1
left join times_tried  -- a miss: no call in vain since the customer was reached
    on times_tried.customer_id = decided.customer_id and times_tried.channel_code = decided.channel_code
