"""The settings of a policy: one row of `policy.csv` each, which says what type its value has."""

from __future__ import annotations

import difflib
from decimal import Decimal

from flows.errors import UsageError
from flows.ledgers import ledgers
from flows.policy.seeds import WORDS, Seed, fits

OR_EMPTY = " or empty"
SQL_TYPES = {
    **{"integer": "integer", "days": "integer", "months": "integer", "boolean": "boolean", "date": "date"},
    **{"decimal": "decimal(20, 10)", "share": "decimal(20, 10)"},
}


def merge_settings(settings: dict[str, str], override: Seed, types: dict[str, str]) -> None:
    """Put the values of a policy's own `policy.csv` in place of those shipped; `types` are the shipped ones."""
    for line, row in enumerate(override.rows, start=2):
        if row["setting"] not in settings:
            near = difflib.get_close_matches(row["setting"], settings, 1)
            raise UsageError(
                f"{override.path}, line {line}: there is no setting {row['setting']}. "
                f"Allowed: {', '.join(settings)}." + (f" Did you mean {near[0]}?" if near else "")
            )
        said = _problem(types[row["setting"]], row["value"] or "")
        if said:
            raise UsageError(
                f"{override.path}, line {line}, {row['setting']}: {row['value']!r} is not allowed. Allowed: {said}."
            )
        settings[row["setting"]] = row["value"]


def sql_type(kind: str) -> str:
    """The type of a setting in the run's one row."""
    return SQL_TYPES.get(kind.removesuffix(OR_EMPTY), "varchar")


def _problem(kind: str, value: str) -> str | None:
    """What is allowed, where the value is not."""
    needed = kind.removesuffix(OR_EMPTY)
    if not value:
        return None if kind.endswith(OR_EMPTY) else WORDS.get(needed, WORDS["varchar"])
    if "|" in needed:
        codes = needed.split("|")
        return None if value in codes else ", ".join(codes)
    if needed == "ledgers":
        unknown = any(name not in ledgers() for name in value.split())
        return f"names of ledgers, separated by blanks ({', '.join(ledgers())})" if unknown else None
    is_number = needed in ("integer", "decimal")
    if not fits(value, needed) or (is_number and Decimal(value) < 0):
        return WORDS[needed] + (" of 0 or more" if is_number else "")
    return None
