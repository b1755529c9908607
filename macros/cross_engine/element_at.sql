{#- The n-th element of an array, counted from 1. -#}
{% macro element_at(array, n) -%}
    {{ return(adapter.dispatch('element_at')(array, n)) }}
{%- endmacro %}

{% macro default__element_at(array, n) -%}
    {{ array }}[{{ n }}]
{%- endmacro %}

{% macro spark__element_at(array, n) -%}
    element_at({{ array }}, {{ n }})
{%- endmacro %}
