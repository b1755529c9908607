"""One policy table as a file: what its header, types and codes must be."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import chain
from pathlib import Path

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
}


@dataclass(frozen=True)
class Seed:
    """One policy table: its file in use, and where it came from."""

    name: str
    path: Path
    column_types: dict[str, str]
    allowed: dict[str, list[str]]
    key: list[str]

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


def shipped_seeds() -> dict[str, Seed]:
    files = {path.stem: path for path in SHIPPED.glob("*/*.csv")}
    found = {}
    described = [
        yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["seeds"]
        for path in sorted(SHIPPED.glob("*/_*.yml"))
    ]
    for entry in chain.from_iterable(described):
        config = entry["config"]
        found[entry["name"]] = Seed(
            entry["name"],
            files[entry["name"]],
            config["column_types"],
            config.get("meta", {}).get("allowed", {}),
            config.get("meta", {}).get("key", []),
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
            if value and not fits(value, kind):
                raise UsageError(f"{seed.path}, line {line}, {column}: {value!r} is not {WORDS[kind]}.")
        key = tuple(row.get(c, "") for c in seed.key)
        if key and key in seen:
            raise UsageError(f"{seed.path}, line {line}: {', '.join(key)} stands on line {seen[key]} already.")
        seen[key] = line


def fits(value: str, kind: str) -> bool:
    try:
        if kind == "integer":
            int(value)
        elif kind == "decimal":
            return Decimal(value).is_finite()
        elif kind == "date":
            date.fromisoformat(value)
        elif kind == "boolean":
            return value in ("true", "false")
    except (ValueError, InvalidOperation):
        return False
    return True
