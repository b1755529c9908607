{#- The texts of a group in an order, separated by blanks; null where there are none. -#}
{% macro text_list(text, in_order, separator=' ') -%}
    {{ return(adapter.dispatch('text_list')(text, in_order, separator)) }}
{%- endmacro %}

{% macro default__text_list(text, in_order, separator) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ in_order }})
{%- endmacro %}

{% macro spark__text_list(text, in_order, separator) -%}
    listagg({{ text }}, '{{ separator }}') within group (order by {{ in_order }})
{%- endmacro %}
