"""The settings of a policy: one row of `policy.csv` each."""

from __future__ import annotations

import difflib
from decimal import Decimal

from flows.errors import UsageError
from flows.ledgers import ledgers
from flows.policy.seeds import WORDS, Seed, fits


def merge_settings(settings: dict[str, str], override: Seed) -> None:
    for line, row in enumerate(override.rows, start=2):
        if row["setting"] not in settings:
            near = difflib.get_close_matches(row["setting"], settings, 1)
            raise UsageError(
                f"{override.path}, line {line}: there is no setting {row['setting']}. "
                f"Allowed: {', '.join(settings)}." + (f" Did you mean {near[0]}?" if near else "")
            )
        said = _setting_problem(row["setting"], row["value"] or "")
        if said:
            raise UsageError(
                f"{override.path}, line {line}, {row['setting']}: {row['value']!r} is not allowed. Allowed: {said}."
            )
        settings[row["setting"]] = row["value"]


SETTING_TYPES = {
    "max_quarantine_rate": "decimal",
    "control_file_required": "boolean",
    "attribute_lag_days": "integer",
    "fpd_days": "integer",
    "history_months": "integer",
    "history_complete_from": "date",
    "keep_publications": "integer",
    "contact_history_days": "integer",
    "reperformance_sample": "integer",
}
SETTING_CODES = {"disclosure_basis": ("days_360", "days_365", "calendar_months")}
MAY_BE_EMPTY = ("history_complete_from", "expected_ledgers")


def _setting_problem(setting: str, value: str) -> str | None:
    """What is allowed, where the value is not."""
    kind = SETTING_TYPES.get(setting, "varchar")
    if not value:
        return None if setting in MAY_BE_EMPTY else WORDS[kind]
    if setting in SETTING_CODES and value not in SETTING_CODES[setting]:
        return ", ".join(SETTING_CODES[setting])
    if setting == "expected_ledgers" and any(name not in ledgers() for name in value.split()):
        return f"names of ledgers, separated by blanks ({', '.join(ledgers())})"
    if not fits(value, kind) or (kind in ("integer", "decimal") and Decimal(value) < 0):
        return WORDS[kind] + (" of 0 or more" if kind in ("integer", "decimal") else "")
    return None
