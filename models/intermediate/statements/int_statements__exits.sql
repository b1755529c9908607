-- grain: loan or advance that was written off, or loan that was sold before, on the day when it left the book
-- as of: the end of that day; the segment in the version that counts on it
-- decision: 0070 the headline, 0072 roll-forward; 0025 a loan written off keeps the principal of its day

with customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
),

sold as (
    select
        positions.*,
        loans.customer_id,
        loans.currency,
        loans.closed_on as state_on,
        periods.allocation,
        periods.day_count,
        periods.component_order,
        periods.charges_age
    from {{ ref('int_aging__loans') }} as loans
    inner join {{ ref('int_aging__positions') }} as positions
        on
            positions.loan_id = loans.loan_id
            and positions.payer_view = 'all'
            and positions.from_on <= loans.closed_on
            and positions.to_on > loans.closed_on
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where loans.close_reason = 'sold' and (loans.written_off_on is null or loans.written_off_on > loans.closed_on)
),

sold_amounts as (
    {{ state_amounts('sold') }}
),

items as (
    select
        'loan' as item_type,
        write_offs.loan_id as item_id,
        loans.customer_id,
        loans.currency,
        'written_off' as how,
        write_offs.written_off_on as left_on,
        write_offs.outstanding_principal as balance
    from {{ ref('int_aging__write_offs') }} as write_offs
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = write_offs.loan_id
    where loans.closed_on is null or loans.closed_on >= write_offs.written_off_on
    union all
    select
        'loan' as item_type,
        sold.loan_id as item_id,
        sold.customer_id,
        sold.currency,
        'sold' as how,
        sold.state_on as left_on,
        sold_amounts.outstanding_principal as balance
    from sold
    inner join sold_amounts on sold_amounts.loan_id = sold.loan_id
    union all
    select
        'advance' as item_type,
        advances.advance_id as item_id,
        advances.customer_id,
        advances.currency,
        'written_off' as how,
        advances.written_off_on as left_on,
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
    items.how,
    items.left_on,
    items.balance
from items
inner join customer_versions as customers
    on
        customers.customer_id = items.customer_id
        and customers.from_on <= items.left_on
        and customers.to_on > items.left_on
