{#- Each row of `below` with the nearest row of `above` of the same key whose `height` is greater than its `level`; nulls where there is
    none. Heights of a key differ from each other. `key` is a column or a list of columns; `columns` are those of `below`, `found` those of
    `above` to show. -#}
{% macro next_above(below, above, key, level, height, columns, found) -%}
    {{ return(adapter.dispatch('next_above')(below, above, key, level, height, columns, found)) }}
{%- endmacro %}

{% macro default__next_above(below, above, key, level, height, columns, found) -%}
    {%- set keys = [key] if key is string else key -%}
    select
        {%- for column in columns %}
        {{ below }}.{{ column }},
        {%- endfor %}
        {%- for column in found %}
        {{ above }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ below }}
    asof left join {{ above }}
        on
            {%- for column in keys %}
            {{ below }}.{{ column }} = {{ above }}.{{ column }} and
            {%- endfor %}
            {{ below }}.{{ level }} < {{ above }}.{{ height }}
{%- endmacro %}

{% macro spark__next_above(below, above, key, level, height, columns, found) -%}
    {%- set keys = [key] if key is string else key -%}
    select
        {%- for column in columns %}
        {{ below }}.{{ column }},
        {%- endfor %}
        {%- for column in found %}
        min_by({{ above }}.{{ column }}, {{ above }}.{{ height }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ below }}
    left join {{ above }}
        on
            {%- for column in keys %}
            {{ below }}.{{ column }} = {{ above }}.{{ column }} and
            {%- endfor %}
            {{ below }}.{{ level }} < {{ above }}.{{ height }}
    group by
        {%- for column in columns %}
        {{ below }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}
