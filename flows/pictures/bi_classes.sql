-- reads: risk_classification
-- Loans and advances in each of the five classes on the last date, by currency; a class without one has a row of zeros.
create view bi_classes as
with held as (
    select as_of, currency, risk_class, count(*) as items, sum(balance) as balance, sum(provision_amount) as provision_amount
    from risk_classification
    group by as_of, currency, risk_class
)

select
    shown.as_of, shown.currency, classes.code::integer as risk_class, classes.code_order as risk_class_order, classes.label_zh, classes.label_en,
    coalesce(held.items, 0)::bigint as items, coalesce(held.balance, 0)::decimal(18, 2) as balance,
    coalesce(held.provision_amount, 0)::decimal(18, 2) as provision_amount
from (select distinct as_of, currency from held) as shown
cross join {classes} as classes
left join held
    on held.as_of = shown.as_of and held.currency = shown.currency and held.risk_class = classes.code::integer;
comment on column bi_classes.items is 'Loans and advances of the class.';
comment on column bi_classes.risk_class_order is 'Place of the class.';
comment on column bi_classes.label_zh is 'Class in Chinese.';
comment on column bi_classes.label_en is 'Class in English.';
