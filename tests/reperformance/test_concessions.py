"""`forbearance` against the independent recomputation, on a book made to be nasty whose maturities and rates move."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from support import build_at, differences, load, new_home, rows_of

from flows.evidence import recompute
from reperformance import concessions, risk, strategies
from reperformance.landing import Notices, read_landing
from reperformance.test_risk_classification import LONGEST_MONTHS, LONGEST_PERIODS, short_terms

AS_OF = date(2026, 6, 30)


def conceding(seed: int, loans: int) -> recompute.Ledgers:
    """A book whose newer versions of loans say other rates, and now and then none; more are restructured, and early."""
    ledgers, dice = strategies.random_ledgers(seed, loans), random.Random(seed)
    for row in ledgers["loans"]:
        row["annual_rate"] = dice.choice(
            (Decimal("0.0485"), Decimal("0.0435"), Decimal("0.0435"), Decimal("0.06"), None)
        )
        if dice.random() < 0.3:
            row["restructured_on"] = row["disbursed_on"]
    return ledgers


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    """The mart's rows and those recomputed, by loan, day and kind."""
    folder = tmp_path_factory.mktemp("concessions")
    landing = folder / "landing"
    landing.mkdir()
    strategies.write_landing(conceding(3, 250), landing)
    home = new_home(folder / "home")
    load(landing, home)
    database: Path = build_at(home, AS_OF, short_terms(folder / "policy"), marts=("forbearance",)).database
    ledgers, calendar = read_landing(landing), Notices()
    regime, book = risk.Regime("CN", LONGEST_MONTHS, LONGEST_PERIODS), risk.Book(ledgers, AS_OF, calendar=calendar)
    loans = recompute.loan_aging(ledgers, AS_OF, calendar=calendar)
    observed = {}
    for items in book.debtors.values():
        follow = risk._Debtor(items, regime, book.technical, book.adjustments, AS_OF)
        for item in items:
            if item.item_type == "loan" and item.row["restructured_on"] and not item.row["written_off_on"]:
                observed[item.row["loan_id"]] = follow._observed(item, AS_OF)
    key = "loan_id || ' ' || event_on || ' ' || kind"
    ours = {row["key"]: row for row in rows_of(database, f"select {key} as key, * from marts.forbearance")}
    return ours, concessions.forbearance(ledgers, AS_OF, calendar, loans, observed, LONGEST_MONTHS)


def test_every_figure_agrees(both: tuple[dict, dict]) -> None:
    ours, theirs = both
    assert differences(ours, theirs)[:20] == []


def test_the_book_holds_every_case(both: tuple[dict, dict]) -> None:
    """Each kind, with and without what may follow it: else a figure that agrees would say nothing."""
    _, theirs = both
    of_kind: dict[str, list] = {}
    for key, row in theirs.items():
        of_kind.setdefault(key.split()[-1], []).append(row)
    assert of_kind.keys() == {"extension", "new_plan", "restructured", "rate_cut", "waiver"}
    for kind, rows in of_kind.items():
        cases = ["is_in_arrears", "is_redefault", "is_observation_passed"]
        cases += ["is_reaging"] if kind in ("new_plan", "extension") else []
        for case in cases:
            assert True in {row.get(case) for row in rows}, (kind, case)
