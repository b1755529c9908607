-- grain: contact attempt
-- as of: begun on or before the as-of date by the customer's clock; the customer's time zone and segment and the point's consent by the lag rule
-- decision: 0050 an attempt belongs to the local day on which it began, and to the party said or told by its contact point

with customer_versions as (
    {{ version_at('customers', ['customer_id']) }}
),

point_versions as (
    {{ version_at('contact_points', ['contact_point_id']) }}
),

zones as (
    select
        customers.customer_id,
        customers.segment,
        coalesce(zones.time_zone, 'Asia/Shanghai') as time_zone,
        zones.time_zone is not null as is_zone_known
    from customer_versions as customers
    left join {{ ref('time_zone') }} as zones on zones.time_zone = customers.time_zone  -- a miss: no zone of this name
),

placed as (
    select
        attempts.*,
        zones.segment,
        zones.time_zone,
        zones.is_zone_known,
        {{ local_time('attempts.attempted_at', 'zones.time_zone') }} as local_at,
        points.consented,
        coalesce(
            attempts.party,
            case
                when points.kind = 'employer' then 'employer'
                when points.kind = 'emergency_contact' then 'contact'
                when points.kind is not null then 'debtor'
            end,
            'unknown'
        ) as party_told
    from {{ ref('stg_contact_attempts') }} as attempts
    inner join zones on zones.customer_id = attempts.customer_id
    left join point_versions as points on points.contact_point_id = attempts.contact_point_id  -- a miss: no point named
),

described as (
    select
        *,
        cast(local_at as date) as local_on,
        party_told in ('debtor', 'unknown') as is_with_debtor,
        -- nobody said who began: limits protect the customer, so it counts
        coalesce(initiated_by, 'lender') <> 'customer' as is_by_lender,
        outcome in ('reached', 'promised', 'refused') as is_effective
    from placed
)

select
    described.attempt_id,
    described.customer_id,
    described.segment,
    described.loan_id,
    described.attempted_at,
    described.time_zone,
    described.is_zone_known,
    described.local_at,
    described.local_on,
    {{ minute_of_day('described.local_at') }} as local_minute,
    row_number() over (
        partition by described.customer_id order by described.attempted_at, described.attempt_id
    ) as contact_no,
    described.is_by_lender,
    described.channel,
    described.party_told as party,
    described.is_with_debtor,
    described.agency_id,
    described.contact_point_id,
    described.consented,
    described.outcome,
    described.is_effective,
    -- the debtor spoke: called and answering, or calling
    described.is_with_debtor and (described.is_effective or not described.is_by_lender) as is_reached,
    described.is_with_debtor and described.is_by_lender and described.outcome in ('no_answer', 'invalid') as is_failed,
    coalesce(described.stop_requested, false) as is_stop_requested,
    described.debt_disclosed,
    described.recorded,
    described.promised_on,
    described.promised_amount,
    products.asset_class,
    case
        when described.agency_id is not null then 'AGENCY'
        when described.party_told = 'contact' then 'EMERGENCY_CONTACT'
        when described.party_told = 'employer' then 'EMPLOYER'
        else channels.channel_code
    end as channel_code,
    coalesce(channels.quiet_hours_apply, false) as is_quiet_at_night
from described
left join {{ ref('collection_channel') }} as channels  -- a miss: a means that is no channel of its own
    on channels.channel = described.channel and channels.party in ('debtor', 'authority') and channels.channel_code <> 'AGENCY'
left join {{ ref('int_aging__loan_products') }} as products  -- a miss: no loan named
    on
        products.loan_id = described.loan_id
        and products.from_on <= described.local_on
        and products.to_on > described.local_on
where described.local_on <= {{ as_of() }}
