-- grain: contact point of an overdue customer that is valid on the day after the as-of date
-- as of: the as-of date; consent by the lag rule
-- decision: 0057 a point that has run out, proved invalid, lacks consent or where somebody refused is not used

with versions as (
    {{ version_at('contact_points', ['contact_point_id']) }}
),

customers as (
    select distinct customer_id from {{ ref('int_collections__overdue_customers') }}
),

tried as (
    select
        contact_point_id,
        max(case when outcome = 'invalid' then contact_no end) as last_invalid,
        max(case when outcome <> 'invalid' then contact_no end) as last_valid,
        max(
            case when (outcome = 'refused' or is_stop_requested) and party in ('contact', 'employer', 'third_party') then 1 else 0 end
        ) as refused
    from {{ ref('int_collections__contacts') }}
    where contact_point_id is not null
    group by contact_point_id
)

select
    points.customer_id,
    points.contact_point_id,
    points.kind,
    case
        when coalesce(tried.last_invalid, 0) > coalesce(tried.last_valid, 0) then 'contact_point_invalid'
        when not points.consented then 'no_consent'
        when tried.refused = 1 then 'refused'
    end as why_not
from {{ ref('stg_contact_points') }} as known
inner join versions as points on points.contact_point_id = known.contact_point_id
inner join customers on customers.customer_id = points.customer_id
left join tried on tried.contact_point_id = known.contact_point_id  -- a miss: never tried
where
    coalesce(known.valid_from, date '0001-01-01') <= {{ add_days(as_of(), 1) }}
    and coalesce(known.valid_to, date '9999-12-31') > {{ add_days(as_of(), 1) }}
