-- grain: overdue customer, step of the ladder that is a call, and part of day that the rules leave something of
-- as of: the day after the as-of date
-- decision: 0059 a call is repeated at another time of day than those at which nobody spoke

with calls as (
    select
        contacts.customer_id,
        -- a call without a party counts with the debtor
        case when contacts.is_with_debtor then 'debtor' else contacts.party end as party,
        contacts.local_minute
    from {{ ref('int_collections__contacts') }} as contacts
    inner join {{ ref('int_collections__tried') }} as tried on tried.customer_id = contacts.customer_id
    where
        contacts.is_by_lender
        and contacts.channel = 'phone'
        and not contacts.is_effective
        and contacts.contact_no > coalesce(tried.last_reached_no, 0)
),

parts as (
    select
        part_of_day,
        part_order,
        {{ minute_of_clock('from_clock') }} as from_minute,
        {{ minute_of_clock('to_clock') }} as to_minute
    from {{ ref('part_of_day') }}
),

in_vain as (
    select
        calls.customer_id,
        calls.party,
        parts.part_of_day,
        count(*) as calls
    from calls
    cross join parts
    where {{ in_window('calls.local_minute', 'parts.from_minute', 'parts.to_minute') }}
    group by calls.customer_id, calls.party, parts.part_of_day
),

lawful as (
    select
        steps.customer_id,
        steps.channel_code,
        steps.party,
        parts.part_of_day,
        parts.part_order,
        greatest(parts.from_minute, steps.from_minute) as from_minute,
        least(parts.to_minute, steps.to_minute) as to_minute
    from {{ ref('int_collections__steps') }} as steps
    cross join parts
    where steps.channel = 'phone' and steps.why_not is null
)

select
    lawful.customer_id,
    lawful.channel_code,
    lawful.part_of_day,
    lawful.part_order,
    lawful.from_minute,
    lawful.to_minute,
    coalesce(in_vain.calls, 0) as calls_in_vain,
    row_number() over (
        partition by lawful.customer_id, lawful.channel_code order by coalesce(in_vain.calls, 0), lawful.part_order
    ) as turn
from lawful
left join in_vain  -- a miss: not called at that time since last reached
    on in_vain.customer_id = lawful.customer_id and in_vain.party = lawful.party and in_vain.part_of_day = lawful.part_of_day
where lawful.from_minute < lawful.to_minute
