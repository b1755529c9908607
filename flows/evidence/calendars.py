"""The calendars of a policy, as the recomputation takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flows.evidence.recompute import Calendar, Terms


class PolicyCalendar(Calendar):
    """A country's working days as the policy of the run has them; `of` finds those of the terms."""

    def __init__(self, days: Mapping[str, Mapping[date, str]], country: str = "CN") -> None:
        super().__init__()
        self._all, self._days, self._countries = days, days.get(country, {}), {country: self}

    def is_rest_day(self, day: date) -> bool:
        kind = self._days.get(day)
        return kind == "day_off" or (day.weekday() >= 5 and kind != "make_up_working_day")

    def is_named_day_off(self, day: date) -> bool:
        return self._days.get(day) == "day_off"

    def of(self, terms: Terms) -> Calendar:
        if terms.calendar not in self._countries:
            self._countries[terms.calendar] = PolicyCalendar(self._all, terms.calendar)
        return self._countries[terms.calendar]
