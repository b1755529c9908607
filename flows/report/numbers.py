"""How a figure is written, in Chinese and in English. Amounts of one page are in one unit, chosen by the size of the book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

NONE = "–"  # where a mart has no figure


class Text(NamedTuple):
    """What is said, in both languages."""

    zh: str
    en: str

    @property
    def is_one(self) -> bool:
        return self.zh == self.en


def same(text: Any) -> Text:
    return Text(str(text), str(text))


@dataclass(frozen=True)
class Scale:
    """The unit of amounts: its name, what it divides by and the places it keeps, by language."""

    name: Text
    divides: tuple[int, int]
    places: tuple[int, int]


UNITS = Scale(Text("元", "units"), (1, 1), (2, 2))
THOUSANDS = Scale(Text("万元", "thousands"), (10**4, 10**3), (2, 1))
MILLIONS = Scale(Text("亿元", "millions"), (10**8, 10**6), (2, 1))


def scale_for(balance: Decimal | None) -> Scale:
    """Of a book of this size: the smallest amount worth a line keeps its digits, the largest still fits in a cell."""
    size = abs(balance or 0)
    return UNITS if size < 10**6 else THOUSANDS if size < 10**10 else MILLIONS


def ratio(part: Any, whole: Any, places: int = 6) -> Decimal | None:
    """A share, half up by exact arithmetic, as the marts have theirs; None of nothing."""
    if part is None or not whole:
        return None
    exact = Fraction(part) / Fraction(whole)
    doubled = abs(exact) * 2 * 10**places
    digits = (doubled.numerator // doubled.denominator + 1) // 2
    return Decimal(digits if exact >= 0 else -digits).scaleb(-places)


def write(kind: str, value: Any, scale: Scale = UNITS) -> Text:
    """A figure as the page shows it; kinds are those of figures.yml, with `+` for a change and `short` for a headline."""
    if value is None:
        return same(NONE)
    if kind in ("money", "money+"):
        return Text(
            *(
                _digits(Decimal(value) / by, places, kind == "money+")
                for by, places in zip(scale.divides, scale.places, strict=True)
            )
        )
    if kind in ("short", "short+"):
        return _short(Decimal(value), kind == "short+")
    if kind == "exact":
        return same(_digits(Decimal(value), 2))
    if kind in ("rate", "rate1"):
        return same(_digits(Decimal(value) * 100, 1) if kind == "rate1" else _digits(Decimal(value) * 100, 2) + "%")
    if kind == "rate+":
        points = _digits(Decimal(value) * 100, 2, signed=True)
        return Text(f"{points} 个百分点", f"{points} pp")
    if kind == "days":
        return same(_digits(Decimal(value), 1))
    if kind in ("count", "count+"):
        return same(_digits(Decimal(value), 0, kind == "count+"))
    if kind == "month":
        return same(f"{value:%Y-%m}" if isinstance(value, date) else value)
    return same(value)


def _digits(value: Decimal, places: int, signed: bool = False) -> str:
    """Thousands apart, rounded half up, a real minus; a change that rounds to nothing has no sign."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    sign = "−" if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):,}"


def _short(value: Decimal, signed: bool) -> Text:
    """An amount at a glance: 3.01 亿, 300.83 m."""
    size = abs(value)
    zh = next(((by, unit) for by, unit in ((10**8, "亿元"), (10**4, "万元")) if size >= by), (1, "元"))
    en = next(((by, unit) for by, unit in ((10**9, " bn"), (10**6, " m"), (10**3, " k")) if size >= by), (1, ""))
    return Text(
        *(
            f"{_digits(value / by, 2, signed)}{' ' if unit[0:1] in '亿万元' and unit else ''}{unit}"
            for by, unit in (zh, en)
        )
    )
