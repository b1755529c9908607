-- How large the book is beside the last publication (`book_before`, empty before the first), and which of its loans are gone.

create table evidence.book_size as
select
    (select count(distinct loan_id) from book_before) as loans_before,
    (select count(distinct loan_id) from marts.loan_aging) as loans_now,
    coalesce((select any_value(policy_version) from book_before) = run.policy_version, false)
    and (select max(as_of) from book_before) <= run.as_of as is_comparable,
    settings.max_shrink
from evidence.run as run
cross join work.raw.run as settings;

create table evidence.left_the_book as
select loan_id, product_id, branch_id
from book_before
where loan_id not in (select loan_id from marts.loan_aging);

-- Currencies of the book that nothing turns into the reporting currency by the as-of date, where rates are delivered at all.
create table evidence.currencies_without_rate as
select owed.currency, count(*) as items, max(run.as_of) as as_of
from (select currency, as_of from marts.loan_aging union all select currency, as_of from marts.advance_aging) as owed
inner join evidence.run as run on run.as_of = owed.as_of
cross join work.raw.run as settings
where
    owed.currency <> settings.reporting_currency
    and exists (select rates.currency from work.raw.fx_rates as rates)
    and owed.currency not in (
        select rates.currency from work.raw.fx_rates as rates where rates.as_of <= run.as_of and rates.rate is not null
    )
group by owed.currency;
