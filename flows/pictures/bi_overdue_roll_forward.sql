-- reads: roll_forward
-- What moved the overdue balance from each date of the history to the next, all segments together. Movements may be added up over dates,
-- openings and closings may not.
create view bi_overdue_roll_forward as
select * exclude (measure, measure_order, measure_zh, measure_en, segment, segment_order, segment_zh, segment_en, disbursed, policy_version)
from roll_forward
where measure = 'overdue' and segment = 'ALL'
qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of);
