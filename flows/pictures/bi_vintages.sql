-- reads: vintages
-- How the loans of each month of disbursement have done by age, all segments together. A sum over ages counts a cohort once for each.
create view bi_vintages as
select
    cohort_month, months_on_book, currency, loans, principal, ever_30_loans, ever_30_rate_by_count, ever_90_loans, ever_90_rate_by_count,
    ever_90_principal, ever_90_rate_by_principal, current_90_principal, current_90_rate_by_principal
from vintages
where segment = 'ALL'
qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of);
comment on column bi_vintages.ever_30_rate_by_count is 'ever_30_loans over loans; fraction. Not to be added up: sum the loans, then divide.';
comment on column bi_vintages.ever_90_rate_by_count is 'ever_90_loans over loans; fraction. Not to be added up: sum the loans, then divide.';
