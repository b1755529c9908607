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
