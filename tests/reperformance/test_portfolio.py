"""Advances, exposure and customer types against the independent recomputation, on books made to be nasty."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import build_at, differences, load, new_home, rows_of

from expectations.publication import collections
from flows.evidence import recompute
from flows.policy import read_policy
from flows.publish import stage
from flows.validate import check_publication
from reperformance import portfolio, strategies
from reperformance.landing import Notices, read_landing

LOANS = 300
DATES = [date(2026, 2, 17), date(2026, 6, 30)]
KINDS = ("acceptance", "letter_of_credit", "guarantee", "card", "other")


def with_advances(ledgers: recompute.Ledgers, seed: int) -> recompute.Ledgers:
    """The book, and advances of its customers: repaid in part and in whole, reversed, waived, charged back, changed later."""
    dice = random.Random(seed)
    deliveries = sorted({row["_delivery"] for rows in ledgers.values() for row in rows})
    first, last = deliveries[0], deliveries[-1]
    start = min(row["disbursed_on"] for row in ledgers["loans"])
    span = (last[0] - start).days
    number = 0

    def day(earliest: date = start) -> date:
        return earliest + timedelta(days=dice.choice((0, 1, dice.randint(0, max(1, (last[0] - earliest).days)))))

    def repay(
        advance: dict[str, Any], kind: str, amount: Decimal, paid_on: date, reverses: dict[str, Any] | None = None
    ):
        nonlocal number
        number += 1
        known_from = reverses["_delivery"] if reverses else advance["_delivery"]
        row = {
            "advance_repayment_id": f"AR{number * 7919 % 1_000_003:07d}",
            "advance_id": advance["advance_id"],
            "paid_on": paid_on,
            "amount": amount,
            "kind": None if kind == "payment" and dice.random() < 0.3 else kind,
            "reverses_id": reverses["advance_repayment_id"] if reverses else None,
            "_delivery": dice.choice([one for one in deliveries if one >= known_from]),
        }
        ledgers["advance_repayments"].append(row)
        return row

    customers = sorted({row["customer_id"] for row in ledgers["customers"]})
    for n in range(LOANS):
        amount = Decimal(dice.choice((100, 10_000, 5_000_000, 99_999_999))).scaleb(-2)
        advanced_on = start + timedelta(days=dice.randint(0, span))
        advance = {
            "advance_id": f"A{n * 31 % 1009:05d}",
            "customer_id": dice.choice(customers),
            "kind": dice.choice(KINDS),
            "advanced_on": advanced_on,
            "amount": amount,
            "currency": dice.choice(("CNY", "CNY", "USD", "EUR")),
            "security": dice.choice(("unsecured", "guaranteed", "mortgaged", None)),
            "due_on": dice.choice((None, advanced_on + timedelta(days=dice.choice((0, 30, 2500))))),
            "written_off_on": day(advanced_on) if dice.random() < 0.1 else None,
            "_delivery": dice.choice((first, first, last)),
        }
        ledgers["advances"].append(advance)
        if dice.random() < 0.3:  # one just as late, begun on the same day or before
            started_on = advanced_on - timedelta(days=dice.choice((0, 5)))
            twin_id = dice.choice("TA") + advance["advance_id"][1:] + "T"
            ledgers["advances"].append(advance | {"advance_id": twin_id, "advanced_on": started_on})
        if dice.random() < 0.3 and advance["_delivery"] < last:
            changed = {
                "kind": dice.choice(KINDS),
                "security": "pledged",
                "written_off_on": day(advanced_on),
                "_delivery": last,
            }
            ledgers["advances"].append(advance | changed)
        for _ in range(dice.choice((0, 1, 1, 2, 3))):
            part = max(Decimal("0.01"), (amount * dice.choice((1, 1, 2, 3)) / 3).quantize(Decimal("0.01")))
            paid = repay(advance, dice.choice(("payment", "payment", "payment", "waiver")), part, day(advanced_on))
            if dice.random() < 0.4:
                undone = max(Decimal("0.01"), (part / dice.choice((1, 1, 2))).quantize(Decimal("0.01"), "ROUND_DOWN"))
                repay(advance, "reversal", undone, paid["paid_on"] + timedelta(days=dice.choice((0, 3, 90))), paid)
            elif dice.random() < 0.1:
                repay(advance, "chargeback", part, paid["paid_on"] + timedelta(days=3))
    for n, loan in enumerate({row["loan_id"]: row for row in ledgers["loans"]}.values()):
        for valued_on in {day(start), day(start)} if dice.random() < 0.4 else ():
            ledgers["collateral"].append(
                {
                    "collateral_id": f"K{n}",
                    "valued_on": valued_on,
                    "loan_id": loan["loan_id"],
                    "value": Decimal(dice.choice((0, 12345, 9_000_000_000))).scaleb(-2),
                    "currency": dice.choice((None, "CNY", "USD")),
                    "_delivery": first,
                }
            )
    return ledgers


@pytest.fixture(scope="module", params=[31, 32])
def lender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp(f"portfolio{request.param}")
    landing, policy = folder / "landing", folder / "policy"
    landing.mkdir()
    policy.mkdir()
    (policy / "policy.csv").write_text("setting,value\nhistory_complete_from,2025-11-01\n", "utf-8")
    ledgers = with_advances(strategies.random_ledgers(request.param, LOANS), request.param)
    strategies.write_landing(ledgers, landing)
    home = new_home(folder / "home")
    load(landing, home)
    assert quarantined(home.raw) == 0
    return home, read_landing(landing), policy


def quarantined(raw: Path) -> int:
    import duckdb

    return duckdb.sql(f"select count(*) from read_parquet('{raw}/*/quarantine.parquet')").fetchone()[0]


@pytest.fixture(scope="module", params=DATES)
def night(request: pytest.FixtureRequest, lender):
    home, ledgers, policy = lender
    return request.param, home, ledgers, build_at(home, request.param, read_policy(policy))


def test_every_figure_of_every_advance_and_customer_agrees(night) -> None:
    day, _, ledgers, built = night
    calendar = Notices()
    advances = portfolio.advance_aging(ledgers, day, calendar)
    loans = recompute.loan_aging(ledgers, day, calendar=calendar)

    def marts(name: str, key: str) -> dict[str, dict[str, Any]]:
        return {row["key"]: row for row in rows_of(built.database, f"select {key} as key, * from marts.{name}")}

    by_customer = "customer_id || ' ' || currency"
    ours = {
        "advances": marts("advance_aging", "advance_id"),
        "exposure": marts("customer_exposure", by_customer),
        "types": marts("overdue_customers", by_customer),
    }
    theirs = {
        "advances": advances,
        "exposure": portfolio.customer_exposure(ledgers, day, loans, advances),
        "types": portfolio.overdue_customers(ledgers, day, loans, advances, date(2025, 11, 1)),
    }
    for what, rows in theirs.items():
        assert len(rows) > 50, what
        assert differences(ours[what], rows)[:20] == [], what
    seen = {row["primary_type"] for row in theirs["types"].values()}
    assert {"large", "new", "repeat", "undetermined"} <= seen


def test_without_ledgers_of_contacts_collection_knows_whom_to_call_and_the_gate_passes(night) -> None:
    """These books have no contact points and no attempts: all marts are there, the marts about contacts empty."""
    day, home, _, built = night
    if day != DATES[-1]:
        pytest.skip("once a book")
    empty = ("contact_breaches", "promises", "contact_effect")
    query = " union all ".join(
        f"select '{mart}' as mart, count(*) as n from marts.{mart}" for mart in collections.MARTS
    )
    counts = {row["mart"]: row["n"] for row in rows_of(built.database, query)}
    assert {mart for mart, n in counts.items() if n == 0} == set(empty)
    tried = rows_of(built.database, "select distinct attempts, is_lost_contact, next_step from marts.contactability")
    assert tried == [{"attempts": 0, "is_lost_contact": False, "next_step": "PHONE"}]
    work = rows_of(built.database, "select distinct status, step, reason, part_of_day from marts.collection_worklist")
    assert {tuple(row.values()) for row in work} <= {
        ("due", "PHONE", "overdue", "morning"),
        ("held", None, "paused", None),
    }
    assert work
    assert check_publication(home, "run-1", stage(home, built, day, "run-1")).success
