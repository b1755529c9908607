-- grain: attempt and rule that applies to it
-- as of: attempts begun on or before the as-of date, each under the rules in force on its local day
-- decision: 0052 breach, kept, or not evaluated

with applied as (
    select
        contacts.attempt_id,
        contacts.party,
        conduct.figure,
        rules.rule_id,
        rules.metric,
        rules.operator,
        rules.limit_value,
        rules.limit_number,
        rules.window_start,
        rules.window_end,
        rules.input
    from {{ ref('int_collections__contacts') }} as contacts
    inner join {{ ref('int_collections__conduct') }} as conduct on conduct.attempt_id = contacts.attempt_id
    inner join {{ ref('int_collections__rules') }} as rules
        on
            rules.metric = conduct.metric
            and rules.party = contacts.party
            and {{ is_valid_on('rules', 'contacts.local_on') }}
    where
        (rules.channels in ('all', 'agency') or {{ in_list('contacts.channel', 'rules.channels') }})
        and rules.segment in ('any', contacts.segment)
),

kept as (
    select
        *,
        case
            when metric = 'party_in' then {{ in_list('party', 'limit_value') }}
            when operator = 'in' then {{ in_window('figure', 'window_start', 'window_end') }}
            when operator = 'not_in' then not ({{ in_window('figure', 'window_start', 'window_end') }})
            when operator = '<=' then figure <= limit_number
            when operator = '>=' then figure >= limit_number
            else figure = limit_number
        end as is_kept
    from applied
)

select
    attempt_id,
    rule_id,
    case when figure is null then 'not_evaluated' when is_kept then 'kept' else 'breach' end as conduct_status,
    case
        when metric = 'local_time' then {{ clock_of_minute('figure') }}
        when metric = 'party_in' and figure is not null then party
        else cast(figure as varchar)
    end as figure,
    case
        when metric = 'local_time'
            then operator || ' ' || {{ clock_of_minute('window_start') }} || '-' || {{ clock_of_minute('window_end') }}
        else limit_value
    end as limit_value,
    case when figure is null then input end as lacks
from kept
