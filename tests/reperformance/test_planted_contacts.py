"""The generator plants known breaches of conduct, and the marts find exactly those; the worklist carried out breaks no rule."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from support import build_at, load, new_home, rows_of

from books import generate
from books.planted_contacts import plant
from reperformance import replay

DAY = date(2026, 10, 31)
MARTS = ("contact_breaches", "collection_worklist", "stg_customers")


def test_exactly_the_planted_breaches_are_found_and_the_worklist_adds_none(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    generate(landing, loans=300, deliveries=(DAY,), dirty_rows=0)
    expected = plant(landing, DAY)
    home = new_home(tmp_path / "home")
    load(landing, home)
    database = build_at(home, DAY, marts=MARTS).database
    query = (
        "select attempt_id, rule_id from marts.contact_breaches where status = 'breach' and attempt_id like 'PLANT-%'"
    )
    assert {(row["attempt_id"], row["rule_id"]) for row in rows_of(database, query)} == expected

    work = rows_of(database, "select * from marts.collection_worklist order by customer_id")
    customers = rows_of(database, "select customer_id, time_zone from staging.stg_customers")
    attempts = replay.attempts_of(work, {row["customer_id"]: row["time_zone"] for row in customers})
    replay.deliver(landing, attempts, "2026-11-01")
    load(landing, home)
    assert replay.breaches(build_at(home, DAY + timedelta(days=1), marts=MARTS).database, attempts) == []
    assert {row["step"] for row in work} >= {"PHONE", "SMS", None}
