"""One customer: loans and advances with their figures, the exposure they add up to, and the type with the rows that decide it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flows.errors import UsageError
from flows.evidence.recompute import Row
from flows.explain.advance import advance_at
from flows.explain.debtor import debtor_file
from flows.explain.footing import Footing
from flows.explain.signals import signals_of

Facts = dict[str, Any]
OF_LOANS = ("loans", "installments", "repayments", "charges", "pauses")
ZERO = Decimal("0.00")


def explain_customer(on: Footing, customer_id: str) -> Facts:
    """The rows of `customer_exposure` and `overdue_customers`, worked out from the customer's loans and advances."""
    people = on.read("customers", customer_id=customer_id)
    if not people:
        raise UsageError(
            f"CUSTOMER {customer_id}: no delivery up to {on.known.known_at} has such a customer. Give a customer_id as it stands in the "
            "ledger customers."
        )
    loans, advances = _loans(on, customer_id), _advances(on, customer_id, people)
    segment = next((loan["segment"] for loan in loans if loan["segment"]), None) or people[-1]["segment"]
    members = [m for m in [*loans, *advances] if m["is_in_book"]]
    currencies = sorted({member["currency"] for member in members})
    return {
        "customer_id": customer_id,
        "row": people[-1]["_no"],
        "segment": segment,
        "loans": loans,
        "advances": advances,
        "currencies": [_of_currency(on, customer_id, segment, currency, loans, advances) for currency in currencies],
        "signals": signals_of(on, debtor_file(on, customer_id)),
        "published": None,
        "differs": [],
        "waiting": on.waiting(customer_id=customer_id),
    }


def _loans(on: Footing, customer_id: str) -> list[Facts]:
    ids = {row["loan_id"] for row in on.read("loans", customer_id=customer_id)}
    if not ids:
        return []
    rows = {name: on.read(name, loan_id=ids) for name in OF_LOANS}
    newest = {row["loan_id"]: row for row in rows["loans"]}
    own = {loan_id for loan_id, row in newest.items() if row["customer_id"] == customer_id}
    rows = {name: [row for row in found if row["loan_id"] in own] for name, found in rows.items()}
    rows["customers"] = on.read("customers", customer_id=customer_id)
    rows["products"] = on.read("products", product_id={row["product_id"] or "" for row in rows["loans"]})
    figures = on.loans(on.ledgers_of(**rows))
    told = []
    for loan_id in sorted(own):
        row, found = newest[loan_id], figures.get(loan_id)
        told.append(
            {
                "item_type": "loan",
                "item_id": loan_id,
                "segment": found and found["segment"],
                "currency": row["currency"],
                "started_on": row["disbursed_on"],
                "ends_on": row["matures_on"],
                "closed_on": row["closed_on"],
                "is_in_book": bool(found) and not found["is_written_off"],
                "figures": found or {},
                "row": row["_no"],
            }
        )
    return told


def _advances(on: Footing, customer_id: str, people: list[Row]) -> list[Facts]:
    ids = {row["advance_id"] for row in on.read("advances", customer_id=customer_id)}
    if not ids:
        return []
    rows: dict[str, list[Row]] = defaultdict(list)
    events: dict[str, list[Row]] = defaultdict(list)
    for row in on.read("advances", advance_id=ids):
        rows[row["advance_id"]].append(row)
    for row in on.read("advance_repayments", advance_id=ids):
        events[row["advance_id"]].append(row)
    told = []
    for advance_id in sorted(ids):
        row = rows[advance_id][-1]
        if row["customer_id"] != customer_id:
            continue
        figures = advance_at(on, rows[advance_id], events[advance_id], people)["figures"]
        told.append(
            {
                "item_type": "advance",
                "item_id": advance_id,
                "currency": row["currency"],
                "started_on": row["advanced_on"],
                "ends_on": row["due_on"],
                "closed_on": None,
                "is_in_book": bool(figures) and not figures["is_written_off"],
                "figures": figures,
                "row": row["_no"],
            }
        )
    return told


def _of_currency(
    on: Footing, customer_id: str, segment: str, currency: str, loans: list[Facts], advances: list[Facts]
) -> Facts:
    own = [m["figures"] for m in loans if m["currency"] == currency and m["is_in_book"]]
    out = [m["figures"] for m in advances if m["currency"] == currency and m["is_in_book"]]
    late_out = [a["outstanding"] for a in out if a["days_past_due"] > 0]
    loan_days = max((one["days_past_due"] for one in own), default=None)
    advance_days = max((one["days_past_due"] for one in out), default=None)
    exposure = {
        "loans": len(own),
        "advances": len(out),
        "loan_balance": sum((one["outstanding_principal"] for one in own), ZERO),
        "advance_balance": sum((one["outstanding"] for one in out), ZERO),
        "overdue_balance": sum((one["overdue_balance"] for one in own), ZERO) + sum(late_out, ZERO),
        "overdue_amount": sum((one["overdue_amount"] for one in own), ZERO) + sum(late_out, ZERO),
        "loan_days_past_due": loan_days,
        "days_past_due": max(loan_days or 0, advance_days or 0),
        "duration_days": max((one["duration_days"] for one in out), default=None),
    }
    total = exposure["loan_balance"] + exposure["advance_balance"]
    if total:
        share = min(exposure["overdue_amount"], total) / total
        exposure["arrears_share"] = share.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    (published,) = on.mart("customer_exposure", as_of=on.as_of, customer_id=customer_id, currency=currency) or [None]
    capacity = on.seed("capacity_rule")
    reasons = (published or {}).get("capacity_reasons") or ""
    return {
        "currency": currency,
        "exposure": exposure,
        "total": total,
        "published": published,
        "differs": _differences(exposure, published),
        "capacity": [row for row in capacity if row["rule"] in reasons.split(", ")],
        "type": _type_of(on, customer_id, segment, currency, total, loans, advances),
    }


def _differences(figures: Row, published: Row | None) -> list[dict[str, Any]]:
    if published is None:
        return []
    return [
        {"column": column, "published": published[column], "recomputed": value}
        for column, value in figures.items()
        if published[column] != value
    ]


def _months(first: date, last: date | None) -> int | None:
    return None if last is None else 12 * (last.year - first.year) + last.month - first.month


def _type_of(
    on: Footing,
    customer_id: str,
    segment: str,
    currency: str,
    total: Decimal,
    loans: list[Facts],
    advances: list[Facts],
) -> Facts | None:
    """The type, judged on the overdue item with most days (ties: begun first, smallest id); None without arrears."""
    late = [
        m
        for m in [*loans, *advances]
        if m["currency"] == currency and m["is_in_book"] and m["figures"]["days_past_due"] > 0
    ]
    if not late:
        return None
    judged = min(late, key=lambda m: (-m["figures"]["days_past_due"], m["started_on"], m["item_id"], m["item_type"]))
    earlier = [m for m in loans if m["started_on"] < judged["started_on"]]
    tenors = [_months(m["started_on"], _ends_on(m)) for m in late]
    longest = max((months for months in tenors if months is not None), default=None)
    complete_from = on.policy.settings["history_complete_from"]
    is_told = not complete_from or str(judged["started_on"]) >= complete_from
    limits = on.seed("customer_type_threshold", segment=segment, currency=currency) or on.seed(
        "customer_type_threshold", segment=segment, currency="*"
    )
    limit = limits[0] if limits else None
    large_from = Decimal(limit["large_from"]) if limit and limit["large_from"] else None
    above = int(limit["long_tenor_above_months"]) if limit and limit["long_tenor_above_months"] else None
    flags = {
        "is_new": not earlier if is_told else None,
        "is_repeat": bool(earlier) if is_told else None,
        "is_large": None if large_from is None else total >= large_from,
        "is_long_tenor": None if above is None or longest is None else longest > above,
    }
    kinds = sorted(on.seed("customer_type"), key=lambda row: int(row["precedence"]))
    of = [row for row in kinds if flags.get(f"is_{row['customer_type']}")]
    if not of and flags["is_new"] is None:
        of = [row for row in kinds if row["customer_type"] == "undetermined"]
    figures = {
        **flags,
        "primary_type": of[0]["customer_type"] if of else None,
        "earlier_loans": len(earlier),
        "exposure": total,
        "longest_tenor_months": longest,
        "days_past_due": judged["figures"]["days_past_due"],
        "judged_item_type": judged["item_type"],
        "judged_item_id": judged["item_id"],
        "judged_started_on": judged["started_on"],
    }
    (published,) = on.mart("overdue_customers", as_of=on.as_of, customer_id=customer_id, currency=currency) or [None]
    return {
        "figures": figures,
        "published": published,
        "differs": _differences(figures, published),
        "types": of,
        "threshold": limit,
        "earlier": [{"loan_id": m["item_id"], "disbursed_on": m["started_on"], "row": m["row"]} for m in earlier],
    }


def _ends_on(member: Facts) -> date | None:
    """Of a loan the maturity in force on the day, as its row of `loan_aging` has it."""
    return (
        member["figures"].get("matures_on", member["ends_on"]) if member["item_type"] == "loan" else member["ends_on"]
    )
