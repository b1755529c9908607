"""Rules of conduct and the parts of the day: each can be judged."""

from __future__ import annotations

import re

from flows.errors import UsageError
from flows.policy.seeds import Seed, fits

CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


def check_conduct(seed: Seed, jurisdictions: str) -> None:
    """Rules of conduct can be judged: a window of two times for hours, else a limit; and the jurisdictions chosen have rules."""
    for line, row in enumerate(seed.rows, start=2):
        if row["operator"] in ("in", "not_in") and row["metric"] != "party_in":
            wrong = [c for c in ("window_start", "window_end") if not CLOCK.fullmatch(row[c])]
            allowed = "a time from 00:00 to 24:00"
        elif row["metric"] == "party_in":
            wrong, allowed = ["limit_value"] * (not row["limit_value"]), "parties, separated by |"
        else:
            wrong, allowed = ["limit_value"] * (not fits(row["limit_value"], "integer")), "a whole number"
        if wrong:
            raise UsageError(f"{seed.path}, line {line}, {wrong[0]}: {row[wrong[0]]!r}. Allowed: {allowed}.")
    known = sorted({row["jurisdiction"] for row in seed.rows})
    if unknown := [name for name in jurisdictions.split() if name not in known]:
        raise UsageError(
            f"collection_jurisdictions: {seed.path} has no rule of {unknown[0]!r}. Allowed: {', '.join(known)}, separated by blanks."
        )


def check_parts_of_day(seed: Seed) -> None:
    """Parts of the day have a beginning before their end, and none begins before an earlier one has ended."""
    ends = "00:00"
    for line, row in sorted(enumerate(seed.rows, start=2), key=lambda entry: entry[1]["from_clock"]):
        for column, is_after in (
            ("from_clock", row["from_clock"] >= ends),
            ("to_clock", row["to_clock"] > row["from_clock"]),
        ):
            if not CLOCK.fullmatch(row[column]) or not is_after:
                raise UsageError(
                    f"{seed.path}, line {line}, {column}: {row[column]!r}. Allowed: a time from 00:00 to 24:00, after the part "
                    "of the day before it; one over midnight is two."
                )
        ends = row["to_clock"]
