-- grain: customer, cause and the row that shows it
-- as of: the end of the as-of date
-- decision: 0047 a cause is a metric beyond its threshold; both are seed rows. Whose arrears nothing explains, that is said

{%- set is_beyond %}
    coalesce(causes.segment, customers.segment) = customers.segment
    and case causes.operator
        when '<' then figures.figure < causes.threshold
        when '<=' then figures.figure <= causes.threshold
        when '=' then figures.figure = causes.threshold
        when '>=' then figures.figure >= causes.threshold
        when '>' then figures.figure > causes.threshold
    end
{%- endset %}

with customers as (
    {{ version_at('customers', ['customer_id']) }}
),

explained as (
    select distinct figures.customer_id
    from {{ ref('int_risk__case_figures') }} as figures
    inner join customers on customers.customer_id = figures.customer_id
    inner join {{ ref('case_cause') }} as causes on causes.metric = figures.metric
    where {{ is_beyond }}
),

figures as (
    select
        customer_id,
        metric,
        figure,
        source_row
    from {{ ref('int_risk__case_figures') }}
    union all
    select
        arrears.customer_id,
        'days_unexplained' as metric,
        cast(max(arrears.days_past_due) as decimal(24, 6)) as figure,
        'arrears since ' || cast(min(arrears.late_from) as varchar) as source_row
    from {{ ref('int_risk__arrears') }} as arrears
    left join explained on explained.customer_id = arrears.customer_id  -- a miss: no ledger shows a cause
    where explained.customer_id is null
    group by arrears.customer_id
)

select
    figures.customer_id,
    causes.cause_id,
    causes.family,
    causes.label_zh,
    causes.label_en,
    causes.measure_id,
    figures.source_row,
    figures.figure,
    figures.source_row || ': ' || causes.metric || ' ' || {{ short_number('figures.figure') }} as evidence,
    replace(causes.shown_zh, '{}', {{ short_number('figures.figure') }}) || '（' || figures.source_row || '）' as evidence_zh,
    replace(causes.shown_en, '{}', {{ short_number('figures.figure') }}) || ' (' || figures.source_row || ')' as evidence_en
from figures
inner join customers on customers.customer_id = figures.customer_id
inner join {{ ref('case_cause') }} as causes on causes.metric = figures.metric
where {{ is_beyond }}
