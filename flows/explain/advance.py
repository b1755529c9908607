"""One advance: what of it is outstanding, how long it has been out, since when it is overdue. Facts alone; `words.py` tells them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from flows.errors import UsageError
from flows.evidence.recompute import ONE_DAY, Row, Terms, attribute, delivery_of
from flows.explain.footing import Footing

Facts = dict[str, Any]


def explain_advance(on: Footing, advance_id: str, with_days: bool) -> Facts:
    """Every figure of `advance_aging` for an advance, worked out from its rows, with what it rests on."""
    rows = on.read("advances", advance_id=advance_id)
    if not rows:
        raise UsageError(
            f"ADVANCE {advance_id}: no delivery up to {on.known.known_at} has such an advance. Give an advance_id as it stands in the "
            "ledger advances."
        )
    events = on.read("advance_repayments", advance_id=advance_id)
    customers = on.read("customers", customer_id=rows[-1]["customer_id"])
    facts = advance_at(on, rows, events, customers, with_days)
    published = on.mart("advance_aging", as_of=on.as_of, advance_id=advance_id)
    facts["published"] = published[0] if published else None
    facts["differs"] = _differences(facts["figures"], facts["published"]) if facts["figures"] else []
    if facts["figures"]:
        from flows.explain.debtor import debtor_file
        from flows.explain.risk import class_of
        from flows.explain.signals import signals_of

        facts["own_rows"] = len(on.rows)
        read = {"advances": rows, "advance_repayments": events, "customers": customers}
        file = debtor_file(on, rows[-1]["customer_id"], read)
        facts["class"] = class_of(on, file, "advance", advance_id)
        facts["signals"] = signals_of(on, file)
    facts["waiting"] = [
        w for w in on.waiting(customer_id=rows[-1]["customer_id"]) if w["ledger"] == "advance_repayments"
    ]
    return facts


def _differences(figures: Row, published: Row | None) -> list[dict[str, Any]]:
    if published is None:
        return []
    return [
        {"column": column, "published": published[column], "recomputed": value}
        for column, value in figures.items()
        if published[column] != value
    ]


def advance_at(on: Footing, rows: list[Row], events: list[Row], customers: list[Row], with_days: bool = False) -> Facts:
    """The same from rows that are read already; `figures` is empty where the advance is not out on the day."""
    row, day = rows[-1], on.as_of
    history = [{**r, "_delivery": delivery_of(r["_delivery"])} for r in rows]
    kind = attribute(history, "kind", day, on.lag_days)
    (house,) = on.seed("convention_default")
    facts: Facts = {
        "advance_id": row["advance_id"],
        "customer_id": row["customer_id"],
        "row": row["_no"],
        "money": _money(events, day),
    }
    repaid = sum((one["counts"] for one in facts["money"]), Decimal("0.00"))
    outstanding = max(Decimal("0.00"), row["amount"] - repaid)
    facts["repaid"] = repaid
    if row["advanced_on"] > day or outstanding == 0:
        return {**facts, "outside": {"advanced_on": row["advanced_on"], "outstanding": outstanding}, "figures": {}}
    newest_kind = on.seed("advance_kind", kind=row["kind"])[0]
    kind_row = on.seed("advance_kind", kind=kind)[0]
    agreed = newest_kind["past_due_from"] == "due_on" and row["due_on"] is not None
    since = row["due_on"] if agreed else row["advanced_on"]
    duration = (day - row["advanced_on"]).days
    first = row["advanced_on"] + ONE_DAY
    calendar = on.calendar.of(Terms(calendar=house["calendar"]))
    bucket = next(
        b
        for b in on.seed("advance_bucket")
        if on.is_in_force(b) and int(b["lower_days"]) <= duration <= int(b["upper_days"] or 10**9)
    )
    people = [{**r, "_delivery": delivery_of(r["_delivery"])} for r in customers]
    written_off_on = row["written_off_on"]
    figures = {
        "customer_id": row["customer_id"],
        "loan_id": row["loan_id"],
        "segment": attribute(people, "segment", day, on.lag_days) if people else None,
        "kind": kind,
        "security": attribute(history, "security", day, on.lag_days),
        "currency": row["currency"],
        "amount": row["amount"],
        "outstanding": outstanding,
        "advanced_on": row["advanced_on"],
        "due_on": row["due_on"],
        "duration_days": duration,
        "business_duration_days": calendar.working_days(first, day),
        "bucket": bucket["bucket"],
        "days_past_due": max(0, (day - since).days),
        "is_long_held": duration > int(kind_row["long_held_after_days"]),
        "is_written_off": written_off_on is not None and written_off_on <= day,
        "last_repaid_on": max((one["paid_on"] for one in facts["money"] if one["is_cash"]), default=None),
    }
    return {
        **facts,
        "outside": None,
        "figures": figures,
        "overdue_since": since,
        "is_agreed": agreed,
        "kind_row": kind_row,
        "bucket_row": bucket,
        "counted": on.days(house["calendar"], first, day) if with_days else None,
        "calendar": house["calendar"],
    }


def _money(events: list[Row], day: date) -> list[Facts]:
    """Each row by its day, and what it takes off what is outstanding; what reverses a row stands beside it."""
    newest: dict[str, Row] = {}
    for event in events:
        newest.setdefault(event["advance_repayment_id"], event)  # the first of an event row
    dated = [e for e in newest.values() if e["paid_on"] <= day]
    told = []
    for event in sorted(dated, key=lambda e: (e["paid_on"], e["advance_repayment_id"])):
        kind = event["kind"] or "payment"
        if kind == "reversal" and event["reverses_id"] not in newest:
            counts = Decimal("0.00")  # what it reverses was withdrawn: nothing to take back
        elif kind == "reversal" or kind == "chargeback":
            counts = -event["amount"]
        else:
            counts = event["amount"]
        back = sum(
            (
                e["amount"]
                for e in dated
                if e["kind"] == "reversal" and e["reverses_id"] == event["advance_repayment_id"]
            ),
            Decimal("0.00"),
        )
        told.append(
            {
                "advance_repayment_id": event["advance_repayment_id"],
                "paid_on": event["paid_on"],
                "kind": kind,
                "reverses_id": event["reverses_id"],
                "amount": event["amount"],
                "counts": counts,
                "is_cash": kind == "payment" and event["amount"] > back,
                "row": event["_no"],
            }
        )
    return told
