{#- State is kept by loan touched: a run recomputes, whole, the loans that new deliveries speak of (all of them on a full
    refresh) and leaves the others alone. Models of the kept state say `where {{ touched('loan_id') }}`. -#}
{% macro touched(loan_id) -%}
    {{ loan_id }} in (select loan_id from {{ ref('int_aging__touched_loans') }})
{%- endmacro %}

{#- What was kept of a touched loan goes first, also where it has no rows any more. -#}
{% macro kept_by_loan() -%}
    {{ config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook="{{ forget_touched() }}"
    ) }}
{%- endmacro %}

{% macro forget_touched() -%}
    {% if is_incremental() %}delete from {{ this }} where {{ touched('loan_id') }}{% endif %}
{%- endmacro %}

{#- Of int_aging__states: loans touched, dates of which the run no longer needs the whole book, and dates that were only compared. -#}
{% macro forget_states() -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where
            not is_whole
            or as_of not in (select as_of from {{ source('raw', 'dates') }} where is_whole)
            or {{ touched('loan_id') }}
    {% endif %}
{%- endmacro %}
