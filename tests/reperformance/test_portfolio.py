"""Advances, exposure and customer types against the independent recomputation, on books made to be nasty."""

from __future__ import annotations

import random
from collections.abc import Sequence
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
# In hundredths: around every limit from which a customer is large.
AMOUNTS = (100, 10_000, 5_000_000, 99_999_999, 20_000_000, 3_000_000, 1_000_000_000, 150_000_000)
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
        amount = Decimal(dice.choice(AMOUNTS)).scaleb(-2)
        advanced_on = start + timedelta(days=dice.randint(0, span))
        if n % 20 == 0:  # shortly before a date that is asked for
            advanced_on = dice.choice(DATES) - timedelta(days=dice.randint(0, 30))
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
        for valued_on in sorted({day(start), day(start)}) if dice.random() < 0.4 else ():
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


def with_kinds(ledgers: recompute.Ledgers, seed: int) -> recompute.Ledgers:
    """Collateral of every kind, of none and of one that no row speaks of; some loans have a second one, and near their balance."""
    dice = random.Random(seed)
    for row in list(ledgers["collateral"]):
        row["kind"] = dice.choice(("deposit", "receivables", "real_estate", "vehicle", "horse", None))
        if dice.random() < 0.5:
            value = Decimal(dice.choice((0, 1, 33_333, 50_001, 99_999))).scaleb(-2)
            other = {
                "collateral_id": row["collateral_id"] + "B",
                "value": value,
                "kind": dice.choice(("deposit", "vehicle")),
            }
            if dice.random() < 0.3:
                other["valued_on"] = row["valued_on"] - timedelta(days=400)
            ledgers["collateral"].append(row | other)
    return ledgers


def with_long_terms(ledgers: recompute.Ledgers, seed: int) -> recompute.Ledgers:
    """Some loans run for five years to the month or a month more, of which some are in a currency without an amount."""
    dice = random.Random(seed)
    chosen = {row["loan_id"]: dice.choice((5, 6, 6)) for row in ledgers["loans"] if dice.random() < 0.4}
    for row in ledgers["loans"]:
        if years := chosen.get(row["loan_id"]):
            on = row["disbursed_on"]
            row["matures_on"] = date(on.year + years, 1 if years == 6 else on.month, 1)
            row["currency"] = "EUR" if int(row["loan_id"][1:]) % 3 == 0 else row["currency"]
    return ledgers


def with_places(ledgers: recompute.Ledgers, seed: int) -> recompute.Ledgers:
    """Customers have an industry and a region, or none; a later version has others."""
    dice = random.Random(seed)
    for row in ledgers["customers"]:
        row["industry"] = dice.choice(("farming", "mining", "trade", None))
        row["region"] = dice.choice(("north", "south", None))
    return ledgers


def with_rates(ledgers: recompute.Ledgers, currencies: Sequence[str]) -> recompute.Ledgers:
    """Rates before, between and after the dates asked; one of them corrected by the last delivery."""
    deliveries = sorted({row["_delivery"] for rows in ledgers.values() for row in rows})
    for currency in currencies:
        for on, rate, delivery in (
            (date(2025, 9, 1), "6.9", 0),
            (date(2026, 2, 17), "7.1234567891", 0),
            (date(2026, 3, 1), "0.0625", 0),
            (date(2026, 3, 1), "7.0005", -1),
            (date(2026, 7, 1), "99", -1),
        ):
            row = {"as_of": on, "currency": currency, "rate": Decimal(rate), "_delivery": deliveries[delivery]}
            ledgers["fx_rates"].append(row)
    return ledgers


# Of the second book one currency has no rate.
@pytest.fixture(scope="module", params=[(34, ("USD", "EUR")), (32, ("USD",))], ids=["rates", "a rate missing"])
def lender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    seed, rated = request.param
    folder = tmp_path_factory.mktemp(f"portfolio{seed}")
    landing, policy = folder / "landing", folder / "policy"
    landing.mkdir()
    policy.mkdir()
    (policy / "policy.csv").write_text("setting,value\nhistory_complete_from,2025-11-01\n", "utf-8")
    ledgers = with_advances(with_long_terms(strategies.random_ledgers(seed, LOANS), seed), seed)
    patient = sorted({row["customer_id"] for row in ledgers["advances"]})[::5]
    for row in ledgers["advances"]:
        if row["customer_id"] in patient:  # not due for years: where loans are paid, it is left out and not late
            row |= {"kind": "card", "due_on": row["advanced_on"] + timedelta(days=2500)}
    ledgers = with_kinds(with_places(with_rates(ledgers, rated), seed), seed)
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


# What a mart's row is found by.
KEYS = {
    "advance_aging": "advance_id",
    "advance_distribution": "kind || ' ' || security || ' ' || currency || ' ' || bucket",
    "customer_exposure": "customer_id || ' ' || currency",
    "advance_loan_cross": "loan_bucket || ' ' || advance_bucket || ' ' || currency",
    "overdue_customers": "customer_id || ' ' || currency",
    "customer_type_summary": "type_basis || ' ' || customer_type || ' ' || currency",
    "collateral_shortfall": "loan_id",
    "concentration": "dimension || ' ' || member || ' ' || segment || ' ' || currency",
}


@pytest.fixture(scope="module")
def recomputed(night) -> dict[str, dict[str, recompute.Row]]:
    day, _, ledgers, _ = night
    calendar = Notices()
    advances = portfolio.advance_aging(ledgers, day, calendar)
    shown = portfolio.currencies(ledgers, day)
    loans = recompute.loan_aging(ledgers, day, calendar=calendar)
    book = portfolio.book(loans, advances)
    types = portfolio.customers_by_type(ledgers, day, book, date(2025, 11, 1))
    return {
        "advance_aging": advances,
        "advance_distribution": portfolio.advance_distribution(advances),
        "customer_exposure": portfolio.customer_exposure(ledgers, day, book),
        "advance_loan_cross": portfolio.advance_loan_cross(book),
        "overdue_customers": portfolio.overdue_customers(types),
        "customer_type_summary": portfolio.customer_type_summary(types, book, shown),
        "collateral_shortfall": portfolio.collateral_shortfall(ledgers, day, loans),
        "concentration": portfolio.concentration(ledgers, day, book),
    }


@pytest.mark.parametrize("mart", KEYS)
def test_every_figure_agrees(mart: str, night, recomputed) -> None:
    _, _, _, built = night
    theirs = recomputed[mart]
    ours = {row["key"]: row for row in rows_of(built.database, f"select {KEYS[mart]} as key, * from marts.{mart}")}
    assert len(theirs) > 10
    assert differences(ours, theirs)[:20] == []


def test_the_books_hold_every_case(night, recomputed) -> None:
    """Each signal and reason, type, kind and threshold, on both sides: else a figure that agrees would say nothing."""
    _, _, ledgers, _ = night
    exposures, late = recomputed["customer_exposure"].values(), recomputed["overdue_customers"].values()
    seen = {reason for row in exposures for reason in row["capacity_reasons"].split(", ")}
    assert seen == {rule["rule"] for rule in portfolio.CAPACITY_RULES}
    assert {row["capacity_signal"] for row in exposures} == {"sound", "watch", "strained", "exhausted"}
    assert {row["primary_type"] for row in late} == {*portfolio.PRECEDENCE, "undetermined"}
    assert {row["kind"] for row in recomputed["advance_aging"].values()} == set(portfolio.LONG_HELD_AFTER)
    for (segment, currency), limits in portfolio.THRESHOLDS.items():
        judged = [
            row
            for row in late
            if row["segment"] == segment
            and currency == (row["currency"] if (segment, row["currency"]) in portfolio.THRESHOLDS else "*")
        ]
        assert {row["is_large"] for row in judged} == ({True, False} if limits["large_from"] else {None}), currency
        assert {True, False} <= {row["is_long_tenor"] for row in judged}, (segment, currency)
    secured = recomputed["collateral_shortfall"].values()
    for case in ("shortfall", "collateral_to_ask", "has_stale_valuation", "uncounted_collaterals", "collateral_value"):
        assert {bool(row[case]) for row in secured} == {True, False}, case
    in_two = {row["customer_id"] for row in late if row["currency"] == "USD"} & {
        row["customer_id"] for row in late if row["currency"] == "CNY"
    }
    assert in_two
    has_rates = {row["currency"] for row in ledgers["fx_rates"]} == {"USD", "EUR"}
    assert any(key.endswith(" ALL") for key in recomputed["customer_type_summary"]) == has_rates


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
    tried = rows_of(built.database, "select distinct attempts, is_lost_contact from marts.contactability")
    assert tried == [{"attempts": 0, "is_lost_contact": False}]
    work = rows_of(
        built.database,
        "select distinct status, treatment, step, reason, part_of_day from marts.collection_worklist where status = 'due'",
    )
    assert {tuple(row.values()) for row in work} <= {
        ("due", "reminder", "SMS", "overdue", None),
        ("due", "call", "PHONE", "overdue", "morning"),
        ("due", "field", "VISIT", "overdue", None),
        ("due", "letter_before_suit", "LETTER", "overdue", None),
    }
    assert len(work) > 1
    assert check_publication(home, "run-1", stage(home, built, day, "run-1")).success
