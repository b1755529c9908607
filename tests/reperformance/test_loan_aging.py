"""`loan_aging` and `recovery_by_age` against the independent recomputation: every figure of every loan, on books made to be nasty.

The recomputation is plain Python written from the contract, not from the SQL. The books hold every convention in every
combination, reversals, chargebacks, waivers, charges, pauses, plan changes and late deliveries.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from support import FULL, backfill_at, build_at, differences, load, new_home, rows_of, sized

from flows.evidence import recompute
from reperformance import histories, strategies
from reperformance.landing import Notices, read_landing

# A larger book for a slower, deeper look: ARREARS_LOANS=100000 pytest tests/reperformance/test_loan_aging.py
LOANS = sized(1500, 5000, "ARREARS_LOANS")
SEEDS = [11, 12, 13, 14, 15, 16] if FULL else [11, 12]
DATES = [date(2025, 11, 11), date(2026, 2, 17), date(2026, 4, 30), date(2026, 6, 30)]


@pytest.fixture(scope="module", params=SEEDS)
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp(f"book{request.param}")
    landing = folder / "landing"
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(request.param, LOANS), landing)
    home = new_home(folder / "home")
    load(landing, home)
    assert rows_of_quarantine(home.raw) == 0
    return home, read_landing(landing)


def rows_of_quarantine(raw: Path) -> int:
    import duckdb

    return duckdb.sql(f"select count(*) from read_parquet('{raw}/*/quarantine.parquet')").fetchone()[0]


def test_every_figure_of_every_loan_agrees(book) -> None:
    home, ledgers = book
    calendar = Notices()
    marts = ("loan_aging", "recovery_by_age")
    said = rows_of(backfill_at(home, DATES[:-1], marts=marts).database, "from marts.loan_aging")
    built = build_at(home, DATES[-1], marts=marts)
    said += rows_of(built.database, "from marts.loan_aging")
    for day in DATES:
        ours = {row["loan_id"]: row for row in said if row["as_of"] == day}
        theirs = recompute.loan_aging(ledgers, day, calendar=calendar)
        for row in theirs.values():
            if row["bucket"] is None:  # a scheme whose edges the recomputation was not given
                del row["bucket"]
        assert len(ours) > LOANS // 2
        assert differences(ours, theirs)[:20] == []
    ours = {
        (row["from_as_of"], row["m_stage"], row["horizon_days"], row["segment"], row["currency"]): row
        for row in rows_of(
            built.database, "select * from marts.recovery_by_age where currency <> 'ALL' and segment <> 'ALL'"
        )
    }
    openings = sorted({key[0] for key in ours})
    theirs = histories.recovery_by_age(ledgers, DATES[-1], openings, calendar)
    assert len(openings) > 6
    assert sum(row["reaged_loans"] or 0 for row in theirs.values()) > 10
    assert {row["cured_loans"] is None for row in theirs.values()} == {True, False}
    assert differences(ours, theirs)[:20] == []
