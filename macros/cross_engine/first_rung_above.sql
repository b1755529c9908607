{#- For each state of money since when the loan is unpaid: by the first rung of its ladder that reaches above the money
    (owed_to > paid_to); null if none does.
    Rungs have different owed_to, for those of amount 0 are left out. -#}
{% macro first_rung_above(states, rungs) -%}
    {{ return(adapter.dispatch('first_rung_above')(states, rungs)) }}
{%- endmacro %}

{% macro default__first_rung_above(states, rungs) -%}
    select
        {{ states }}.loan_id,
        {{ states }}.period_no,
        {{ states }}.payer_view,
        {{ states }}.from_on,
        {{ states }}.to_on,
        {{ rungs }}.unpaid_since
    from {{ states }}
    asof left join {{ rungs }}
        on
            {{ states }}.loan_id = {{ rungs }}.loan_id
            and {{ states }}.period_no = {{ rungs }}.period_no
            and {{ states }}.paid_to < {{ rungs }}.owed_to
{%- endmacro %}

{% macro spark__first_rung_above(states, rungs) -%}
    select
        {{ states }}.loan_id,
        {{ states }}.period_no,
        {{ states }}.payer_view,
        {{ states }}.from_on,
        {{ states }}.to_on,
        min({{ rungs }}.unpaid_since) as unpaid_since
    from {{ states }}
    left join {{ rungs }}
        on
            {{ states }}.loan_id = {{ rungs }}.loan_id
            and {{ states }}.period_no = {{ rungs }}.period_no
            and {{ states }}.paid_to < {{ rungs }}.owed_to
    group by
        {{ states }}.loan_id,
        {{ states }}.period_no,
        {{ states }}.payer_view,
        {{ states }}.from_on,
        {{ states }}.to_on
{%- endmacro %}
