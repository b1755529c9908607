-- grain: loan and episode of days past due with a day among the last contact_history_days
-- as of: the end of the as-of date
-- decision: 0058 contact and arrears

with contacted as (
    select
        episodes.loan_id,
        episodes.stretch_no,
        sum(case when contacts.is_by_lender then 1 else 0 end) as attempts,
        sum(case when contacts.is_by_lender and contacts.is_reached then 1 else 0 end) as reached,
        min(case when contacts.is_by_lender then contacts.local_on end) as first_attempt_on,
        min_by(contacts.channel, case when contacts.is_by_lender then contacts.contact_no end) as first_attempt_channel,
        min(case when contacts.is_reached then contacts.local_on end) as first_reached_on,
        min_by(contacts.channel, case when contacts.is_reached then contacts.contact_no end) as first_reached_channel
    from {{ ref('int_collections__episodes') }} as episodes
    inner join {{ ref('int_collections__loan_contacts') }} as contacts on contacts.loan_id = episodes.loan_id
    where
        contacts.local_on >= episodes.entered_on
        and contacts.local_on <= coalesce(episodes.ended_on, {{ as_of() }})
    group by episodes.loan_id, episodes.stretch_no
)

select
    {{ as_of() }} as as_of,
    episodes.customer_id,
    episodes.loan_id,
    episodes.currency,
    episodes.entered_on,
    episodes.ended_on,
    episodes.ended_by,
    {{ labels_of('ends', 'ended_by') }},
    cast({{ days_between('episodes.entered_on', 'coalesce(episodes.ended_on, ' ~ add_days(as_of(), 1) ~ ')') }} as integer)
        as days_overdue,
    cast(coalesce(contacted.attempts, 0) as bigint) as attempts,
    cast(coalesce(contacted.reached, 0) as bigint) as reached,
    contacted.first_attempt_on,
    contacted.first_attempt_channel,
    {{ labels_of('attempted', 'first_attempt_channel') }},
    cast({{ days_between('episodes.entered_on', 'contacted.first_attempt_on') }} as integer) as days_to_first_attempt,
    contacted.first_reached_on,
    contacted.first_reached_channel,
    {{ labels_of('reached', 'first_reached_channel') }},
    cast({{ days_between('episodes.entered_on', 'contacted.first_reached_on') }} as integer) as days_to_first_reached,
    {{ run_value('policy_version') }} as policy_version
from {{ ref('int_collections__episodes') }} as episodes
left join contacted  -- a miss: nobody had contact with the debtor
    on contacted.loan_id = episodes.loan_id and contacted.stretch_no = episodes.stretch_no
{{ join_labels('ends', 'arrears_end', "episodes.ended_by") }}
{{ join_labels('attempted', 'channel', "contacted.first_attempt_channel") }}
{{ join_labels('reached', 'channel', "contacted.first_reached_channel") }}
