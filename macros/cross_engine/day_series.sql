{#- A relation with one column `day`: every date from the first to the last, both included. -#}
{% macro day_series(first_day, last_day) -%}
    {{ return(adapter.dispatch('day_series')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__day_series(first_day, last_day) -%}
    select cast(days.day as date) as day
    from generate_series(date '{{ first_day }}', date '{{ last_day }}', interval 1 day) as days (day)
{%- endmacro %}

{% macro spark__day_series(first_day, last_day) -%}
    select explode(sequence(date '{{ first_day }}', date '{{ last_day }}')) as day
{%- endmacro %}
