"""Breaches of conduct against the independent recomputation, on a random log of contacts made to be nasty.

Customers in six time zones, calls minutes around the edges of quiet hours and of midnight, days full of calls by staff and
agencies, refusals, stops, missing inputs, every jurisdiction at once.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import build_at, load, new_home, rows_of

from flows.policy import read_policy
from reperformance import conduct

ATTEMPTS = int(os.environ.get("ARREARS_ATTEMPTS", "100000"))
AS_OF = date(2026, 11, 20)
ZONES = ("Asia/Shanghai", "Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Asia/Kolkata", "Europe/London")
KINDS = ("phone", "phone", "email", "employer", "emergency_contact", "social")
EDGES = (
    0,
    1,
    479,
    480,
    481,
    1139,
    1140,
    1259,
    1260,
    1319,
    1320,
    1321,
    1438,
    1439,
)  # minutes of the day, in UTC or Shanghai
CHANNELS = ("phone", "phone", "phone", "phone", "sms", "email", "app", "visit", "letter", "social", "legal")
TEXTS = (
    None,
    None,
    "您好，请按时还款。",
    "再不还就让你没脸见人，去 死！",
    "Pay now. We KNOW where you live, thief!",
    "A friendly reminder",
)
AGENCIES = [
    {"agency_id": "AG-1", "fact": "listed", "valid_from": "2025-01-01", "valid_to": "2026-10-31"},
    {"agency_id": "AG-2", "fact": "listed", "valid_from": "2026-10-15", "valid_to": ""},
    {"agency_id": "AG-1", "fact": "evaluated", "valid_from": "2025-10-20", "valid_to": ""},
    {"agency_id": "AG-2", "fact": "evaluated", "valid_from": "2026-01-28", "valid_to": ""},
    {"agency_id": "AG-2", "fact": "inspected", "valid_from": "2025-11-05", "valid_to": ""},
]


def log(seed: int, count: int) -> dict[str, list[dict[str, Any]]]:
    """The ledgers of a lender whose staff telephones a lot: about 25 attempts a customer in four weeks."""
    dice = random.Random(seed)
    customers, loans, installments, points, attempts = [], [], [], [], []
    for n in range(count // 25):
        customer = f"C{n}"
        customers.append({"customer_id": customer, "segment": "personal", "time_zone": dice.choice(ZONES)})
        for k in range(dice.choice((1, 1, 2))):
            loan = {"loan_id": f"L{n}-{k}", "customer_id": customer, "product_id": dice.choice(("CARD", "LOAN", None))}
            loans.append({**loan, "disbursed_on": "2026-01-10", "principal": "100.00", "currency": "CNY"})
            installments.append(
                {"loan_id": loan["loan_id"], "installment_no": 1, "due_on": "2026-06-10", "principal_due": "100.00"}
            )
        for k in range(dice.randint(1, 4)):
            kind = dice.choice(KINDS)
            consent = dice.choice(("true", "true", "false", None))
            points.append(
                {"contact_point_id": f"P{n}-{k}", "customer_id": customer, "kind": kind, "consented": consent}
            )
        mine = [point["contact_point_id"] for point in points[-k - 1 :]]
        my_loans = [loan["loan_id"] for loan in loans[-2:] if loan["customer_id"] == customer]
        busy = [AS_OF - timedelta(days=dice.randint(0, 27)) for _ in range(6)]
        if hounded := n % 10 == 0:  # all calls on two days, to one number, about one loan
            busy, mine, my_loans = busy[:2], mine[:1], my_loans[:1]
        for _ in range(25):
            minute = dice.choice(EDGES) if dice.random() < 0.3 else dice.randrange(1440)
            begun = datetime.combine(dice.choice(busy), datetime.min.time()) + timedelta(
                minutes=minute, seconds=dice.choice((0, 59))
            )
            channel = "phone" if hounded else dice.choice(CHANNELS)
            party = dice.choices(
                ("debtor", "guarantor", "contact", "employer", "third_party", "authority", None),
                (60, 4, 12, 8, 4, 3, 9),
            )[0]
            attempts.append(
                {
                    "attempt_id": f"A{len(attempts)}",
                    "customer_id": customer,
                    "loan_id": dice.choice((*my_loans, None)),
                    "attempted_at": begun,
                    "initiated_by": dice.choice(("lender", "lender", "lender", "lender", "lender", "customer", None)),
                    "channel": channel,
                    "party": party,
                    "agency_id": dice.choice((None, None, None, "AG-1", "AG-2", "AG-3")),
                    "contact_point_id": dice.choice((*mine, None)),
                    "outcome": dice.choices(
                        ("reached", "promised", "refused", "no_answer", "invalid", "left_message"),
                        (15, 6, 4, 45, 25, 5),
                    )[0],
                    "stop_requested": dice.choices((True, False, None), (3, 60, 37))[0],
                    "debt_disclosed": dice.choice((True, False, False, None)),
                    "recorded": dice.choice((True, True, False, None)),
                    "message_text": dice.choice(TEXTS),
                }
            )
    products = [{"product_id": "CARD", "asset_class": "card"}, {"product_id": "LOAN", "asset_class": "loan"}]
    return {
        "customers": customers,
        "products": products,
        "loans": loans,
        "installments": installments,
        "repayments": [],
        "contact_points": points,
        "contact_attempts": attempts,
    }


def write(folder: Path, ledgers: dict[str, list[dict[str, Any]]]) -> None:
    folder.mkdir(parents=True)
    for name, rows in ledgers.items():
        header = list(rows[0]) if rows else ["repayment_id", "loan_id", "paid_on", "amount"]
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header)
            writer.writeheader()
            writer.writerows(
                row if name != "contact_attempts" else {**row, "attempted_at": f"{row['attempted_at']}+00:00"}
                for row in rows
            )


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("contacts")
    ledgers = log(1, ATTEMPTS)
    write(folder / "landing" / "2026-11-21", ledgers)
    (folder / "policy").mkdir()
    (folder / "policy" / "policy.csv").write_text("setting,value\ncollection_jurisdictions,CN US UK IN\n", "utf-8")
    header = ["agency_id", "fact", "valid_from", "valid_to", "evidence", "citation"]
    with open(folder / "policy" / "collection_agency.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "evidence": "K", "citation": "invented"} for row in AGENCIES)
    policy = read_policy(folder / "policy")
    home = new_home(folder / "home")
    load(folder / "landing", home, policy)
    built = build_at(home, AS_OF, policy)
    cards = {loan["loan_id"] for loan in ledgers["loans"] if loan["product_id"] == "CARD"}
    theirs = conduct.breaches(
        ledgers["contact_attempts"],
        {row["customer_id"]: row["time_zone"] for row in ledgers["customers"]},
        {
            row["contact_point_id"]: (row["kind"], {"true": True, "false": False, None: None}[row["consented"]])
            for row in ledgers["contact_points"]
        },
        cards,
        policy.seeds["collection_rule"].rows,
        policy.seeds["lost_contact_rule"].rows,
        policy.seeds["collection_wording"].rows,
        policy.seeds["collection_agency"].rows,
        AS_OF,
    )
    ours = {
        (row["attempt_id"], row["rule_id"]): (row["status"], row["figure"])
        for row in rows_of(built.database, "select attempt_id, rule_id, status, figure from marts.contact_breaches")
    }
    return ours, theirs, policy


def test_every_breach_of_a_hundred_thousand_attempts_agrees(judged) -> None:
    ours, theirs, _ = judged
    wrong = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    assert [(key, ours.get(key), theirs.get(key)) for key in wrong[:20]] == []


def test_every_rule_about_attempts_was_broken_or_lacked_its_input(judged) -> None:
    ours, _, policy = judged
    seen = Counter((rule, status) for (_, rule), (status, _) in ours.items())
    of_no_attempt = {
        row["rule_id"]
        for row in policy.seeds["collection_rule"].rows
        if row["metric"] in ("retention_years", "reply_working_days")
    }
    lacking_always = {"CN_GB_VISIT2P", "CN_CARD_DUN2"}
    rules = {row["rule_id"] for row in policy.seeds["collection_rule"].rows} - of_no_attempt
    assert {rule for rule, _ in seen} == rules
    assert {rule for rule, status in seen if status == "breach"} == rules - lacking_always
