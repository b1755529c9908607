-- grain: customer with something of the book overdue
-- as of: the end of the as-of date
-- decision: 0047 causes, each with the rows that show it, and the measures that match

with customers as (
    {{ version_at('customers', ['customer_id']) }}
),

arrears as (
    select
        customer_id,
        cast(sum(items) as integer) as overdue_items,
        cast(max(days_past_due) as integer) as days_past_due,
        {{ text_list('item_ids', 'currency') }} as item_ids,
        {{ text_list("currency || ' ' || cast(overdue_amount as varchar)", 'currency') }} as overdue_amounts,
        {{ text_list("currency || ' ' || cast(overdue_balance as varchar)", 'currency') }} as overdue_balances
    from {{ ref('int_risk__arrears') }}
    group by customer_id
),

worst as (
    select
        items.customer_id,
        max(coalesce(found.risk_class, 1)) as risk_class
    from {{ ref('int_risk__items') }} as items
    left join {{ ref('int_risk__classes') }} as found  -- a miss: no rule holds
        on found.as_of = items.as_of and found.item_type = items.item_type and found.item_id = items.item_id
    where items.as_of = {{ as_of() }}
    group by items.customer_id
),

causes as (
    select
        customer_id,
        cause_id,
        family,
        label_zh,
        label_en,
        measure_id,
        {{ text_list('evidence', 'source_row') }} as evidence,
        {{ text_list('evidence_zh', 'source_row', '，') }} as evidence_zh,
        {{ text_list('evidence_en', 'source_row') }} as evidence_en
    from {{ ref('int_risk__causes') }}
    group by customer_id, cause_id, family, label_zh, label_en, measure_id
),

told as (
    select
        customer_id,
        {{ text_list('cause_id', 'family, cause_id') }} as causes,
        {{ text_list('label_zh', 'family, cause_id') }} as causes_zh,
        {{ text_list('label_en', 'family, cause_id') }} as causes_en,
        {{ text_list("cause_id || ' [' || evidence || ']'", 'family, cause_id') }} as evidence,
        {{ text_list("label_zh || '：' || evidence_zh", 'family, cause_id', '；') }} as evidence_zh,
        {{ text_list("label_en || ': ' || evidence_en", 'family, cause_id', '; ') }} as evidence_en
    from causes
    group by customer_id
),

matching as (
    select distinct
        causes.customer_id,
        measures.measure_id,
        measures.measure_order,
        measures.label_zh,
        measures.label_en
    from causes
    inner join {{ ref('measure') }} as measures on measures.measure_id = causes.measure_id
    inner join arrears on arrears.customer_id = causes.customer_id
    where {{ measure_fits('measures', 'arrears.days_past_due') }}
),

measures as (
    select
        customer_id,
        {{ text_list('measure_id', 'measure_order') }} as measures,
        {{ text_list('label_zh', 'measure_order') }} as measures_zh,
        {{ text_list('label_en', 'measure_order') }} as measures_en
    from matching
    group by customer_id
)

select
    {{ as_of() }} as as_of,
    arrears.customer_id,
    customers.segment,
    arrears.overdue_items,
    arrears.days_past_due,
    worst.risk_class,
    case customers.segment when 'personal' then '个人客户' else '企业客户' end
    || '，' || cast(arrears.overdue_items as varchar) || '笔逾期（' || arrears.item_ids || '），最长逾期'
    || cast(arrears.days_past_due as varchar) || '天，逾期本息 ' || arrears.overdue_amounts || '，逾期余额 '
    || arrears.overdue_balances || '，风险分类 ' || classes.label_zh || '。' as description_zh,
    case customers.segment when 'personal' then 'Personal' else 'Corporate' end
    || ' customer, ' || cast(arrears.overdue_items as varchar) || ' overdue (' || arrears.item_ids || '), longest '
    || cast(arrears.days_past_due as varchar) || ' days past due, overdue amount ' || arrears.overdue_amounts || ', overdue balance '
    || arrears.overdue_balances || ', classified ' || classes.label_en || '.' as description_en,
    coalesce(told.causes, '') as causes,
    coalesce(told.causes_zh, '') as causes_zh,
    coalesce(told.causes_en, '') as causes_en,
    coalesce(told.evidence, '') as evidence,
    coalesce(told.evidence_zh, '') as evidence_zh,
    coalesce(told.evidence_en, '') as evidence_en,
    coalesce(measures.measures, '') as measures,
    coalesce(measures.measures_zh, '') as measures_zh,
    coalesce(measures.measures_en, '') as measures_en,
    {{ run_value('policy_version') }} as policy_version
from arrears
inner join customers on customers.customer_id = arrears.customer_id
inner join worst on worst.customer_id = arrears.customer_id
inner join {{ ref('risk_class') }} as classes on classes.risk_class = worst.risk_class
left join told on told.customer_id = arrears.customer_id  -- a miss: the ledgers show no cause
left join measures on measures.customer_id = arrears.customer_id  -- a miss: no cause, no measure
