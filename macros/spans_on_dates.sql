{#- Rows of `spans`, which hold from `since` up to `until` (exclusive), on the dates that int_aging__states computes: on `new_dates` those of every
    loan, of `again` (as_of, is_whole, loan_id) those of its loans. A join with a few dates, which sorts nothing. -#}
{% macro spans_on_dates(spans, since, until, columns) -%}
    select
        new_dates.as_of,
        true as is_whole,
        {%- for column in columns %}
        {{ spans }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ spans }}
    inner join new_dates on {{ spans }}.{{ since }} <= new_dates.as_of and {{ spans }}.{{ until }} > new_dates.as_of
    union all
    select
        again.as_of,
        again.is_whole,
        {%- for column in columns %}
        {{ spans }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ spans }}
    inner join again
        on
            again.loan_id = {{ spans }}.loan_id
            and {{ spans }}.{{ since }} <= again.as_of
            and {{ spans }}.{{ until }} > again.as_of
{%- endmacro %}
