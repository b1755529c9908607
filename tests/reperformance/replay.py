"""What the worklist of a day says is done on the next day, to the minute: the attempts, as a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from support import rows_of

from flows.evidence.recompute import Row
from reperformance.telephoning import write

ONE_MINUTE = timedelta(minutes=1)
OUTCOMES = ("no_answer", "reached", "promised", "refused", "invalid")


def attempts_of(worklist: Iterable[Row], zones: Mapping[str, str], agency_id: str | None = None) -> list[Row]:
    """One attempt for each row that is due, in turn at the first minute allowed, the last one, and the first one preferred.

    Staff do what the worklist cannot do for them: they record calls, tell third persons nothing, and write politely.
    """
    made = []
    for n, row in enumerate(row for row in worklist if row["status"] == "due"):
        opens, closes = row["allowed_from"] or "00:00", row["allowed_to"] or "24:00"
        moments = (_at(row["work_on"], opens), _at(row["work_on"], closes) - ONE_MINUTE)
        if row["part_of_day"]:
            moments += (
                _at(row["work_on"], row["preferred_from"]),
                _at(row["work_on"], row["preferred_to"]) - ONE_MINUTE,
            )
        local = moments[n % len(moments)].replace(tzinfo=ZoneInfo(zones[row["customer_id"]]))
        is_call = row["channel"] == "phone"
        made.append(
            {
                "attempt_id": f"REPLAY-{n}",
                "customer_id": row["customer_id"],
                "loan_id": row["item_id"] if row["item_type"] == "loan" else None,
                "attempted_at": local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None),
                "initiated_by": "lender",
                "channel": row["channel"],
                "party": row["party"],
                "agency_id": agency_id if row["step"] == "AGENCY" else None,
                "contact_point_id": row["contact_point_id"],
                "outcome": OUTCOMES[n % len(OUTCOMES)] if is_call else "left_message",
                "debt_disclosed": False,
                "recorded": True if is_call else None,
                "message_text": None if is_call else "您好，请按时还款。",
            }
        )
    return made


def _at(day: date, clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=int(hours), minutes=int(minutes))


def deliver(landing: Path, attempts: list[Row], name: str) -> None:
    write(landing / name, {"contact_attempts": attempts, "repayments": []})


def breaches(database: Path, attempts: list[Row]) -> list[Row]:
    """The rules that these attempts broke, as the warehouse sees it."""
    seen = "select count(*) as n from intermediate.int_collections__contacts where attempt_id like 'REPLAY-%'"
    assert rows_of(database, seen) == [{"n": len(attempts)}]
    return rows_of(
        database,
        "select attempt_id, rule_id, figure, limit_value from marts.contact_breaches "
        "where attempt_id like 'REPLAY-%' and status = 'breach' order by all",
    )
