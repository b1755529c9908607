-- grain: rule of conduct of the jurisdictions that the policy names, in force at some day up to the as-of date
-- as of: attempts begun on or before the as-of date
-- decision: 0052 a rule that nothing was held against is not one that was kept

with rules as (
    select distinct
        rule_id,
        jurisdiction,
        source,
        topic_zh,
        topic_en,
        segment,
        strength,
        evaluated,
        input,
        valid_from,
        valid_to
    from {{ ref('int_collections__rules') }}
    where coalesce(valid_from, date '0001-01-01') <= {{ as_of() }}
),

counted as (
    select
        rule_id,
        count(*) as attempts,
        sum(case when conduct_status = 'breach' then 1 else 0 end) as breaches,
        sum(case when conduct_status = 'not_evaluated' then 1 else 0 end) as not_evaluated
    from {{ ref('int_collections__judged') }}
    group by rule_id
),

judged as (
    select
        rules.*,
        coalesce(counted.attempts, 0) as attempts,
        coalesce(counted.breaches, 0) as breaches,
        coalesce(counted.not_evaluated, 0) as not_evaluated,
        case
            when counted.breaches > 0 then 'breached'
            when rules.evaluated = 'no' or counted.not_evaluated = counted.attempts then 'not_evaluated'
            when counted.attempts is null then 'no_attempts'
            when counted.not_evaluated > 0 then 'partly_evaluated'
            else 'kept'
        end as status
    from rules
    left join counted on counted.rule_id = rules.rule_id  -- a miss: no attempt that the rule applies to
)

select
    {{ as_of() }} as as_of,
    judged.rule_id,
    judged.jurisdiction,
    judged.source,
    judged.topic_zh,
    judged.topic_en,
    judged.segment,
    {{ labels_of('segments', 'segment') }},
    judged.strength,
    {{ labels_of('strengths', 'strength') }},
    judged.valid_from,
    judged.valid_to,
    judged.input,
    cast(judged.attempts as bigint) as attempts,
    cast(judged.breaches as bigint) as breaches,
    cast(judged.not_evaluated as bigint) as not_evaluated,
    judged.status,
    {{ labels_of('statuses', 'status') }},
    {{ run_value('policy_version') }} as policy_version
from judged
{{ join_labels('segments', 'rule_segment', "judged.segment") }}
{{ join_labels('strengths', 'strength', "judged.strength") }}
{{ join_labels('statuses', 'rule_status', "judged.status") }}
