{#- State is kept by loan touched: a run recomputes, whole, the loans that new deliveries speak of (all of them on a full
    refresh) and leaves the others alone. Models of the kept state say `where {{ touched('loan_id') }}`. -#}
{% macro touched(loan_id) -%}
    {{ loan_id }} in (select loan_id from {{ ref('int_aging__touched_loans') }})
{%- endmacro %}

{% macro kept_by_loan() -%}
    {{ config(materialized='incremental', unique_key='loan_id', incremental_strategy='delete+insert') }}
{%- endmacro %}
