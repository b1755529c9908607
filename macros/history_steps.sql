{#- From each date of the history to the next. A step shorter than a month is partial: its rates are not those of a month. -#}
{% macro history_steps() -%}
    select
        from_as_of,
        as_of,
        as_of < {{ add_months('from_as_of', 1) }} as is_partial
    from (
        select
            as_of as from_as_of,
            lead(as_of) over (order by as_of) as as_of
        from {{ source('raw', 'dates') }}
        where is_history
    ) as followed
    where as_of is not null
{%- endmacro %}
