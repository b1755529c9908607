"""Incremental equals full, always: state carried from delivery to delivery says what one pass over everything says."""

from __future__ import annotations

from datetime import date
from itertools import cycle
from pathlib import Path

from reperformance import strategies
from support import build_at, load, new_home, rows_of

from flows.home import Delivery

KEPT = (
    "loan_products",
    "periods",
    "ladder",
    "positions",
    "replay",
    "recent_charges",
    "loans",
    "late_spans",
    "reached",
    "first_payments",
    "last_payments",
    "write_offs",
    "states",
)
DATES = [date(2026, 1, 31), date(2026, 5, 4)]
# Nights between: what a date said is kept, so dates come, stay in the history, become month-ends of it, and go back.
NIGHTS = [date(2025, 12, 31), date(2026, 2, 14), date(2026, 1, 31), date(2026, 3, 31)]


def test_incremental_equals_full(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    ledgers = strategies.random_ledgers(5, 400)
    assert len({row["_delivery"] for row in ledgers["products"]}) > 1
    strategies.write_landing(ledgers, landing)
    deliveries = sorted(d for d in (Delivery.parse(p.name) for p in landing.iterdir()) if d)
    assert len(deliveries) > 1

    step_by_step, at_once = new_home(tmp_path / "step_by_step"), new_home(tmp_path / "at_once")
    for delivery, day in zip(deliveries[:-1], cycle(NIGHTS), strict=False):
        load(landing, step_by_step, upto=delivery)
        built = build_at(step_by_step, day)
        assert built.full_refresh == (delivery == deliveries[0])
    load(landing, step_by_step)
    load(landing, at_once)

    for day in DATES:
        ours, theirs = build_at(step_by_step, day), build_at(at_once, day)
        assert not ours.full_refresh
        marts = rows_of(ours.database, "select table_name from duckdb_tables() where schema_name = 'marts'")
        assert len(marts) > 20
        for table in [f"intermediate.int_aging__{name}" for name in KEPT] + [f"marts.{m['table_name']}" for m in marts]:
            query = f"select * from {table} order by all"
            assert rows_of(ours.database, query) == rows_of(theirs.database, query), table


def test_an_older_point_of_knowledge_leaves_the_kept_state_alone(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(6, 60), landing)
    home = new_home(tmp_path / "home")
    deliveries = load(landing, home)
    marts = ("loan_aging",)
    newest = build_at(home, DATES[0], marts=marts)
    before = rows_of(newest.database, "select * from marts.loan_aging order by all")

    then = build_at(home, DATES[0], upto=deliveries[0], marts=marts)
    assert then.database != newest.database

    again = build_at(home, DATES[0], marts=marts)
    assert not again.full_refresh
    assert rows_of(again.database, "select * from marts.loan_aging order by all") == before

    alone = new_home(tmp_path / "alone")
    load(landing, alone, upto=deliveries[0])
    query = "select * exclude (policy_version) from marts.loan_aging order by all"
    assert rows_of(build_at(alone, DATES[0], marts=marts).database, query) == rows_of(then.database, query)
