"""A night of the demo's book under the rules of India, the EU and the US: it is published, and every class is the regime's own.

The book is the demo's, smaller and without its planted bad rows; what each regime asks is worked out again, day by day, by
reperformance/risk.py, from the files and the regime's rules alone.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from end_to_end.conftest import Command
from end_to_end.nights import nightly
from reperformance import risk
from reperformance.landing import Notices, read_landing
from support import differences, new_home, rows_of

import books

AS_OF = date(2026, 10, 31)
# what the book must have of each, so that agreement says something: rules that fire, classes that are given
EXPECTED = {
    "IN": ({"RBI_SMA", "RBI_NPA", "RBI_BORROWER"}, {1, 2, 3}),
    "EU": ({"EU_SICR", "EU_DEFAULT", "EU_UTP"}, {1, 2, 3}),
    "US": ({"US_PAST_DUE", "US_SUBSTANDARD", "US_NONACCRUAL", "US_LOSS_CLOSED_END"}, {1, 2, 3, 5}),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_home(tmp_path_factory.mktemp("regimes") / "home").root
    books.generate(folder / "landing", loans=200, deliveries=(date(2026, 9, 30), AS_OF), dirty_rows=0)
    return folder


@pytest.fixture(scope="module")
def again(home: Path) -> risk.Book:
    return risk.Book(read_landing(home / "landing"), AS_OF, calendar=Notices())


@pytest.mark.parametrize("regime", EXPECTED)
def test_a_night_under_the_regime_is_published_and_its_classes_are_the_regimes(
    regime: str, home: Path, again: risk.Book, arrears: Command, tmp_path: Path
) -> None:
    (tmp_path / "policy.csv").write_text(f"setting,value\nrisk_regime,{regime}\n", "utf-8")
    night = arrears(*nightly(home, "--as-of", AS_OF, "--policy", tmp_path, "--json"))
    assert night.code == 0, night.err
    manifest = json.loads((Path(night.json["publication"]) / "manifest.json").read_text())
    assert manifest["status"] == "published"
    assert "publication" in manifest["publication"]["gates"]
    published = rows_of(Path(night.json["publication"]) / "marts.duckdb", "from risk_classification")
    ours = {(row["item_type"], row["item_id"]): row for row in published}
    theirs = again.classify(risk.Regime(regime), [AS_OF])[AS_OF]
    assert differences(ours, theirs)[:20] == []
    rules, classes = EXPECTED[regime]
    assert rules <= {rule for row in theirs.values() for rule in row["rules_fired"].split(", ")}
    assert classes == {row["risk_class"] for row in theirs.values()}
