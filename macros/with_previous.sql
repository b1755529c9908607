{#- Every known version of a master row with what some columns said in the version before it (previous_<column>). -#}
{% macro with_previous(ledger, key, columns) -%}
    select
        *,
        row_number() over (partition by {{ key | join(', ') }} order by _delivery_no, _file, _line) = 1 as is_first,
        {%- for column in columns %}
        lag({{ column }}) over (partition by {{ key | join(', ') }} order by _delivery_no, _file, _line) as previous_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ source('raw', ledger) }}
{%- endmacro %}

{#- A date of a ledger row as a publication's date sees it: what comes later has not happened. -#}
{% macro clipped(day) -%}
    case when {{ day }} <= published.as_of then {{ day }} end
{%- endmacro %}
