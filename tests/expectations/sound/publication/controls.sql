-- What the controls ask beside the figures.

create table evidence.loads as
select
    '2026-10-31' as delivery, 'loans.csv' as file, 'loans' as ledger,
    12::bigint as rows_read, 1::bigint as rows_filtered, 9::bigint as rows_loaded, 1::bigint as rows_duplicate, 1::bigint as rows_quarantined,
    120.00::decimal(38, 2) as amount_read, 10.00::decimal(38, 2) as amount_filtered, 90.00::decimal(38, 2) as amount_loaded,
    10.00::decimal(38, 2) as amount_duplicate, 10.00::decimal(38, 2) as amount_quarantined,
    9::bigint as rows_in_history;

create table evidence.seed_versions as
select 'label' as seed, 'a' as sha256, true as is_shipped, null::varchar as approved_by, null::date as approved_on
union all
select 'policy', 'b', false, 'A. Auditor', date '2026-10-01';

create table evidence.deadline as
select date '2026-10-31' as as_of, date '2026-11-03' as due_on, date '2026-11-01' as validated_on;

create table evidence.sign_off as
select 'run-1' as run_id, 'operator' as run_by, false as moves_current;
