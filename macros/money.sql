{#- A share as decimal(9, 6), rounded half up by exact arithmetic; null where the whole is 0. Never a binary float. -#}
{% macro share(part, whole) -%}
    {{ return(adapter.dispatch('share')(part, whole)) }}
{%- endmacro %}

{#- DuckDB divides decimals as doubles, so the quotient is made of integers: (2 * |part| * 10^6 + whole) // (2 * whole). -#}
{% macro default__share(part, whole) -%}
    case
        when {{ whole }} > 0 then cast(
            sign({{ part }}) * (
                (2 * {{ in_cents('abs(' ~ part ~ ')') }} * 1000000 + {{ in_cents(whole) }}) // (2 * {{ in_cents(whole) }})
            ) as decimal(38, 0)
        ) * cast(0.000001 as decimal(9, 6))
    end::decimal(9, 6)
{%- endmacro %}

{% macro in_cents(amount) -%}
    cast(cast({{ amount }} as decimal(38, 2)) * 100 as hugeint)
{%- endmacro %}

{#- The least amount of which `part` is at most a share of `wanted`, to the cent upwards, by exact arithmetic; `wanted` is above 0
    and has at most 6 decimals. What decimal(18, 2) cannot hold is the most that it can. -#}
{% macro whole_for(part, wanted) -%}
    {{ return(adapter.dispatch('whole_for')(part, wanted)) }}
{%- endmacro %}

{% macro default__whole_for(part, wanted) -%}
    {%- set parts = 'cast(cast(' ~ wanted ~ ' as decimal(18, 6)) * 1000000 as hugeint)' -%}
    cast(
        cast(
            least(({{ in_cents(part) }} * 1000000 + {{ parts }} - 1) // {{ parts }}, 999999999999999999) as decimal(38, 0)
        ) * cast(0.01 as decimal(9, 2)) as decimal(18, 2)
    )
{%- endmacro %}

{#- An amount times a share or a count, exactly. DuckDB keeps the product of two numbers of up to 18 digits at 18 digits, which
    30,000,000,000 VND times a share of six decimals overflows. -#}
{% macro times(amount, factor) -%}
    (cast({{ amount }} as decimal(28, 2)) * {{ factor }})
{%- endmacro %}

{#- At least low, at most high. -#}
{% macro clamp(value, low, high) -%}
    greatest({{ low }}, least({{ value }}, {{ high }}))
{%- endmacro %}

{#- A sum of amounts in the currency that it is shown in, rounded half up to the cent once, at the end. -#}
{% macro shown_sum(amount, rate='currencies.rate') -%}
    cast(round(sum(({{ amount }}) * {{ rate }}), 2) as decimal(18, 2))
{%- endmacro %}

{#- A share of what has no natural bounds (a ratio of two amounts, a growth): beyond 999 it is 999. Null where the part is
    unknown: least and greatest pass over a null. -#}
{% macro bounded_share(part, whole) -%}
    {%- set bound = '999 * cast(' ~ whole ~ ' as decimal(38, 2))' -%}
    case when {{ part }} is not null then {{ share(clamp(part, '-' ~ bound, bound), whole) }} end
{%- endmacro %}

{#- The mean of a whole number weighted by amounts, decimal(18, 2), rounded half up by exact arithmetic; null where the weights sum to 0. -#}
{% macro weighted_mean(weight, number) -%}
    {{ return(adapter.dispatch('weighted_mean')(weight, number)) }}
{%- endmacro %}

{% macro default__weighted_mean(weight, number) -%}
    {%- set whole = in_cents('sum(' ~ weight ~ ')') -%}
    case
        when sum({{ weight }}) > 0 then cast(
            (2 * 100 * {{ in_cents('sum(' ~ times(weight, number) ~ ')') }} + {{ whole }}) // (2 * {{ whole }}) as decimal(38, 0)
        ) * cast(0.01 as decimal(9, 2))
    end::decimal(18, 2)
{%- endmacro %}

{#- An equal part of an amount, to the cent downwards; and how often a part is to be paid until an amount is, null for none. -#}
{% macro part_of(amount, parts) -%}
    {{ return(adapter.dispatch('part_of')(amount, parts)) }}
{%- endmacro %}

{% macro default__part_of(amount, parts) -%}
    cast(cast({{ in_cents(amount) }} // {{ parts }} as decimal(38, 0)) * cast(0.01 as decimal(9, 2)) as decimal(18, 2))
{%- endmacro %}

{% macro times_to_pay(amount, part) -%}
    {{ return(adapter.dispatch('times_to_pay')(amount, part)) }}
{%- endmacro %}

{% macro default__times_to_pay(amount, part) -%}
    case when {{ part }} > 0 then ({{ in_cents(amount) }} + {{ in_cents(part) }} - 1) // {{ in_cents(part) }} end
{%- endmacro %}
