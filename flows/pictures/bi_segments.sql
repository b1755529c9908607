-- reads: headline
-- The headline of the last date by segment, without the row of all segments together: balances may be added up, customers may not.
create view bi_segments as
with latest as (
    select * exclude (policy_version) from headline where as_of = (select max(as_of) from headline) and segment <> 'ALL'
)

from latest
where (currency = 'ALL') = (select bool_or(currency = 'ALL') from latest);
