"""What a report opens with against the independent recomputation, on books made to be nasty."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support import backfill_at, differences, load, new_home, rows_of

from flows.evidence import recompute
from reperformance import reporting, strategies
from reperformance.landing import Notices, read_landing
from reperformance.test_portfolio import with_advances, with_rates

# a month without a date, two dates of one month, and a month-end that none of the next month follows
DATES = [
    date(2025, 12, 31),
    date(2026, 1, 31),
    date(2026, 2, 28),
    date(2026, 4, 20),
    date(2026, 4, 30),
    date(2026, 6, 30),
]
MARTS = (
    "headline",
    "roll_forward",
    "class_migration",
    "class_migration_rates",
    "cure_curves",
    "recovery_after_write_off",
)
KEYS = {"headline": "as_of || ' ' || segment || ' ' || currency"}
KEYS["roll_forward"] = KEYS["headline"].replace("as_of", "as_of || ' ' || measure")
LINK = KEYS["headline"].replace("as_of", "from_as_of || ' ' || as_of || ' ' || span")
KEYS["class_migration"] = LINK + " || ' ' || from_class || ' ' || to_code"
KEYS["cure_curves"] = "m_stage || ' ' || segment || ' ' || months_since"
KEYS["recovery_after_write_off"] = "cohort_year || ' ' || segment || ' ' || currency || ' ' || months_since"
KEYS["class_migration_rates"] = LINK + " || ' ' || rate_id"


def leaving(ledgers: recompute.Ledgers, seed: int) -> recompute.Ledgers:
    """The book, of which some loans are sold, and whose customers change their segment now and then."""
    dice = random.Random(seed)
    sold = {row["loan_id"] for row in ledgers["loans"] if row["closed_on"] and dice.random() < 0.4}
    for row in ledgers["loans"]:
        row["close_reason"] = "sold" if row["loan_id"] in sold and row["closed_on"] else row["close_reason"]
    last = strategies.last_delivery(ledgers)
    for row in {row["customer_id"]: row for row in ledgers["customers"]}.values():
        if row["_delivery"] < last and dice.random() < 0.1:
            other = "personal" if row["segment"] == "corporate" else "corporate"
            ledgers["customers"].append(row | {"segment": other, "_delivery": last})
    return ledgers


# Of the second book one currency has no rate.
@pytest.fixture(scope="module", params=[(41, ("USD", "EUR")), (42, ("USD",))], ids=["rates", "a rate missing"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The database of one build over the dates, and each mart as recomputed."""
    seed, rated = request.param
    folder = tmp_path_factory.mktemp(f"reporting{seed}")
    landing = folder / "landing"
    landing.mkdir()
    written = leaving(with_advances(strategies.random_ledgers(seed, 200), seed), seed)
    strategies.write_landing(with_rates(written, rated), landing)
    home = new_home(folder / "home")
    load(landing, home)
    database = backfill_at(home, DATES, marts=MARTS).database
    ledgers, calendar = read_landing(landing), Notices()
    items = reporting.items_at(ledgers, DATES, calendar)
    gone = reporting.exits(ledgers, DATES[-1], calendar)
    given = ledgers, DATES, items, gone
    recomputed = {mart: getattr(reporting, mart)(*given) for mart in MARTS if mart != "cure_curves"}
    return database, recomputed | {"cure_curves": reporting.cure_curves(*given, calendar)}


@pytest.mark.parametrize("mart", MARTS)
def test_every_figure_agrees(book: tuple[Path, dict[str, Any]], mart: str) -> None:
    database, recomputed = book
    ours = {row["key"]: row for row in rows_of(database, f"select {KEYS[mart]} as key, * from marts.{mart}")}
    assert differences(ours, recomputed[mart])[:20] == []


def test_the_books_hold_every_movement(book: tuple[Path, dict[str, Any]]) -> None:
    """Else a figure that agrees would say nothing."""
    _, recomputed = book
    headline, moved = recomputed["headline"].values(), recomputed["roll_forward"].values()
    assert any(row["npl_balance"] and row["written_off_in_month"] for row in headline)
    for name in ("cured_in_month", "reaged_loans", "other_loans"):
        assert any(row[name] for row in recomputed["cure_curves"].values()), name
    for name in ("recovered_in_month", "recovery_rate"):
        assert any(row[name] for row in recomputed["recovery_after_write_off"].values()), name
    for name in reporting.MOVEMENTS:
        assert any(row[name] for row in moved), name
    for row in ("MIG_NORMAL", "MIG_PASS", "MIG_SM", "MIG_SS"):
        assert any(
            rate["rate_by_balance"] for key, rate in recomputed["class_migration_rates"].items() if row in key
        ), row
