-- grain: overdue customer
-- as of: the as-of date
-- decision: 0057 what was tried since the treatment began, and which limits the day after the as-of date would meet

with customers as (
    select
        customer_id,
        treatment_from
    from {{ ref('int_collections__treatments') }}
),

contacts as (
    select
        contacts.*,
        contacts.local_on >= customers.treatment_from as is_of_treatment
    from {{ ref('int_collections__contacts') }} as contacts
    inner join customers on customers.customer_id = contacts.customer_id
),

-- calls about one debt in the six days before tomorrow and today's last conversation about it
debts as (
    select
        customer_id,
        max(calls) as calls,
        max(talked_on) as talked_on
    from (
        select
            customer_id,
            loan_id,
            sum(case when local_on > {{ add_days(as_of(), -6) }} then 1 else 0 end) as calls,
            max(case when is_effective then local_on end) as talked_on
        from contacts
        where is_by_lender and is_with_debtor and channel = 'phone' and outcome <> 'invalid'
        group by customer_id, loan_id
    ) as by_debt
    group by customer_id
)

select
    contacts.customer_id,
    {%- for code in collection_steps() %}
    sum(case when contacts.is_by_lender and contacts.is_of_treatment and contacts.channel_code = '{{ code }}' then 1 else 0 end)
        as tried_{{ code | lower }},
    {%- endfor %}
    {%- for channel in contact_channels() %}
    sum(case when contacts.is_by_lender and contacts.channel = '{{ channel }}' then 1 else 0 end) as attempts_{{ channel }},
    sum(case when contacts.is_by_lender and contacts.channel = '{{ channel }}' and contacts.is_reached then 1 else 0 end)
        as reached_{{ channel }},
    max(case when contacts.is_with_debtor and contacts.is_stop_requested and contacts.channel = '{{ channel }}' then 1 else 0 end)
        as stopped_{{ channel }},
    {%- endfor %}
    -- of a third person who refused and named no contact point: nobody there is contacted again
    {%- for party in ['contact', 'employer'] %}
    max(
        case
            when
                contacts.party = '{{ party }}' and contacts.contact_point_id is null
                and (contacts.outcome = 'refused' or contacts.is_stop_requested) then 1
            else 0
        end
    ) as refused_{{ party }},
    {%- endfor %}
    sum(case when contacts.is_by_lender then 1 else 0 end) as attempts,
    sum(case when contacts.is_by_lender and contacts.is_reached then 1 else 0 end) as reached,
    max(case when contacts.is_reached then contacts.local_at end) as last_reached_at,
    max(case when contacts.is_reached then contacts.contact_no end) as last_reached_no,
    max(debts.calls) as calls_of_debt,
    max(debts.talked_on) as talked_on
from contacts
left join debts on debts.customer_id = contacts.customer_id  -- a miss: never called
group by contacts.customer_id
