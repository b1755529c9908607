"""The generator plants known breaches of conduct; the marts find exactly those."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from support import build_at, load, new_home, rows_of

from books import generate
from books.planted_contacts import plant

DAY = date(2026, 10, 31)


def test_exactly_the_planted_breaches_are_found(tmp_path: Path) -> None:
    generate(tmp_path / "landing", loans=30, deliveries=(DAY,), dirty_rows=0)
    expected = plant(tmp_path / "landing", DAY)
    home = new_home(tmp_path / "home")
    load(tmp_path / "landing", home)
    built = build_at(home, DAY)
    query = (
        "select attempt_id, rule_id from marts.contact_breaches where status = 'breach' and attempt_id like 'PLANT-%'"
    )
    assert {(row["attempt_id"], row["rule_id"]) for row in rows_of(built.database, query)} == expected
