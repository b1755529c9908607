-- reads: watchlist
-- Customers on the watchlist by severity and segment; a severity that nobody has has its row of zero.
create view bi_watchlist as
with watched as (
    select as_of, segment, segment_order, segment_zh, segment_en, severity, count(*) as customers from watchlist group by all
)

select
    shown.as_of, shown.segment, shown.segment_order, shown.segment_zh, shown.segment_en, severities.code as severity,
    severities.code_order as severity_order, severities.label_zh as severity_zh, severities.label_en as severity_en,
    coalesce(watched.customers, 0)::bigint as customers
from (select distinct as_of, segment, segment_order, segment_zh, segment_en from watched) as shown
cross join {severities} as severities
left join watched on watched.segment = shown.segment and watched.severity = severities.code;
comment on column bi_watchlist.customers is 'Customers on the watchlist, each once.';
