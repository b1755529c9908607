create table evidence.run as
select
    date '2026-10-31' as as_of, '2026-10-31' as known_at, 'policy-1' as policy_version, 'whole' as installment_loan_basis,
    date '2026-12-31' as calendar_confirmed_until;

create table evidence.book_size as
select 10::bigint as loans_before, 10::bigint as loans_now, true as is_comparable, 0.2::decimal(38, 10) as max_shrink;

create table evidence.currencies_without_rate (currency varchar, items bigint, as_of date);

create table evidence.left_the_book (loan_id varchar, product_id varchar, branch_id varchar);

create table evidence.previous (mart varchar, "rows" bigint);
