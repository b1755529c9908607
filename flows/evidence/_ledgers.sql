-- Evidence for the publish gate, worked out straight from the ledgers (`work.raw`) and sharing nothing with the models.
-- Runs in the candidate, with evidence.duckdb attached as `evidence` and the working database as `work`. Everything as of work.raw.run.

create table evidence.run as
select
    dates.as_of, run.known_at, run.policy_version, run.installment_loan_basis,
    (select confirmed_until from work.policy.calendar where calendar = 'CN') as calendar_confirmed_until
from work.raw.run as run
inner join work.raw.dates as dates on dates.is_asked;

create temp view clock as select as_of from work.raw.run;

create temp table loan as
select * from work.raw.loans
qualify row_number() over (partition by loan_id order by _delivery_no desc) = 1;

create temp table product as
select * from work.raw.products
where valid_from <= (select as_of from clock)
qualify row_number() over (partition by product_id, valid_from order by _delivery_no desc) = 1;

create temp table installment as
select * from work.raw.installments
qualify row_number() over (partition by loan_id, plan_no, installment_no order by _delivery_no desc) = 1;

create temp table repayment as
select * from work.raw.repayments
qualify row_number() over (partition by repayment_id order by _delivery_no) = 1;

create table evidence.previous (mart varchar, rows bigint);
