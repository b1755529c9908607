-- reads: bi_aging_over_time
-- Loans of the book in each M stage on the last date, by raw days past due; a stage without a loan has a row of zeros.
create view bi_aging as
select * from bi_aging_over_time
where as_of = (select max(as_of) from bi_aging_over_time);
