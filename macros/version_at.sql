{#- The versions of a master row whose dateless columns count, each on its days [from_on, to_on): from its delivery's date
    less the lag on, of several on one day the newest, the first known one since always. -#}
{% macro versions_of(ledger, key) -%}
    select
        *,
        lead(from_on, 1, date '9999-12-31') over (partition by {{ key | join(', ') }} order by from_on) as to_on
    from (
        select
            *,
            row_number() over (partition by {{ key | join(', ') }}, from_on order by _delivery_no desc) as version_rank
        from (
            select
                *,
                case
                    when row_number() over (partition by {{ key | join(', ') }} order by _delivery_no) = 1 then date '0001-01-01'
                    else {{ attribute_from('_delivery') }}
                end as from_on
            from {{ source('raw', ledger) }}
        ) as dated
    ) as ranked
    where version_rank = 1
{%- endmacro %}

{#- The version whose dateless columns count on the as-of date. One row per key. -#}
{% macro version_at(ledger, key) -%}
    select *
    from ({{ versions_of(ledger, key) }}) as versions
    where from_on <= {{ as_of() }} and to_on > {{ as_of() }}
{%- endmacro %}

{#- A flag of a version on a day: unknown, and so not set, before it was delivered, also where the version is the first known. -#}
{% macro flag_at(flag, delivery, day) -%}
    coalesce({{ flag }} and {{ attribute_from(delivery) }} <= {{ day }}, false)
{%- endmacro %}
