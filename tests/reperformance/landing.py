"""What the recomputations read: the files of a landing folder, and the State Council's notices from another package."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import chinese_calendar
from chinese_calendar.constants import holidays as _NAMED_DAYS_OFF

from flows.evidence.recompute import COLUMNS, EVENT_LEDGERS, Calendar, Delivery, Ledgers, delivery_of

_TRUE = {"true", "1", "y", "是"}
_FALSE = {"false", "0", "n", "否"}


def _typed(text: str | None, kind: str) -> Any:
    """One field as text -> date, Decimal, int, bool, str or None."""
    if text is None or text.strip() in ("", "NA", "NULL", "\\N"):
        return None
    text = text.strip()
    if kind == "date":
        digits = text[:10].replace("-", "").replace("/", "")[:8]
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    if kind == "decimal":
        return Decimal(text.replace(",", ""))
    if kind == "integer":
        return int(Decimal(text))
    if kind == "boolean":
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise ValueError(f"not a boolean: {text!r}")
    return text


def read_landing(landing: Path, known_at: Delivery | None = None) -> Ledgers:
    """All deliveries of a landing folder in the order of knowledge, typed; identical event rows are taken once."""
    folders = sorted((number, path) for path in landing.iterdir() if (number := delivery_of(path.name)) is not None)
    ledgers: Ledgers = {name: [] for name in COLUMNS}
    seen: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for delivery, folder in folders:
        if known_at is not None and delivery > known_at:
            continue
        for path in sorted(folder.iterdir()):
            name = path.name.split(".")[0]
            if name not in COLUMNS or not path.name.endswith((".csv", ".csv.gz")):
                continue
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for record in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")):
                row = {column: _typed(record.get(column), kind) for column, kind in COLUMNS[name].items()}
                if name in EVENT_LEDGERS:
                    content = tuple(row.values())
                    if content in seen[name]:
                        continue
                    seen[name].add(content)
                row["_delivery"] = delivery
                ledgers[name].append(row)
    return ledgers


class Notices(Calendar):
    """Mainland China: the State Council's notices for 2004-2026 as another package has them, Monday to Friday in other years."""

    FIRST_ANNOUNCED, LAST_ANNOUNCED = 2004, 2026

    def is_rest_day(self, day: date) -> bool:
        if self.FIRST_ANNOUNCED <= day.year <= self.LAST_ANNOUNCED:
            return not chinese_calendar.is_workday(day)
        return day.weekday() >= 5

    def is_named_day_off(self, day: date) -> bool:
        return day in _NAMED_DAYS_OFF
