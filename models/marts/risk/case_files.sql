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

-- measures of causes, and those that warning signals call for
called_for as (
    select
        customer_id,
        measure_id
    from causes
    union distinct
    select
        watched.customer_id,
        measures.measure_id
    from {{ ref('watchlist') }} as watched
    inner join {{ ref('measure') }} as measures on position(' ' || measures.measure_id || ',' in ' ' || watched.measures || ',') > 0
),

told_sizes as (
    select
        customer_id,
        currency,
        size,
        currency || ' ' || cast(amount as varchar) || coalesce(' x ' || cast(months as varchar), '') as told,
        case
            when size <> 'plan' then currency || ' ' || cast(amount as varchar)
            when months is null then currency || ' 近六个月还款不足以支撑还款计划'
            else '每月 ' || currency || ' ' || cast(amount as varchar) || '，' || cast(months as varchar) || '个月'
        end as told_zh,
        case
            when size <> 'plan' then currency || ' ' || cast(amount as varchar)
            when months is null then currency || ' payments of six months carry no plan'
            else currency || ' ' || cast(amount as varchar) || ' a month for ' || cast(months as varchar) || ' months'
        end as told_en
    from {{ ref('int_risk__measure_sizes') }}
),

sizes as (
    select
        customer_id,
        size,
        {{ text_list('told', 'currency') }} as told,
        {{ text_list('told_zh', 'currency') }} as told_zh,
        {{ text_list('told_en', 'currency') }} as told_en
    from told_sizes
    group by customer_id, size
),

matching as (
    select
        called_for.customer_id,
        measures.measure_id,
        measures.measure_order,
        measures.label_zh,
        measures.label_en,
        sizes.told,
        sizes.told_zh,
        sizes.told_en
    from called_for
    inner join {{ ref('measure') }} as measures on measures.measure_id = called_for.measure_id
    inner join arrears on arrears.customer_id = called_for.customer_id
    left join sizes on sizes.customer_id = called_for.customer_id and sizes.size = measures.size  -- a miss: a measure without amount
    where {{ measure_fits('measures', 'arrears.days_past_due') }}
),

measures as (
    select
        customer_id,
        {{ text_list('measure_id', 'measure_order') }} as measures,
        {{ text_list('label_zh', 'measure_order') }} as measures_zh,
        {{ text_list('label_en', 'measure_order') }} as measures_en,
        {{ text_list("measure_id || ' [' || told || ']'", 'measure_order') }} as measure_sizes,
        {{ text_list("label_zh || coalesce('（' || told_zh || '）', '')", 'measure_order', '；') }} as measures_sized_zh,
        {{ text_list("label_en || coalesce(' (' || told_en || ')', '')", 'measure_order', '; ') }} as measures_sized_en
    from matching
    group by customer_id
),

securities as (
    select
        code as security,
        label_zh,
        label_en
    from {{ ref('label') }}
    where code_set = 'security'
),

told_debts as (
    select
        debts.customer_id,
        debts.item_type,
        debts.item_id,
        debts.item_id || '：' || coalesce(debts.purpose_zh, '用途未载') || '，' || cast(debts.started_on as varchar)
        || ' 发放 ' || debts.currency || ' ' || cast(debts.original_amount as varchar) || '，余额 ' || cast(debts.balance as varchar)
        || '，担保 ' || coalesce(securities.label_zh, '未载') || '，押品折后 ' || cast(debts.value_after_haircut as varchar)
        || '，缺口 ' || cast(debts.shortfall as varchar)
        || coalesce(
            '，第 ' || cast(debts.plan_no as varchar) || ' 号计划，欠 ' || cast(debts.missed_installments as varchar) || ' 期', ''
        )
        || '，已还 ' || cast(debts.paid_amount as varchar) || '，近六个月还 ' || cast(debts.paid_six_months as varchar) as told_zh,
        debts.item_id || ': ' || coalesce(debts.purpose_en, 'purpose not recorded') || ', ' || debts.currency || ' '
        || cast(debts.original_amount as varchar) || ' of ' || cast(debts.started_on as varchar)
        || ', balance ' || cast(debts.balance as varchar) || ', ' || coalesce(securities.label_en, 'security not recorded')
        || ', collateral after haircut ' || cast(debts.value_after_haircut as varchar)
        || ', shortfall ' || cast(debts.shortfall as varchar)
        || coalesce(
            ', plan ' || cast(debts.plan_no as varchar) || ', installments missed ' || cast(debts.missed_installments as varchar), ''
        )
        || ', paid ' || cast(debts.paid_amount as varchar) || ', in six months ' || cast(debts.paid_six_months as varchar) as told_en
    from {{ ref('int_risk__case_debts') }} as debts
    left join securities on securities.security = debts.security  -- a miss: the ledger does not say
),

debts as (
    select
        customer_id,
        {{ text_list('told_zh', 'item_type desc, item_id', '；') }} as debts_zh,
        {{ text_list('told_en', 'item_type desc, item_id', '; ') }} as debts_en
    from told_debts
    group by customer_id
),

by_currency as (
    select
        customer_id,
        currency,
        cast(sum(paid_six_months) as decimal(18, 2)) as paid_six_months
    from {{ ref('int_risk__case_debts') }}
    group by customer_id, currency
),

paid as (
    select
        customer_id,
        {{ text_list("currency || ' ' || cast(paid_six_months as varchar)", 'currency') }} as paid_six_months
    from by_currency
    group by customer_id
),

gaps as (
    select
        customer_id,
        {{ text_list('code', 'code_order') }} as unanswered,
        {{ text_list("label_zh || coalesce('（' || about || '）', '')", 'code_order', '；') }} as unanswered_zh,
        {{ text_list("label_en || coalesce(' (' || about || ')', '')", 'code_order', '; ') }} as unanswered_en
    from {{ ref('int_risk__case_gaps') }}
    group by customer_id
)

select
    {{ as_of() }} as as_of,
    arrears.customer_id,
    customers.segment,
    {{ labels_of('segments', 'segment') }},
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
    debts.debts_zh,
    debts.debts_en,
    paid.paid_six_months,
    contacts.attempts,
    contacts.reached,
    contacts.last_attempt_on,
    contacts.promises,
    contacts.promises_kept,
    contacts.promises_broken,
    coalesce(contacts.breaches, '') as breaches,
    coalesce(contacts.breaches_zh, '') as breaches_zh,
    coalesce(contacts.breaches_en, '') as breaches_en,
    coalesce(gaps.unanswered, '') as unanswered,
    coalesce(gaps.unanswered_zh, '') as unanswered_zh,
    coalesce(gaps.unanswered_en, '') as unanswered_en,
    coalesce(told.causes, '') as causes,
    coalesce(told.causes_zh, '') as causes_zh,
    coalesce(told.causes_en, '') as causes_en,
    coalesce(told.evidence, '') as evidence,
    coalesce(told.evidence_zh, '') as evidence_zh,
    coalesce(told.evidence_en, '') as evidence_en,
    coalesce(measures.measures, '') as measures,
    coalesce(measures.measures_zh, '') as measures_zh,
    coalesce(measures.measures_en, '') as measures_en,
    coalesce(measures.measure_sizes, '') as measure_sizes,
    coalesce(measures.measures_sized_zh, '') as measures_sized_zh,
    coalesce(measures.measures_sized_en, '') as measures_sized_en,
    {{ run_value('policy_version') }} as policy_version
from arrears
inner join customers on customers.customer_id = arrears.customer_id
inner join worst on worst.customer_id = arrears.customer_id
inner join {{ ref('risk_class') }} as classes on classes.risk_class = worst.risk_class
inner join debts on debts.customer_id = arrears.customer_id
inner join paid on paid.customer_id = arrears.customer_id
inner join {{ ref('int_risk__case_contacts') }} as contacts on contacts.customer_id = arrears.customer_id
left join gaps on gaps.customer_id = arrears.customer_id  -- a miss: the ledgers answer everything
left join told on told.customer_id = arrears.customer_id  -- a miss: none, and the gate says so
left join measures on measures.customer_id = arrears.customer_id  -- a miss: no measure fits, and the gate says so
{{ join_labels('segments', 'segment', "customers.segment") }}
