{#- The spans of `spans`, each with the number of its stretch: spans of one `key` that overlap or touch are of one stretch. -#}
{% macro in_stretches(spans, key) -%}
    select
        *,
        sum(case when reached_before >= from_on then 0 else 1 end) over (
            partition by {{ key }} order by from_on, to_on rows between unbounded preceding and current row
        ) as stretch_no
    from (
        select
            *,
            max(to_on) over (
                partition by {{ key }} order by from_on, to_on rows between unbounded preceding and 1 preceding
            ) as reached_before
        from {{ spans }}
    ) as reached
{%- endmacro %}
