-- grain: date of the run, and loan of the book or advance not written off on it
-- as of: the end of each date that the run computes
-- decision: 0021 statements: what the book is, and which days each regime counts; 0040 what is non-performing

with items as (
    select
        figures.as_of,
        figures.is_history,
        'loan' as item_type,
        figures.loan_id as item_id,
        figures.customer_id,
        figures.segment,
        coalesce(figures.security, 'not_stated') as security,
        figures.currency,
        figures.outstanding_principal as balance,
        figures.overdue_amount,
        figures.overdue_balance,
        -- 分期还款: up to 90 days what is due of a personal loan in monthly installments, its whole balance beyond
        case
            when figures.segment = 'personal' and monthly.loan_id is not null and figures.days_past_due <= 90
                then figures.overdue_principal
            else figures.overdue_balance
        end as overdue_by_90_days,
        figures.unpaid_since as overdue_since,
        figures.days_past_due,
        figures.days_excluding_due_date,
        figures.days_including_due_date,
        case
            when with_charges.loan_id is null then figures.days_excluding_due_date
            else {{ days_past_due('with_charges.unpaid_since', 'figures.as_of', "'exclude_due_date'") }}
        end as days_with_charges,
        figures.is_credit_impaired as is_nonaccrual
    from {{ ref('int_aging__figures') }} as figures
    left join {{ ref('int_statements__monthly_plans') }} as monthly  -- a miss: at once, or in longer steps
        on monthly.loan_id = figures.loan_id and monthly.plan_no = figures.plan_no
    left join {{ ref('int_aging__unpaid_since_with_charges') }} as with_charges  -- a miss: no charges outside the queue
        on with_charges.loan_id = figures.loan_id and with_charges.as_of = figures.as_of
    where not figures.is_written_off
    union all
    select
        as_of,
        is_history,
        'advance' as item_type,
        advance_id as item_id,
        customer_id,
        segment,
        coalesce(security, 'not_stated') as security,
        currency,
        outstanding as balance,
        case when days_past_due > 0 then outstanding else 0 end as overdue_amount,
        case when days_past_due > 0 then outstanding else 0 end as overdue_balance,
        case when days_past_due > 0 then outstanding else 0 end as overdue_by_90_days,
        overdue_since,
        days_past_due,
        days_past_due as days_excluding_due_date,
        days_including_due_date,
        days_past_due as days_with_charges,
        false as is_nonaccrual
    from {{ ref('int_advances__figures') }}
    where not is_written_off
),

provisions as (
    select
        risk_class,
        rate
    from {{ ref('provision_rate') }}
    where scheme = {{ run_value('provision_scheme') }}
),

classified as (
    select
        items.*,
        coalesce(classes.risk_class, 1) as risk_class
    from items
    left join {{ ref('int_risk__classes') }} as classes  -- a miss: no rule holds
        on classes.as_of = items.as_of and classes.item_type = items.item_type and classes.item_id = items.item_id
)

select
    classified.*,
    classes.is_non_performing,
    cast(round({{ times('classified.balance', 'provisions.rate') }}, 2) as decimal(18, 2)) as provision_amount
from classified
inner join {{ ref('risk_class') }} as classes on classes.risk_class = classified.risk_class
inner join provisions on provisions.risk_class = classified.risk_class
