-- reads: vintages
-- How the loans of each month of disbursement have done by age, all segments together. A sum over ages counts a cohort once for each.
create view bi_vintages as
with shown as (
    select * from vintages
    where segment <> 'ALL'
    qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of)
)

select
    cohort_month, months_on_book, currency, sum(loans)::bigint as loans, sum(principal)::decimal(18, 2) as principal,
    sum(ever_30_loans)::bigint as ever_30_loans, ({share: sum(ever_30_loans) / sum(loans)})::decimal(9, 6) as ever_30_rate_by_count,
    sum(ever_90_loans)::bigint as ever_90_loans, ({share: sum(ever_90_loans) / sum(loans)})::decimal(9, 6) as ever_90_rate_by_count,
    sum(ever_90_principal)::decimal(18, 2) as ever_90_principal,
    ({share: sum(ever_90_principal) / sum(principal)})::decimal(9, 6) as ever_90_rate_by_principal,
    sum(current_90_principal)::decimal(18, 2) as current_90_principal,
    ({share: sum(current_90_principal) / sum(principal)})::decimal(9, 6) as current_90_rate_by_principal
from shown
group by cohort_month, months_on_book, currency;
comment on column bi_vintages.ever_30_rate_by_count is 'ever_30_loans over loans; fraction. Not to be added up: sum the loans, then divide.';
comment on column bi_vintages.ever_90_rate_by_count is 'ever_90_loans over loans; fraction. Not to be added up: sum the loans, then divide.';
