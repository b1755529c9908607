-- grain: loan or advance of the book that is past due
-- as of: the end of the as-of date; cash up to it, the last six months from the day after the same day six months before
-- decision: 0047 what a case tells of each debt; 0036 what secures it

with loan_versions as (
    {{ version_at('loans', ['loan_id']) }}
),

-- a loan has no advance_id and an advance no loan_id: keys that are ready let each join look up
items as (
    select
        *,
        case when item_type = 'loan' then item_id end as loan_id,
        case when item_type = 'advance' then item_id end as advance_id
    from {{ ref('int_risk__items') }}
    where as_of = {{ as_of() }} and days_past_due > 0
),

plans as (
    select
        loan_id,
        plan_no,
        missed_installments
    from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }}
),

advances as (
    select
        advance_id,
        kind,
        advanced_on,
        amount
    from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }}
),

cash as (
    {{ item_cash() }}
),

paid as (
    select
        item_type,
        item_id,
        sum(amount) as paid_amount,
        sum(case when paid_on > {{ add_months(as_of(), '-6') }} then amount else 0 end) as paid_six_months
    from cash
    where paid_on <= {{ as_of() }}
    group by item_type, item_id
)

select
    items.customer_id,
    items.segment,
    items.item_type,
    items.item_id,
    items.currency,
    coalesce(loans.disbursed_on, advances.advanced_on) as started_on,
    coalesce(loans.principal, advances.amount) as original_amount,
    coalesce(loan_versions.purpose, kinds.label_zh) as purpose_zh,
    coalesce(loan_versions.purpose, kinds.label_en) as purpose_en,
    items.security,
    items.balance,
    items.overdue_amount,
    items.days_past_due,
    plans.plan_no,
    plans.missed_installments,
    shortfalls.loan_id is not null as is_secured,
    coalesce(shortfalls.collaterals, 0) as collaterals,
    coalesce(shortfalls.value_after_haircut, 0) as value_after_haircut,
    coalesce(shortfalls.shortfall, items.balance) as shortfall,
    coalesce(
        shortfalls.collateral_to_ask,
        {{ whole_for('items.balance', 'cast(' ~ run_value('target_loan_to_value') ~ ' as decimal(9, 6))') }}
    ) as collateral_to_ask,
    cast(coalesce(paid.paid_amount, 0) as decimal(18, 2)) as paid_amount,
    cast(coalesce(paid.paid_six_months, 0) as decimal(18, 2)) as paid_six_months
from items
left join {{ ref('stg_loans') }} as loans on loans.loan_id = items.loan_id  -- a miss: an advance
left join loan_versions on loan_versions.loan_id = items.loan_id  -- a miss: an advance
left join advances  -- a miss: a loan
    on advances.advance_id = items.advance_id
left join {{ ref('advance_kind') }} as kinds on kinds.kind = advances.kind  -- a miss: a loan
left join plans on plans.loan_id = items.loan_id  -- a miss: an advance has no plan
left join {{ ref('int_portfolio__shortfalls') }} as shortfalls  -- a miss: nothing secures it
    on shortfalls.loan_id = items.loan_id
left join paid on paid.item_type = items.item_type and paid.item_id = items.item_id  -- a miss: nothing was paid
