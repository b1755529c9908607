"""What a header says: which column of a ledger it names, in which unit, and which line of a file is the header at all."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache

from flows.ledgers import Ledger, ledgers
from flows.masking import mask

# Units that lenders write behind a header, and what `scale` makes of them.
UNITS = {
    "万元": Decimal(10000), "万": Decimal(10000), "千元": Decimal(1000), "百万元": Decimal(1000000),
    "亿元": Decimal(100000000), "亿": Decimal(100000000), "thousand": Decimal(1000), "thousands": Decimal(1000),
    "in thousands": Decimal(1000), "'000": Decimal(1000), "million": Decimal(1000000), "millions": Decimal(1000000),
    "in millions": Decimal(1000000), "%": Decimal("0.01"), "％": Decimal("0.01"), "百分比": Decimal("0.01"),
    "percent": Decimal("0.01"), "per cent": Decimal("0.01"), "‰": Decimal("0.001"), "bp": Decimal("0.0001"),
    "bps": Decimal("0.0001"), "基点": Decimal("0.0001"), "元": Decimal(1), "yuan": Decimal(1), "cny": Decimal(1),
}  # fmt: skip
BEHIND = re.compile(
    r"(?P<name>.+?)\s*(?:[（(\[【{]\s*(?:单位)?[:：]?\s*(?P<in>[^（()）]+?)\s*[)）\]】}]|[_\-/,，:：]\s*(?P<after>[^_\-/]+))"
)
CHINESE = re.compile(r"[\u3400-\u9fff]")
LINES_LOOKED_AT = 30
VALUE = re.compile(r"\A\D{0,8}\d[\d\W_]*\Z|\d{5}|@")  # C-1, 2026-01-31, 1,000.00, a telephone number, an address


def tidy(header: str) -> str:
    """A header as it counts: line breaks and blanks of every kind are one blank, and none at its ends."""
    return " ".join(header.replace("\ufeff", "").split())


def spellings(header: str) -> list[str]:
    """How a header may be meant: as it stands, in lower case, and, where it is Chinese, without its blanks."""
    found = [header, header.lower()]
    if CHINESE.search(header):
        found.append(re.sub(r"\s+", "", header))
    return found


def names_of(ledger: Ledger) -> dict[str, str]:
    """Every header the contract knows for a ledger -> its column."""
    known = {name: name for name in ledger.columns}
    for column in ledger.columns.values():
        for zh in column.zh:
            known.setdefault(zh, column.name)
    return known


def column_of(header: str, names: dict[str, str]) -> str | None:
    """The column that a header names by itself."""
    return next((names[spelling] for spelling in spellings(header) if spelling in names), None)


def place_of(wanted: str, header: Sequence[str]) -> list[int]:
    """Where in a file's header a name of the mapping stands: exactly as written, else but for blanks."""
    exact = [n for n, one in enumerate(header) if one == tidy(wanted)]
    if exact or not CHINESE.search(wanted):
        return exact
    bare = re.sub(r"\s+", "", wanted)
    return [n for n, one in enumerate(header) if re.sub(r"\s+", "", one) == bare]


def with_unit(header: str, names: dict[str, str]) -> tuple[str, str, Decimal | None] | None:
    """(column, unit, scale) of a header such as 贷款本金（万元）; the scale is None for a unit that nobody knows."""
    match = BEHIND.fullmatch(header) if len(header) <= 200 else None
    if match and (column := column_of(match["name"], names)):
        unit = match["in"] or match["after"]
        return column, unit, UNITS.get(unit.lower())
    for unit in sorted(UNITS, key=len, reverse=True):
        if header.lower().endswith(unit) and (column := column_of(header[: -len(unit)].strip(), names)):
            return column, unit, UNITS[unit]
    return None


def likely_header(
    lines: Iterable[tuple[int, Sequence[str]]], names: Iterable[str], required: Sequence[set[str]]
) -> int | None:
    """The number of the line that looks like the header: it names the most columns, two at least, and what is required."""
    known = set(names)
    best, found = 1, None
    for number, cells in lines:
        told = {s for cell in cells for s in spellings(tidy(cell)) if s in known}
        met = sum(bool(told & one) for one in required)
        score = len(told) if met == len(required) else min(len(told), met)
        if score > best:
            best, found = score, number
    return found


def as_shown(header: Sequence[str], known: Iterable[str]) -> list[str]:
    """A header's cells as a message may quote them: where none is known, or two are values, it is a row without a header, and
    what nobody knows in it is masked, for it may be anybody's name or number."""
    names = set(known)
    is_known = [any(spelling in names for spelling in spellings(cell)) for cell in header]
    values = sum(_is_value(cell) for cell, known_one in zip(header, is_known, strict=True) if not known_one)
    if not values or (values < 2 and any(is_known)):
        return list(header)
    return [cell if known_one else mask(cell) for cell, known_one in zip(header, is_known, strict=True)]


def _is_value(cell: str) -> bool:
    return bool(VALUE.search(cell)) or cell.lower() in _code_words()


@cache
def _code_words() -> set[str]:
    return {word.lower() for ledger in ledgers().values() for c in ledger.columns.values() for word in c.spellings}


def nearest(wanted: str, header: Sequence[str]) -> str | None:
    """The header that looks most like a name that is not there."""
    lower = {one.lower(): one for one in reversed(header) if one}
    near = difflib.get_close_matches(wanted.lower(), lower, 1, cutoff=0.7)
    return lower[near[0]] if near else None
