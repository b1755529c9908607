{#- For each state of money the first rung of the loan's ladder that reaches above it (owed_to > paid_to); null if none.
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
        {{ rungs }}.rung_no
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
        min({{ rungs }}.rung_no) as rung_no
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
