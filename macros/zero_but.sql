{#- Columns of amounts in their order: as given, or 0. For the parts of a union of which each knows some of them. -#}
{% macro zero_but(columns, given) -%}
    {%- for column in columns %}
        {{ given.get(column, '0') }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
