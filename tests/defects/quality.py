"""Marts about the data itself: each expectation, and what breaks it and nothing else."""

RESTATED = """
    insert into marts.restatements values
        ('2026-10-31', 'policy-1', '{}', 'L-1', 'days_past_due', '26', '{}', 'repayments', 'R-1', '2026-10-31')"""

DEFECTS = {
    (
        "marts.reconciliation",
        "The book agrees with the general ledger",
    ): "update marts.reconciliation set status = 'differs' where currency = 'CNY'",
    (
        "marts.reconciliation",
        "The book as known now agrees with the general ledger as it was closed",
    ): "update marts.reconciliation set status = 'differs' where currency = 'USD'",
    (
        "marts.reconciliation",
        "Each balance of the general ledger is compared as it was delivered",
    ): "update evidence.general_ledger set balance = balance + 0.01 where currency = 'USD'",
    (
        "marts.reconciliation",
        "What is compared is the book",
    ): "update marts.reconciliation set ledger_balance = ledger_balance - 0.01 where currency = 'USD'",
    (
        "marts.reconciliation",
        "Accounts of the book have a balance in the general ledger",
    ): "update marts.reconciliation set status = 'no_gl' where currency = 'USD'",
    (
        "marts.reconciliation",
        "Every row is of a date that was asked for",
    ): "update marts.reconciliation set as_of = as_of - 1",
    (
        "marts.reconciliation",
        "Every row names the policy it was computed under",
    ): "update marts.reconciliation set policy_version = 'policy-0'",
    (
        "marts.quarantine_summary",
        "Every row is of a date that was asked for",
    ): "update marts.quarantine_summary set as_of = as_of - 1",
    (
        "marts.quarantine_summary",
        "Every row names the policy it was computed under",
    ): "update marts.quarantine_summary set policy_version = 'policy-0'",
    (
        "marts.quarantine_summary",
        "No row is left in quarantine",
    ): "update marts.quarantine_summary set open_rows = 1; update marts.publication set open_quarantine_rows = 1",
    (
        "marts.quarantine_summary",
        "No more rows are open than were rejected",
    ): "update marts.quarantine_summary set open_rows = -1; update marts.publication set open_quarantine_rows = -1",
    ("marts.restatements", "A restatement says something else than was published"): RESTATED.format("2026-09-30", "26"),
    ("marts.restatements", "Nothing is restated of this date or a later one"): RESTATED.format("2026-10-31", "0"),
    ("marts.restatements", "Every row is of a date that was asked for"): RESTATED.format("2026-09-30", "0").replace(
        "'2026-10-31', 'policy-1'", "'2026-10-30', 'policy-1'"
    ),
    ("marts.restatements", "Every row names the policy it was computed under"): RESTATED.format(
        "2026-09-30", "0"
    ).replace("policy-1", "policy-0"),
}
