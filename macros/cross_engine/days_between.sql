{#- Whole days from one date to a later one (negative if it is earlier). -#}
{% macro days_between(from_day, to_day) -%}
    {{ return(adapter.dispatch('days_between')(from_day, to_day)) }}
{%- endmacro %}

{% macro default__days_between(from_day, to_day) -%}
    cast({{ to_day }} - {{ from_day }} as integer)
{%- endmacro %}

{% macro spark__days_between(from_day, to_day) -%}
    datediff({{ to_day }}, {{ from_day }})
{%- endmacro %}
