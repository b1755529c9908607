"""What the controls ask beside the figures: whether all was loaded, parameters approved, the run in time, and signed."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite


def evidence() -> list[Suite]:
    return [
        Suite("evidence.loads", loads(), title="What was read, and what became of it"),
        Suite("evidence.seed_versions", seed_versions(), title="Parameters in force"),
        Suite("evidence.deadline", deadline(), title="In time"),
        Suite("evidence.sign_off", sign_off(), title="Four eyes"),
    ]


def loads() -> list[Rows]:
    """`evidence.loads`: one row a delivery, file and ledger."""
    return [
        rows(
            title="Every row and amount of a file is accounted for",
            description="Read = filtered + loaded + duplicate + quarantined, in rows and in amount, of every delivery known.",
            sql="""
                select delivery, file, ledger, rows_read, amount_read
                from {batch}
                where
                    rows_read is distinct from rows_filtered + rows_loaded + rows_duplicate + rows_quarantined
                    or amount_read is distinct from amount_filtered + amount_loaded + amount_duplicate + amount_quarantined
            """,
        ),
        rows(
            title="Every row loaded is in the raw history",
            description="What landing wrote down, against the rows that its Parquet holds now.",
            sql="""
                select delivery, ledger, sum(rows_loaded) as rows_loaded, any_value(rows_in_history) as rows_in_history
                from {batch}
                group by delivery, ledger
                having sum(rows_loaded) <> any_value(rows_in_history)
            """,
        ),
    ]


def seed_versions() -> list[Rows]:
    """`evidence.seed_versions`: one row a seed, with who approved it where it is not the shipped one."""
    return [
        rows(
            title="Every parameter table is as shipped, or approved",
            severity="info",
            description="A seed of --policy that no row of policy_approval names with its sha256 was changed by nobody on record.",
            sql="select seed, sha256 from {batch} where not is_shipped and approved_by is null",
        ),
    ]


def deadline() -> list[Rows]:
    """`evidence.deadline`: one row where a night publishes one date; a backfill has no deadline."""
    return [
        rows(
            title="The publication is in time",
            severity="info",
            description="By publish_within_days after the as-of date.",
            sql="select as_of, due_on, validated_on from {batch} where validated_on > due_on",
        ),
    ]


def sign_off() -> list[Rows]:
    """`evidence.sign_off`: one row where the policy asks for four eyes."""
    return [
        rows(
            title="It is on record who ran this",
            sql="select run_id from {batch} where coalesce(run_by, '') = ''",
        ),
        rows(
            title="Nothing is current before a second person has signed",
            description="Where the policy asks for four eyes, only `arrears sign` moves current.",
            sql="select run_id, run_by from {batch} where moves_current",
        ),
    ]


MARTS: dict[str, tuple[str, type[list[Rows]]]] = {}
