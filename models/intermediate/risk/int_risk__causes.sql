-- grain: customer, cause and the row that shows it
-- as of: the end of the as-of date
-- decision: 0047 a cause is a metric beyond its threshold; both are seed rows

with customers as (
    {{ version_at('customers', ['customer_id']) }}
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
from {{ ref('int_risk__case_figures') }} as figures
inner join customers on customers.customer_id = figures.customer_id
inner join {{ ref('case_cause') }} as causes on causes.metric = figures.metric
where
    coalesce(causes.segment, customers.segment) = customers.segment
    and case causes.operator
        when '<' then figures.figure < causes.threshold
        when '<=' then figures.figure <= causes.threshold
        when '=' then figures.figure = causes.threshold
        when '>=' then figures.figure >= causes.threshold
        when '>' then figures.figure > causes.threshold
    end
