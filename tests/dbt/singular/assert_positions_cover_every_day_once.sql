-- The spans of a loan's positions follow each other from its period's first day to its last: every day has one position.
with spans as (
    select
        loan_id,
        period_no,
        payer_view,
        min(from_on) as first_on,
        max(to_on) as end_on,
        sum({{ days_between('from_on', 'to_on') }}) as days,
        min({{ days_between('from_on', 'to_on') }}) as shortest
    from {{ ref('int_aging__positions') }}
    where {{ touched('loan_id') }}
    group by loan_id, period_no, payer_view
),

-- everybody's money is seen in each period, the customer's alone where others paid
views as (
    select loan_id, 'all' as payer_view from {{ ref('int_aging__loans') }}
    where {{ touched('loan_id') }}
    union
    select loan_id, payer_view from spans
),

expected as (
    select
        periods.loan_id,
        periods.period_no,
        views.payer_view,
        periods.from_on,
        periods.to_on
    from {{ ref('int_aging__periods') }} as periods
    inner join views on views.loan_id = periods.loan_id
    where {{ touched('periods.loan_id') }}
)

select
    expected.loan_id,
    expected.period_no,
    expected.payer_view,
    spans.first_on,
    spans.end_on,
    spans.days
from expected
left join spans
    on
        spans.loan_id = expected.loan_id
        and spans.period_no = expected.period_no
        and spans.payer_view = expected.payer_view
where
    spans.loan_id is null
    or spans.first_on <> expected.from_on
    or spans.end_on <> expected.to_on
    or spans.days <> {{ days_between('expected.from_on', 'expected.to_on') }}
    or spans.shortest <= 0
