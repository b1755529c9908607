-- reads: advance_distribution
-- Advances by how long they have been out, of all kinds, by currency; a bucket without one has a row of zeros. No advance is in two buckets.
create view bi_advances as
with held as (
    select as_of, currency, bucket, sum(advances) as advances, sum(outstanding) as outstanding
    from advance_distribution
    group by as_of, currency, bucket
)

select
    shown.as_of, shown.currency, durations.code as bucket, durations.code_order as bucket_order, durations.label_zh, durations.label_en,
    coalesce(held.advances, 0)::bigint as advances, coalesce(held.outstanding, 0)::decimal(18, 2) as outstanding
from (select distinct as_of, currency from held) as shown
cross join {durations} as durations
left join held on held.currency = shown.currency and held.bucket = durations.code;
comment on column bi_advances.label_zh is 'Bucket in Chinese.';
comment on column bi_advances.label_en is 'Bucket in English.';
