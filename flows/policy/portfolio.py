"""Advances, types of customers and rules of capacity: nobody may fall out of a mart because a seed does not speak of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from flows.errors import UsageError
from flows.policy.schemes import check_buckets
from flows.policy.seeds import Seed


def _day_after(day: str) -> str:
    return str(date.fromisoformat(day) + timedelta(days=1)) if day else ""


def check_portfolio(seeds: dict[str, Seed]) -> None:
    """No advance, customer or overdue customer may fall out of a mart because a seed does not speak of it."""
    durations = seeds["advance_bucket"]
    check_buckets(durations, durations.name, list(enumerate(durations.rows, start=2)), may_start_at=("0",))
    spans = sorted({(row["valid_from"], row["valid_to"]) for row in durations.rows})
    seams = [("", spans[0][0])] + [(_day_after(ended), begins) for (_, ended), (begins, _) in pairwise(spans)]
    if spans[-1][1] or any(expected != begins for expected, begins in seams):
        raise UsageError(
            f"{durations.path}: some day has no buckets. Allowed: versions that follow each other day by day, the first without "
            "valid_from and the last without valid_to."
        )
    for name, column in (("advance_kind", "kind"), ("customer_type", "customer_type")):
        seed = seeds[name]
        missing = [code for code in seed.allowed[column] if code not in {row[column] for row in seed.rows}]
        if missing:
            raise UsageError(f"{seed.path}: no row for {', '.join(missing)}. Allowed: one row for each {column}.")
    empty = [
        (seed, line, column)
        for seed, columns in (
            (seeds["advance_kind"], ["long_held_after_days"]),
            (seeds["customer_type"], ["precedence"]),
        )
        for line, row in enumerate(seed.rows, start=2)
        for column in columns
        if not row[column]
    ]
    for seed, line, column in empty:
        raise UsageError(f"{seed.path}, line {line}, {column}: empty. Allowed: a whole number.")
    types = seeds["customer_type"]
    if len({row["precedence"] for row in types.rows}) < len(types.rows):
        raise UsageError(f"{types.path}: two types of one precedence. Allowed: a precedence of its own for each type.")
    rules = seeds["capacity_rule"]
    limits = [column for column in rules.column_types if column.endswith(("_from", "_to", "_below"))]
    for line, row in enumerate(rules.rows, start=2):
        if not row["severity"] or (row["severity"] == "0") == any(row[column] for column in limits):
            raise UsageError(
                f"{rules.path}, line {line}: rule {row['rule']} of severity {row['severity'] or '(empty)'} states "
                f"{'limits' if any(row[column] for column in limits) else 'no limit'}. Allowed: severity 0 for the one rule "
                "without limits, above 0 with at least one."
            )
    if [row["severity"] for row in rules.rows].count("0") != 1:
        raise UsageError(f"{rules.path}: it takes exactly one rule of severity 0, which holds for everybody.")
    signals: dict[str, str] = {}
    for line, row in enumerate(rules.rows, start=2):
        if signals.setdefault(row["severity"], row["signal"]) != row["signal"]:
            raise UsageError(
                f"{rules.path}, line {line}: {row['signal']} has the severity of {signals[row['severity']]}. "
                "Allowed: rules of one severity with one signal."
            )


def check_collateral(haircuts: Seed, settings: dict[str, str]) -> None:
    """Every collateral has a haircut of 0 to 1, and the target can be reached."""
    for line, row in enumerate(haircuts.rows, start=2):
        if not 0 <= Decimal(row["haircut"]) <= 1:
            raise UsageError(
                f"{haircuts.path}, line {line}, haircut: {row['haircut']} is not allowed. Allowed: 0 to 1, as 0.30 for 30 %."
            )
    if not any(row["kind"] == "*" for row in haircuts.rows):
        raise UsageError(f"{haircuts.path}: no row for *. Allowed: one row of kind *, for every kind that has none.")
    target = Decimal(settings["target_loan_to_value"])
    if not Decimal("0.01") <= target <= 10 or target != round(target, 6):
        raise UsageError(
            f"policy, setting target_loan_to_value: {target} is not allowed. Allowed: 0.01 to 10, with at most 6 decimals, as 0.90."
        )
