{#- What customer_type_advice says of one kind (cause, measure), joined in the order of place. -#}
{% macro advice_list(advice, said, separator) -%}
    {{ text_list("case when advice = '" ~ advice ~ "' then " ~ said ~ " end", 'place', separator) }}
{%- endmacro %}
