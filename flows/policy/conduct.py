"""Rules of conduct, the parts of the day and treatments: each can be judged, and nobody is without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

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


HISTORY = ("is_lost", "is_reached", "had_plan", "broken_promises_from", "after_step", "amount_from", "amount_below")


def check_treatments(seeds: Mapping[str, Seed]) -> None:
    """Each treatment has steps that can be taken and a rule that can begin it, and one begins for everybody on the first day."""
    treatments, rules = seeds["collection_treatment"], seeds["collection_treatment_rule"]
    ladder = sorted(row["channel_code"] for row in seeds["collection_channel"].rows if row["ladder_step"])
    begun_by = {row["treatment"] for row in rules.rows}
    orders: dict[str, str] = {}
    for line, row in enumerate(treatments.rows, start=2):
        where = f"{treatments.path}, line {line}"
        if wrong := [step for step in row["steps"].split() if step not in ladder]:
            raise UsageError(
                f"{where}, steps: {wrong[0]} has no ladder_step in collection_channel.csv. Allowed: {', '.join(ladder)}."
            )
        if orders.setdefault(row["treatment_order"], row["treatment"]) != row["treatment"]:
            raise UsageError(
                f"{where}, treatment_order: {row['treatment_order']} is that of {orders[row['treatment_order']]}. "
                "Allowed: an order of its own for each treatment."
            )
        if int(row["deadline_days"]) < 0:
            raise UsageError(f"{where}, deadline_days: {row['deadline_days']}. Allowed: 0 or more.")
        if row["treatment"] not in begun_by:
            raise UsageError(
                f"{where}, treatment: no row of collection_treatment_rule.csv begins {row['treatment']}. Allowed: at least one."
            )
    for line, row in enumerate(rules.rows, start=2):
        where = f"{rules.path}, line {line}"
        if int(row["days_from"]) < 1:
            raise UsageError(f"{where}, days_from: {row['days_from']}. Allowed: 1 or more, the first day past due.")
        if row["after_step"] and row["after_step"] not in ladder:
            raise UsageError(
                f"{where}, after_step: {row['after_step']} has no ladder_step in collection_channel.csv. "
                f"Allowed: {', '.join(ladder)}."
            )
        if bool(row["after_step"]) != bool(row["after_days"]) or int(row["after_days"] or 0) < 0:
            raise UsageError(
                f"{where}, after_days: {row['after_days']!r}. Allowed: 0 or more with after_step, else empty."
            )
        if row["broken_promises_from"] and int(row["broken_promises_from"]) < 1:
            raise UsageError(
                f"{where}, broken_promises_from: {row['broken_promises_from']}. Allowed: 1 or more, or empty."
            )
        if row["amount_from"] and row["amount_below"] and Decimal(row["amount_from"]) >= Decimal(row["amount_below"]):
            raise UsageError(
                f"{where}, amount_below: {row['amount_below']}. Allowed: more than amount_from, {row['amount_from']}."
            )
    first = [row for row in rules.rows if row["days_from"] == "1" and not any(row[column] for column in HISTORY)]
    if not any(row["segment"] == "any" for row in first):
        raise UsageError(
            f"{rules.path}, line 1: nothing begins for everybody. Allowed: at least one row of segment any with days_from 1 that "
            "states nothing else."
        )
