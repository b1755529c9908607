-- reads: aging_trend, headline
-- Loans of the book in each M stage on the last date, by raw days past due; a stage without a loan has a row of zeros.
create view bi_aging as
with shown as (
    select distinct as_of, currency from headline
    qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of)
),

held as (
    select as_of, currency, bucket, sum(items) as items, sum(outstanding_principal) as outstanding_principal,
        sum(overdue_amount) as overdue_amount, sum(overdue_balance) as overdue_balance
    from aging_trend
    where item_type = 'loan' and scheme = 'CN_M_STAGE' and segment <> 'ALL'
    group by as_of, currency, bucket
)

select
    shown.as_of, shown.currency, stages.code as bucket, stages.code_order as bucket_order, stages.label_zh, stages.label_en,
    coalesce(held.items, 0)::bigint as items, coalesce(held.outstanding_principal, 0)::decimal(18, 2) as outstanding_principal,
    coalesce(held.overdue_amount, 0)::decimal(18, 2) as overdue_amount, coalesce(held.overdue_balance, 0)::decimal(18, 2) as overdue_balance
from shown
cross join {stages} as stages
left join held on held.as_of = shown.as_of and held.currency = shown.currency and held.bucket = stages.code
where shown.as_of = (select max(as_of) from headline);
