"""Marts about the data itself: each expectation, and what breaks it and nothing else."""

DEFECTS = {
    (
        "marts.quarantine_summary",
        "Every row is of a date that was asked for",
    ): "update marts.quarantine_summary set as_of = as_of - 1",
    (
        "marts.quarantine_summary",
        "Every row names the policy it was computed under",
    ): "update marts.quarantine_summary set policy_version = 'policy-0'",
    ("marts.quarantine_summary", "No row is left in quarantine"): "update marts.quarantine_summary set open_rows = 1",
    (
        "marts.quarantine_summary",
        "No more rows are open than were rejected",
    ): "update marts.quarantine_summary set open_rows = -1",
}
