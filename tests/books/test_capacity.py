"""What the signal of capacity promises: its levels put customers in the order in which they come to default."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from support import build_at, load, new_home, rows_of, sized

from books import generate

SEEN_ON = date(2026, 8, 2)
KNOWN_ON = SEEN_ON + timedelta(days=90)
LEVELS = ("sound", "watch", "strained", "exhausted")

SIGNALS = "select customer_id, currency, capacity_signal from marts.customer_exposure"
# Beyond 90 days, or written off: of loans and of advances.
DEFAULTS = """
    select distinct customer_id, currency
    from (
        select customer_id, currency, days_past_due, is_written_off from marts.loan_aging
        union all
        select customer_id, currency, days_past_due, is_written_off from marts.advance_aging
    )
    where days_past_due > 90 or is_written_off
"""


def test_each_step_of_the_capacity_signal_defaults_more_often_than_the_one_before(tmp_path: Path) -> None:
    """Signals as of one day, with nothing dated after it; who is in default 90 days on. Each step has some to count."""
    generate(tmp_path / "landing", loans=sized(4_000, 12_000), seed=1, deliveries=[KNOWN_ON], dirty_rows=0)
    home = new_home(tmp_path / "home")
    load(tmp_path / "landing", home)
    built = build_at(home, SEEN_ON, marts=("customer_exposure",))
    signals = rows_of(built.database, SIGNALS)
    built = build_at(home, KNOWN_ON, marts=("loan_aging", "advance_aging"))
    defaults = {(row["customer_id"], row["currency"]) for row in rows_of(built.database, DEFAULTS)}
    rates = {}
    for level in LEVELS:
        of_level = [(row["customer_id"], row["currency"]) for row in signals if row["capacity_signal"] == level]
        assert len(of_level) >= 15, level
        rates[level] = sum(one in defaults for one in of_level) / len(of_level)
    assert all(rates[later] > 1.2 * rates[before] for before, later in pairwise(LEVELS)), rates
