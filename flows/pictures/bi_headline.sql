-- reads: headline
-- The figures of the last date for all segments together, one row; one row a currency where no rates are delivered.
create view bi_headline as
select * exclude (segment, segment_order, segment_zh, segment_en, policy_version)
from headline
where as_of = (select max(as_of) from headline) and segment = 'ALL'
qualify (currency = 'ALL') = bool_or(currency = 'ALL') over ();
