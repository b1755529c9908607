-- grain: conduct rule and party it is about, of the jurisdictions that the policy names
-- as of: none; valid_from and valid_to say on which days it holds
-- decision: 0052 rules of conduct are rows

select
    rules.rule_id,
    rules.jurisdiction,
    rules.source,
    rules.topic_zh,
    rules.topic_en,
    rules.channel as channels,
    rules.segment,
    parties.party,
    rules.metric,
    rules.operator,
    rules.limit_value,
    case when rules.unit <> 'list' then cast(rules.limit_value as integer) end as limit_number,
    {{ minute_of_clock('rules.window_start') }} as window_start,
    {{ minute_of_clock('rules.window_end') }} as window_end,
    rules.strength,
    rules.evaluated,
    rules.input,
    rules.valid_from,
    rules.valid_to
from {{ ref('collection_rule') }} as rules
inner join {{ ref('collection_party') }} as parties on parties.rule_party = rules.party
where ' ' || {{ run_value('collection_jurisdictions') }} || ' ' like '% ' || rules.jurisdiction || ' %'
