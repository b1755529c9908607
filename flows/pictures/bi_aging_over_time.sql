-- reads: aging_trend, headline
-- Loans of the book in each M stage at each date of the history, by raw days past due; a stage without a loan has a row of zeros.
-- A sum over dates counts the same loan again at each of them.
create view bi_aging_over_time as
with shown as (
    select distinct as_of, currency from headline
    qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of)
),

held as (
    from aging_trend
    where item_type = 'loan' and scheme = 'CN_M_STAGE' and segment = 'ALL'
)

select
    shown.as_of, shown.currency, stages.code as bucket, stages.code_order as bucket_order, stages.label_zh, stages.label_en,
    coalesce(held.items, 0)::bigint as items, coalesce(held.outstanding_principal, 0)::decimal(18, 2) as outstanding_principal,
    coalesce(held.overdue_amount, 0)::decimal(18, 2) as overdue_amount, coalesce(held.overdue_balance, 0)::decimal(18, 2) as overdue_balance
from shown
cross join {stages} as stages
left join held on held.as_of = shown.as_of and held.currency = shown.currency and held.bucket = stages.code;
