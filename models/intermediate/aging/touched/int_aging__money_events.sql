-- grain: event of money, charge or chargeback in a period of a loan touched that is not plain, by whose money counts
--        (payer_view `all`, or `customer` where others paid)
-- as of: happened_on; reversals show as events of their own, or, where money is replayed, as smaller amounts
-- decision: 0004 money

with periods as (
    select * from {{ ref('int_aging__periods') }}
    where not is_plain and {{ touched('loan_id') }}
),

payments as (
    select * from {{ ref('int_aging__touched_payments') }}
),

-- a second view only where somebody else than the customer paid
views as (
    select distinct
        loan_id,
        'all' as payer_view
    from periods
    union all
    select distinct
        loan_id,
        'customer' as payer_view
    from payments
    where payer <> 'customer'
),

counted as (
    select
        periods.loan_id,
        periods.period_no,
        periods.allocation,
        periods.plan_no,
        views.payer_view,
        payments.original_id,
        payments.repayment_id,
        payments.happened_on,
        payments.original_paid_on,
        payments.original_kind,
        payments.installment_no,
        payments.is_reversal,
        payments.amount,
        periods.from_on
    from periods
    inner join views on views.loan_id = periods.loan_id
    inner join payments on payments.loan_id = periods.loan_id
    where
        payments.original_paid_on >= periods.money_counts_from
        and payments.happened_on < periods.to_on
        and (views.payer_view = 'all' or payments.payer = 'customer')
),

-- oldest first: all money is one number, a reversal lowers it on its own day
climbing as (
    select
        loan_id,
        period_no,
        payer_view,
        happened_on,
        repayment_id as event_id,
        original_kind,
        installment_no,
        case when is_reversal then -amount else amount end as amount
    from counted
    where allocation = 'oldest_installment_first'
),

-- replayed: each payment with what was not reversed when the period began
replayed as (
    select
        loan_id,
        period_no,
        payer_view,
        original_paid_on as happened_on,
        original_id as event_id,
        original_kind,
        max(installment_no) as installment_no,
        sum(case when is_reversal then -amount else amount end) as amount
    from counted
    where allocation <> 'oldest_installment_first' and (not is_reversal or happened_on <= from_on)
    group by loan_id, period_no, payer_view, original_paid_on, original_id, original_kind
    having sum(case when is_reversal then -amount else amount end) > 0
),

charges as (
    select
        periods.loan_id,
        periods.period_no,
        views.payer_view,
        charges.happened_on,
        charges.charge_id as event_id,
        case when charges.is_reversal then -charges.amount else charges.amount end as amount
    from periods
    inner join views on views.loan_id = periods.loan_id
    inner join {{ ref('int_aging__charges') }} as charges on charges.loan_id = periods.loan_id
    where
        periods.allocation = 'oldest_installment_first'
        and charges.original_due_on >= periods.counts_from
        and charges.happened_on < periods.to_on
    union all
    select
        periods.loan_id,
        periods.period_no,
        views.payer_view,
        charges.original_due_on as happened_on,
        charges.original_id as event_id,
        sum(case when charges.is_reversal then -charges.amount else charges.amount end) as amount
    from periods
    inner join views on views.loan_id = periods.loan_id
    inner join {{ ref('int_aging__charges') }} as charges on charges.loan_id = periods.loan_id
    where
        periods.allocation <> 'oldest_installment_first'
        and charges.original_due_on >= periods.counts_from
        and charges.original_due_on < periods.to_on
        and (not charges.is_reversal or charges.happened_on <= periods.from_on)
    group by periods.loan_id, periods.period_no, views.payer_view, charges.original_due_on, charges.original_id
),

{% set zero = 'cast(0 as decimal(18, 2))' %}

-- each period opens with an event of nothing, so that it has a state from its first day on
opened as (
    select
        periods.loan_id,
        periods.period_no,
        views.payer_view,
        periods.from_on
    from periods
    inner join views on views.loan_id = periods.loan_id
)

select
    loan_id, period_no, payer_view, from_on as happened_on, 0 as event_order, '' as event_id,
    cast(null as integer) as installment_no,
    {{ zero }} as paid, {{ zero }} as waived_by_name, {{ zero }} as waived, {{ zero }} as charged,
    {{ zero }} as charged_back
from opened
union all
select
    loan_id, period_no, payer_view, happened_on, 1 as event_order, event_id, cast(null as integer) as installment_no,
    {{ zero }} as paid, {{ zero }} as waived_by_name, {{ zero }} as waived, cast(amount as decimal(18, 2)) as charged,
    {{ zero }} as charged_back
from charges
union all
select
    opened.loan_id, opened.period_no, opened.payer_view, ladder.exists_from as happened_on, 1 as event_order,
    ladder.obligation_id as event_id, cast(null as integer) as installment_no,
    {{ zero }} as paid, {{ zero }} as waived_by_name, {{ zero }} as waived, {{ zero }} as charged,
    ladder.amount as charged_back
from opened
inner join {{ ref('int_aging__ladder') }} as ladder
    on ladder.loan_id = opened.loan_id and ladder.period_no = opened.period_no
where ladder.kind = 'chargeback'
union all
select
    loan_id, period_no, payer_view, happened_on, 2 as event_order, event_id, installment_no,
    cast(case when original_kind = 'payment' then amount else 0 end as decimal(18, 2)) as paid,
    cast(case when original_kind = 'waiver' and installment_no is not null then amount else 0 end as decimal(18, 2)) as waived_by_name,
    cast(case when original_kind = 'waiver' and installment_no is null then amount else 0 end as decimal(18, 2)) as waived,
    {{ zero }} as charged,
    {{ zero }} as charged_back
from (
    select * from climbing
    union all
    select * from replayed
) as money
