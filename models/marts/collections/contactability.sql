-- grain: customer with an overdue item
-- as of: the as-of date; next_step is of the day after it
-- decision: 0051 lost contact, 0056 whom collection is about, 0057 the ladder

with customers as (
    select
        customer_id,
        max(days_past_due) as days_past_due
    from {{ ref('int_collections__overdue_customers') }}
    group by customer_id
),

points as (
    select
        customer_id,
        sum(case when coalesce(why_not, '') <> 'contact_point_invalid' then 1 else 0 end) as valid_contact_points
    from {{ ref('int_collections__points') }}
    group by customer_id
)

select
    {{ as_of() }} as as_of,
    customers.customer_id,
    cast(customers.days_past_due as integer) as days_past_due,
    cast(coalesce(tried.attempts, 0) as bigint) as attempts,
    cast(coalesce(tried.reached, 0) as bigint) as reached,
    {%- for channel in contact_channels() %}
    cast(coalesce(tried.attempts_{{ channel }}, 0) as bigint) as attempts_{{ channel }},
    cast(coalesce(tried.reached_{{ channel }}, 0) as bigint) as reached_{{ channel }},
    {%- endfor %}
    tried.last_reached_at,
    cast(coalesce(points.valid_contact_points, 0) as bigint) as valid_contact_points,
    coalesce(lost.is_lost_contact, false) as is_lost_contact,
    lost.lost_since,
    lost.lost_rule,
    lost.lost_attempt_ids,
    lost.last_found_on,
    steps.channel_code as next_step,
    ladder.ladder_step as next_step_order,
    ladder.label_zh as next_step_zh,
    ladder.label_en as next_step_en,
    {{ run_value('policy_version') }} as policy_version
from customers
left join {{ ref('int_collections__tried') }} as tried on tried.customer_id = customers.customer_id  -- a miss: never tried
left join points on points.customer_id = customers.customer_id  -- a miss: no valid contact point
left join {{ ref('int_collections__lost_contact') }} as lost on lost.customer_id = customers.customer_id  -- a miss: never lost
left join {{ ref('int_collections__steps') }} as steps  -- a miss: no step is allowed
    on steps.customer_id = customers.customer_id and steps.turn = 1
left join {{ ref('collection_channel') }} as ladder on ladder.channel_code = steps.channel_code  -- a miss: no step
