{#- Cash that came in, of loans and advances: item_type, item_id, paid_on, amount; a row for each payment, reversals taken off. -#}
{% macro item_cash() -%}
    select
        'loan' as item_type,
        loan_id as item_id,
        paid_on,
        amount
    from {{ ref('int_aging__cash') }}
    union all
    select
        'advance' as item_type,
        advance_id as item_id,
        happened_on as paid_on,
        repaid as amount
    from {{ ref('int_advances__money') }}
    where original_kind = 'payment'
{%- endmacro %}
