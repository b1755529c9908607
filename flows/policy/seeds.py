"""One policy table as a file: what its header, types and codes must be."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from flows.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent.parent
SHIPPED = PROJECT / "seeds"
WORDS = {
    "integer": "a whole number",
    "decimal": "a decimal number",
    "date": "a date such as 2026-11-22",
    "boolean": "true or false",
    "varchar": "any text",
    "share": "a decimal number from 0 to 1",
    "days": "a whole number from 0 to 36500",
    "months": "a whole number from 0 to 1200",
}
NUMBERS = {"integer": r"-?\d{1,9}", "decimal": r"-?\d{1,10}(\.\d{1,10})?", "date": r"\d{4}-\d{2}-\d{2}"}
UP_TO = {"share": 1, "days": 36_500, "months": 1_200}


@dataclass(frozen=True)
class Seed:
    """One policy table: its file in use, and where it came from."""

    name: str
    path: Path
    column_types: dict[str, str]
    allowed: dict[str, list[str]]
    key: list[str]
    optional: list[str] = field(default_factory=list)  # columns that may be empty; any other must have a value
    references: dict[str, str] = field(default_factory=dict)  # column -> seed.column whose values it names, by blanks
    order: dict[str, Any] = field(default_factory=dict)  # which column orders rows, and by what they are to be ordered

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@cache
def _described(folder: Path) -> list[dict[str, Any]]:
    """What the YAML beside the seeds says of each; read once."""
    files = sorted(folder.glob("*/_*.yml"))
    return [one for path in files for one in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["seeds"]]


def shipped_seeds() -> dict[str, Seed]:
    files = {path.stem: path for path in SHIPPED.glob("*/*.csv")}
    found = {}
    for entry in _described(SHIPPED):
        config = entry["config"]
        meta = config.get("meta", {})
        found[entry["name"]] = Seed(
            entry["name"],
            files[entry["name"]],
            config["column_types"],
            meta.get("allowed", {}),
            meta.get("key", []),
            meta.get("optional", []),
            meta.get("references", {}),
            meta.get("order", {}),
        )
    return found


def check_seed(seed: Seed, partial: bool = False) -> None:
    """Refuse a policy file whose header, types or codes are not the seed's, with line and reason."""
    try:
        text = seed.path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{seed.path}: not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.") from error
    reader = csv.reader(text.splitlines())
    header = next(reader, [])
    expected = list(seed.column_types)
    if partial:
        missing = [c for c in expected[:2] if c not in header]
    else:
        missing = [c for c in expected if c not in header]
    unknown = [c for c in header if c not in expected]
    if missing or unknown:
        said = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise UsageError(f"{seed.path}, line 1: columns {'; '.join(said)}. Allowed: {', '.join(expected)}.")
    required = {c for c in expected if c not in ("evidence", "citation", *seed.optional)}
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in enumerate(reader, start=2):
        if len(cells) != len(header):
            raise UsageError(f"{seed.path}, line {line}: {len(cells)} fields, but the header has {len(header)}.")
        row = dict(zip(header, cells, strict=True))
        for column, value in row.items():
            kind = seed.column_types[column].split("(")[0]
            allowed = seed.allowed.get(column)
            if allowed and value not in allowed:
                raise UsageError(
                    f"{seed.path}, line {line}, {column}: {value!r} is not allowed. Allowed: {', '.join(allowed)}."
                )
            if not value and column in required and not partial:
                raise UsageError(f"{seed.path}, line {line}, {column}: empty. Allowed: a value, or no such row.")
            if value and not fits(value, kind):
                raise UsageError(f"{seed.path}, line {line}, {column}: {value!r} is not {WORDS[kind]}.")
        key = tuple(row.get(c, "") for c in seed.key)
        if key and key in seen:
            raise UsageError(f"{seed.path}, line {line}: {', '.join(key)} stands on line {seen[key]} already.")
        seen[key] = line


def check_complete(seed: Seed) -> None:
    """Every row that is shipped has one of the same key: a code without a label would drop out of the marts that read it."""
    there = {tuple(row[column] for column in seed.key) for row in seed.rows}
    for row in shipped_seeds()[seed.name].rows:
        if (key := tuple(row[column] for column in seed.key)) not in there:
            raise UsageError(
                f"{seed.path}, line 1: no row for {', '.join(key)}. Allowed: a row for each {' and '.join(seed.key)} that is "
                "shipped, with labels of your own."
            )


def check_references(seeds: Mapping[str, Seed]) -> None:
    """What a row names must stand in the table that it names: else it would drop out, and nobody would know."""
    for seed in seeds.values():
        for column, target in seed.references.items():
            name, of = target.split(".")
            known = sorted({row[of] for row in seeds[name].rows})
            for line, row in enumerate(seed.rows, start=2):
                if unknown := [one for one in row[column].split() if one not in known]:
                    raise UsageError(
                        f"{seed.path}, line {line}, {column}: {unknown[0]!r} is no {of} of {name}.csv. "
                        f"Allowed: {', '.join(known)}."
                    )


def check_order(seed: Seed) -> None:
    """A column that orders rows goes the way of what they are ordered by: 999 for M1 would sort it behind M7+."""
    if not seed.order:
        return
    column, by = seed.order["column"], seed.order["by"]
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, str]]]] = {}
    for line, row in enumerate(seed.rows, start=2):
        groups.setdefault(tuple(row[c] for c in seed.order["within"]), []).append((line, row))
    for rows in groups.values():
        rows.sort(key=lambda entry: _place(entry[1][by]), reverse=seed.order.get("descending", False))
        for (_, before), (line, row) in pairwise(rows):
            if int(row[column]) <= int(before[column]):
                raise UsageError(
                    f"{seed.path}, line {line}, {column}: {row[column]} at {by} {row[by] or 'without end'}, after "
                    f"{before[column]} at {by} {before[by]}. Allowed: an order that goes "
                    f"{'down' if seed.order.get('descending') else 'up'} with {by}."
                )


def _place(value: str) -> tuple[int, Decimal, str]:
    """Numbers by their size, times of day as text, the empty (open) limit last."""
    if not value:
        return 1, Decimal(0), ""
    return (0, Decimal(value), "") if fits(value, "decimal") else (0, Decimal(0), value)


def fits(value: str, kind: str) -> bool:
    """Whether a text is a value of a type, for the engine as well as for Python: no other digits, no blanks, no overflow."""
    if kind == "boolean":
        return value in ("true", "false")
    if kind in UP_TO:
        return fits(value, "decimal" if kind == "share" else "integer") and 0 <= Decimal(value) <= UP_TO[kind]
    if kind in NUMBERS and not re.fullmatch(NUMBERS[kind], value, re.ASCII):
        return False
    try:
        return kind != "date" or bool(date.fromisoformat(value))
    except ValueError:
        return False
