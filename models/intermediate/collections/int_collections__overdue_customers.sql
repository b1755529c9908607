-- grain: overdue item of a customer: a loan or advance with days past due, written off or not
-- as of: the as-of date; pauses and quarantine as they stand for the day after it
-- decision: 0056 whom collection is about; every kind of item enters here and nowhere else

with loans as (
    select * from {{ ref('int_aging__loan_rows') }}
    where is_asked and as_of = {{ as_of() }} and days_past_due > 0
),

paused as (
    select distinct loan_id
    from {{ ref('stg_pauses') }}
    where
        from_on <= {{ add_days(as_of(), 1) }}
        and coalesce(to_on, date '9999-12-31') > {{ add_days(as_of(), 1) }}
),

quarantined as (
    select distinct loan_id
    from {{ source('raw', 'quarantine') }}
    where is_open and ledger = 'repayments' and loan_id is not null
),

products as (
    select
        loan_id,
        asset_class
    from {{ ref('int_aging__loan_products') }}
    where from_on <= {{ as_of() }} and to_on > {{ as_of() }}
),

advances as (
    select * from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }} and days_past_due > 0
)

select
    loans.customer_id,
    'loan' as item_type,
    loans.loan_id as item_id,
    loans.currency,
    loans.overdue_amount,
    loans.days_past_due,
    -- what there is to do something about tomorrow: the product's grace, tolerance and pauses taken off
    loans.delinquent_days > 0 as is_to_be_collected,
    products.asset_class = 'card' as is_card,
    coalesce(loans.plan_no, 1) > 1 or coalesce(loans.is_restructured, false) as had_plan,
    case
        when paused.loan_id is not null then 'paused'
        when quarantined.loan_id is not null then 'repayment_in_quarantine'
    end as held_because
from loans
inner join products on products.loan_id = loans.loan_id
left join paused on paused.loan_id = loans.loan_id  -- a miss: no pause covers the next day
left join quarantined on quarantined.loan_id = loans.loan_id  -- a miss: no repayment in quarantine
union all
-- an advance has neither grace nor pauses, and what it has out is overdue as a whole
select
    customer_id,
    'advance' as item_type,
    advance_id as item_id,
    currency,
    outstanding as overdue_amount,
    days_past_due,
    true as is_to_be_collected,
    kind = 'card' as is_card,
    false as had_plan,
    null as held_because
from advances
