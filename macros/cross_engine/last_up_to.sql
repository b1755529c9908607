{#- Each row of `states` with the last row of `events` of the same key whose `since` is not after its `moment`; nulls where there is none,
    or no row under join='inner'. Moments of a key differ from each other. `columns` are those of `states`, `found` those of `events` to show. -#}
{% macro last_up_to(states, events, key, moment, since, columns, found, join='left') -%}
    {{ return(adapter.dispatch('last_up_to')(states, events, key, moment, since, columns, found, join)) }}
{%- endmacro %}

{% macro default__last_up_to(states, events, key, moment, since, columns, found, join) -%}
    {%- set keys = [key] if key is string else key -%}
    select
        {%- for column in columns %}
        {{ states }}.{{ column }},
        {%- endfor %}
        {%- for column in found %}
        {{ events }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ states }}
    asof {{ join }} join {{ events }}
        on
            {%- for column in keys %}
            {{ states }}.{{ column }} = {{ events }}.{{ column }} and
            {%- endfor %}
            {{ states }}.{{ moment }} >= {{ events }}.{{ since }}
{%- endmacro %}

{% macro spark__last_up_to(states, events, key, moment, since, columns, found, join) -%}
    {%- set keys = [key] if key is string else key -%}
    select
        {%- for column in columns %}
        {{ states }}.{{ column }},
        {%- endfor %}
        {%- for column in found %}
        max_by({{ events }}.{{ column }}, {{ events }}.{{ since }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ states }}
    {{ join }} join {{ events }}
        on
            {%- for column in keys %}
            {{ states }}.{{ column }} = {{ events }}.{{ column }} and
            {%- endfor %}
            {{ states }}.{{ moment }} >= {{ events }}.{{ since }}
    group by
        {%- for column in columns %}
        {{ states }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}
