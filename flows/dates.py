"""Which as-of dates a run computes: those asked for, and those its histories stand on."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from flows.errors import UsageError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # as int_calendar__days has them


@dataclass(frozen=True)
class Dates:
    """`asked` get a row in `loan_aging`; `history` is what trend, roll rates, recovery and vintages cover. Both ascend."""

    asked: tuple[date, ...]
    history: tuple[date, ...]

    @property
    def as_of(self) -> date:
        """The date of the publication: the last one asked for."""
        return self.asked[-1]

    @property
    def computed(self) -> list[date]:
        """Every date that figures are needed at, ascending: classes migrate from the month-end before the last one."""
        return sorted({*self.asked, *self.history, self.as_of.replace(day=1) - timedelta(days=1)})

    @classmethod
    def night(cls, as_of: date, history_months: int) -> Dates:
        """One date, and the last `history_months` month-ends up to it."""
        return cls((as_of,), tuple(sorted({*month_ends_up_to(as_of, history_months), as_of})))

    @classmethod
    def backfill(cls, asked: list[date]) -> Dates:
        """Many dates in one pass; the histories stand on the same dates."""
        return cls(tuple(asked), tuple(asked))


def day_of(option: str, text: str | None) -> date | None:
    """A date as it was given, within the days that the calendar has."""
    if text is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: not a date. Allowed: a date such as 2026-11-22.") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(f"{option} {text}: the calendar does not have this day. Allowed: {FIRST_DAY} to {LAST_DAY}.")
    return day


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def month_ends_up_to(day: date, count: int) -> list[date]:
    """The last `count` month-ends on or before a day, ascending."""
    found: list[date] = []
    last = day if day == month_end(day) else day.replace(day=1) - timedelta(days=1)
    while len(found) < count:
        found.append(last)
        last = last.replace(day=1) - timedelta(days=1)
    return found[::-1]


def dates_asked(first: date, last: date, every: str) -> list[date]:
    """The dates of a backfill, of which there is at least one."""
    asked = dates_between(first, last, every) if first <= last else []
    if not asked:
        raise UsageError(
            f"--from {first} --to {last} --every {every}: no date lies between them. "
            + ("Give --from before --to." if first > last else "Give dates with a month-end between them.")
        )
    return asked


def dates_between(first: date, last: date, every: str) -> list[date]:
    """The month-ends within [first, last], or first and each day (week) after it; `last` need not be among them."""
    if every == "month-end":
        day, found = month_end(first), []
        while day <= last:
            found.append(day)
            day = month_end(day + timedelta(days=1))
        return found
    step = {"day": 1, "week": 7}[every]
    return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]
