-- grain: customer with something of the book overdue
-- as of: the end of the as-of date; contacts, promises and breaches since the first day past due of the oldest arrears
-- decision: 0047 what a case tells of contacts

with late as (
    select
        customer_id,
        max(days_past_due) as days_past_due,
        min(late_from) as late_from
    from {{ ref('int_risk__arrears') }}
    group by customer_id
),

-- the lender's attempts within the arrears
attempts as (
    select
        contacts.customer_id,
        contacts.attempt_id,
        contacts.contact_no,
        contacts.channel,
        contacts.local_on,
        contacts.is_reached
    from {{ ref('int_collections__contacts') }} as contacts
    inner join late on late.customer_id = contacts.customer_id
    where contacts.is_by_lender and contacts.local_on >= late.late_from
),

made as (
    select
        customer_id,
        count(*) as attempts,
        sum(case when is_reached then 1 else 0 end) as reached,
        count(distinct channel) as channels,
        min(channel) as channel,
        max(local_on) as last_attempt_on,
        max_by(attempt_id, contact_no) as last_attempt_id
    from attempts
    group by customer_id
),

judged as (
    select
        attempts.customer_id,
        attempts.attempt_id,
        attempts.contact_no,
        judged.rule_id
    from attempts
    inner join {{ ref('int_collections__judged') }} as judged on judged.attempt_id = attempts.attempt_id
    where judged.conduct_status = 'breach'
),

-- a rule stands once for each party
topics as (
    select
        rule_id,
        min(topic_zh) as topic_zh,
        min(topic_en) as topic_en
    from {{ ref('int_collections__rules') }}
    group by rule_id
),

broken_rules as (
    select
        judged.customer_id,
        judged.rule_id,
        topics.topic_zh,
        topics.topic_en,
        count(distinct judged.attempt_id) as attempts
    from judged
    inner join topics on topics.rule_id = judged.rule_id
    group by judged.customer_id, judged.rule_id, topics.topic_zh, topics.topic_en
),

by_rule as (
    select
        customer_id,
        {{ text_list("rule_id || ': ' || cast(attempts as varchar)", 'rule_id') }} as breaches,
        {{ text_list("topic_zh || '（' || rule_id || '）' || cast(attempts as varchar) || '次'", 'rule_id', '；') }} as breaches_zh,
        {{ text_list("topic_en || ' (' || rule_id || '): ' || cast(attempts as varchar)", 'rule_id', '; ') }} as breaches_en
    from broken_rules
    group by customer_id
),

-- attempts that broke a rule of conduct, and the first of them
breaches as (
    select
        customer_id,
        count(distinct attempt_id) as attempts,
        min_by(attempt_id, contact_no) as attempt_id
    from judged
    group by customer_id
),

promises as (
    select
        promises.customer_id,
        count(*) as promises,
        sum(case when promises.promise_status = 'kept' then 1 else 0 end) as kept,
        sum(case when promises.promise_status in ('broken', 'partly_kept') then 1 else 0 end) as broken,
        min(
            case
                when promises.promise_status in ('broken', 'partly_kept')
                    then cast(promises.promised_on as varchar) || ' ' || promises.attempt_id
            end
        ) as first_broken
    from {{ ref('int_collections__promises') }} as promises
    inner join late on late.customer_id = promises.customer_id
    where promises.made_on >= late.late_from
    group by promises.customer_id
)

select
    late.customer_id,
    late.late_from,
    late.days_past_due,
    cast(coalesce(made.attempts, 0) as bigint) as attempts,
    cast(coalesce(made.reached, 0) as bigint) as reached,
    cast(coalesce(made.channels, 0) as bigint) as channels,
    made.channel,
    made.last_attempt_on,
    made.last_attempt_id,
    cast(coalesce(promises.promises, 0) as bigint) as promises,
    cast(coalesce(promises.kept, 0) as bigint) as promises_kept,
    cast(coalesce(promises.broken, 0) as bigint) as promises_broken,
    substring(promises.first_broken, 12) as first_broken_attempt_id,
    cast(coalesce(breaches.attempts, 0) as bigint) as attempts_in_breach,
    breaches.attempt_id as first_breach_attempt_id,
    by_rule.breaches,
    by_rule.breaches_zh,
    by_rule.breaches_en
from late
left join made on made.customer_id = late.customer_id  -- a miss: never tried in these arrears
left join promises on promises.customer_id = late.customer_id  -- a miss: nothing was promised
left join breaches on breaches.customer_id = late.customer_id  -- a miss: no rule was broken
left join by_rule on by_rule.customer_id = late.customer_id  -- a miss: no rule was broken
