-- grain: contact with the debtor, and loan of int_collections__episodes that it is about
-- as of: begun on or before the as-of date, by the customer's clock
-- decision: 0058 a contact is about the loan that it names, else about all of the customer's

with loans as (
    select distinct
        customer_id,
        loan_id
    from {{ ref('int_collections__episodes') }}
)

select
    contacts.attempt_id,
    loans.loan_id,
    contacts.contact_no,
    contacts.local_on,
    contacts.channel,
    contacts.is_by_lender,
    contacts.is_reached,
    contacts.outcome = 'left_message' as is_message
from {{ ref('int_collections__contacts') }} as contacts
inner join loans on loans.customer_id = contacts.customer_id
where contacts.is_with_debtor and coalesce(contacts.loan_id, loans.loan_id) = loans.loan_id
