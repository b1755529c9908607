-- reads: bi_headline_over_time
-- The figures of the last date for all segments together, one row; one row a currency where no rates are delivered.
create view bi_headline as
select * from bi_headline_over_time
where as_of = (select max(as_of) from bi_headline_over_time);
