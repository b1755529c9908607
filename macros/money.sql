{#- A share as decimal(9, 6), rounded half up by exact arithmetic; null where the whole is 0. Never a binary float. -#}
{% macro share(part, whole) -%}
    {{ return(adapter.dispatch('share')(part, whole)) }}
{%- endmacro %}

{#- DuckDB divides decimals as doubles, so the quotient is made of integers: (2 * part * 10^6 + whole) // (2 * whole). -#}
{% macro default__share(part, whole) -%}
    case
        when {{ whole }} > 0 then cast(
            (
                (2 * cast(cast({{ part }} as decimal(38, 2)) * 100 as hugeint) * 1000000 + cast(cast({{ whole }} as decimal(38, 2)) * 100 as hugeint))
                // (2 * cast(cast({{ whole }} as decimal(38, 2)) * 100 as hugeint))
            ) as decimal(38, 0)
        ) * cast(0.000001 as decimal(9, 6))
    end::decimal(9, 6)
{%- endmacro %}

{#- At least low, at most high. -#}
{% macro clamp(value, low, high) -%}
    greatest({{ low }}, least({{ value }}, {{ high }}))
{%- endmacro %}
