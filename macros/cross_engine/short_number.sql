{#- A decimal as text without the zeros that end it: 0.450000 is 0.45, 3.000000 is 3. -#}
{% macro short_number(number) -%}
    {{ return(adapter.dispatch('short_number')(number)) }}
{%- endmacro %}

{% macro default__short_number(number) -%}
    rtrim(rtrim(cast({{ number }} as varchar), '0'), '.')
{%- endmacro %}

{% macro spark__short_number(number) -%}
    regexp_replace(cast({{ number }} as string), '\\.?0+$', '')
{%- endmacro %}
