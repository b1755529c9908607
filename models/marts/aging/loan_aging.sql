-- grain: loan disbursed on or before the as-of date and not closed by it, late or not, written off or not
-- as of: the end of the as-of date
-- decision: 0001 two dates, 0004 the ladder, 0008 raw and delinquent days

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

days as (
    select * from {{ ref('int_aging__days_at') }}
),

amounts as (
    select
        loan_id,
        sum(unpaid_principal) as outstanding_principal,
        sum(case when is_overdue then unpaid_principal else 0 end) as overdue_principal,
        sum(case when is_overdue then unpaid_interest else 0 end) as overdue_interest,
        sum(case when is_overdue then unpaid_fee else 0 end) as overdue_fees,
        sum(case when is_overdue and kind in ('installment', 'residual') then 1 else 0 end) as missed_installments,
        max(overpaid) as overpaid_amount
    from {{ ref('int_aging__rungs_at') }}
    group by loan_id
),

charges as (
    select * from {{ ref('int_aging__charges_at') }}
),

last_payments as (
    select
        payments.loan_id,
        max(payments.paid_on) as last_paid_on
    from (
        select
            payment.loan_id,
            payment.paid_on,
            payment.amount - coalesce(sum(reversal.amount), 0) as amount
        from {{ ref('stg_repayments') }} as payment
        left join {{ ref('stg_repayments') }} as reversal  -- a miss: never reversed by then
            on
                reversal.reverses_id = payment.repayment_id
                and reversal.kind = 'reversal'
                and reversal.paid_on <= {{ as_of() }}
        where payment.kind = 'payment' and payment.paid_on <= {{ as_of() }}
        group by payment.loan_id, payment.repayment_id, payment.paid_on, payment.amount
    ) as payments
    where payments.amount > 0
    group by payments.loan_id
),

quarantined as (
    select distinct loan_id
    from {{ source('raw', 'quarantine') }}
    where is_open and loan_id is not null
),

measured as (
    select
        loans.*,
        days.oldest_unpaid_due_on,
        days.days_past_due,
        days.customer_days_past_due,
        days.business_days_past_due,
        days.days_before_plan,
        days.calendar_confirmed,
        coalesce(amounts.outstanding_principal, 0) as outstanding_principal,
        coalesce(
            amounts.overpaid_amount,
            loans.paid_to - coalesce(loans.charged - loans.charges_paid - charges.unpaid, 0)
        ) as overpaid_amount,
        coalesce(amounts.overdue_principal, 0) as overdue_principal,
        coalesce(amounts.overdue_interest, 0) as overdue_interest,
        coalesce(amounts.overdue_fees, 0) + coalesce(charges.overdue, 0) as overdue_fees,
        coalesce(amounts.missed_installments, 0) as missed_installments,
        coalesce(paused.paused_days, 0) as paused_days
    from loans
    inner join days on days.loan_id = loans.loan_id
    left join amounts on amounts.loan_id = loans.loan_id  -- a miss: nothing was ever owed
    left join charges on charges.loan_id = loans.loan_id  -- a miss: no charges outside the queue
    left join {{ ref('int_aging__paused_at') }} as paused on paused.loan_id = loans.loan_id  -- a miss: never paused
),

delinquent as (
    select
        *,
        overdue_principal + overdue_interest + overdue_fees as overdue_amount,
        case
            when
                overdue_principal + overdue_interest + overdue_fees
                <= greatest(tolerance_amount, tolerance_rate * outstanding_principal)
                then 0
            else greatest(0, days_past_due - grace_days - paused_days)
        end as delinquent_days
    from measured
),

staged as (
    select
        delinquent.*,
        case bucket_on
            when 'delinquent_days' then delinquent_days
            when 'business_days_past_due' then business_days_past_due
            else days_past_due
        end as bucket_days
    from delinquent
)

select
    {{ as_of() }} as as_of,
    staged.loan_id,
    staged.customer_id,
    staged.segment,
    staged.product_id,
    staged.branch_id,
    staged.security,
    staged.currency,
    staged.principal,
    staged.disbursed_on,
    staged.matures_on,
    staged.plan_no,
    case when staged.plan_no is not null then staged.plan_effective_on end as plan_effective_on,
    staged.days_before_plan,
    cast(staged.outstanding_principal as decimal(18, 2)) as outstanding_principal,
    cast(staged.overpaid_amount as decimal(18, 2)) as overpaid_amount,
    cast(staged.overdue_principal as decimal(18, 2)) as overdue_principal,
    cast(staged.overdue_interest as decimal(18, 2)) as overdue_interest,
    cast(staged.overdue_fees as decimal(18, 2)) as overdue_fees,
    cast(staged.overdue_amount as decimal(18, 2)) as overdue_amount,
    cast(case when staged.days_past_due > 0 then staged.outstanding_principal else 0 end as decimal(18, 2)) as overdue_balance,
    staged.oldest_unpaid_due_on,
    cast(staged.days_past_due as integer) as days_past_due,
    cast(staged.customer_days_past_due as integer) as customer_days_past_due,
    cast(staged.delinquent_days as integer) as delinquent_days,
    cast(staged.business_days_past_due as integer) as business_days_past_due,
    cast(staged.missed_installments as integer) as missed_installments,
    product_buckets.bucket,
    stages.bucket as m_stage,
    history.first_overdue_on,
    cast(coalesce(history.max_days_past_due, 0) as integer) as max_days_past_due,
    last_payments.last_paid_on,
    first_payments.is_first_payment_default,
    staged.is_restructured,
    staged.is_written_off,
    quarantined.loan_id is not null as has_quarantine,
    staged.calendar_confirmed,
    {{ run_value('policy_version') }} as policy_version
from staged
left join {{ ref('int_aging__history_at') }} as history on history.loan_id = staged.loan_id  -- a miss: never owed anything
left join {{ ref('int_aging__first_payment_at') }} as first_payments  -- a miss: not to be judged yet
    on first_payments.loan_id = staged.loan_id
left join last_payments on last_payments.loan_id = staged.loan_id  -- a miss: never paid
left join quarantined on quarantined.loan_id = staged.loan_id  -- a miss: nothing in quarantine
left join {{ ref('int_aging__buckets') }} as product_buckets
    on product_buckets.scheme = staged.bucket_scheme and {{ in_bucket('staged.bucket_days', 'product_buckets') }}
left join {{ ref('int_aging__buckets') }} as stages
    on stages.scheme = 'CN_M_STAGE' and {{ in_bucket('staged.days_past_due', 'stages') }}
