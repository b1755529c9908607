-- grain: overdue customer
-- as of: the day after the as-of date; history as it stands on the as-of date
-- decision: 0062 treatment: the last in order that has begun, when it began, and what follows

{% set tomorrow = add_days(as_of(), 1) %}

with items as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by
                case when is_to_be_collected then 0 else 1 end asc,
                case when held_because is null then 0 else 1 end asc,
                days_past_due desc, item_type asc, item_id asc
        ) as place
    from {{ ref('int_collections__overdue_customers') }}
),

segments as (
    {{ version_at('customers', ['customer_id']) }}
),

rates as (
    select
        currency,
        rate
    from {{ ref('int_statements__currencies') }}
    where as_of = {{ as_of() }} and shown_in = 'ALL'
),

-- null where a rate is missing
amounts as (
    select
        items.customer_id,
        case
            when count(*) = count(coalesce(rates.rate, case when items.currency = {{ run_value('reporting_currency') }} then 1 end))
                then cast(round(sum(items.overdue_amount * coalesce(rates.rate, 1)), 2) as decimal(18, 2))
        end as amount
    from items
    left join rates on rates.currency = items.currency  -- a miss: no rate, or one of another currency is missing
    where items.is_to_be_collected
    group by items.customer_id
),

-- the customer is contacted about one item: to be collected, not held, most days past due
customers as (
    select
        items.customer_id,
        items.item_type,
        items.item_id,
        items.currency,
        items.overdue_amount,
        items.days_past_due,
        items.is_to_be_collected,
        items.held_because,
        items.had_plan,
        segments.segment,
        amounts.amount,
        {{ add_days(as_of(), '1 - items.days_past_due') }} as late_from,
        coalesce(lost.is_lost_contact, false) as is_lost,
        lost.lost_since
    from items
    inner join segments on segments.customer_id = items.customer_id
    left join amounts on amounts.customer_id = items.customer_id  -- a miss: nothing is to be collected yet
    left join {{ ref('int_collections__lost_contact') }} as lost on lost.customer_id = items.customer_id  -- a miss: never lost
    where items.place = 1
),

spoken as (
    select
        contacts.customer_id,
        min(contacts.local_on) as spoken_on
    from {{ ref('int_collections__contacts') }} as contacts
    inner join customers on customers.customer_id = contacts.customer_id
    where contacts.is_reached and contacts.local_on >= customers.late_from
    group by contacts.customer_id
),

taken as (
    select
        contacts.customer_id,
        contacts.channel_code,
        min(contacts.local_on) as taken_on
    from {{ ref('int_collections__contacts') }} as contacts
    inner join customers on customers.customer_id = contacts.customer_id
    where contacts.is_by_lender and contacts.local_on >= customers.late_from
    group by contacts.customer_id, contacts.channel_code
),

broken as (
    select
        promises.customer_id,
        promises.promised_on as broken_on,
        row_number() over (partition by promises.customer_id order by promises.promised_on, promises.attempt_id) as broken_no
    from {{ ref('int_collections__promises') }} as promises
    inner join customers on customers.customer_id = promises.customer_id
    where promises.promise_status in ('broken', 'partly_kept') and promises.promised_on >= customers.late_from
),

-- a promise whose day is still to come
promised as (
    select
        customer_id,
        min(promised_on) as promise_due_on
    from {{ ref('int_collections__promises') }}
    where promise_status = 'open' and promised_on > {{ as_of() }}
    group by customer_id
),

rules as (
    select
        rules.*,
        treatments.treatment_order,
        treatments.steps,
        treatments.deadline_days,
        treatments.waits_for_promise,
        treatments.label_zh,
        treatments.label_en
    from {{ ref('collection_treatment_rule') }} as rules
    inner join {{ ref('collection_treatment') }} as treatments on treatments.treatment = rules.treatment
),

-- what a rule states of segment, amount and persons holds; of whoever's amount nobody knows, the larger is assumed
fitting as (
    select
        customers.customer_id,
        rules.treatment_rule,
        rules.treatment,
        rules.treatment_order,
        rules.steps,
        rules.deadline_days,
        rules.label_zh,
        rules.label_en,
        rules.after_step,
        rules.after_days,
        {{ add_days('customers.late_from', 'rules.days_from - 1') }} as days_on,
        case when rules.is_lost then customers.lost_since end as lost_on,
        case when rules.is_reached then spoken.spoken_on end as spoken_on,
        broken.broken_on,
        case when rules.waits_for_promise then {{ add_days('promised.promise_due_on', 1) }} end as promise_over_on,
        taken.taken_on
    from customers
    inner join rules on rules.segment in ('any', customers.segment)
    left join spoken on spoken.customer_id = customers.customer_id  -- a miss: nobody spoke with the customer
    left join promised on promised.customer_id = customers.customer_id  -- a miss: no promise is open
    left join broken  -- a miss: not so many promises were broken, or the rule asks for none
        on broken.customer_id = customers.customer_id and broken.broken_no = rules.broken_promises_from
    left join taken  -- a miss: the step was not taken, or the rule asks for none
        on taken.customer_id = customers.customer_id and taken.channel_code = rules.after_step
    where
        (rules.amount_from is null or customers.amount is null or customers.amount >= rules.amount_from)
        and (rules.amount_below is null or customers.amount < rules.amount_below)
        and coalesce(rules.is_lost, customers.is_lost) = customers.is_lost
        and coalesce(rules.is_reached, spoken.spoken_on is not null) = (spoken.spoken_on is not null)
        and coalesce(rules.had_plan, customers.had_plan) = customers.had_plan
        and (rules.broken_promises_from is null or broken.broken_on is not null)
),

dated as (
    select
        *,
        greatest(
            days_on,
            coalesce(lost_on, days_on),
            coalesce(spoken_on, days_on),
            coalesce(broken_on, days_on),
            coalesce(promise_over_on, days_on)
        ) as ready_on,
        {{ add_days('coalesce(taken_on, ' ~ tomorrow ~ ')', 'coalesce(after_days, 0)') }} as answered_on
    from fitting
),

begun as (
    select
        *,
        case when after_step is null then ready_on else greatest(ready_on, answered_on) end as began_on
    from dated
),

chosen as (
    select
        *,
        row_number() over (
            partition by customer_id order by treatment_order desc, began_on asc, treatment_rule asc
        ) as place
    from begun
    where began_on <= {{ tomorrow }} and (after_step is null or taken_on is not null)
),

-- what comes next if nothing changes: by its day, or by a step of the treatment itself, taken tomorrow
following as (
    select
        begun.customer_id,
        begun.treatment,
        begun.began_on,
        row_number() over (
            partition by begun.customer_id order by begun.began_on asc, begun.treatment_order desc, begun.treatment_rule asc
        ) as place
    from begun
    inner join chosen on chosen.customer_id = begun.customer_id and chosen.place = 1
    where
        begun.treatment_order > chosen.treatment_order
        and (begun.after_step is null or begun.taken_on is not null or {{ in_words('begun.after_step', 'chosen.steps') }})
)

select
    customers.customer_id,
    customers.item_type,
    customers.item_id,
    customers.currency,
    customers.overdue_amount,
    customers.days_past_due,
    customers.is_to_be_collected,
    customers.held_because,
    customers.late_from,
    customers.amount as collected_amount,
    chosen.treatment,
    chosen.treatment_rule,
    chosen.label_zh as treatment_zh,
    chosen.label_en as treatment_en,
    chosen.steps,
    chosen.began_on as treatment_from,
    {{ add_days('chosen.began_on', 'chosen.deadline_days') }} as deadline_on,
    following.treatment as next_treatment,
    following.began_on as next_treatment_on
from customers
inner join chosen on chosen.customer_id = customers.customer_id and chosen.place = 1
left join following  -- a miss: nothing follows
    on following.customer_id = customers.customer_id and following.place = 1
