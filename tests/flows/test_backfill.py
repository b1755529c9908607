"""Each date of a backfill is what a night of that date says, and the histories stand on the dates asked for."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from reperformance import strategies
from support import backfill_at, build_at, load, new_home, rows_of

from flows.dates import dates_between, month_end
from flows.home import Home

MARTS = ("loan_aging", "aging_trend", "vintages", "roll_rates", "risk_classification")
COMPARED = [date(2026, 1, 31), date(2026, 3, 4), date(2026, 4, 30)]
# its classes migrate from the month-end before, which a backfill of days or weeks need not have been asked for
OF_THE_LAST_DATE = "select * from marts.risk_classification order by all"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    """The same nasty book twice: one home for nights, one for backfills."""
    folder = tmp_path_factory.mktemp("backfill")
    landing = folder / "landing"
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(7, 150), landing)
    nights, backfills = new_home(folder / "nights"), new_home(folder / "backfills")
    load(landing, nights)
    load(landing, backfills)
    return nights, backfills


def backfilled(home: Home, asked: list[date]) -> Path:
    return backfill_at(home, asked, marts=MARTS).database


def histories_cover(database: Path, asked: list[date]) -> None:
    found = rows_of(database, "select distinct as_of from marts.aging_trend order by all")
    assert [row["as_of"] for row in found] == asked
    last_of_month = {(day.year, day.month): day for day in asked}
    found = rows_of(database, "select distinct as_of from marts.vintages order by all")
    assert [row["as_of"] for row in found] == list(last_of_month.values())
    twice = (
        "select cohort_month, months_on_book, segment, currency from marts.vintages group by all having count(*) > 1"
    )
    assert rows_of(database, twice) == []
    links = rows_of(database, "select distinct from_as_of, as_of from marts.roll_rates order by all")
    assert [(link["from_as_of"], link["as_of"]) for link in links] == list(pairwise(asked))


def test_each_date_is_what_a_night_of_it_says(homes: tuple[Home, Home]) -> None:
    nights, backfills = homes
    asked = sorted({*dates_between(date(2025, 11, 30), COMPARED[-1], "month-end"), *COMPARED})
    query = "select * from marts.loan_aging where as_of = date '{}' order by all"
    database = backfilled(backfills, asked)
    said = {day: rows_of(database, query.format(day)) for day in COMPARED}
    dates = [row["as_of"] for row in rows_of(database, "select distinct as_of from marts.loan_aging order by all")]
    assert dates == asked
    histories_cover(database, asked)
    whole = rows_of(database, "select distinct as_of from marts.roll_rates where not is_partial order by all")
    month_ends = [day for day in asked if day == month_end(day)]
    assert [row["as_of"] for row in whole] == [
        day for day in month_ends[1:] if day != date(2026, 3, 31)
    ]  # from March 4
    for day in COMPARED:
        assert len(said[day]) > 50
        assert said[day] == rows_of(build_at(nights, day, marts=MARTS).database, query.format(day)), day


@pytest.mark.parametrize(("every", "first"), [("week", date(2026, 1, 31)), ("day", date(2026, 4, 21))])
def test_links_shorter_than_a_month_are_partial(homes: tuple[Home, Home], every: str, first: date) -> None:
    asked = dates_between(first, COMPARED[-1], every)
    database = backfilled(homes[1], asked)
    histories_cover(database, asked)
    assert rows_of(database, "select distinct is_partial from marts.roll_rates") == [{"is_partial": True}]
    last = rows_of(build_at(homes[0], asked[-1], marts=MARTS).database, OF_THE_LAST_DATE)
    assert rows_of(database, OF_THE_LAST_DATE) == last
    assert any(row["previous_class"] for row in last)
