-- reads: headline
-- The headline of all segments together at each date of the history. A sum over dates counts the same loan again at each of them.
create view bi_headline_over_time as
select * exclude (segment, segment_order, segment_zh, segment_en, policy_version) from headline
where segment = 'ALL'
qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of);
