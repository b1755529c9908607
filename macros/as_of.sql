{#- The clock enters here and nowhere else: one row, written by the flow before dbt starts. -#}

{% macro run_value(column) -%}
    (select {{ column }} from {{ source('raw', 'run') }})
{%- endmacro %}

{#- The as-of date: the end of this day. -#}
{% macro as_of() -%}
    {{ run_value('as_of') }}
{%- endmacro %}

{#- The last month-end before the as-of date. -#}
{% macro month_end_before() -%}
    {{ add_days(month_of(as_of()), -1) }}
{%- endmacro %}

{#- The newest known version of each key of a master ledger: one row per key. Only deliveries after the first can replace
    a row, so the many that came with the first are looked up among the few that came later, and nothing is sorted. -#}
{% macro newest_version(ledger, key) -%}
    select versions.*
    from {{ source('raw', ledger) }} as versions
    left join (
        select
            {{ key | join(', ') }},
            max(_delivery_no) as newest_no
        from {{ source('raw', ledger) }}
        where _delivery_no > (select min(_delivery_no) from {{ source('raw', ledger) }})
        group by {{ key | join(', ') }}
    ) as newer  -- a miss: never delivered again
        on
            {%- for column in key %}
            newer.{{ column }} = versions.{{ column }}{{ ' and' if not loop.last }}
            {%- endfor %}
    where newer.newest_no is null or newer.newest_no = versions._delivery_no
{%- endmacro %}

{#- The day from which a delivered version of a dateless column counts: its delivery's date less the lag. -#}
{% macro attribute_from(delivery) -%}
    {{ add_days('cast(substring(' ~ delivery ~ ', 1, 10) as date)', '-' ~ run_value('attribute_lag_days')) }}
{%- endmacro %}
