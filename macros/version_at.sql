{#- The version of a master row whose dateless columns count on the as-of date: the newest delivered by that day plus the
    lag, else the first known. One row per key. -#}
{% macro version_at(ledger, key) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    case when {{ attribute_from('_delivery') }} <= {{ as_of() }} then _delivery_no end desc nulls last,
                    _delivery_no asc
            ) as version_rank
        from {{ source('raw', ledger) }}
    ) as versions
    where version_rank = 1
{%- endmacro %}
