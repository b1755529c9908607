-- grain: customer and spell in which nobody could reach the customer
-- as of: attempts begun on or before the as-of date; a spell begins with one attempt and ends with another
-- decision: 0051 lost contact

with contacts as (
    select
        customer_id,
        contact_no,
        attempt_id,
        local_on,
        channel,
        outcome,
        is_failed,
        is_reached,
        sum(case when is_reached then 1 else 0 end) over (
            partition by customer_id order by contact_no rows between unbounded preceding and current row
        ) as times_reached
    from {{ ref('int_collections__contacts') }}
    where is_failed or is_reached
),

failed as (
    select
        *,
        row_number() over (partition by customer_id, times_reached, local_on order by contact_no) = 1 as is_first_of_day,
        row_number() over (partition by customer_id, times_reached, channel order by contact_no) = 1 as is_first_of_channel
    from contacts
    where is_failed
),

counted as (
    select
        {%- for column, counts in {
            'failed_attempts': 'true',
            'distinct_days': 'is_first_of_day',
            'distinct_channels': 'is_first_of_channel',
            'invalid_attempts': "outcome = 'invalid'",
        }.items() %}
        sum(case when {{ counts }} then 1 else 0 end) over (
            partition by customer_id, times_reached order by contact_no rows between unbounded preceding and current row
        ) as {{ column }},
        {%- endfor %}
        failed.*
    from failed
),

fulfilled as (
    select
        counted.*,
        rules.lost_rule,
        row_number() over (
            partition by counted.customer_id, counted.times_reached order by counted.contact_no, rules.rule_order
        ) as place
    from counted
    cross join {{ ref('lost_contact_rule') }} as rules
    where
        counted.failed_attempts >= rules.min_failed_attempts
        and counted.distinct_days >= rules.min_distinct_days
        and counted.distinct_channels >= rules.min_distinct_channels
        and counted.invalid_attempts >= rules.min_invalid_attempts
        and {{ is_valid_on('rules', 'counted.local_on') }}
),

ends as (
    select
        customer_id,
        times_reached - 1 as times_reached,
        contact_no,
        local_on
    from contacts
    where is_reached
),

-- the failed attempts up to the one that fulfilled the rule
proof as (
    select
        fulfilled.customer_id,
        fulfilled.times_reached,
        {{ text_list('failed.attempt_id', 'failed.contact_no', ' ') }} as attempt_ids
    from fulfilled
    inner join failed
        on failed.customer_id = fulfilled.customer_id and failed.times_reached = fulfilled.times_reached
    where fulfilled.place = 1 and failed.contact_no <= fulfilled.contact_no
    group by fulfilled.customer_id, fulfilled.times_reached
)

select
    fulfilled.customer_id,
    fulfilled.contact_no as from_contact_no,
    fulfilled.local_on as lost_since,
    ends.contact_no as to_contact_no,
    ends.local_on as found_on,
    fulfilled.lost_rule,
    fulfilled.failed_attempts,
    proof.attempt_ids
from fulfilled
inner join proof on proof.customer_id = fulfilled.customer_id and proof.times_reached = fulfilled.times_reached
left join ends  -- a miss: not reached since
    on ends.customer_id = fulfilled.customer_id and ends.times_reached = fulfilled.times_reached
where fulfilled.place = 1
