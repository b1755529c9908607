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
