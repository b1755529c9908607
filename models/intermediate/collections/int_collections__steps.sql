-- grain: overdue customer and step of the ladder
-- as of: the day after the as-of date, under the rules in force on it
-- decision: 0057 a step is left out with its reason; of the treatment's others the one least tried comes next

{% set tomorrow = add_days(as_of(), 1) %}

with customer_versions as (
    {{ version_at('customers', ['customer_id']) }}
),

customers as (
    select
        overdue.customer_id,
        customer_versions.segment,
        max(overdue.days_past_due) as days_past_due,
        max(case when overdue.is_card then 1 else 0 end) as is_card
    from {{ ref('int_collections__overdue_customers') }} as overdue
    inner join customer_versions on customer_versions.customer_id = overdue.customer_id
    group by overdue.customer_id, customer_versions.segment
),

segments as (
    select distinct segment from customers
),

ladder as (
    select
        channel_code,
        ladder_step,
        channel,
        party,
        contact_point_kind,
        attempts_a_round,
        min_days_past_due,
        only_when_lost,
        quiet_hours_apply
    from {{ ref('collection_channel') }}
    where
        ladder_step is not null
        -- with no agency on record none can be asked, and the publish gate says so once
        and (channel_code <> 'AGENCY' or exists (select 1 from {{ ref('collection_agency') }}))
),

rules as (
    select * from {{ ref('int_collections__rules') }} as rules
    where {{ is_valid_on('rules', tomorrow) }}
),

-- what the rules of tomorrow ask of each step, of customers of a segment
asked as (
    select
        ladder.channel_code,
        segments.segment,
        max(case
            when rules.metric = 'local_time' and rules.operator = 'not_in' then rules.window_end
            when rules.metric = 'local_time' then rules.window_start
        end) as from_minute,
        min(case
            when rules.metric = 'local_time' and rules.operator = 'not_in' then rules.window_start
            when rules.metric = 'local_time' then rules.window_end
        end) as to_minute,
        min(case when rules.metric = 'calls' then rules.limit_number end) as max_calls,
        max(case when rules.metric = 'days_since_conversation' then rules.limit_number end) as min_days_since_conversation,
        max(case when rules.metric = 'messages_after_stop' then 1 else 0 end) as respects_stop,
        max(case when rules.metric = 'lost_contact_flag' then 1 else 0 end) as needs_lost,
        max(case when rules.metric = 'party_in' and not {{ in_list('ladder.party', 'rules.limit_value') }} then 1 else 0 end)
            as never_of_a_card
    from ladder
    inner join rules
        on rules.party = ladder.party and (rules.channels = 'all' or {{ in_list('ladder.channel', 'rules.channels') }})
    inner join segments on rules.segment in ('any', segments.segment)
    group by ladder.channel_code, segments.segment
),

agencies as (
    select
        agency_id,
        max(case when fact = 'listed' and coalesce(valid_to, date '9999-12-31') >= {{ tomorrow }} then 1 else 0 end) as is_listed,
        max(case when fact = 'evaluated' then valid_from end) as evaluated_on,
        max(case when fact = 'inspected' then valid_from end) as inspected_on
    from {{ ref('collection_agency') }}
    where valid_from <= {{ tomorrow }}
    group by agency_id
),

{% set months = "(select min(limit_number) from rules where metric = 'months_since_last_%s')" %}

usable_agencies as (
    select count(*) as agencies
    from agencies
    where
        is_listed = 1
        {%- for fact, done_on in {'evaluation': 'evaluated_on', 'inspection': 'inspected_on'}.items() %}
        and coalesce({{ add_months(done_on, months % fact) }} >= {{ tomorrow }}, true)
        {%- endfor %}
),

points as (
    select
        customer_id,
        kind,
        min(case when why_not is null then contact_point_id end) as contact_point_id,
        min(why_not) as why_not
    from {{ ref('int_collections__points') }}
    group by customer_id, kind
),

-- a customer of whom the ledger of contact points never had a number or an address is called at the one in the customer file, and written to
-- and visited at the one in the contract
kinds_known as (
    select distinct
        customer_id,
        kind
    from {{ ref('stg_contact_points') }}
),

weighed as (
    select
        customers.customer_id,
        ladder.channel_code,
        ladder.ladder_step,
        ladder.channel,
        ladder.party,
        points.contact_point_id,
        {{ place_in_words('ladder.channel_code', 'treatments.steps') }} as place,
        case when ladder.quiet_hours_apply then coalesce(asked.from_minute, 0) end as from_minute,
        case when ladder.quiet_hours_apply then coalesce(asked.to_minute, 1440) end as to_minute,
        case ladder.channel_code
            {%- for code in collection_steps() %}
            when '{{ code }}' then coalesce(tried.tried_{{ code | lower }}, 0)
            {%- endfor %}
        end as tried,
        ladder.attempts_a_round,
        case
            when not {{ in_words('ladder.channel_code', 'treatments.steps') }} then 'other_treatment'
            when customers.days_past_due < ladder.min_days_past_due then 'too_early'
            when (ladder.only_when_lost or asked.needs_lost = 1) and not coalesce(lost.is_lost_contact, false) then 'not_lost'
            when asked.never_of_a_card = 1 and customers.is_card = 1 and ladder.party <> 'authority' then 'card_debtors_only'
            when ladder.channel_code = 'AGENCY' and usable_agencies.agencies = 0 then 'no_listed_agency'
            when asked.respects_stop = 1 and case ladder.channel
                {%- for channel in contact_channels() %}
                when '{{ channel }}' then tried.stopped_{{ channel }}
                {%- endfor %}
            end = 1 then 'stop_requested'
            when case ladder.party when 'contact' then tried.refused_contact when 'employer' then tried.refused_employer end = 1
                then 'refused'
            when ladder.channel = 'phone' and ladder.party = 'debtor' and coalesce(tried.calls_of_debt, 0) >= asked.max_calls
                then 'calls_used_up'
            when
                ladder.channel = 'phone' and ladder.party = 'debtor'
                and {{ days_between('tried.talked_on', tomorrow) }} < asked.min_days_since_conversation
                then 'talked_lately'
            when ladder.quiet_hours_apply and asked.from_minute >= asked.to_minute then 'no_hour_allowed'
            when ladder.contact_point_kind is null or points.contact_point_id is not null then null
            when points.why_not is not null then points.why_not
            when ladder.contact_point_kind in ('phone', 'address') and kinds_known.kind is null then null
            else 'no_contact_point'
        end as why_not
    from customers
    inner join {{ ref('int_collections__treatments') }} as treatments on treatments.customer_id = customers.customer_id
    cross join ladder
    cross join usable_agencies
    left join asked  -- a miss: no rule is about the step
        on asked.channel_code = ladder.channel_code and asked.segment = customers.segment
    left join {{ ref('int_collections__lost_contact') }} as lost on lost.customer_id = customers.customer_id  -- a miss: never lost
    left join {{ ref('int_collections__tried') }} as tried on tried.customer_id = customers.customer_id  -- a miss: never tried
    left join points  -- a miss: no point of this kind is valid tomorrow
        on points.customer_id = customers.customer_id and points.kind = ladder.contact_point_kind
    left join kinds_known  -- a miss: no point of this kind was ever known
        on kinds_known.customer_id = customers.customer_id and kinds_known.kind = ladder.contact_point_kind
)

select
    *,
    case
        when why_not is null
            then row_number() over (
                partition by customer_id
                order by case when why_not is null then 0 else 1 end, floor(tried / attempts_a_round), place
            )
    end as turn
from weighed
