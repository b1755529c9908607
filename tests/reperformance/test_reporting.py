"""What a report opens with against the independent recomputation, on books made to be nasty."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from support import backfill_at, differences, load, new_home, rows_of

from flows.evidence import recompute
from reperformance import reporting, strategies
from reperformance.landing import Notices, read_landing
from reperformance.test_portfolio import with_advances, with_rates

# a month without a date, two dates of one month, and a month-end that none of the next month follows
DATES = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 4, 20), date(2026, 4, 30), date(2026, 6, 30)]
MARTS = ("headline",)


# Of the second book one currency has no rate.
@pytest.fixture(scope="module", params=[(41, ("USD", "EUR")), (42, ("USD",))], ids=["rates", "a rate missing"])
def lender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, recompute.Ledgers]:
    """The database of one build over the dates, and the ledgers that it was built from."""
    seed, rated = request.param
    folder = tmp_path_factory.mktemp(f"reporting{seed}")
    landing = folder / "landing"
    landing.mkdir()
    strategies.write_landing(with_rates(with_advances(strategies.random_ledgers(seed, 200), seed), rated), landing)
    home = new_home(folder / "home")
    load(landing, home)
    return backfill_at(home, DATES, marts=MARTS).database, read_landing(landing)


def test_the_headline_agrees(lender: tuple[Path, recompute.Ledgers]) -> None:
    database, ledgers = lender
    theirs = reporting.headline(ledgers, DATES, Notices())
    ours = {
        row["key"]: row
        for row in rows_of(database, "select as_of || ' ' || segment || ' ' || currency as key, * from marts.headline")
    }
    assert differences(ours, theirs)[:20] == []
    assert any(row["npl_balance"] and row["written_off_in_month"] for row in theirs.values())
    assert {key.split()[1] for key in theirs} == {"ALL", "personal", "corporate"}
