-- Advances, what came in, what secures it, and who borrowed before; of the run's last date.

create temp table advance as
select * from work.raw.advances
qualify row_number() over (partition by advance_id order by _delivery_no desc) = 1;

create temp table advance_repayment as
select * from work.raw.advance_repayments
qualify row_number() over (partition by advance_repayment_id order by _delivery_no) = 1;

create temp table open_loan as
select * from loan
where
    disbursed_on <= (select as_of from clock)
    and coalesce(closed_on > (select as_of from clock), true)
    and coalesce(written_off_on > (select as_of from clock), true);

-- What each currency is shown in: itself, and ALL where every currency lent or advanced in has a rate by the date.
create table evidence.shown as
with lent as (
    select currency from loan where disbursed_on <= (select as_of from clock)
    union
    select currency from advance where advanced_on <= (select as_of from clock)
),

rate as (
    select * from work.raw.fx_rates
    where as_of <= (select as_of from clock)
    qualify row_number() over (partition by currency order by as_of desc, _delivery_no desc) = 1
),

converted as (
    select lent.currency, if(lent.currency = run.reporting_currency, 1, rate.rate)::decimal(20, 10) as rate
    from lent
    cross join work.raw.run as run
    left join rate using (currency)
)

select currency, currency as shown_in, 1::decimal(20, 10) as rate from lent
union all
select currency, 'ALL', rate from converted
where exists (select * from rate) and not exists (select * from converted as missing where missing.rate is null);

-- Reversals and chargebacks are owed again, whatever they undo.
create table evidence.advances_out as
with repaid as (
    select advance_id, sum(if(kind in ('payment', 'waiver'), amount, -amount)) as amount
    from advance_repayment
    where
        paid_on <= (select as_of from clock)
        -- what it reverses may have been withdrawn: then there is nothing to take back
        and (kind <> 'reversal' or reverses_id in (select advance_repayment_id from advance_repayment))
    group by advance_id
)

select
    advance.advance_id,
    advance.currency,
    (advance.amount - coalesce(repaid.amount, 0))::decimal(18, 2) as outstanding,
    date_diff('day', advance.advanced_on, clock.as_of)::integer as duration_days,
    greatest(0, date_diff(
        'day',
        if(kind_of.past_due_from = 'due_on', coalesce(advance.due_on, advance.advanced_on), advance.advanced_on),
        clock.as_of
    ))::integer as days_past_due,
    coalesce(advance.written_off_on <= clock.as_of, false) as is_written_off
from advance
cross join clock
inner join work.policy.advance_kind as kind_of using (kind)
left join repaid using (advance_id)
where advance.advanced_on <= clock.as_of and advance.amount > coalesce(repaid.amount, 0);

-- Payments less their reversals; what reverses a waiver is no cash either.
create table evidence.cash_90d as
with received as (
    select loan_id as item_id, repayment_id as id, paid_on, amount, kind, reverses_id from repayment
    union all
    select advance_id, advance_repayment_id, paid_on, amount, kind, reverses_id from advance_repayment
),

owner as (
    select loan_id as item_id, customer_id, currency from loan
    union all
    select advance_id, customer_id, currency from advance
)

select
    owner.customer_id,
    owner.currency,
    sum(if(received.kind = 'payment', received.amount, -received.amount))::decimal(18, 2) as cash
from received
inner join owner using (item_id)
left join received as undone on undone.id = received.reverses_id and undone.item_id = received.item_id
where
    (received.kind = 'payment' or (received.kind = 'reversal' and undone.kind = 'payment'))
    and received.paid_on between (select as_of - 89 from clock) and (select as_of from clock)
group by owner.customer_id, owner.currency;

create table evidence.collateral_value as
with valued as (
    select * from work.raw.collateral
    where valued_on <= (select as_of from clock)
    qualify row_number() over (partition by collateral_id order by valued_on desc, _delivery_no desc) = 1
)

select open_loan.customer_id, open_loan.currency, sum(valued.value)::decimal(18, 2) as collateral_value
from valued
inner join open_loan using (loan_id)
where valued.currency is null or valued.currency = open_loan.currency
group by open_loan.customer_id, open_loan.currency;

-- What each loan's collateral is worth, and what the haircut of its kind leaves of each; kind * is for all others.
create table evidence.collateral_of_loan as
with valued as (
    select * from work.raw.collateral
    where valued_on <= (select as_of from clock)
    qualify row_number() over (partition by collateral_id order by valued_on desc, _delivery_no desc) = 1
),

haircut as (
    select kind, haircut from work.policy.collateral_haircut
)

select
    open_loan.loan_id,
    coalesce(sum(valued.value) filter (is_counted), 0)::decimal(18, 2) as collateral_value,
    coalesce(sum(round(valued.value::decimal(28, 2) * (1 - coalesce(haircut.haircut, other.haircut)), 2)) filter (is_counted), 0)::decimal(18, 2)
        as value_after_haircut,
    min(valued.valued_on) filter (is_counted) as oldest_valued_on
from (
    select valued.*, valued.currency is null or valued.currency = open_loan.currency as is_counted
    from valued
    inner join open_loan using (loan_id)
) as valued
inner join open_loan using (loan_id)
inner join haircut as other on other.kind = '*'
left join haircut on haircut.kind = valued.kind
group by open_loan.loan_id;

create table evidence.loans_made as
select customer_id, disbursed_on, count(*) as loans
from loan
group by customer_id, disbursed_on;
