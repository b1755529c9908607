"""How well the watchlist sees what comes: a backtest on an invented book, whose next quarter is known.

Usage:  python benchmarks/watchlist_lift.py [--loans 20000] [--seed 1 --seed 2] [--as-of 2026-06-30]

The book is delivered twice, at the as-of date and three months later. The watchlist is computed with what was known at
the first delivery; the loans that were at most 90 days past due then and are more than that three months later are the
truth. Customers with a loan not yet beyond 90 days are ranked by points (by days past due for comparison; ties by id).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from calendar import monthrange
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import build_at, load, new_home, rows_of  # noqa: E402

from books import generate  # noqa: E402

WATCHED = """
    select
        loans.customer_id,
        max(coalesce(watchlist.points, 0)) as points,
        max(loans.days_past_due) as days_past_due,
        list(loans.loan_id order by loans.loan_id) as loan_ids
    from marts.loan_aging as loans
    left join marts.watchlist as watchlist using (customer_id)
    where not loans.is_written_off and loans.days_past_due <= 90
    group by loans.customer_id
"""
LATER = "select loan_id from marts.loan_aging where days_past_due > 90"


def later_by_quarter(day: date) -> date:
    year, month = divmod(day.year * 12 + day.month + 2, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def backtest(loans: int, seed: int, as_of: date) -> dict[str, float]:
    later = later_by_quarter(as_of)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        generate(place / "landing", loans=loans, seed=seed, deliveries=(as_of, later), dirty_rows=0)
        home = new_home(place / "home")
        first, second = load(place / "landing", home)
        customers = rows_of(build_at(home, as_of, upto=first).database, WATCHED)
        went_bad = {row["loan_id"] for row in rows_of(build_at(home, later, upto=second).database, LATER)}
    truth = sum(len(went_bad.intersection(row["loan_ids"])) for row in customers)
    found = {"customers": len(customers), "went_beyond_90": truth}
    for measure in ("points", "days_past_due"):
        ranked = sorted(customers, key=lambda row: (-row[measure], row["customer_id"]))
        decile = ranked[: -(-len(ranked) // 10)]
        found[f"in_decile_by_{measure}"] = sum(len(went_bad.intersection(row["loan_ids"])) for row in decile)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/watchlist_lift.py", description=__doc__.splitlines()[0])
    parser.add_argument("--loans", type=int, default=20000)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 6, 30))
    given = parser.parse_args()
    for seed in given.seed or [1, 2]:
        found = backtest(given.loans, seed, given.as_of)
        truth = found["went_beyond_90"]
        print(f"seed {seed}: {found['customers']} customers, {truth} loans beyond 90 days a quarter later")
        for measure in ("points", "days_past_due"):
            held = found[f"in_decile_by_{measure}"]
            print(
                f"  top decile by {measure}: {held} of them, {held / truth:.1%}, lift {held / truth / 0.1:.1f}"
                if truth
                else "  none"
            )


if __name__ == "__main__":
    main()
