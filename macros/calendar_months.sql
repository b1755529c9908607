{#- Difference of the calendar months of two dates: 31 January to 1 February is 1. -#}
{% macro calendar_months_between(from_day, to_day) -%}
    cast(
        12 * (extract(year from {{ to_day }}) - extract(year from {{ from_day }}))
        + extract(month from {{ to_day }}) - extract(month from {{ from_day }}) as integer
    )
{%- endmacro %}

{#- The first day of a date's month. -#}
{% macro month_of(day) -%}
    cast(date_trunc('month', {{ day }}) as date)
{%- endmacro %}
