-- Arrears of loans, and the book.

-- Loans without special cases: one plan, known in one version of product, default allocation, no roll, no charges, no
-- chargebacks, no waivers of charges. Everything else has tests of its own rules.
create temp table plain as
with product_in_force as (
    select * from product qualify row_number() over (partition by product_id order by valid_from desc) = 1
)
select
    loan.loan_id,
    coalesce(product_in_force.day_count, defaults.day_count) = 'include_due_date' as counts_due_date
from loan
cross join work.policy.convention_default as defaults
left join product_in_force using (product_id)
where
    loan.disbursed_on <= (select as_of from clock)
    and coalesce(product_in_force.allocation, defaults.allocation) = 'oldest_installment_first'
    and coalesce(product_in_force.due_date_roll, defaults.due_date_roll) = 'none'
    and coalesce(product_in_force.component_order, defaults.component_order) = 'fee,interest,principal'
    and loan.loan_id not in (select loan_id from work.raw.loans group by loan_id having count(distinct coalesce(product_id, '')) > 1)
    and loan.loan_id not in (select loan_id from installment where plan_no <> 1 or coalesce(effective_on, date '0001-01-01') > (select as_of from clock))
    and loan.loan_id not in (select loan_id from work.raw.charges)
    and loan.loan_id not in (
        select loan_id from repayment where kind = 'chargeback' or (kind = 'waiver' and installment_no is null)
    );

-- What is owed by the maturity: the last one delivered by the day, or before disbursement; else the first one said.
create temp table maturity as
with said as (
    select
        versions.loan_id, versions.matures_on, versions._delivery_no,
        versions._delivery[1:10]::date <= greatest((select as_of from clock), loan.disbursed_on) as is_said_by_then
    from work.raw.loans as versions
    inner join loan using (loan_id)
    where versions.matures_on is not null
)

select
    loan_id,
    coalesce(arg_max(matures_on, _delivery_no) filter (is_said_by_then), arg_min(matures_on, _delivery_no)) as matures_on
from said
group by loan_id;

create temp table owed as
select loan_id, installment_no as place, due_on, principal_due, interest_due + fee_due as other_due
from installment semi join plain using (loan_id)
union all
select
    loan.loan_id, 2000000000, coalesce(maturity.matures_on, max(installment.due_on), date '9999-12-31'),
    loan.principal - coalesce(sum(installment.principal_due), 0), 0
from loan
semi join plain using (loan_id)
left join maturity using (loan_id)
left join installment using (loan_id)
group by loan.loan_id, maturity.matures_on, loan.principal
having loan.principal > coalesce(sum(installment.principal_due), 0);

create temp table received as
select
    loan_id,
    sum(case when kind = 'reversal' then -amount else amount end) as amount
from repayment
where
    paid_on <= (select as_of from clock)
    and (
        kind in ('payment', 'waiver')
        -- what it reverses may have been withdrawn: then there is nothing to take back
        or (kind = 'reversal' and reverses_id in (select repayment_id from repayment where kind in ('payment', 'waiver')))
    )
group by loan_id;

-- What is left of each obligation when money is taken off the oldest first.
create temp table still_owed as
select
    loan_id, due_on, counts_due_date, principal_due, other_due,
    greatest(0, least(
        principal_due + other_due,
        sum(principal_due + other_due) over (partition by loan_id order by due_on, place) - coalesce(received.amount, 0)
    )) as unpaid
from owed
inner join plain using (loan_id)
left join received using (loan_id);

create table evidence.recomputed as
with today as (select as_of from clock),

late as (
    select
        still_owed.*,
        unpaid > 0 and date_diff('day', due_on, as_of) + (case when counts_due_date then 1 else 0 end) > 0 as is_late,
        as_of
    from still_owed cross join today
)

select
    loan_id,
    coalesce(
        max(case when is_late then date_diff('day', due_on, as_of) + (case when counts_due_date then 1 else 0 end) end), 0
    )::integer as days_past_due,
    coalesce(sum(case when is_late then unpaid end), 0)::decimal(18, 2) as overdue_amount,
    sum(least(unpaid, principal_due))::decimal(18, 2) as outstanding_principal
from late
semi join (
    select loan_id from loan where closed_on is null or closed_on > (select as_of from clock)
) as open_loans using (loan_id)
group by loan_id;

create table evidence.book as
select
    asked.as_of,
    loan.loan_id,
    loan.currency,
    case when asked.as_of = clock.as_of then recomputed.outstanding_principal end as outstanding_principal
from loan
cross join (select as_of from evidence.run) as asked
cross join clock
left join evidence.recomputed as recomputed using (loan_id)
where
    loan.disbursed_on <= asked.as_of
    and (loan.closed_on is null or loan.closed_on > asked.as_of)
    and (loan.written_off_on is null or loan.written_off_on > asked.as_of);

-- Closed as repaid, while money covers neither principal nor what was due besides by the closing date.
create table evidence.closed_with_principal as
with closed as (
    select * from loan where closed_on <= (select as_of from clock) and close_reason = 'repaid'
),

due_besides as (
    select closed.loan_id, sum(installment.interest_due + installment.fee_due) as amount
    from closed
    inner join installment on installment.loan_id = closed.loan_id and installment.due_on <= closed.closed_on and installment.plan_no = 1
    group by closed.loan_id
)

select
    closed.loan_id,
    closed.currency,
    least(closed.principal, closed.principal + coalesce(due_besides.amount, 0) - coalesce(received.amount, 0))::decimal(18, 2)
        as unpaid_principal
from closed
left join received using (loan_id)
left join due_besides using (loan_id)
where closed.principal + coalesce(due_besides.amount, 0) > coalesce(received.amount, 0)
    and closed.loan_id not in (select loan_id from installment where plan_no > 1);
