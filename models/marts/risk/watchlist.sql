-- grain: customer with a signal and something in the book
-- as of: the end of the as-of date
-- decision: 0046 severity by the points of its signals, of class, days and amount too; measures by days past due

with customers as (
    {{ version_at('customers', ['customer_id']) }}
),

signals as (
    select
        found.customer_id,
        found.signal_id,
        signals.label_zh,
        signals.label_en,
        signals.points,
        signals.measures,
        {{ text_list('distinct found.evidence', 'found.evidence') }} as evidence,
        {{ text_list('distinct found.evidence_zh', 'found.evidence_zh', '，') }} as evidence_zh
    from {{ ref('int_risk__signals') }} as found
    inner join {{ ref('watch_signal') }} as signals on signals.signal_id = found.signal_id
    group by found.customer_id, found.signal_id, signals.label_zh, signals.label_en, signals.points, signals.measures
),

late as (
    select
        customer_id,
        max(days_past_due) as days_past_due
    from {{ ref('int_risk__items') }}
    where as_of = {{ as_of() }}
    group by customer_id
),

watched as (
    select
        customer_id,
        cast(sum(points) as integer) as points,
        cast(count(*) as integer) as signal_count,
        {{ text_list('signal_id', 'points desc, signal_id') }} as signals,
        {{ text_list('label_zh', 'points desc, signal_id') }} as signals_zh,
        {{ text_list('label_en', 'points desc, signal_id') }} as signals_en,
        {{ text_list("signal_id || ' [' || evidence || ']'", 'points desc, signal_id') }} as evidence,
        {{ text_list("label_zh || '（' || evidence_zh || '）'", 'points desc, signal_id', '；') }} as evidence_zh,
        {{ text_list("label_en || ' (' || evidence || ')'", 'points desc, signal_id', '; ') }} as evidence_en
    from signals
    group by customer_id
),

called_for as (
    select distinct
        signals.customer_id,
        measures.measure_id,
        measures.measure_order,
        measures.label_zh,
        measures.label_en
    from signals
    inner join {{ ref('measure') }} as measures on position(' ' || measures.measure_id || ' ' in ' ' || signals.measures || ' ') > 0
    inner join late on late.customer_id = signals.customer_id
    where {{ measure_fits('measures', 'late.days_past_due') }}
),

measures as (
    select
        customer_id,
        {{ text_list('measure_id', 'measure_order') }} as measures,
        {{ text_list('label_zh', 'measure_order') }} as measures_zh,
        {{ text_list('label_en', 'measure_order') }} as measures_en
    from called_for
    group by customer_id
),

-- the worst severity whose points are reached
severities as (
    select
        severity,
        severity_order,
        label_zh,
        label_en,
        lower_points,
        lead(lower_points, 1, 2147483647) over (order by lower_points) as below_points
    from {{ ref('watch_severity') }}
)

select
    {{ as_of() }} as as_of,
    watched.customer_id,
    customers.segment,
    {{ labels_of('segments', 'segment') }},
    severities.severity,
    severities.severity_order,
    severities.label_zh as severity_zh,
    severities.label_en as severity_en,
    watched.points,
    watched.signal_count,
    watched.signals,
    watched.signals_zh,
    watched.signals_en,
    watched.evidence,
    watched.evidence_zh,
    watched.evidence_en,
    coalesce(measures.measures, '') as measures,
    coalesce(measures.measures_zh, '') as measures_zh,
    coalesce(measures.measures_en, '') as measures_en,
    {{ run_value('policy_version') }} as policy_version
from watched
inner join customers on customers.customer_id = watched.customer_id
left join measures on measures.customer_id = watched.customer_id  -- a miss: no measure fits, and the gate says so
inner join severities on severities.lower_points <= watched.points and severities.below_points > watched.points
{{ join_labels('segments', 'segment', "customers.segment") }}
