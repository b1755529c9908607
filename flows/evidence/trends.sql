-- What was outstanding at each date of the history, counted from dates and amounts of the ledgers alone. After portfolio.sql.

create table evidence.items_at as
with history as (
    select as_of from work.raw.dates where is_history
),

moves as (
    select currency, disbursed_on as day, 1 as step from loan
    union all
    select currency, least(coalesce(closed_on, date '9999-12-31'), coalesce(written_off_on, date '9999-12-31')), -1
    from loan
    where least(coalesce(closed_on, date '9999-12-31'), coalesce(written_off_on, date '9999-12-31')) > disbursed_on
    union all
    select currency, disbursed_on, -1
    from loan
    where least(coalesce(closed_on, date '9999-12-31'), coalesce(written_off_on, date '9999-12-31')) <= disbursed_on
),

by_day as (
    select currency, day, sum(step) as step from moves group by currency, day
),

loans_at as (
    select history.as_of, by_day.currency, sum(by_day.step) as items
    from history
    inner join by_day on by_day.day <= history.as_of
    group by history.as_of, by_day.currency
),

repaid as (
    select history.as_of, advance_id, sum(if(kind in ('payment', 'waiver'), amount, -amount)) as amount
    from advance_repayment
    inner join history on advance_repayment.paid_on <= history.as_of
    where kind <> 'reversal' or reverses_id in (select advance_repayment_id from advance_repayment)
    group by history.as_of, advance_id
),

advances_at as (
    select history.as_of, advance.currency, count(*) as items
    from advance
    inner join history on advance.advanced_on <= history.as_of
    left join repaid on repaid.advance_id = advance.advance_id and repaid.as_of = history.as_of
    where
        advance.amount > coalesce(repaid.amount, 0)
        and coalesce(advance.written_off_on > history.as_of, true)
    group by history.as_of, advance.currency
)

select as_of, currency, sum(items)::bigint as items
from (from loans_at union all from advances_at)
group by as_of, currency;

-- From each date of the history to the next: what was lent, and what was paid in, reversals aside, by the ledgers alone.
create table evidence.moved as
with history as (
    select as_of as from_as_of, lead(as_of) over (order by as_of) as as_of from work.raw.dates where is_history
),

lent as (
    select history.as_of, item.currency, sum(item.amount) as lent
    from (
        select currency, disbursed_on as day, principal as amount from loan
        union all
        select currency, advanced_on, amount from advance
    ) as item
    inner join history on item.day > history.from_as_of and item.day <= history.as_of
    group by history.as_of, item.currency
),

received as (
    select loan_id as item_id, paid_on, amount, kind from repayment
    union all
    select advance_id, paid_on, amount, kind from advance_repayment
),

owner as (
    select loan_id as item_id, currency from loan
    union all
    select advance_id, currency from advance
),

paid as (
    select history.as_of, owner.currency, sum(received.amount) as paid
    from received
    inner join owner using (item_id)
    inner join history on received.paid_on > history.from_as_of and received.paid_on <= history.as_of
    where received.kind = 'payment'
    group by history.as_of, owner.currency
)

select as_of, currency, coalesce(lent.lent, 0)::decimal(18, 2) as lent, coalesce(paid.paid, 0)::decimal(18, 2) as paid
from lent
full join paid using (as_of, currency);

-- What was written off and followed for a whole month of the calendar, and the cash that came in whole months after it, 60 at most.
create table evidence.recovered as
with lost as (
    select loan_id as item_id, currency, written_off_on from loan
    where written_off_on <= (select as_of from clock) and coalesce(closed_on >= written_off_on, true)
    union all
    select advance_id, currency, written_off_on from advance where written_off_on <= (select as_of from clock)
),

-- the first day of the month that is not whole yet
edge as (
    select date_trunc('month', as_of + 1)::date as day from clock
),

received as (
    select loan_id as item_id, repayment_id as id, paid_on, amount, kind, reverses_id from repayment
    union all
    select advance_id, advance_repayment_id, paid_on, amount, kind, reverses_id from advance_repayment
),

cash as (
    select lost.currency, sum(if(received.kind = 'payment', received.amount, -received.amount)) as recovered
    from lost
    inner join received using (item_id)
    left join received as undone on undone.id = received.reverses_id and undone.item_id = received.item_id
    cross join edge
    where
        received.paid_on > lost.written_off_on
        and received.paid_on < edge.day
        and date_diff('month', lost.written_off_on, received.paid_on) <= 60
        and (received.kind = 'payment' or (received.kind = 'reversal' and undone.kind = 'payment'))
    group by lost.currency
)

select lost.currency, count(*) as items, coalesce(any_value(cash.recovered), 0)::decimal(18, 2) as recovered
from lost
inner join edge on lost.written_off_on < edge.day
left join cash on cash.currency = lost.currency
group by lost.currency;
