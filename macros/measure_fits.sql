{#- Whether a row of the seed measure is an answer to a customer whose worst item is so many days past due. -#}
{% macro measure_fits(measures, days) -%}
    coalesce({{ measures }}.overdue_days_from, 0) <= {{ days }} and coalesce({{ measures }}.overdue_days_to, 2147483647) >= {{ days }}
{%- endmacro %}
