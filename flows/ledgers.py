"""The input contract (`ledgers.yml`) as typed objects: what a ledger is, what its columns allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

SQL_TYPES = {
    "text": "varchar",
    "code": "varchar",
    "date": "date",
    "timestamp": "timestamp",  # in UTC
    "amount": "decimal(18, 2)",
    "positive": "decimal(18, 2)",
    "signed": "decimal(18, 2)",
    "rate": "decimal(20, 10)",
    "integer": "integer",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class Column:
    """One column of a ledger. `of` names the ledger that must hold the value, `seed` the seed that must."""

    name: str
    type: str
    required: bool = False
    default: str | None = None
    zh: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    of: str | None = None
    seed: str | None = None
    reverses: tuple[str, ...] = ()
    pattern: str | None = None
    allowed: str | None = None
    personal: bool = False

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    @property
    def spellings(self) -> dict[str, str]:
        """Every accepted spelling of a code (English, Chinese, other Chinese words) -> the code."""
        return {**{code: code for code in self.codes}, **{zh: code for code, zh in self.codes.items()}, **self.also}

    @property
    def allowed_words(self) -> str:
        """What the column takes, for an error message."""
        if self.codes:
            return "one of " + ", ".join(f"{code} ({zh})" for code, zh in self.codes.items())
        return (
            self.allowed
            or {
                "text": "any text",
                "date": "a date such as 2026-11-22, 20261122, 2026/11/22 or 2026年11月22日",
                "timestamp": "a time such as 2026-11-22 09:30:00 (Asia/Shanghai unless it names a zone)",
                "amount": "an amount of 0 or more with at most 2 decimals",
                "positive": "an amount above 0 with at most 2 decimals",
                "signed": "an amount with at most 2 decimals",
                "rate": "a decimal number, or one with % or ‰ behind it",
                "integer": "a whole number",
                "boolean": "true/false, 1/0, Y/N or 是/否",
            }[self.type]
        )


@dataclass(frozen=True)
class Ledger:
    """One ledger: `kind` is `master` (upsert by key) or `event` (append-only)."""

    name: str
    kind: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    amount: str | None = None
    happened: str | None = None
    rules: tuple[Mapping[str, str], ...] = ()

    @property
    def is_event(self) -> bool:
        return self.kind == "event"

    @property
    def required(self) -> list[str]:
        """Columns that a file must have: required and without a default."""
        return [c.name for c in self.columns.values() if c.required]

    @property
    def parents(self) -> dict[str, str]:
        """Column -> the ledger whose key it names."""
        return {c.name: c.of for c in self.columns.values() if c.of}

    @property
    def is_personal(self) -> bool:
        """Whether it holds personal data."""
        return any(column.personal for column in self.columns.values())

    @property
    def is_parent(self) -> bool:
        """Whether another ledger's rows name its key."""
        return any(self.name in other.parents.values() for other in ledgers().values())

    @property
    def dated(self) -> str | None:
        """The column that says which day a row is about, where it has one."""
        dates = (c for c in self.key if self.columns[c].type == "date")
        return self.happened or next(dates, None)

    @property
    def reversal(self) -> Column | None:
        return next((c for c in self.columns.values() if c.reverses), None)


@cache
def ledgers() -> dict[str, Ledger]:
    """All 17 ledgers, parents before children."""
    spec = yaml.load((Path(__file__).parent / "ledgers.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    found = {}
    for name, entry in spec.items():
        columns = {}
        for column, facts in entry["columns"].items():
            facts = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
            columns[column] = Column(name=column, **facts)
        found[name] = Ledger(
            name=name,
            kind=entry["kind"],
            key=tuple(entry["key"]),
            columns=columns,
            amount=entry.get("amount"),
            happened=entry.get("happened"),
            rules=tuple(entry.get("rules", ())),
        )
    return _parents_first(found)


def _parents_first(found: dict[str, Ledger]) -> dict[str, Ledger]:
    ordered: dict[str, Ledger] = {}
    while len(ordered) < len(found):
        for name, ledger in found.items():
            if name not in ordered and all(parent in ordered for parent in ledger.parents.values()):
                ordered[name] = ledger
    return ordered
