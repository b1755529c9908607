{#- What of the installments of an axis is unpaid when money reaches a height: `money` (loan_id, period_no, the height, more columns) with
    the rolled due date of the first rung above it, and by component the unpaid rest of that rung and all that comes after it
    (decision 0060). One row per row of `money`. -#}
{% macro unpaid_on_axis(money, ladder, height, columns) -%}
with axis_rungs as (
    select * from {{ ladder }}
    where is_axis and amount > 0 and kind in ('installment', 'residual')
),

axis_owed as (
    select
        loan_id,
        period_no,
        max(planned_to) as owed_in_all
    from axis_rungs
    group by loan_id, period_no
),

placed as (
    {{ next_above(
        money, 'axis_rungs', ['loan_id', 'period_no'], height, 'planned_to', columns,
        [
            'rolled_on', 'principal_due', 'interest_due', 'fee_due', 'amount', 'planned_to', 'principal_after',
            'interest_after', 'fees_after', 'rungs_after'
        ]
    ) }}
),

rest as (
    select
        placed.*,
        periods.component_order,
        cast(least(placed.amount, placed.planned_to - placed.{{ height }}) as decimal(18, 2)) as unpaid
    from placed
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = placed.loan_id and periods.period_no = placed.period_no
)

select
    {%- for column in columns %}
    rest.{{ column }},
    {%- endfor %}
    rest.rolled_on,
    cast(coalesce(rest.principal_after + {{ unpaid_component('principal') }}, 0) as decimal(38, 2)) as unpaid_principal,
    cast(coalesce(rest.interest_after + {{ unpaid_component('interest') }}, 0) as decimal(38, 2)) as unpaid_interest,
    cast(coalesce(rest.fees_after + {{ unpaid_component('fee') }}, 0) as decimal(38, 2)) as unpaid_fees,
    cast(coalesce(rest.rungs_after + 1, 0) as integer) as unpaid_rungs,
    cast(case when rest.rolled_on is null then rest.{{ height }} - coalesce(axis_owed.owed_in_all, 0) else 0 end as decimal(38, 2))
        as overpaid
from rest
left join axis_owed  -- a miss: nothing is owed
    on axis_owed.loan_id = rest.loan_id and axis_owed.period_no = rest.period_no
{%- endmacro %}
