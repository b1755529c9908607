-- reads: roll_forward
-- What moved the book from each date of the history to the next, all segments together. Movements may be added up over dates, openings
-- and closings may not.
create view bi_roll_forward as
select * exclude (measure, measure_order, measure_zh, measure_en, segment, segment_order, segment_zh, segment_en, became_overdue, cured, policy_version)
from roll_forward
where measure = 'book' and segment = 'ALL'
qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of);
