"""Write seeds/calendar/calendar_day.csv: the days on which a calendar differs from Monday-to-Friday.

Usage: python seeds/build_calendar.py      (needs `holidays` and `chinesecalendar`; run when a year is announced)

For China a day off is *named* where the State Council's notice covers it. The notice gives ranges such as "10月1日至7日", and
then the weekends inside are named too; or it says "6月10日放假，与周末连休", and then the weekend is only a weekend. Which of the
two it was no rule tells, so the weekends named are listed: `chinesecalendar` has them, but for three (NAMED_WEEKENDS). An
installment due on a named day rolls under `following_holiday`. tests/rules/test_calendar.py checks every day.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar.constants
import holidays

HERE = Path(__file__).parent / "calendar"
CONFIRMED = {"CN": (2004, 2026), "HK": (2010, 2026), "IN": (2010, 2026), "SG": (2010, 2026), "US": (2010, 2026)}
# Named by the notices ("4 to 6 June", "22 to 24 June", "3 to 5 September"), left out by chinesecalendar.
NAMED_WEEKENDS = {date(2011, 6, 5), date(2012, 6, 23), date(2015, 9, 5)}
# The one day on which `holidays` and the notice differ: 2005-12-31, a make-up Saturday by the notice for 2006, is a
# working day in both; it is `chinesecalendar` that has it off. Kept as `holidays` has it.


def rows(code: str, first: int, last: int) -> list[tuple[str, str, str, str, str, str]]:
    calendar = holidays.country_holidays(code, years=range(first, last + 1))
    chinese = holidays.country_holidays(code, years=range(first, last + 1), language="zh_CN") if code == "CN" else {}
    english = holidays.country_holidays(code, years=range(first, last + 1), language="en_US")
    day, end = date(first, 1, 1), date(last, 12, 31)
    run: list[date] = []
    found = []

    def close_run() -> None:
        if any(d in calendar for d in run):
            listed = {*chinese_calendar.constants.holidays, *NAMED_WEEKENDS} if code == "CN" else set()
            named = [d for d in run if d in calendar or d in listed]
            name = next(d for d in run if d in calendar)
            for d in named:
                source = d if d in calendar else name
                found.append((code, d, "day_off", chinese.get(source, ""), english.get(source, "")))
        run.clear()

    def works(d: date) -> bool:
        # Only China moves working days to weekends; elsewhere a week is Monday to Friday, as banks count it.
        return calendar.is_working_day(d) if code == "CN" else d.weekday() < 5 and d not in calendar

    while day <= end:
        if works(day):
            close_run()
            if day.weekday() >= 5:
                found.append((code, day, "make_up_working_day", "调休上班", "Make-up working day"))
        else:
            run.append(day)
        day += timedelta(days=1)
    close_run()
    return sorted(found, key=lambda row: row[1])


def main() -> None:
    with open(HERE / "calendar_day.csv", "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["calendar", "day", "kind", "name_zh", "name_en"])
        for code, (first, last) in CONFIRMED.items():
            out.writerows(rows(code, first, last))


if __name__ == "__main__":
    main()
