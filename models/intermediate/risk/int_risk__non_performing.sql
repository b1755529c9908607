-- grain: date of the run, and claim that is not retail and non-performing by itself
-- as of: the end of each date that the run computes
-- decision: 0044 what pulls

select distinct
    dates.as_of,
    claims.customer_id,
    claims.item_type,
    claims.item_id
from {{ ref('int_risk__own_episodes') }} as episodes
inner join {{ source('raw', 'dates') }} as dates on dates.as_of >= episodes.from_on and dates.as_of < episodes.to_on
inner join {{ ref('int_risk__claims') }} as claims
    on
        claims.item_type = episodes.item_type
        and claims.item_id = episodes.item_id
        and claims.from_on <= dates.as_of
        and claims.to_on > dates.as_of
where not claims.is_retail
