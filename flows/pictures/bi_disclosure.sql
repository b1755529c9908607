-- reads: overdue_disclosure
-- The annual report's table of overdue loans and advances together, by period and security, without its totals: it may be added up.
create view bi_disclosure as
with cells as (
    from overdue_disclosure
    where period <> 'total' and security <> 'total' and item_type <> 'total'
    qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of)
)

select
    as_of, currency, period, period_order, label_zh, label_en, security, security_order, security_zh, security_en,
    sum(items)::bigint as items, sum(overdue_balance)::decimal(18, 2) as overdue_balance
from cells
group by all;
comment on column bi_disclosure.items is 'Overdue loans and advances.';
comment on column bi_disclosure.overdue_balance is 'Their overdue balance, in currency.';
