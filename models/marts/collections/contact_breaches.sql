-- grain: contact attempt and rule of conduct that it broke, or that could not be evaluated for it
-- as of: attempts begun on or before the as-of date, each under the rules in force on its local day
-- decision: 0052 rules of conduct are rows, 0053 wording

with rules as (
    select distinct
        rule_id,
        jurisdiction,
        source,
        topic_zh,
        topic_en,
        metric,
        strength
    from {{ ref('int_collections__rules') }}
)

select
    {{ as_of() }} as as_of,
    contacts.attempt_id,
    contacts.customer_id,
    contacts.loan_id,
    contacts.local_on as attempted_on,
    contacts.local_at,
    contacts.time_zone,
    contacts.channel,
    {{ labels_of('channels', 'channel') }},
    contacts.party,
    {{ labels_of('parties', 'party') }},
    contacts.agency_id,
    contacts.contact_point_id,
    judged.rule_id,
    rules.jurisdiction,
    rules.source,
    rules.topic_zh,
    rules.topic_en,
    rules.strength,
    {{ labels_of('strengths', 'strength') }},
    judged.conduct_status as status,
    {{ labels_of('statuses', 'status') }},
    judged.figure,
    judged.limit_value,
    case when rules.metric = 'lexicon_hits' then wording.term_ids end as term_ids,
    judged.lacks,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_collections__judged') }} as judged
inner join {{ ref('int_collections__contacts') }} as contacts on contacts.attempt_id = judged.attempt_id
inner join rules on rules.rule_id = judged.rule_id
left join {{ ref('int_collections__wording') }} as wording  -- a miss: no message
    on wording.attempt_id = judged.attempt_id
{{ join_labels('channels', 'channel', "contacts.channel") }}
{{ join_labels('parties', 'party', "contacts.party") }}
{{ join_labels('strengths', 'strength', "rules.strength") }}
{{ join_labels('statuses', 'conduct_status', "judged.conduct_status") }}
where judged.conduct_status <> 'kept'
