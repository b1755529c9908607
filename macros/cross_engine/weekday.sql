{#- Day of the week, Monday 1 to Sunday 7. -#}
{% macro weekday(day) -%}
    {{ return(adapter.dispatch('weekday')(day)) }}
{%- endmacro %}

{% macro default__weekday(day) -%}
    isodow({{ day }})
{%- endmacro %}

{% macro spark__weekday(day) -%}
    (weekday({{ day }}) + 1)
{%- endmacro %}
