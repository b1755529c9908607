-- grain: attempt by the lender and metric that applies to it
-- as of: attempts begun on or before the as-of date
-- decision: 0052 a metric that applies and has no figure is one whose input is missing

with contacts as (
    select
        *,
        party in ('contact', 'employer', 'third_party') as is_third_person
    from {{ ref('int_collections__contacts') }}
    where is_by_lender
)

select
    attempt_id,
    'local_time' as metric,
    case when is_zone_known then local_minute end as figure
from contacts
where is_quiet_at_night
union all
select
    attempt_id,
    'collectors_present' as metric,
    null as figure
from contacts
where channel = 'visit'
union all
-- ledgers do not tell the police from a court
select
    attempt_id,
    'dunning_gap_days' as metric,
    null as figure
from contacts
where channel = 'legal' and asset_class = 'card'
union all
select
    attempt_id,
    'recorded_flag' as metric,
    case when recorded then 1 when not recorded then 0 end as figure
from contacts
where channel = 'phone'
union all
select
    attempt_id,
    'consented_flag' as metric,
    case when consented then 1 when not consented then 0 end as figure
from contacts
where party <> 'authority'
union all
select
    attempt_id,
    'debt_disclosed_flag' as metric,
    case when party = 'unknown' then null when debt_disclosed then 1 when not debt_disclosed then 0 end as figure
from contacts
where is_third_person or party = 'unknown'
union all
-- whether the attempt before which the customer was lost had begun, and the one that found the customer had not ended it
select
    contacts.attempt_id,
    'lost_contact_flag' as metric,
    case when contacts.party <> 'unknown' then max(case when spells.customer_id is null then 0 else 1 end) end as figure
from contacts
left join {{ ref('int_collections__lost_spells') }} as spells  -- a miss: not lost at the time
    on
        spells.customer_id = contacts.customer_id
        and spells.from_contact_no < contacts.contact_no
        and coalesce(spells.to_contact_no, contacts.contact_no + 1) > contacts.contact_no
where contacts.is_third_person or contacts.party = 'unknown'
group by contacts.attempt_id, contacts.party
union all
-- of a card only: its holder and a guarantor
select
    attempt_id,
    'party_in' as metric,
    case when party <> 'unknown' and loan_id is not null then 1 end as figure
from contacts
where party <> 'authority' and (asset_class = 'card' or (loan_id is null and is_third_person))
union all
select
    contacts.attempt_id,
    'lexicon_hits' as metric,
    wording.hits as figure
from contacts
left join {{ ref('int_collections__wording') }} as wording  -- a miss: no text; of a call there need not be one
    on wording.attempt_id = contacts.attempt_id
where wording.attempt_id is not null or contacts.channel in ('sms', 'email', 'letter', 'app', 'social')
union all
select
    attempt_id,
    metric,
    figure
from {{ ref('int_collections__frequencies') }}
union all
select
    attempt_id,
    metric,
    figure
from {{ ref('int_collections__refusals') }}
union all
select
    attempt_id,
    metric,
    figure
from {{ ref('int_collections__agencies') }}
