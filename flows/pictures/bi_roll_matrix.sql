-- reads: roll_rates
-- Where the loans of each M stage went from the last but one date of the history to the last, all segments together; a move that no loan
-- made has a row of zeros. The rates of one from_bucket add up to 1.
create view bi_roll_matrix as
with latest as (
    from roll_rates where as_of = (select max(as_of) from roll_rates) and segment <> 'ALL'
),

last_link as (
    select as_of, from_as_of, currency, from_bucket, to_bucket, is_partial, sum(loans) as loans, sum(opening_balance) as opening_balance
    from latest
    where (currency = 'ALL') = (select bool_or(currency = 'ALL') from latest)
    group by all
),

cells as (
    select
        link.as_of, link.from_as_of, link.is_partial, link.currency, stages.code as from_bucket, stages.code_order as from_bucket_order,
        stages.label_zh as from_zh, stages.label_en as from_en, ends.code as to_bucket, ends.code_order as to_bucket_order,
        ends.label_zh as to_zh, ends.label_en as to_en
    from (select distinct as_of, from_as_of, is_partial, currency from last_link) as link
    cross join {stages} as stages
    cross join (
        from {stages} as stage
        union all
        from {exits} as exits
    ) as ends
)

select
    cells.*, coalesce(moved.loans, 0)::bigint as loans, coalesce(moved.opening_balance, 0)::decimal(18, 2) as opening_balance,
    coalesce(sum(moved.loans) over whole, 0)::bigint as all_loans,
    coalesce(sum(moved.opening_balance) over whole, 0)::decimal(18, 2) as all_opening_balance,
    ({share: coalesce(moved.loans, 0) / sum(moved.loans) over whole})::decimal(9, 6) as rate_by_count,
    ({share: coalesce(moved.opening_balance, 0) / sum(moved.opening_balance) over whole})::decimal(9, 6) as rate_by_balance
from cells
left join last_link as moved
    on moved.currency = cells.currency and moved.from_bucket = cells.from_bucket and moved.to_bucket = cells.to_bucket
window whole as (partition by cells.currency, cells.from_bucket);
comment on column bi_roll_matrix.all_loans is 'All loans of from_bucket at the opening date: denominator of rate_by_count. Stands on each row of it.';
comment on column bi_roll_matrix.all_opening_balance is 'Their outstanding principal: denominator of rate_by_balance. Stands on each row of from_bucket.';
comment on column bi_roll_matrix.from_zh is 'Opening stage in Chinese.';
comment on column bi_roll_matrix.from_en is 'Opening stage in English.';
comment on column bi_roll_matrix.to_zh is 'Stage or exit in Chinese.';
comment on column bi_roll_matrix.to_en is 'Stage or exit in English.';
