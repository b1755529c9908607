create table gate.file_totals (
    delivery varchar, file varchar, ledger varchar,
    rows_read bigint, rows_filtered bigint, rows_loaded bigint, rows_duplicate bigint, rows_quarantined bigint,
    amount_read decimal(38, 2), amount_filtered decimal(38, 2), amount_loaded decimal(38, 2),
    amount_duplicate decimal(38, 2), amount_quarantined decimal(38, 2)
);
insert into gate.file_totals values
    ('2026-10-31', 'loans.csv', 'loans', 100, 0, 100, 0, 0, 5000000.00, 0, 5000000.00, 0, 0),
    ('2026-10-31', 'repayments.csv', 'repayments', 410, 5, 400, 5, 0, 82000.50, 1000.00, 80000.50, 1000.00, 0);

create table gate.ledger_totals (
    delivery varchar, ledger varchar, rows_read bigint, rows_quarantined bigint,
    amount_read decimal(38, 2), amount_quarantined decimal(38, 2),
    quarantine_rate_rows decimal(9, 6), quarantine_rate_amount decimal(9, 6), max_quarantine_rate decimal(9, 6)
);
insert into gate.ledger_totals values
    ('2026-10-31', 'loans', 100, 0, 5000000.00, 0, 0, 0, 0.005),
    ('2026-10-31', 'repayments', 410, 2, 82000.50, 410.00, 0.004878, 0.005, 0.005);

create table gate.warnings (delivery varchar, ledger varchar, rule varchar, key varchar, detail varchar);
create table gate.quarantine (delivery varchar, ledger varchar, file varchar, line bigint, reasons varchar, key varchar);

create table gate.required_ledgers (delivery varchar, ledger varchar, delivered boolean);
insert into gate.required_ledgers values ('2026-10-31', 'loans', true), ('2026-10-31', 'repayments', true);
