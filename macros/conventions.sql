{#- The conventions that a product row declares, in the contract's order. -#}
{% macro convention_columns() -%}
    {{ return([
        'day_count', 'due_date_roll', 'calendar', 'grace_days', 'tolerance_amount', 'tolerance_rate', 'pause_scope',
        'allocation', 'component_order', 'charges_age', 'plan_basis', 'plan_includes_day', 'bucket_scheme',
        'bucket_on', 'asset_class',
    ]) }}
{%- endmacro %}

{% macro conventions_of(relation) -%}
    {%- for column in convention_columns() %}
    {{ relation }}.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Days past due at the end of `day`, when `due_on` is the rolled due date of the oldest unpaid obligation. -#}
{% macro days_past_due(due_on, day, day_count) -%}
    greatest(
        0,
        {{ days_between(due_on, day) }} + case when {{ day_count }} = 'include_due_date' then 1 else 0 end
    )
{%- endmacro %}

{#- The first day on which an obligation due on `due_on` is past due. -#}
{% macro first_day_past_due(due_on, day_count) -%}
    case when {{ day_count }} = 'include_due_date' then {{ due_on }} else {{ add_days(due_on, 1) }} end
{%- endmacro %}
