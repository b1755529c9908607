"""How well the watchlist sees what comes: a backtest on an invented book, whose next quarter is known.

Usage:  python benchmarks/watchlist_lift.py [--loans 20000] [--seed 1 --seed 2] [--as-of 2026-06-30]

The book is delivered twice, at the as-of date and three months later. The watchlist is computed with what was known at
the first delivery; the loans that are late three months later are the truth. Customers who had nothing beyond some days
past due on the day are ranked by points, and by days past due for comparison. Of equals that do not all fit into the
decile the share counts that fits: what a draw among them would find on average.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import build_at, load, new_home, rows_of  # noqa: E402

from books import generate  # noqa: E402

LOANS = """
    select loans.customer_id, loans.loan_id, loans.days_past_due, coalesce(watchlist.points, 0) as points
    from marts.loan_aging as loans
    left join marts.watchlist as watchlist using (customer_id)
    where not loans.is_written_off
"""
LATER = "select loan_id, days_past_due from marts.loan_aging"
# of the customers with at most so many days past due on the day: the loans with more than so many a quarter later
QUESTIONS = ((90, 90), (30, 90), (0, 30))


@dataclass
class Customer:
    customer_id: str
    points: int
    days_past_due: int = 0
    loan_ids: list[str] = field(default_factory=list)


def later_by_quarter(day: date) -> date:
    year, month = divmod(day.year * 12 + day.month + 2, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def backtest(loans: int, seed: int, as_of: date) -> tuple[list[Customer], dict[str, int]]:
    """The customers on the day, and the days past due of each loan a quarter later."""
    later = later_by_quarter(as_of)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        generate(place / "landing", loans=loans, seed=seed, deliveries=(as_of, later), dirty_rows=0)
        home = new_home(place / "home")
        first, second = load(place / "landing", home)
        customers: dict[str, Customer] = {}
        for row in rows_of(build_at(home, as_of, upto=first).database, LOANS):
            customer = customers.setdefault(row["customer_id"], Customer(row["customer_id"], row["points"]))
            customer.days_past_due = max(customer.days_past_due, row["days_past_due"])
            customer.loan_ids.append(row["loan_id"])
        days_later = rows_of(build_at(home, later, upto=second).database, LATER)
    return list(customers.values()), {row["loan_id"]: row["days_past_due"] for row in days_later}


def report(customers: list[Customer], days_later: dict[str, int], at_most: int, beyond: int) -> None:
    asked = [customer for customer in customers if customer.days_past_due <= at_most]

    def went_bad(some: list[Customer]) -> int:
        return sum(days_later.get(loan_id, 0) > beyond for customer in some for loan_id in customer.loan_ids)

    truth = went_bad(asked)
    print(
        f"  of {len(asked)} customers at most {at_most} days past due: {truth} loans beyond {beyond} days a quarter later"
    )
    for measure in ("points", "days_past_due") if truth else ():
        room, held = -(-len(asked) // 10), 0.0
        for _, tied in groupby(sorted(asked, key=attrgetter(measure), reverse=True), attrgetter(measure)):
            equals = list(tied)
            held += went_bad(equals) * min(room, len(equals)) / len(equals)
            room = max(0, room - len(equals))
        print(f"    top decile by {measure}: {held:.1f} of them, {held / truth:.1%}, lift {10 * held / truth:.1f}")
    watched = [customer for customer in asked if customer.points]
    print(f"    with any signal: {len(watched)} customers, {went_bad(watched)} of them")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/watchlist_lift.py", description=__doc__.splitlines()[0])
    parser.add_argument("--loans", type=int, default=20000)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 30))
    given = parser.parse_args()
    for seed in given.seed or [1, 2]:
        print(f"seed {seed}")
        customers, days_later = backtest(given.loans, seed, given.as_of)
        for question in QUESTIONS:
            report(customers, days_later, *question)


if __name__ == "__main__":
    main()
