"""The night's own re-performance: a sample of loans, every figure worked out again in Python before anything goes out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from reperformance import strategies
from support import build_at, load, new_home, rows_of

from flows.errors import ValidationFailed
from flows.publish import stage
from flows.validate import check_publication
from flows.withdraw import withdraw_delivery

DAY = date(2026, 4, 30)


def test_it_agrees_on_a_nasty_book_and_sees_what_is_planted(tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", new_home(tmp_path / "home")
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(21, 250), landing)
    first, *_ = load(landing, home)
    built = build_at(home, DAY)

    candidate = stage(home, built, DAY, "sound")
    (sample,) = rows_of(candidate.evidence, "select count(distinct loan_id) as loans from evidence.reperformed")
    assert sample["loans"] > 100
    assert check_publication(home, "sound", candidate).failed == []

    with duckdb.connect(str(built.database)) as connection:
        late = connection.sql("select min(loan_id) from marts.loan_aging where days_past_due > 0").fetchone()[0]
        connection.execute(
            "update marts.loan_aging set max_days_past_due = max_days_past_due + 1 where loan_id = ?", [late]
        )
        connection.execute("update raw.run set reperformance_sample = 1000")
    candidate = stage(home, built, DAY, "planted")
    differing = rows_of(candidate.evidence, "from evidence.reperformed where published is distinct from recomputed")
    assert [(row["loan_id"], row["column_name"]) for row in differing] == [(late, "max_days_past_due")]
    with pytest.raises(ValidationFailed, match="Every figure of the sampled loans is the one re-performed: 1 row"):
        check_publication(home, "planted", candidate)

    with duckdb.connect(str(built.database)) as connection:
        connection.execute("update raw.run set reperformance_sample = 0")
    gate = check_publication(home, "none", stage(home, built, DAY, "none"))
    assert "Loans were re-performed" in [finding.title for finding in gate.warnings]

    withdraw_delivery(home.root, first.name, "later rows point to what was in it", 0)
    with pytest.raises(ValidationFailed, match=r"loans point to .* customers that no delivery holds any more"):
        build_at(home, DAY)
