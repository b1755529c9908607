{#- Whether a number of days falls into a bucket of int_aging__buckets. -#}
{% macro in_bucket(days, buckets) -%}
    {{ days }} >= {{ buckets }}.lower_days and {{ days }} <= {{ buckets }}.upper_days
{%- endmacro %}
