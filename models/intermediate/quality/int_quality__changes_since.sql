-- grain: earlier publication (its date), loan and ledger row that came after it and may change a figure of that date
-- as of: each publication's date; what is dated later changes nothing
-- decision: 0013 restatements: who may differ, and the row that caused it

with published as (
    select * from {{ source('raw', 'published') }}
),

repayments as (
    select * from {{ source('raw', 'repayments') }}
),

charges as (
    select * from {{ source('raw', 'charges') }}
),

-- each version of a master row beside the one before it: what is dated after the publication's date is the same in both
loans as (
    {{ with_previous('loans', ['loan_id'], [
        'customer_id', 'disbursed_on', 'matures_on', 'principal', 'currency', 'restructured_on', 'written_off_on', 'closed_on',
        'product_id', 'branch_id', 'security',
    ]) }}
),

installments as (
    {{ with_previous('installments', ['loan_id', 'plan_no', 'installment_no'], [
        'effective_on', 'due_on', 'principal_due', 'interest_due', 'fee_due'
    ]) }}
),

pauses as (
    {{ with_previous('pauses', ['loan_id', 'from_on'], ['to_on']) }}
),

customers as (
    {{ with_previous('customers', ['customer_id'], ['segment']) }}
),

products as (
    select * from {{ source('raw', 'products') }}
),

loans_of_products as (
    select distinct
        loan_id,
        product_id
    from {{ source('raw', 'loans') }}
)

select
    published.as_of,
    loans.loan_id,
    'loans' as ledger,
    loans._key as ledger_key,
    loans._delivery as delivery,
    loans._delivery_no as delivery_no
from published
inner join loans on loans._delivery_no > published.known_no
where
    loans.is_first
    {%- for column in ['customer_id', 'disbursed_on', 'matures_on', 'principal', 'currency'] %}
    or loans.{{ column }} is distinct from loans.previous_{{ column }}
    {%- endfor %}
    {%- for column in ['restructured_on', 'written_off_on', 'closed_on'] %}
    or {{ clipped('loans.' ~ column) }} is distinct from {{ clipped('loans.previous_' ~ column) }}
    {%- endfor %}
    or (
        {{ attribute_from('loans._delivery') }} <= published.as_of
        and (
            loans.product_id is distinct from loans.previous_product_id
            or loans.branch_id is distinct from loans.previous_branch_id
            or loans.security is distinct from loans.previous_security
        )
    )
union all
select
    published.as_of,
    installments.loan_id,
    'installments' as ledger,
    installments._key as ledger_key,
    installments._delivery as delivery,
    installments._delivery_no as delivery_no
from published
inner join installments on installments._delivery_no > published.known_no
where
    -- a plan that begins later says nothing about the date
    least(
        coalesce(installments.effective_on, date '0001-01-01'), coalesce(installments.previous_effective_on, date '9999-12-31')
    ) <= published.as_of
    and (
        installments.is_first
        {%- for column in ['effective_on', 'due_on', 'principal_due', 'interest_due', 'fee_due'] %}
        or installments.{{ column }} is distinct from installments.previous_{{ column }}
        {%- endfor %}
    )
union all
select
    published.as_of,
    pauses.loan_id,
    'pauses' as ledger,
    pauses._key as ledger_key,
    pauses._delivery as delivery,
    pauses._delivery_no as delivery_no
from published
inner join pauses on pauses._delivery_no > published.known_no
where
    pauses.from_on <= published.as_of
    and (pauses.is_first or {{ clipped('pauses.to_on') }} is distinct from {{ clipped('pauses.previous_to_on') }})
union all
select
    published.as_of,
    repayments.loan_id,
    'repayments' as ledger,
    repayments._key as ledger_key,
    repayments._delivery as delivery,
    repayments._delivery_no as delivery_no
from published
inner join repayments on repayments._delivery_no > published.known_no and repayments.paid_on <= published.as_of
union all
select
    published.as_of,
    charges.loan_id,
    'charges' as ledger,
    charges._key as ledger_key,
    charges._delivery as delivery,
    charges._delivery_no as delivery_no
from published
inner join charges on charges._delivery_no > published.known_no and charges.due_on <= published.as_of
union all
select
    published.as_of,
    loans.loan_id,
    'customers' as ledger,
    customers._key as ledger_key,
    customers._delivery as delivery,
    customers._delivery_no as delivery_no
from published
inner join customers on customers._delivery_no > published.known_no
inner join {{ ref('int_aging__loans') }} as loans on loans.customer_id = customers.customer_id
where
    customers.segment is distinct from customers.previous_segment
    and not customers.is_first
    and {{ attribute_from('customers._delivery') }} <= published.as_of
union all
select
    published.as_of,
    loans_of_products.loan_id,
    'products' as ledger,
    products._key as ledger_key,
    products._delivery as delivery,
    products._delivery_no as delivery_no
from published
inner join products on products._delivery_no > published.known_no and products.valid_from <= published.as_of
inner join loans_of_products on loans_of_products.product_id = products.product_id
union all
-- a delivery withdrawn since: its rows are no longer there to be looked at, so every loan is
select
    published.as_of,
    loans.loan_id,
    'withdrawal' as ledger,
    published.withdrawn_since as ledger_key,
    published.withdrawn_since as delivery,
    99999999999 as delivery_no
from published
inner join {{ ref('int_aging__loans') }} as loans on loans.disbursed_on <= published.as_of
where published.withdrawn_since is not null
