-- The book.

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
