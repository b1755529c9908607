"""The calendar seed against the notices: `chinesecalendar` day by day, and dates that people have worked out by hand.

The seed is written from the `holidays` package (seeds/build_calendar.py), so `chinesecalendar` is a second source. From 2004
to 2026 they differ on one day, 2005-12-31, a Saturday. The notice for 2006 gave 1 to 3 January off, a Sunday, its Monday in
lieu, and a Tuesday in exchange for that Saturday. `chinesecalendar` has the Tuesday off too, but not what was worked for it;
a Tuesday is not given for nothing, so the seed, where the Saturday is worked, is right.
"""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import chinese_calendar.constants
import pytest
from support import rows_of

from flows.build import Built
from flows.policy import read_policy

DIFFERENT = {date(2005, 12, 31)}

# Make-up working weekends, restated from the notices of 2018 to 2026.
MAKE_UP = """
2018: 02-11 02-24 04-08 04-28 09-29 09-30 12-29
2019: 02-02 02-03 04-28 05-05 09-29 10-12
2020: 01-19 04-26 05-09 06-28 09-27 10-10
2021: 02-07 02-20 04-25 05-08 09-18 09-26 10-09
2022: 01-29 01-30 04-02 04-24 05-07 10-08 10-09
2023: 01-28 01-29 04-23 05-06 06-25 10-07 10-08
2024: 02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12
2025: 01-26 02-08 04-27 09-28 10-11
2026: 01-04 02-14 02-28 05-09 09-20 10-10
"""
WORKING_DAYS = {2018: 250, 2019: 250, 2020: 249, 2021: 250, 2022: 249, 2023: 249, 2024: 251, 2025: 248, 2026: 248}


@pytest.fixture(scope="module")
def seed() -> dict[date, str]:
    rows = read_policy().seeds["calendar_day"].rows
    return {date.fromisoformat(row["day"]): row["kind"] for row in rows if row["calendar"] == "CN"}


@pytest.fixture(scope="module")
def china(built: Built) -> dict[date, dict]:
    query = "select * from intermediate.int_calendar__days where calendar = 'CN'"
    return {row["day"]: row for row in rows_of(built.database, query)}


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_every_day_announced_agrees_with_the_second_source(china: dict[date, dict]) -> None:
    announced = days(date(2004, 1, 1), date(2026, 12, 31))
    assert all(china[day]["is_confirmed"] for day in announced)
    assert {day for day in announced if china[day]["is_working_day"] != chinese_calendar.is_workday(day)} == DIFFERENT
    assert all(china[day]["is_working_day"] for day in DIFFERENT)


# `chinesecalendar` leaves these out, but the notices name them, in "4 to 6 June", "22 to 24 June" and "3 to 5 September".
NAMED_BY_THE_NOTICE = {date(2011, 6, 5), date(2012, 6, 23), date(2015, 9, 5)}


def named_by_the_second_source() -> set[date]:
    return {day for day in chinese_calendar.constants.holidays if 2004 <= day.year <= 2026}


def test_every_day_off_that_the_second_source_names_is_named(china: dict[date, dict]) -> None:
    """following_holiday moves due dates from days that the notice names; the weekends inside "1 to 8 October" are named."""
    assert {day for day in named_by_the_second_source() if not china[day]["is_named_day_off"]} == set()


def test_a_weekend_that_the_notice_only_joins_is_not_named(china: dict[date, dict]) -> None:
    """2024: "6月10日放假，与周末连休". Monday is a day off; the weekend before it is a weekend and moves no due date."""
    ours = {day for day, row in china.items() if row["is_named_day_off"]}
    assert ours - named_by_the_second_source() == NAMED_BY_THE_NOTICE


def test_make_up_weekends(seed: dict[date, str]) -> None:
    listed = {
        date.fromisoformat(f"{line[:4]}-{day}") for line in MAKE_UP.strip().splitlines() for day in line[5:].split()
    }
    ours = {day for day, kind in seed.items() if kind == "make_up_working_day"}
    assert {day for day in ours if day.year >= 2018} == listed
    assert all(day.weekday() >= 5 for day in ours), "a make-up day is a Saturday or Sunday"


def test_working_days_of_each_year(china: dict[date, dict]) -> None:
    found = {
        year: china[date(year, 12, 31)]["working_days_to"] - china[date(year - 1, 12, 31)]["working_days_to"]
        for year in WORKING_DAYS
    }
    assert found == WORKING_DAYS


# due, as of, rolled (following), calendar days unrolled, calendar days rolled, business days, Monday to Friday alone, why
GOLDEN = [
    ("2025-01-28", "2025-02-10", "2025-02-05", 13, 5, 4, 3, "Spring Festival; Saturday 2025-02-08 is worked"),
    ("2025-10-01", "2025-10-12", "2025-10-09", 11, 3, 2, 1, "National Day; Saturday 2025-10-11 is worked"),
    (
        "2026-02-14",
        "2026-03-02",
        "2026-02-14",
        16,
        16,
        6,
        11,
        "due on a worked Saturday, so no roll; nine days off; 02-28 is worked",
    ),
    (
        "2024-02-09",
        "2024-02-19",
        "2024-02-09",
        10,
        10,
        2,
        6,
        "New Year's Eve 2024 is a working day by notice; Sunday 02-18 is worked",
    ),
    ("2024-09-14", "2024-09-18", "2024-09-14", 4, 4, 1, 3, "due on a worked Saturday"),
]


@pytest.mark.parametrize(
    ("due", "as_of", "rolled", "unrolled_days", "rolled_days", "business_days", "naive", "why"),
    GOLDEN,
    ids=[g[0] for g in GOLDEN],
)
def test_golden_cases(
    due: str,
    as_of: str,
    rolled: str,
    unrolled_days: int,
    rolled_days: int,
    business_days: int,
    naive: int,
    why: str,
    china: dict[date, dict],
) -> None:
    due_on, seen_on = date.fromisoformat(due), date.fromisoformat(as_of)
    following_on = china[due_on]["following_on"]
    assert following_on.isoformat() == rolled, why
    assert (seen_on - due_on).days == unrolled_days
    assert (seen_on - following_on).days == rolled_days
    assert china[seen_on]["working_days_to"] - china[following_on]["working_days_to"] == business_days, why
    after = days(following_on + timedelta(days=1), seen_on)
    assert sum(day.weekday() < 5 for day in after) == naive, "what a count of weekdays would say, wrongly"


def test_nobody_has_announced_2027(china: dict[date, dict], seed: dict[date, str]) -> None:
    unannounced = days(date(2027, 1, 1), date(2027, 12, 31))
    assert not any(china[day]["is_confirmed"] for day in unannounced)
    assert all(china[day]["is_working_day"] == (day.weekday() < 5) for day in unannounced)
    assert not any(day.year > 2026 for day in seed)
