-- grain: customer who was ever lost
-- as of: the as-of date
-- decision: 0051 lost contact

select
    spells.customer_id,
    spells.found_on is null as is_lost_contact,
    case when spells.found_on is null then spells.lost_since end as lost_since,
    case when spells.found_on is null then spells.lost_rule end as lost_rule,
    case when spells.found_on is null then spells.attempt_ids end as lost_attempt_ids,
    spells.found_on as last_found_on
from (
    select
        *,
        row_number() over (partition by customer_id order by from_contact_no desc) as place
    from {{ ref('int_collections__lost_spells') }}
) as spells
where spells.place = 1
