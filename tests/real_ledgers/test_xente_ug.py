"""590 buy-now-pay-later loans: open, overdue and every bucket at 8 dates, as computed independently twice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from support import backfill_at, rows_of

from real_ledgers.book import Book, land

DATES = ["2018-12-31", "2019-01-31", "2019-02-28", "2019-03-31", "2019-04-30", "2019-05-31", "2019-06-30", "2019-07-15"]
BUCKETS = {"1-30": (1, 30), "31-60": (31, 60), "61-90": (61, 90), "91+": (91, 99999)}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return land("xente_ug", "2019-07-15", tmp_path_factory.mktemp("xente_ug"))


def test_it_loads_whole(book: Book) -> None:
    book.nothing_is_lost()
    loaded = {name: total["rows_loaded"] for name, total in book.record["ledgers"].items()}
    assert loaded == {"customers": 116, "loans": 590, "installments": 588, "repayments": 561}
    assert sum(total["rows_quarantined"] for total in book.record["ledgers"].values()) == 0
    assert book.warnings["no_installments"] == 2


@pytest.fixture(scope="module")
def aging(book: Book) -> list[dict[str, Any]]:
    """marts.loan_aging as of each date, in one pass."""
    built = backfill_at(book.home, [date.fromisoformat(day) for day in DATES], marts=("loan_aging",))
    return rows_of(built.database, "from marts.loan_aging order by loan_id")


@pytest.mark.parametrize("day", DATES)
def test_open_overdue_and_buckets(book: Book, aging: list[dict[str, Any]], day: str) -> None:
    loans = [loan for loan in aging if loan["as_of"] == date.fromisoformat(day)]
    overdue = [loan for loan in loans if loan["days_past_due"] > 0]
    found = {
        "open": len(loans),
        "overdue": len(overdue),
        **{
            bucket: sum(low <= loan["days_past_due"] <= high for loan in overdue)
            for bucket, (low, high) in BUCKETS.items()
        },
        "principal_of_overdue_loans": float(sum(loan["principal"] for loan in overdue)),
    }
    assert found == book.expected[f"asof_{day}"]
