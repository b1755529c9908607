{#- The values of a group as one text, in order, separated by commas; nulls are left out. -#}
{% macro text_list(expression, order_by) -%}
    {{ return(adapter.dispatch('text_list')(expression, order_by)) }}
{%- endmacro %}

{% macro default__text_list(expression, order_by) -%}
    string_agg({{ expression }}, ', ' order by {{ order_by }})
{%- endmacro %}

{#- Spark sorts by the values themselves. -#}
{% macro spark__text_list(expression, order_by) -%}
    array_join(sort_array(collect_list({{ expression }})), ', ')
{%- endmacro %}
