{{ config(materialized='view') }}
-- grain: payment or reversal of a payment
-- as of: paid_on, each on its own day
-- decision: 0024 recovery counts cash: a waiver is none

select
    loan_id,
    happened_on as paid_on,
    case when is_reversal then -amount else amount end as amount
from {{ ref('int_aging__payments') }}
where original_kind = 'payment'
