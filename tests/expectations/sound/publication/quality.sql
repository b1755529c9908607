create table marts.quarantine_summary as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, 'repayments' as ledger, 'orphan' as reason,
    '2026-10-30' as delivery, 2::bigint as "rows", 100.00::decimal(18, 2) as amount, 0::bigint as open_rows;

create table marts.restatements (
    as_of date, policy_version varchar, restated_as_of date, loan_id varchar, column_name varchar, old_value varchar,
    new_value varchar, cause_ledger varchar, cause_key varchar, cause_delivery varchar
);
