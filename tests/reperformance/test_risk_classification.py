"""`risk_classification` against the independent recomputation, on nasty random books with short terms of cure.

The books live ten months, so the cure rule is given months instead of years: every state is entered and left.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from support import build_at, differences, load, new_home, rows_of

from flows.evidence import recompute
from flows.policy import Policy, read_policy
from reperformance import risk, strategies
from reperformance.landing import Notices, read_landing

LOANS = int(os.environ.get("ARREARS_LOANS", "200"))
DATES = [date(2026, 4, 30), date(2026, 6, 30)]
CURE = risk.Cure(months=2, periods=1, observation_months=2, observation_periods=1)


def short_terms(folder: Path) -> Policy:
    shipped = read_policy().seeds["risk_treatment"].rows
    folder.mkdir()
    with open(folder / "risk_treatment.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, shipped[0])
        writer.writeheader()
        for row in shipped:
            terms = {"cure_months": 2, "cure_periods": 1, "observation_months": 2, "observation_periods": 1}
            writer.writerow(row | (terms if row["regime"] == "CN" else {}))
    return read_policy(folder)


def risky(seed: int) -> recompute.Ledgers:
    """A nasty book of few debtors with many claims, some impaired for a while, on products of each asset class."""
    ledgers = strategies.random_ledgers(seed, LOANS)
    choose = random.Random(seed)
    for product in ledgers["products"]:
        product["asset_class"] = choose.choice((None, "loan", "card", "small_business"))
    merged = {row["customer_id"]: choose.randrange(LOANS // 4) for row in ledgers["customers"]}
    first = {merged[row["customer_id"]]: row["customer_id"] for row in reversed(ledgers["customers"])}
    for loan in ledgers["loans"]:
        loan["customer_id"] = first[merged[loan["customer_id"]]]
        loan["credit_impaired"] = choose.random() < 0.04
    for loan in {row["loan_id"]: row for row in reversed(ledgers["loans"])}.values():
        if choose.random() < 0.8:  # payments fail for technical reasons since always
            paused = {
                "loan_id": loan["loan_id"],
                "from_on": loan["disbursed_on"] - timedelta(days=40),
                "reason": "technical",
            }
            ledgers["pauses"].append(paused | {"_delivery": loan["_delivery"]})
    return ledgers


def test_every_class_of_every_loan_agrees(tmp_path: Path) -> None:
    policy, calendar = short_terms(tmp_path / "policy"), Notices()
    fired: Counter[str] = Counter()
    for seed in (21, 22):
        landing = tmp_path / f"landing{seed}"
        landing.mkdir()
        strategies.write_landing(risky(seed), landing)
        home = new_home(tmp_path / f"home{seed}")
        load(landing, home, policy)
        ledgers = read_landing(landing)
        for day in DATES:
            built = build_at(home, day, policy)
            ours = {row["item_id"]: row for row in rows_of(built.database, "select * from marts.risk_classification")}
            theirs = risk.classify(ledgers, day, CURE, calendar=calendar)
            assert differences(ours, theirs)[:20] == []
            fired.update(rule for row in theirs.values() for rule in row["rules_fired"].split(", "))
    expected = ["SS_OWN10", "SM_CROSS", "RS_FIRST", "SS_IMPAIRED", "SM_TECH_EXC"]
    assert {"CURE_PAID", *(f"CN23_{rule}" for rule in expected)} <= fired.keys()
