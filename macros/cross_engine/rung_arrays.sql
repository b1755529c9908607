{#- Arrays by rung number, for the by-installment replay: what it needs beyond joins. -#}

{#- Place of the rung that an installment number names; 0 where it names none. -#}
{% macro named_place(installment_nos, installment_no) -%}
    {{ return(adapter.dispatch('named_place')(installment_nos, installment_no)) }}
{%- endmacro %}

{% macro default__named_place(installment_nos, installment_no) -%}
    case when {{ installment_no }} is null then 0 else coalesce(list_position({{ installment_nos }}, {{ installment_no }}), 0) end
{%- endmacro %}

{#- `paid` with an amount added at one place. -#}
{% macro add_at(paid, place, amount) -%}
    {{ return(adapter.dispatch('add_at')(paid, place, amount)) }}
{%- endmacro %}

{% macro default__add_at(paid, place, amount) -%}
    list_transform({{ paid }}, lambda received, n: received + case when n = {{ place }} then {{ amount }} else 0 end)
{%- endmacro %}

{#- What each rung can still take on a day; a rung that does not exist yet takes nothing. -#}
{% macro open_amounts(amounts, paid, exist_from, day) -%}
    {{ return(adapter.dispatch('open_amounts')(amounts, paid, exist_from, day)) }}
{%- endmacro %}

{% macro default__open_amounts(amounts, paid, exist_from, day) -%}
    list_transform(
        {{ amounts }},
        lambda amount, n: cast(
            case when {{ exist_from }}[n] <= {{ day }} then greatest(0, amount - {{ paid }}[n]) else 0 end as decimal(38, 2)
        )
    )
{%- endmacro %}

{#- `paid` with money laid on what is open, oldest rung first. -#}
{% macro lay_oldest_first(paid, open_now, money) -%}
    {{ return(adapter.dispatch('lay_oldest_first')(paid, open_now, money)) }}
{%- endmacro %}

{% macro default__lay_oldest_first(paid, open_now, money) -%}
    list_transform(
        {{ paid }},
        lambda received, n: cast(
            received
            + greatest(0, least({{ money }} - coalesce(list_sum({{ open_now }}[1:n - 1]), 0), {{ open_now }}[n]))
            as decimal(38, 2)
        )
    )
{%- endmacro %}

{% macro array_sum(amounts) -%}
    {{ return(adapter.dispatch('array_sum')(amounts)) }}
{%- endmacro %}

{% macro default__array_sum(amounts) -%}
    cast(coalesce(list_sum({{ amounts }}), 0) as decimal(38, 2))
{%- endmacro %}

{#- Number of the first rung that has not received all of its amount; one beyond the last where all have. -#}
{% macro first_open_rung(paid, amounts) -%}
    {{ return(adapter.dispatch('first_open_rung')(paid, amounts)) }}
{%- endmacro %}

{% macro default__first_open_rung(paid, amounts) -%}
    coalesce(
        list_position(list_transform({{ paid }}, lambda received, n: received < {{ amounts }}[n]), true), len({{ paid }}) + 1
    )
{%- endmacro %}

{#- Number of the last rung that has received something; 0 where none has. -#}
{% macro last_paid_rung(paid) -%}
    {{ return(adapter.dispatch('last_paid_rung')(paid)) }}
{%- endmacro %}

{% macro default__last_paid_rung(paid) -%}
    coalesce(
        len({{ paid }}) + 1
        - list_position(list_reverse(list_transform({{ paid }}, lambda received: received > 0)), true), 0
    )
{%- endmacro %}
