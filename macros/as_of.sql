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

{#- The newest known version of each key of a master ledger: one row per key. -#}
{% macro newest_version(ledger, key) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by _delivery_no desc, _file, _line
            ) as version_rank
        from {{ source('raw', ledger) }}
    ) as versions
    where version_rank = 1
{%- endmacro %}

{#- The first known row of each event: later rows with its key are the same (or waited in quarantine). -#}
{% macro first_version(ledger, key) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by _delivery_no, _file, _line
            ) as version_rank
        from {{ source('raw', ledger) }}
    ) as versions
    where version_rank = 1
{%- endmacro %}

{#- The day from which a delivered version of a dateless column counts: its delivery's date less the lag. -#}
{% macro attribute_from(delivery) -%}
    {{ add_days('cast(substring(' ~ delivery ~ ', 1, 10) as date)', '-' ~ run_value('attribute_lag_days')) }}
{%- endmacro %}
