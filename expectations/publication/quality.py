"""What the marts about the data itself must be before they go out."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite


def evidence() -> list[Suite]:
    return []


def quarantine_summary() -> list[Rows]:
    return [
        rows(
            title="No row is left in quarantine",
            severity="warning",
            description="Rejected, not corrected since, and so kept out of the figures with its amount.",
            sql="select ledger, reason, delivery, open_rows, amount from {batch} where open_rows > 0",
        ),
        rows(
            title="No more rows are open than were rejected",
            sql="""
                select ledger, reason, delivery, "rows", open_rows
                from {batch}
                where open_rows is null or open_rows < 0 or open_rows > "rows"
            """,
        ),
    ]


def restatements() -> list[Rows]:
    return [
        rows(
            title="A restatement says something else than was published",
            sql="""
                select restated_as_of, loan_id, column_name, old_value
                from {batch}
                where old_value is not distinct from new_value
            """,
        ),
        rows(
            title="Nothing is restated of this date or a later one",
            sql="select restated_as_of, loan_id, column_name from {batch} where not restated_as_of < as_of",
        ),
    ]


MARTS = {
    "restatements": ("Restatements", restatements),
    "quarantine_summary": ("Quarantine summary", quarantine_summary),
}
