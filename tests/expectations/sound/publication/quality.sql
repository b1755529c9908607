create table marts.quarantine_summary as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, 'repayments' as ledger, 'orphan' as reason,
    '2026-10-30' as delivery, 2::bigint as "rows", 100.00::decimal(18, 2) as amount, 0::bigint as open_rows;
