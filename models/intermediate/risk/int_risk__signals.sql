-- grain: customer with something in the book, signal, and item that gives it
-- as of: the end of the as-of date; a stage is compared with the last month-end's
-- decision: 0046 signals and thresholds are seed rows; each carries its evidence

with items as (
    select * from {{ ref('int_risk__items') }}
    where as_of = {{ as_of() }}
),

loans as (
    select * from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
),

before as (
    select * from {{ ref('int_aging__figures') }}
    where as_of = (select {{ month_end_before() }}) and not is_written_off
),

classes as (
    select * from {{ ref('int_risk__classes') }}
    where as_of = {{ as_of() }} and risk_class >= 3
),

borrowers as (
    select distinct customer_id from items
),

found as (
    select
        loans.customer_id,
        'rolling_forward' as signal_id,
        loans.loan_id as item_id,
        cast(loans.m_stage_order - before.m_stage_order as decimal(18, 4)) as figure,
        before.m_stage || ' -> ' || loans.m_stage as detail,
        before.m_stage || ' -> ' || loans.m_stage as detail_zh
    from loans
    inner join before on before.loan_id = loans.loan_id
    where loans.m_stage_order > before.m_stage_order

    union all
    select
        customer_id,
        'overdue_over_30' as signal_id,
        item_id,
        cast(days_past_due as decimal(18, 4)) as figure,
        cast(days_past_due as varchar) || ' days past due' as detail,
        '逾期 ' || cast(days_past_due as varchar) || ' 天' as detail_zh
    from items

    union all
    select
        customer_id,
        'overdue_over_90' as signal_id,
        item_id,
        cast(days_past_due as decimal(18, 4)) as figure,
        cast(days_past_due as varchar) || ' days past due' as detail,
        '逾期 ' || cast(days_past_due as varchar) || ' 天' as detail_zh
    from items

    union all
    select
        items.customer_id,
        'non_performing' as signal_id,
        items.item_id,
        cast(classes.risk_class as decimal(18, 4)) as figure,
        'class ' || cast(classes.risk_class as varchar) as detail,
        '五级分类第 ' || cast(classes.risk_class as varchar) || ' 级' as detail_zh
    from items
    inner join classes on classes.item_type = items.item_type and classes.item_id = items.item_id

    union all
    select
        items.customer_id,
        'doubtful_or_loss' as signal_id,
        items.item_id,
        cast(classes.risk_class as decimal(18, 4)) as figure,
        'class ' || cast(classes.risk_class as varchar) as detail,
        '五级分类第 ' || cast(classes.risk_class as varchar) || ' 级' as detail_zh
    from items
    inner join classes on classes.item_type = items.item_type and classes.item_id = items.item_id

    union all
    select
        customer_id,
        'large_arrears' as signal_id,
        currency as item_id,
        cast(null as decimal(18, 4)) as figure,
        'overdue ' || cast(overdue_amount as varchar) || ' of an exposure of ' || cast(exposure as varchar) as detail,
        '敞口 ' || cast(exposure as varchar) || '，逾期 ' || cast(overdue_amount as varchar) as detail_zh
    from {{ ref('int_portfolio__customer_flags') }}
    where is_overdue and is_large

    union all
    select
        loans.customer_id,
        'first_payment_default' as signal_id,
        loans.loan_id as item_id,
        cast(null as decimal(18, 4)) as figure,
        'judged on ' || cast(first_payments.judged_on as varchar) as detail,
        '于 ' || cast(first_payments.judged_on as varchar) || ' 认定' as detail_zh
    from loans
    inner join {{ ref('int_aging__first_payments') }} as first_payments
        on first_payments.loan_id = loans.loan_id and first_payments.judged_on <= loans.as_of
    where first_payments.is_first_payment_default

    -- days before the new plan or the extension, and how long ago that was
    union all
    select
        loans.customer_id,
        're_aged' as signal_id,
        loans.loan_id as item_id,
        cast({{ days_between('loans.plan_effective_on', 'loans.as_of') }} as decimal(18, 4)) as figure,
        cast(days_at.days_before_plan as varchar) || ' days past due before the plan or extension of '
        || cast(loans.plan_effective_on as varchar) as detail,
        cast(loans.plan_effective_on as varchar) || ' 重订计划或展期前逾期 ' || cast(days_at.days_before_plan as varchar) || ' 天' as detail_zh
    from loans
    inner join {{ ref('int_aging__days_at') }} as days_at on days_at.loan_id = loans.loan_id and days_at.as_of = loans.as_of
    where days_at.days_before_plan > 0 and loans.days_past_due < days_at.days_before_plan

    union all
    select
        earlier.customer_id,
        'repeat_default' as signal_id,
        earlier.loan_id as item_id,
        cast(max(earlier.most_days) as decimal(18, 4)) as figure,
        cast(max(earlier.most_days) as varchar) || ' days past due before' as detail,
        '此前曾逾期 ' || cast(max(earlier.most_days) as varchar) || ' 天' as detail_zh
    from {{ ref('int_risk__late_stretches') }} as earlier
    where not earlier.is_going_on
    group by earlier.customer_id, earlier.loan_id

    union all
    select
        customer_id,
        'long_held_advance' as signal_id,
        advance_id as item_id,
        cast(null as decimal(18, 4)) as figure,
        'out for ' || cast(duration_days as varchar) || ' days' as detail,
        '已垫 ' || cast(duration_days as varchar) || ' 天' as detail_zh
    from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }} and is_long_held and not is_written_off

    union all
    select
        customer_id,
        'falling_coverage' as signal_id,
        collateral_id as item_id,
        {{ bounded_share('value_before - market_value', 'value_before') }} as figure,
        cast(value_before as varchar) || ' -> ' || cast(market_value as varchar) || ' ' || currency as detail,
        cast(value_before as varchar) || ' -> ' || cast(market_value as varchar) || ' ' || currency as detail_zh
    from {{ ref('int_portfolio__valuations') }}
    where before_on is not null

    union all
    select
        borrowers.customer_id,
        'weak_finances' as signal_id,
        causes.source_row as item_id,
        cast(count(distinct causes.cause_id) as decimal(18, 4)) as figure,
        {{ text_list('distinct causes.cause_id', 'causes.cause_id') }} as detail,
        {{ text_list('distinct causes.label_zh', 'causes.label_zh', '、') }} as detail_zh
    from borrowers
    inner join {{ ref('int_risk__causes') }} as causes on causes.customer_id = borrowers.customer_id and causes.family = 'operations'
    group by borrowers.customer_id, causes.source_row

    union all
    select
        borrowers.customer_id,
        'broken_promise' as signal_id,
        promises.attempt_id as item_id,
        cast({{ days_between('promises.promised_on', as_of()) }} as decimal(18, 4)) as figure,
        'promised for ' || cast(promises.promised_on as varchar) || ', paid ' || cast(promises.paid_amount as varchar) as detail,
        '承诺 ' || cast(promises.promised_on as varchar) || ' 还款，实付 ' || cast(promises.paid_amount as varchar) as detail_zh
    from borrowers
    inner join {{ ref('int_collections__promises') }} as promises on promises.customer_id = borrowers.customer_id
    where promises.promise_status = 'broken'

    union all
    select
        borrowers.customer_id,
        'lost_contact' as signal_id,
        'contact' as item_id,
        cast(null as decimal(18, 4)) as figure,
        'lost since ' || cast(lost.lost_since as varchar) as detail,
        cast(lost.lost_since as varchar) || ' 起失联' as detail_zh
    from borrowers
    inner join {{ ref('int_collections__lost_contact') }} as lost on lost.customer_id = borrowers.customer_id
    where lost.is_lost_contact

    union all
    select
        items.customer_id,
        'other_default' as signal_id,
        bad.item_id,
        cast(null as decimal(18, 4)) as figure,
        'class ' || cast(classes.risk_class as varchar) as detail,
        '五级分类第 ' || cast(classes.risk_class as varchar) || ' 级' as detail_zh
    from items
    inner join items as bad on bad.customer_id = items.customer_id
    inner join classes on classes.item_type = bad.item_type and classes.item_id = bad.item_id
    where bad.item_id <> items.item_id or bad.item_type <> items.item_type
    group by items.customer_id, bad.item_type, bad.item_id, classes.risk_class
)

select
    found.customer_id,
    found.signal_id,
    found.item_id,
    found.item_id || ': ' || found.detail as evidence,
    found.item_id || '：' || found.detail_zh as evidence_zh
from found
inner join {{ ref('watch_signal') }} as signals on signals.signal_id = found.signal_id
where case signals.unit
    when 'flag' then true
    when 'class' then found.figure >= signals.threshold
    when 'stage' then found.figure >= signals.threshold
    when 'count' then found.figure >= signals.threshold
    when 'share' then found.figure >= signals.threshold
    when 'days_ago' then found.figure <= signals.threshold
    when 'calendar_day' then found.figure > signals.threshold
end
