-- grain: loan or advance that was written off, on the day of its write-off
-- as of: the end of that day; the segment in the version that counts on it
-- decision: 0070 the headline; 0025 a loan written off keeps the principal of its day

with customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
),

items as (
    select
        'loan' as item_type,
        write_offs.loan_id as item_id,
        loans.customer_id,
        loans.currency,
        write_offs.written_off_on,
        write_offs.outstanding_principal as balance
    from {{ ref('int_aging__write_offs') }} as write_offs
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = write_offs.loan_id
    where loans.closed_on is null or loans.closed_on >= write_offs.written_off_on
    union all
    select
        'advance' as item_type,
        advances.advance_id as item_id,
        advances.customer_id,
        advances.currency,
        advances.written_off_on,
        balances.outstanding as balance
    from {{ ref('stg_advances') }} as advances
    inner join {{ ref('int_advances__balances') }} as balances
        on
            balances.advance_id = advances.advance_id
            and balances.from_on <= advances.written_off_on
            and balances.to_on > advances.written_off_on
)

select
    items.item_type,
    items.item_id,
    items.customer_id,
    customers.segment,
    items.currency,
    items.written_off_on,
    items.balance
from items
inner join customer_versions as customers
    on
        customers.customer_id = items.customer_id
        and customers.from_on <= items.written_off_on
        and customers.to_on > items.written_off_on
