"""The figures of a loan redone from what `arrears explain` shows and from nothing else, as a person would on paper."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Facts = dict[str, Any]
ZERO = Decimal("0.00")


def total(rows: list[Facts], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), ZERO)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def ladder_is_sound(told: Facts) -> None:
    """Every rung is its ledger row, its due date moves over rest days only, and the money on it is the money that came."""
    values = {row["no"]: row["values"] for row in told["rows"]}
    order = next(t["value"] for t in told["terms"] if t["name"] == "component_order").split(",")
    for rung in told["rungs"]:
        row = values[rung["row"]]
        if rung["kind"] == "installment":
            for part in ("fee", "interest", "principal"):
                assert Decimal(rung[part]) == Decimal(row.get(f"{part}_due", 0))
            assert rung["due_on"] == row["due_on"]
        assert Decimal(rung["amount"]) == sum(Decimal(rung[part]) for part in ("fee", "interest", "principal"))
        assert total(rung["paid_by"], "amount") == Decimal(rung["paid"])
        left = Decimal(rung["paid"])
        for part in order:
            taken = min(left, Decimal(rung[part]))
            left -= taken
            assert Decimal(rung[f"unpaid_{part}"]) == Decimal(rung[part]) - taken
        if rung["due_on"]:
            moved = [day(rest["day"]) for rest in rung["rest_days"]]
            assert not any(rest["is_working_day"] for rest in rung["rest_days"])
            assert moved == [day(rung["due_on"]) + timedelta(n) for n in range(len(moved))]
            assert day(rung["rolled_on"]) == day(rung["due_on"]) + timedelta(len(moved))
    in_queue = any(rung["kind"] == "charge" for rung in told["rungs"])
    for charge in told["charges"]:
        back = sum((Decimal(values[r["row"]]["amount"]) for r in charge["reversals"]), ZERO)
        assert Decimal(charge["amount"]) == Decimal(values[charge["row"]]["amount"]) - back
        assert Decimal(charge["unpaid"]) == Decimal(charge["amount"]) - Decimal(charge["paid"])
        assert in_queue or total(charge["paid_by"], "amount") == Decimal(charge["paid"])
    charges = [] if in_queue else told["charges"]
    laid = total(told["rungs"], "paid") + total(charges, "paid") + Decimal(told["overpaid"])
    counted = [money for money in told["money"] if money["counts"]]
    assert laid == total(counted, "net")
    for money in told["money"]:
        assert Decimal(money["amount"]) == Decimal(values[money["row"]]["amount"])
        assert money["paid_on"] == values[money["row"]]["paid_on"]
        back = total(money["reversals"], "amount")
        assert all(Decimal(r["amount"]) == Decimal(values[r["row"]]["amount"]) for r in money["reversals"])
        assert Decimal(money["net"]) == Decimal(money["amount"]) - back
        assert total(money["pays"], "amount") == (Decimal(money["net"]) if money["counts"] else ZERO)


def figures_of(told: Facts) -> Facts:
    """Figures of `loan_aging` by addition, subtraction and counting of what is shown."""
    terms = {term["name"]: term["value"] for term in told["terms"]}
    as_of, includes = day(told["as_of"]), terms["day_count"] == "include_due_date"

    def is_past(rolled_on: str | None) -> bool:
        return rolled_on is not None and day(rolled_on) < as_of + timedelta(int(includes))

    late = [r for r in told["rungs"] if Decimal(r["unpaid"]) > 0 and is_past(r["rolled_on"])]
    in_queue = any(rung["kind"] == "charge" for rung in told["rungs"])
    charges = [] if in_queue else [c for c in told["charges"] if is_past(c["rolled_on"])]
    oldest = min((day(rung["rolled_on"]) for rung in late), default=None)
    days = 0 if oldest is None else (as_of - oldest).days + int(includes)
    overdue = {part: total(late, f"unpaid_{part}") for part in ("principal", "interest", "fee")}
    overdue["fee"] += total(charges, "unpaid")
    amount, outstanding = sum(overdue.values()), total(told["rungs"], "unpaid_principal")
    counted = told["days"]["counted"] or []
    if counted:
        first = oldest if includes else oldest + timedelta(1)
        assert [day(one["day"]) for one in counted] == [first + timedelta(n) for n in range(len(counted))]
        assert counted[-1]["day"] == told["as_of"]
    tolerated = max(Decimal(terms["tolerance_amount"]), Decimal(terms["tolerance_rate"]) * outstanding)
    paused = sum(pause["days"] for pause in told["pauses"])
    delinquent = max(0, days - int(terms["grace_days"]) - paused) if days and amount > tolerated else 0
    business = sum(one["is_working_day"] for one in counted)
    on = {"days_past_due": days, "delinquent_days": delinquent, "business_days_past_due": business}[terms["bucket_on"]]
    bucket = told["bucket"]["row"]
    if bucket is not None:
        assert int(bucket["lower_days"]) <= on <= int(bucket["upper_days"] or 10**9)
    history = told["history"]
    paid = [m["paid_on"] for m in told["money"] if m["kind"] == "payment" and Decimal(m["net"]) > 0]
    return {
        "outstanding_principal": outstanding,
        "overpaid_amount": Decimal(told["overpaid"]),
        "overdue_principal": overdue["principal"],
        "overdue_interest": overdue["interest"],
        "overdue_fees": overdue["fee"],
        "overdue_amount": amount,
        "overdue_balance": outstanding if days else ZERO,
        "oldest_unpaid_due_on": oldest,
        "days_past_due": days,
        "customer_days_past_due": told["customer_money"]["days"] if told["customer_money"]["others"] else days,
        "delinquent_days": delinquent,
        "business_days_past_due": business,
        "missed_installments": sum(rung["kind"] in ("installment", "residual") for rung in late),
        "days_before_plan": told["before_plan"] and told["before_plan"]["days"],
        "first_overdue_on": day(history[0]["first"]) if history else None,
        "max_days_past_due": max((stretch["highest"] for stretch in history), default=0),
        "last_paid_on": max(map(day, paid), default=None),
        "plan_no": told["plan"]["plan_no"],
        **({"bucket": bucket["bucket"]} if bucket else {}),
    }


def class_of(told: Facts) -> int:
    """The worst floor of the rules shown."""
    return max((floor["floor_class"] for floor in told["class"]["floors"]), default=1)
