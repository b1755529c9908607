-- grain: promise, which is an attempt that ended in one or names its day
-- as of: the end of the as-of date: payments and their reversals up to it
-- decision: 0055 payments from the day of the promise through the day promised, whoever pays; a waiver is no payment

with loans as (
    select
        loan_id,
        customer_id,
        currency
    from {{ ref('stg_loans') }}
    where disbursed_on <= {{ as_of() }}
),

made as (
    select
        attempt_id,
        customer_id,
        loan_id,
        local_on as made_on,
        promised_on,
        promised_amount
    from {{ ref('int_collections__contacts') }}
    where outcome = 'promised' or promised_on is not null
),

-- a promise that names no loan is about all of the customer's
about as (
    select
        made.attempt_id,
        loans.loan_id,
        loans.currency
    from made
    inner join loans on loans.customer_id = made.customer_id and loans.loan_id = coalesce(made.loan_id, loans.loan_id)
),

currencies as (
    select
        attempt_id,
        case when min(currency) = max(currency) then min(currency) else {{ run_value('reporting_currency') }} end as currency
    from about
    group by attempt_id
),

paid as (
    select
        made.attempt_id,
        sum(case when payments.is_reversal then -payments.amount else payments.amount end) as paid_amount
    from made
    inner join currencies on currencies.attempt_id = made.attempt_id
    inner join about on about.attempt_id = made.attempt_id and about.currency = currencies.currency
    inner join {{ ref('int_aging__payments') }} as payments on payments.loan_id = about.loan_id
    where
        payments.original_kind = 'payment'
        and payments.original_paid_on >= made.made_on
        and payments.original_paid_on <= coalesce(made.promised_on, {{ as_of() }})
        and payments.happened_on <= {{ as_of() }}
    group by made.attempt_id
),

compared as (
    select
        made.*,
        coalesce(currencies.currency, {{ run_value('reporting_currency') }}) as currency,
        cast(coalesce(paid.paid_amount, 0) as decimal(18, 2)) as paid_amount,
        coalesce(made.promised_on <= {{ as_of() }}, false) as is_over
    from made
    left join currencies on currencies.attempt_id = made.attempt_id  -- a miss: a customer without a loan
    left join paid on paid.attempt_id = made.attempt_id  -- a miss: nothing was paid
)

select
    *,
    case
        when paid_amount > 0 and paid_amount >= coalesce(promised_amount, 0) then 'kept'
        when not is_over then 'open'
        when paid_amount > 0 then 'partly_kept'
        else 'broken'
    end as promise_status
from compared
