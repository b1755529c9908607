"""The cases that peers' own tests and documents assert, each as one loan of a lender's ledgers.

The data is read from beside the repository and never copied into it.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parents[2].parent / "shared" / "conformance" / "peer_cases.json"
ABSENT = "the peers' cases (shared/conformance/peer_cases.json) are not beside this repository"
FIRST, SECOND = (date(2026, 7, 1), 1), (date(2026, 7, 2), 1)  # deliveries; the second brings what was recorded late
ALLOCATIONS = {
    "oldest_instalment_first": "oldest_installment_first",
    "fees_first_then_oldest_instalment": "fees_first",
}
Case = dict[str, Any]
Ledgers = dict[str, list[dict[str, Any]]]


def cases() -> list[Case]:
    return json.loads(CASES.read_text("utf-8"))["cases"] if CASES.exists() else []


def parameters() -> list[Any]:
    """Each case as a test's parameter; where the data is absent, one test that says so."""
    absent = pytest.param(None, marks=pytest.mark.skip(reason=ABSENT), id="absent")
    return [pytest.param(case, id=case["id"]) for case in cases()] or [absent]


def scheme_of(case: Case) -> list[tuple[str, int, int | None]]:
    """A peer's buckets, made to cover every day: 0 days by the name that peers give them, and what lies beyond the last."""
    buckets = case["convention"].get("buckets", [("LATE", 1, None)])
    last = buckets[-1][2]
    beyond = [] if last is None else [("BEYOND", last + 1, None)]
    return [("NO_DELINQUENCY", 0, 0), *((name, lower, upper) for name, lower, upper in buckets), *beyond]


def ledgers_of(case: Case) -> Ledgers:
    """Loan, customer, product and scheme are named after the case; a customer that several cases share stays shared.

    Some cases list only the first installments of a longer schedule: the rest is then principal due at a far maturity.
    """
    name, loan, convention = case["id"], case["loan"], case["convention"]
    customer = loan.get("customer", name)
    day = date.fromisoformat
    product = {
        "product_id": name,
        "day_count": "include_due_date" if convention["due_date_counts_as_day_1"] else "exclude_due_date",
        "grace_days": convention["grace_days"],
        "pause_scope": convention.get("pause_scope"),
        "allocation": ALLOCATIONS[convention["allocation"]],
        "bucket_scheme": name,
        "bucket_on": convention.get("bucket_on"),
    }
    row = {
        "loan_id": name,
        "customer_id": customer,
        "product_id": name,
        "disbursed_on": day(loan["disbursed_on"]),
        "matures_on": day(loan.get("maturity", "2099-12-31")),
        "principal": Decimal(loan["principal"]),
        "currency": loan["currency"],
    }
    ledgers: Ledgers = {
        "customers": [{"customer_id": customer, "segment": "personal"}],
        "products": [product],
        "loans": [row],
        "installments": [
            {
                "loan_id": name,
                "installment_no": line["n"],
                "due_on": day(line["due_date"]),
                "principal_due": Decimal(line["principal"]),
                "interest_due": Decimal(line["interest"]),
            }
            for line in case["schedule"]
        ],
        "repayments": [],
        "charges": [],
        "pauses": [  # a pause ended on the day it began has no paused day, and no row
            {"loan_id": name, "from_on": day(pause["from"]), "to_on": day(pause["to"])}
            for pause in convention["pauses"]
            if pause["from"] < pause["to"]
        ],
    }
    amounts = {event["id"]: event["amount"] for event in case["events"] if "id" in event}
    for number, event in enumerate(case["events"]):
        key = f"{name}-{event.get('id', f'e{number:03d}')}"
        on, reverses = day(event["date"]), event.get("of") if event["type"] == "reversal" else None
        amount = Decimal(event["amount"] if "amount" in event else amounts[reverses])
        delivery = SECOND if "recorded_on" in event else FIRST
        common = {"loan_id": name, "amount": amount, "kind": event["type"], "_delivery": delivery}
        if event["type"] == "fee":
            ledgers["charges"].append({"charge_id": key, "due_on": on} | common)
        else:
            reverses_id = f"{name}-{reverses}" if reverses else None
            ledgers["repayments"].append({"repayment_id": key, "paid_on": on, "reverses_id": reverses_id} | common)
    return {ledger: [{"_delivery": FIRST} | entry for entry in rows] for ledger, rows in ledgers.items()}


def together(some: list[Case]) -> Ledgers:
    """The ledgers of many cases as one lender's, each row once."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for case in some:
        for ledger, rows in ledgers_of(case).items():
            found.setdefault(ledger, {}).update({repr(row): row for row in rows})
    return {ledger: list(rows.values()) for ledger, rows in found.items()}
