-- grain: customer with something of the book overdue, and question that the ledgers do not answer
-- as of: the end of the as-of date
-- decision: 0047 what a case cannot say is said

with debts as (
    select * from {{ ref('int_risk__case_debts') }}
),

customers as (
    select distinct
        customer_id,
        segment
    from debts
),

stated as (
    select distinct customer_id
    from {{ ref('stg_financials') }}
    where period_end <= {{ as_of() }}
),

underwritten as (
    select distinct loan_id
    from {{ ref('stg_underwriting') }}
    where coalesce(decided_on, {{ as_of() }}) <= {{ as_of() }}
),

asked as (
    select
        customer_id,
        'purpose' as code,
        item_id as about
    from debts
    where purpose_en is null
    union all
    select
        customer_id,
        'security' as code,
        item_id as about
    from debts
    where security is null
    union all
    select
        customer_id,
        'valuation' as code,
        item_id as about
    from debts
    where
        (is_secured and collaterals = 0)
        -- the ledger of collateral is of loans
        or (item_type = 'advance' and security in ('mortgaged', 'pledged', 'combined'))
    union all
    select
        debts.customer_id,
        'underwriting' as code,
        debts.item_id as about
    from debts
    left join underwritten on underwritten.loan_id = debts.item_id  -- a miss: nobody wrote down how it was granted
    where debts.item_type = 'loan' and underwritten.loan_id is null
    union all
    select
        customers.customer_id,
        'financials' as code,
        cast(null as varchar) as about
    from customers
    left join stated on stated.customer_id = customers.customer_id  -- a miss: no statement by the date
    where customers.segment = 'corporate' and stated.customer_id is null
    union all
    select
        customer_id,
        'contacts' as code,
        cast(null as varchar) as about
    from {{ ref('int_risk__case_contacts') }}
    where attempts = 0
)

select
    asked.customer_id,
    asked.code,
    labels.code_order,
    {{ text_list('asked.about', 'asked.about') }} as about,
    labels.label_zh,
    labels.label_en
from asked
inner join {{ ref('label') }} as labels on labels.code_set = 'unanswered' and labels.code = asked.code
group by asked.customer_id, asked.code, labels.code_order, labels.label_zh, labels.label_en
