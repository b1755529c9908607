"""How the report writes a figure: by hand, because the test of the page trusts it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.report.numbers import MILLIONS, THOUSANDS, UNITS, Scale, ratio, scale_for, write


@pytest.mark.parametrize(
    ("kind", "value", "scale", "zh", "en"),
    [
        ("money", Decimal("300832606.39"), THOUSANDS, "30,083.26", "300,832.6"),
        ("money", Decimal("-3659.50"), THOUSANDS, "−0.37", "−3.7"),
        ("money", Decimal("-1.00"), THOUSANDS, "0.00", "0.0"),
        ("money", Decimal("49.99"), UNITS, "49.99", "49.99"),
        ("money", Decimal("123456789012.34"), MILLIONS, "1,234.57", "123,456.8"),
        ("short", Decimal("300832606.39"), THOUSANDS, "3.01 亿元", "300.83 m"),
        ("short", Decimal("79747563.52"), THOUSANDS, "7,974.76 万元", "79.75 m"),
        ("short", Decimal("1827.50"), THOUSANDS, "1,827.50 元", "1.83 k"),
        ("short", Decimal("2500000000.00"), MILLIONS, "25.00 亿元", "2.50 bn"),
        ("short+", Decimal("19741795.00"), THOUSANDS, "+1,974.18 万元", "+19.74 m"),
        ("short+", Decimal("-0.50"), UNITS, "−0.50 元", "−0.50"),
        ("short+", Decimal("0.00"), UNITS, "0.00 元", "0.00"),
        ("rate", Decimal("0.265089"), UNITS, "26.51%", "26.51%"),
        ("rate", Decimal("0.000050"), UNITS, "0.01%", "0.01%"),
        ("rate1", Decimal("0.923450"), UNITS, "92.3", "92.3"),
        ("rate+", Decimal("0.079800"), UNITS, "+7.98 个百分点", "+7.98 pp"),
        ("rate+", Decimal("-0.000049"), UNITS, "0.00 个百分点", "0.00 pp"),
        ("count", 1234567, UNITS, "1,234,567", "1,234,567"),
        ("count+", -7, UNITS, "−7", "−7"),
        ("days", Decimal("105.65"), UNITS, "105.7", "105.7"),
        ("exact", Decimal("-10.00"), UNITS, "−10.00", "−10.00"),
        ("month", date(2026, 7, 1), UNITS, "2026-07", "2026-07"),
        ("money", None, THOUSANDS, "–", "–"),
        ("rate", None, THOUSANDS, "–", "–"),
    ],
)
def test_a_figure_is_written(kind: str, value: Any, scale: Scale, zh: str, en: str) -> None:
    assert write(kind, value, scale) == (zh, en)


def test_a_book_has_one_unit_by_its_size() -> None:
    sizes = {"999999.99": UNITS, "1000000.00": THOUSANDS, "9999999999.99": THOUSANDS, "10000000000.00": MILLIONS}
    assert {size: scale_for(Decimal(size)) for size in sizes} == sizes
    assert scale_for(None) == scale_for(Decimal(0)) == UNITS


@given(st.decimals(-(10**12), 10**12, places=2), st.decimals("0.01", 10**12, places=2))
def test_a_share_is_exact_and_rounds_half_away_from_zero(part: Decimal, whole: Decimal) -> None:
    share = ratio(part, whole)
    exact = Fraction(part) / Fraction(whole)
    assert abs(Fraction(share) - exact) <= Fraction(1, 2 * 10**6)
    if abs(Fraction(share) - exact) == Fraction(1, 2 * 10**6):
        assert abs(Fraction(share)) > abs(exact)


def test_a_share_of_nothing_is_none() -> None:
    assert ratio(Decimal(1), Decimal(0)) is ratio(None, Decimal(1)) is ratio(Decimal(1), None) is None
