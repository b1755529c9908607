"""The landing gate: each expectation, and what breaks it and nothing else."""

from expectations import landing

DEFECTS = {
    (
        "gate.required_ledgers",
        "Every required ledger was delivered",
    ): "update gate.required_ledgers set delivered = false where ledger = 'loans'",
    (
        "gate.file_totals",
        "Every row read is accounted for",
    ): "update gate.file_totals set rows_loaded = rows_loaded - 1 where ledger = 'loans'",
    (
        "gate.file_totals",
        "Every amount read is accounted for",
    ): "update gate.file_totals set amount_loaded = amount_loaded - 0.01 where ledger = 'loans'",
    (
        "gate.file_totals",
        "No count of rows is below zero",
    ): "update gate.file_totals set rows_duplicate = -1, rows_loaded = rows_loaded + 1 where ledger = 'loans'",
    (
        "gate.ledger_totals",
        "The share of rows in quarantine is within its limit",
    ): "update gate.ledger_totals set quarantine_rate_rows = 0.005001 where ledger = 'loans'",
    (
        "gate.ledger_totals",
        "The share of the amount in quarantine is within its limit",
    ): "update gate.ledger_totals set quarantine_rate_amount = 0.005001 where ledger = 'loans'",
    (
        "gate.ledger_totals",
        "Every ledger has its quarantine rates and their limit",
    ): "update gate.ledger_totals set max_quarantine_rate = null where ledger = 'loans'",
    (
        "gate.quarantine",
        "No row is in quarantine",
    ): "insert into gate.quarantine values ('2026-10-31', 'repayments', 'repayments.csv', 7, 'orphan', 'R-7')",
    (
        "gate.warnings",
        "Every warning is of a rule that this gate knows",
    ): "insert into gate.warnings values ('2026-10-31', 'loans', 'new_rule', 'L-1', 'x')",
} | {
    ("gate.warnings", title): f"insert into gate.warnings values ('2026-10-31', 'loans', '{rule}', 'L-1', 'why')"
    for rule, (title, _) in landing.WARNINGS.items()
}
