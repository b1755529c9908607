-- How large the book is beside the last publication's (`book_before`, empty before the first), each at its last date, and which of
-- its loans are gone.

create temp view book_now as
select loan_id from marts.loan_aging where as_of = (select max(as_of) from evidence.run);

create table evidence.book_size as
select
    (select count(*) from book_before) as loans_before,
    (select count(*) from book_now) as loans_now,
    coalesce((select any_value(policy_version) = settings.policy_version and any_value(as_of) <= settings.as_of from book_before), false)
        as is_comparable,
    settings.max_shrink
from work.raw.run as settings;

create table evidence.left_the_book as
select loan_id, product_id, branch_id
from book_before
where loan_id not in (select loan_id from book_now);

-- Currencies of the book that nothing turns into the reporting currency by the as-of date, where rates are delivered at all.
create table evidence.currencies_without_rate as
with owed as (
    select currency from loan, clock
    where disbursed_on <= as_of and coalesce(closed_on > as_of, true) and coalesce(written_off_on > as_of, true)
    union all
    select currency from work.raw.advances, clock
    where advanced_on <= as_of and coalesce(written_off_on > as_of, true)
)

select owed.currency, count(*) as items, any_value(clock.as_of) as as_of
from owed
cross join clock
where
    owed.currency <> (select reporting_currency from work.raw.run)
    and exists (select rates.currency from work.raw.fx_rates as rates)
    and owed.currency not in (select rates.currency from work.raw.fx_rates as rates where rates.as_of <= (select as_of from clock))
group by owed.currency;

-- Loans that are no longer in any mart because they are closed: what an auditor's sample of them is drawn from.
create table evidence.closed_loans as
select loan_id, customer_id, product_id, branch_id, currency, principal, disbursed_on, closed_on
from loan, clock
where disbursed_on <= as_of and closed_on <= as_of;
