{#- One step of a by-installment replay: lay `amount` (and credit) on the rungs.

    amounts, exist_from, installment_nos, paid: arrays by rung number; the result is a struct of the new `paid` and the
    `credit` that no rung could take. Money that names an installment pays it first; the rest pays the oldest unpaid
    rungs that exist on `day`. -#}
{% macro lay_money(amounts, exist_from, installment_nos, paid, credit, amount, installment_no, day) -%}
    {{ return(adapter.dispatch('lay_money')(amounts, exist_from, installment_nos, paid, credit, amount, installment_no, day)) }}
{%- endmacro %}

{% macro default__lay_money(amounts, exist_from, installment_nos, paid, credit, amount, installment_no, day) -%}
    (
        select struct_pack(
            paid := list_transform(
                range(1, len(open_now) + 1),
                lambda n: cast(
                    named_paid[n]
                    + greatest(0, least(rest - coalesce(list_sum(open_now[1:n - 1]), 0), open_now[n]))
                    as decimal(38, 2)
                )
            ),
            credit := cast(greatest(0, rest - coalesce(list_sum(open_now), 0)) as decimal(38, 2))
        )
        from (
            select
                named_paid,
                {{ amount }} - to_named + {{ credit }} as rest,
                list_transform(
                    range(1, len({{ amounts }}) + 1),
                    lambda n: case when {{ exist_from }}[n] <= {{ day }} then {{ amounts }}[n] - named_paid[n] else 0 end
                ) as open_now
            from (
                select
                    to_named,
                    list_transform(
                        range(1, len({{ amounts }}) + 1),
                        lambda n: {{ paid }}[n] + case when n = place then to_named else 0 end
                    ) as named_paid
                from (
                    select
                        place,
                        case when place > 0 then least({{ amount }}, {{ amounts }}[place] - {{ paid }}[place]) else 0 end
                            as to_named
                    from (
                        select
                            case
                                when {{ installment_no }} is null then 0
                                else coalesce(list_position({{ installment_nos }}, {{ installment_no }}), 0)
                            end as place
                    ) as placed
                ) as named
            ) as after_named
        ) as opened
    )
{%- endmacro %}
