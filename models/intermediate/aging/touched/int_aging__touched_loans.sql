-- grain: loan
-- as of: none; the loans that deliveries beyond the kept state speak of
-- decision: 0006 state by loan touched

{% set state = run_value('state_delivery_no') %}

select loan_id from {{ source('raw', 'loans') }} where _delivery_no > {{ state }}
union
select loan_id from {{ source('raw', 'installments') }} where _delivery_no > {{ state }}
union
select loan_id from {{ source('raw', 'repayments') }} where _delivery_no > {{ state }}
union
select loan_id from {{ source('raw', 'charges') }} where _delivery_no > {{ state }}
union
-- a new version of a product speaks of all its loans
select loans.loan_id
from {{ source('raw', 'loans') }} as loans
inner join {{ source('raw', 'products') }} as products on products.product_id = loans.product_id
where products._delivery_no > {{ state }}
union
-- and one of a customer of all the customer's loans: their figures carry the segment
select loans.loan_id
from {{ source('raw', 'loans') }} as loans
inner join {{ source('raw', 'customers') }} as customers on customers.customer_id = loans.customer_id
where customers._delivery_no > {{ state }}
