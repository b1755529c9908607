create table marts.quarantine_summary as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, 'repayments' as ledger, 'orphan' as reason,
    '2026-10-30' as delivery, 2::bigint as "rows", 100.00::decimal(18, 2) as amount, 0::bigint as open_rows;

create table marts.restatements (
    as_of date, policy_version varchar, restated_as_of date, loan_id varchar, column_name varchar, old_value varchar,
    new_value varchar, cause_ledger varchar, cause_key varchar, cause_delivery varchar
);

create table marts.reconciliation as
with book as (
    select as_of, policy_version, currency, outstanding_principal as balance from marts.loan_aging
    where not is_written_off and as_of = '2026-10-31'
    union all
    select as_of, policy_version, currency, outstanding from marts.advance_aging where not is_written_off
)

select
    as_of, policy_version, '1303' as gl_account, currency, count(*) as items, sum(balance)::decimal(18, 2) as ledger_balance,
    sum(balance)::decimal(18, 2) as gl_balance, 0::decimal(18, 2) as difference, 0::decimal(18, 2) as tolerance,
    null::decimal(18, 2) as explained_amount, 'agrees' as status
from book
group by all;

create table evidence.general_ledger as
select gl_account, currency, gl_balance as balance, currency = 'USD' as is_overtaken from marts.reconciliation;
