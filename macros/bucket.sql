{#- Whether a number of days falls into a bucket of int_aging__buckets. -#}
{% macro in_bucket(days, buckets) -%}
    {{ days }} >= {{ buckets }}.lower_days and {{ days }} <= {{ buckets }}.upper_days
{%- endmacro %}

{#- Whether a duration falls into a bucket of the seed advance_bucket in force on a date. -#}
{% macro in_advance_bucket(days, day, buckets) -%}
    {{ days }} >= {{ buckets }}.lower_days
    and {{ days }} <= coalesce({{ buckets }}.upper_days, 2147483647)
    and {{ day }} >= coalesce({{ buckets }}.valid_from, date '0001-01-01')
    and {{ day }} <= coalesce({{ buckets }}.valid_to, date '9999-12-31')
{%- endmacro %}
