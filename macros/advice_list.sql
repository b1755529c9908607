{#- What customer_type_advice says of one kind (cause, measure), joined in the order of place. -#}
{% macro advice_list(advice, said, separator) -%}
    {{ dbt.listagg("case when advice = '" ~ advice ~ "' then " ~ said ~ " end", "'" ~ separator ~ "'", 'order by place') }}
{%- endmacro %}
