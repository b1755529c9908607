"""The ledgers of a lender whose staff telephones a lot, made to be nasty: about 25 attempts a customer in four weeks, more before.

Customers in six time zones, calls minutes around the edges of quiet hours and of midnight, days full of calls by staff and
agencies, refusals, stops, promises, missing inputs; loans that fall behind, are paid, fall behind again, are paused or closed.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]

AS_OF = date(2026, 11, 20)
ZONES = ("Asia/Shanghai", "Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Asia/Kolkata", "Europe/London")
KINDS = ("phone", "phone", "email", "employer", "emergency_contact", "social")
# minutes of the day, in UTC or Shanghai
EDGES = (0, 1, 479, 480, 481, 719, 720, 1139, 1140, 1259, 1260, 1319, 1320, 1321, 1438, 1439)
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
    # of the four the only one to be used on the day after the as-of date: the inspection of AG-2 is too old by then
    {"agency_id": "AG-4", "fact": "listed", "valid_from": "2026-11-21", "valid_to": "2026-11-21"},
    {"agency_id": "AG-4", "fact": "evaluated", "valid_from": "2025-11-21", "valid_to": ""},
]
RATES = {"CNY": "1", "USD": "7.1234"}
HISTORY_DAYS = 150  # of contact_timing, contact_moves, contact_effect

HEADERS = {
    "customers": "customer_id,segment,time_zone",
    "products": "product_id,asset_class,grace_days",
    "loans": "loan_id,customer_id,product_id,disbursed_on,principal,currency,closed_on,close_reason",
    "installments": "loan_id,plan_no,effective_on,installment_no,due_on,principal_due",
    "repayments": "repayment_id,loan_id,paid_on,amount,kind,reverses_id",
    "pauses": "loan_id,from_on,to_on",
    "advances": "advance_id,customer_id,kind,advanced_on,amount,currency,due_on",
    "fx_rates": "as_of,currency,rate",
    "contact_points": "contact_point_id,customer_id,kind,consented,valid_from,valid_to",
    "contact_attempts": (
        "attempt_id,customer_id,loan_id,attempted_at,initiated_by,channel,party,agency_id,contact_point_id,outcome,"
        "stop_requested,debt_disclosed,recorded,promised_on,promised_amount,message_text"
    ),
}


def lender(seed: int, attempts: int) -> dict[str, list[Row]]:
    """Every ledger; times are in UTC, amounts texts. One repayment in fifty is bad, and goes to quarantine."""
    dice = random.Random(seed)
    made: dict[str, list[Row]] = {name: [] for name in HEADERS}
    made["products"] = [
        {"product_id": "CARD", "asset_class": "card"},
        {"product_id": "LOAN", "asset_class": "loan", "grace_days": 5},
    ]
    made["fx_rates"] = [{"as_of": "2026-01-01", "currency": "USD", "rate": RATES["USD"]}]
    for n in range(attempts // 25):
        customer = f"C{n}"
        segment = "corporate" if n % 9 == 0 else "personal"
        made["customers"].append({"customer_id": customer, "segment": segment, "time_zone": dice.choice(ZONES)})
        loans = [_lend(made, dice, f"L{n}-{k}", customer) for k in range(dice.choice((1, 1, 2)))]
        if dice.random() < 0.02:
            due_on = AS_OF - timedelta(days=dice.choice((-1, 0, 1, 100)))
            advance = {"advance_id": f"V{n}", "customer_id": customer, "kind": dice.choice(("card", "other"))}
            money = {"advanced_on": "2026-01-20", "amount": "70.00", "currency": "CNY", "due_on": due_on}
            made["advances"].append(advance | money)
        points = [_point(dice, f"P{n}-{k}", customer) for k in range(dice.randint(1, 4))]
        made["contact_points"] += points
        _telephone(made["contact_attempts"], dice, n, loans, [point["contact_point_id"] for point in points])
    return made


def _lend(made: dict[str, list[Row]], dice: random.Random, loan_id: str, customer: str) -> str:
    """A loan of 100.00 in one to four installments, paid in parts, late, in advance, twice, or not at all."""
    about = {"loan_id": loan_id, "customer_id": customer, "product_id": dice.choice(("CARD", "LOAN", None))}
    loan = {
        **about,
        "disbursed_on": "2026-01-10",
        "principal": "100.00",
        "currency": dice.choice(("CNY",) * 4 + ("USD",)),
    }
    if dice.random() < 0.1:
        loan |= {
            "closed_on": AS_OF - timedelta(days=dice.randint(-1, 40)),
            "close_reason": dice.choice(("sold", "repaid")),
        }
    made["loans"].append(loan)
    parts = dice.choice(([10000], [5000, 5000], [2500, 2500, 5000], [2500, 2500, 2500, 2500]))
    days = sorted(AS_OF - timedelta(days=dice.choice((-20, 0, 1, 30, 31, dice.randint(1, 260)))) for _ in parts)
    for number, (part, due_on) in enumerate(zip(parts, days, strict=True), start=1):
        due = {"loan_id": loan_id, "installment_no": number, "due_on": due_on, "principal_due": _amount(part)}
        made["installments"].append(due)
        if dice.random() < 0.5:
            _pay(made["repayments"], dice, loan_id, due_on + timedelta(days=dice.choice((0, 1, 2, 29, 60))), part)
    apart = random.Random(loan_id)  # a new plan now and then, for arrears that end without money
    if apart.random() < 0.08:
        plan = {"plan_no": 2, "effective_on": AS_OF - timedelta(days=apart.randint(0, 60))}
        due_on = AS_OF + timedelta(days=apart.choice((-10, 30)))
        due = {"loan_id": loan_id, "installment_no": 1, "due_on": due_on, "principal_due": "100.00"}
        made["installments"].append(plan | due)
    for _ in range(dice.choice((0, 0, 1, 2))):
        paid_on = AS_OF - timedelta(days=dice.randint(-1, 40))
        _pay(made["repayments"], dice, loan_id, paid_on, dice.choice((1, 2500, 10000)))
    if dice.random() < 0.1:
        from_on = AS_OF + timedelta(days=dice.choice((-9, 0, 1, 2)))
        to_on = dice.choice((None, AS_OF + timedelta(days=1), AS_OF + timedelta(days=2)))
        if to_on is None or from_on < to_on:
            made["pauses"].append({"loan_id": loan_id, "from_on": from_on, "to_on": to_on})
    return loan_id


def _pay(repayments: list[Row], dice: random.Random, loan_id: str, paid_on: date, cents: int) -> None:
    row = {"repayment_id": f"R{len(repayments)}", "loan_id": loan_id, "paid_on": paid_on, "amount": _amount(cents)}
    row["kind"] = dice.choice(("payment",) * 8 + ("waiver",))
    if dice.random() < 0.02:
        row["amount"] += "1"  # three decimals
    repayments.append(row)
    if dice.random() < 0.1 and not is_bad(row):
        undone = {"repayment_id": f"R{len(repayments)}", "loan_id": loan_id, "kind": "reversal"}
        cents = dice.choice((cents, (cents + 1) // 2))
        reversed_on = paid_on + timedelta(days=dice.choice((0, 1, 20)))
        repayments.append(
            undone | {"paid_on": reversed_on, "amount": _amount(cents), "reverses_id": row["repayment_id"]}
        )


def is_bad(repayment: Row) -> bool:
    return len(str(repayment["amount"]).split(".")[1]) > 2


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _point(dice: random.Random, point_id: str, customer: str) -> Row:
    kind, consented = dice.choice(KINDS), dice.choice(("true", "true", "false", None))
    row = {"contact_point_id": point_id, "customer_id": customer, "kind": kind, "consented": consented}
    tomorrow = AS_OF + timedelta(days=1)
    if dice.random() < 0.2:
        row["valid_from"] = tomorrow + timedelta(days=dice.choice((-30, 0, 1)))
    if dice.random() < 0.2 and row.get("valid_from", AS_OF) <= tomorrow:
        row["valid_to"] = tomorrow + timedelta(days=dice.choice((0, 1)))
        if row["valid_to"] <= row.get("valid_from", AS_OF):
            del row["valid_to"]
    return row


def _telephone(attempts: list[Row], dice: random.Random, n: int, loans: Sequence[str], points: Sequence[str]) -> None:
    """25 attempts on six days of four weeks, and some months before."""
    busy = [AS_OF - timedelta(days=dice.randint(0, 27)) for _ in range(6)]
    if hounded := n % 10 == 0:  # all calls on two days, to one number, about one loan
        busy, points, loans = busy[:2], points[:1], loans[:1]
    silent = n % 10 == 1  # never answers, and is called a few times only
    before = [AS_OF - timedelta(days=dice.randint(28, 200)) for _ in range(0 if silent else dice.randint(0, 6))]
    for day in [dice.choice(busy) for _ in range(dice.randint(2, 12) if silent else 25)] + before:
        minute = dice.choice(EDGES) if dice.random() < 0.3 else dice.randrange(1440)
        begun = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute, seconds=dice.choice((0, 59)))
        outcome = dice.choices(
            ("reached", "promised", "refused", "no_answer", "invalid", "left_message"), (15, 6, 4, 45, 25, 5)
        )[0]
        party = dice.choices(
            ("debtor", "guarantor", "contact", "employer", "third_party", "authority", None), (60, 4, 12, 8, 4, 3, 9)
        )[0]
        begins = dice.choice(("lender", "lender", "lender", "lender", "lender", "customer", None))
        if silent:
            outcome, party, begins = "no_answer", "debtor", "lender"
        row = {
            "attempt_id": f"A{len(attempts)}",
            "customer_id": f"C{n}",
            "loan_id": dice.choice((*loans, None)),
            "attempted_at": begun,
            "initiated_by": begins,
            "channel": "phone" if hounded else dice.choice(CHANNELS),
            "party": party,
            "agency_id": dice.choice((None, None, None, "AG-1", "AG-2", "AG-3")),
            "contact_point_id": dice.choice((*points, None)),
            "outcome": outcome,
            "stop_requested": dice.choices((True, False, None), (3, 60, 37))[0],
            "debt_disclosed": dice.choice((True, False, False, None)),
            "recorded": dice.choice((True, True, False, None)),
            "message_text": dice.choice(TEXTS),
        }
        if dice.random() < (0.8 if outcome == "promised" else 0.01):
            row["promised_on"] = day + timedelta(days=dice.choice((0, 1, 2, 10, 28)))
        if dice.random() < (0.8 if outcome == "promised" else 0.01):
            row["promised_amount"] = dice.choice(("0.01", "25.00", "50.00", "100.00"))
        attempts.append(row)


def write(folder: Path, ledgers: dict[str, list[Row]]) -> None:
    """One delivery."""
    folder.mkdir(parents=True)
    for name, rows in ledgers.items():
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADERS[name].split(","))
            writer.writeheader()
            writer.writerows(
                row if name != "contact_attempts" else {**row, "attempted_at": f"{row['attempted_at']}+00:00"}
                for row in rows
            )
