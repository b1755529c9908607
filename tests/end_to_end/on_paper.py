"""The figures of a loan redone from what `arrears explain` shows and from nothing else, as a person would on paper."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
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


def compares(figure: Decimal, operator: str, threshold: str) -> bool:
    limit = Decimal(threshold)
    return {
        "<": figure < limit,
        "<=": figure <= limit,
        "=": figure == limit,
        ">=": figure >= limit,
        ">": figure > limit,
    }[operator]


def months_after(text: str, months: int) -> date:
    """The same day so many months later, or the last day of that month."""
    start = date.fromisoformat(text)
    month = start.year * 12 + start.month - 1 + months
    for last in range(start.day, 0, -1):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    raise AssertionError


def class_of(told: Facts, days: int, days_with: int) -> Facts:
    """The class by comparing each rule's figure with its threshold; the figures from the days, the debts and the rows shown.

    `days` are those past due as agreed, `days_with` the same with the due date counted.
    """
    found, as_of = told["class"], told["as_of"]
    values = {row["no"]: row["values"] for row in told["rows"]}
    kind, ident = told["kind"], told["id"]
    (own,) = (d for d in found["debts"] if (d["item_type"], d["item_id"]) == (kind, ident))
    claims = [debt for debt in found["debts"] if not debt["is_retail"]]
    others = [debt for debt in claims if debt is not own and debt["is_non_performing"]]
    after = max(0, days_with - 1) if days_with else 0
    observation = found["observation"]
    is_observed = observation is not None and observation["ended_on"] is None
    if observation is not None:
        is_observed_on_paper(observation, own, as_of)
    worst, fired = 1, []
    for one in found["looked_at"]:
        rule, trigger = one["rule"], one["rule"]["trigger"]
        figure: Decimal | None = None
        if trigger == "days_past_due":
            counts = {"as_agreed": days, "include_due_date": days_with, "exclude_due_date": after}
            figure = Decimal(counts[rule["day_count"]])
        elif trigger == "credit_impaired_flag":
            figure = Decimal(own["is_credit_impaired"])
        elif trigger == "restructured_flag":
            figure = Decimal(is_observed)
        elif trigger == "debtor_npl_flag":
            figure = Decimal(bool(others))
            assert set(one["pulled_by"]) == {debt["item_id"] for debt in others if one["holds"]}
        elif trigger == "debtor_npl_share" and not own["is_non_performing"]:
            shares = []
            for currency in {debt["currency"] for debt in claims}:
                mine = [debt for debt in claims if debt["currency"] == currency]
                bad = [debt for debt in mine if debt["is_non_performing"]]
                shares.append(total(bad, "balance") / total(mine, "balance") if bad else ZERO)
            figure = max(shares, default=ZERO)
        elif trigger == "technical_overdue_days" and found["technical"]:
            assert values[found["technical"]["row"]]["reason"] == "technical"
            figure = Decimal(days)
        holds = figure is not None and compares(figure, rule["operator"], rule["threshold"])
        assert one["holds"] == (holds and one["lifted_by"] is None), one
        assert (rule["valid_from"] or as_of) <= as_of <= (rule["valid_to"] or as_of)
        if one["holds"]:
            fired.append((one["floor_class"], one["rule_id"]))
            worst = max(worst, one["floor_class"])
    if found["cure"] is not None:
        is_held_on_paper(found["cure"], as_of)
        if worst < 3:
            worst = 3
            fired.append((3, "CURE_PAID"))
    adjusted = [
        row["values"] for row in told["rows"] if row["ledger"] == "adjustments" and row["values"]["loan_id"] == ident
    ]
    in_force = [row for row in adjusted if row["valid_from"] <= as_of <= row["valid_until"]]
    counts_most = max(in_force, key=lambda row: (row["valid_from"], row["adjustment_id"]), default=None)
    risk_class = int(counts_most["risk_class"]) if counts_most else worst
    assert int(found["provision"]["risk_class"]) == risk_class
    provided = Decimal(own["balance"]) * Decimal(found["provision"]["rate"])
    return {
        "class_by_rules": worst,
        "risk_class": risk_class,
        "adjustment_id": counts_most and counts_most["adjustment_id"],
        "rules_fired": ", ".join(sorted(rule for _, rule in fired)),
        "deciding_rule": min((rule for floor, rule in fired if floor == worst), default=None),
        "provision_amount": provided.quantize(Decimal("0.01"), ROUND_HALF_UP),
    }


def is_held_on_paper(cure: Facts, as_of: str) -> None:
    """What is held is not cured: not paid yet, or not for so long, or so few due dates, or the debtor is impaired."""
    assert cure["since"] <= cure["last_breach_on"] <= as_of
    if cure["clean_since"] is None:
        return
    assert str(months_after(cure["clean_since"], cure["months"])) == cure["months_end_on"]
    assert all(cure["clean_since"] < due <= as_of for due in cure["passed"])
    waits = as_of < cure["months_end_on"] or len(cure["passed"]) < cure["periods"]
    assert waits or (cure["needs_unimpaired_debtor"] and cure["is_debtor_impaired"])


def is_observed_on_paper(seen: Facts, own: Facts, as_of: str) -> None:
    """Observation runs from the last due date that was missed, for so many months and due dates, and not while in arrears."""
    if seen["begins_on"] is None:
        return
    assert seen["begins_on"] == max([seen["starts_on"], *seen["missed"]])
    assert str(months_after(seen["begins_on"], seen["months"])) == seen["months_end_on"]
    until = seen["ended_on"] or as_of
    assert all(seen["begins_on"] < due <= until for due in seen["passed"])
    is_over = until >= seen["months_end_on"] and len(seen["passed"]) >= seen["periods"]
    assert is_over == (seen["ended_on"] is not None) or own["days_past_due"] > 0


def signals_of(told: Facts) -> Facts:
    """Points, severity and measures by adding up and comparing what is shown."""
    found = told["signals"]
    values = {row["no"]: row["values"] for row in told["rows"]}
    items = {item["item_id"]: item for item in found["items"]}
    late = [item for item in found["items"] if item["days_past_due"] > 0]
    most = max((item["days_past_due"] for item in found["items"]), default=0)
    points = {}
    for one in found["given"]:
        signal, name = one["signal"], one["signal"]["signal_id"]
        points[name] = int(signal["points"])
        rows = [values[no] for no in one["rows"]]
        assert rows or name == "lost_contact"
        if name in ("overdue_over_30", "overdue_over_90"):
            assert items[one["item"]]["days_past_due"] > int(signal["threshold"])
        elif name in ("non_performing", "doubtful_or_loss"):
            assert items[one["item"]]["risk_class"] >= int(signal["threshold"])
        elif name == "other_default":
            assert items[one["item"]]["risk_class"] >= 3
            assert len(items) > 1
        elif name == "large_arrears":
            mine = [item for item in found["items"] if item["currency"] == one["item"]]
            due, whole = total(mine, "overdue_amount"), total(mine, "balance")
            assert one["en"] == f"overdue {due} of an exposure of {whole}"
        elif name == "falling_coverage":
            before, after = (Decimal(row["value"]) for row in rows)
            assert (before - after) / before >= Decimal(signal["threshold"])
        elif name == "long_held_advance":
            days = (day(told["as_of"]) - day(rows[0]["advanced_on"])).days
            assert one["en"] == f"out for {days} days"
        elif name == "weak_finances":
            operations = {c["cause"]["cause_id"] for c in found["given_causes"] if c["cause"]["family"] == "operations"}
            assert not operations or one["figure"] == len(operations)
        elif name == "broken_promise":
            promise, *money = rows
            paid = sum((Decimal(m["amount"]) * (-1 if m["kind"] == "reversal" else 1) for m in money), ZERO)
            assert one["en"] == f"promised for {promise['promised_on']}, paid {paid}"
            ago = (day(told["as_of"]) - day(promise["promised_on"])).days
            assert 0 <= ago <= int(signal["threshold"])
        elif name == "lost_contact":
            rule = found["lost_rule"]
            assert len(rows) >= int(rule["min_failed_attempts"])
            assert {row["outcome"] for row in rows} <= {"no_answer", "invalid"}
            assert sum(row["outcome"] == "invalid" for row in rows) >= int(rule["min_invalid_attempts"])
    for one in found["given_causes"]:
        cause = one["cause"]
        assert compares(Decimal(one["figure"]), cause["operator"], cause["threshold"])
        rows = [values[no] for no in one["rows"]]
        if cause["metric"] in ("net_profit", "operating_cash_flow"):
            assert Decimal(rows[0][cause["metric"]]) == Decimal(one["figure"])
        elif cause["metric"] == "leverage":
            share = Decimal(rows[0]["total_liabilities"]) / Decimal(rows[0]["total_assets"])
            assert abs(share - Decimal(one["figure"])) < Decimal("0.000001")
        elif cause["metric"] in ("attempts_in_vain", "attempts_on_one_channel", "breaches"):
            assert len(rows) == int(Decimal(one["figure"]))
    called_for = {m for one in found["given"] for m in one["signal"]["measures"].split()}
    called_for |= {one["cause"]["measure_id"] for one in found["given_causes"]}
    for size in found["sizes"]:
        mine = [item for item in late if item["currency"] == size["currency"]]
        assert (
            Decimal(size["overdue_amount"]) == total(mine, "overdue_amount") == total(size["debts"], "overdue_amount")
        )
        assert Decimal(size["limit"]) == total(
            [i for i in found["items"] if i["currency"] == size["currency"]], "balance"
        )
        assert Decimal(size["collateral_to_ask"]) == total(size["debts"], "to_ask")
        paid = ZERO
        for debt in size["debts"]:
            rows = [values[no] for no in debt["rows"]]
            assert all(size["since"] <= row["paid_on"] <= told["as_of"] for row in rows)
            lately = sum((Decimal(r["amount"]) * (-1 if r["kind"] == "reversal" else 1) for r in rows), ZERO)
            assert lately == Decimal(debt["paid"])
            paid += lately
            needed = (Decimal(debt["balance"]) / Decimal(size["target"])).quantize(Decimal("0.01"), ROUND_CEILING)
            left = sum(
                (
                    (Decimal(values[one["row"]]["value"]) * (1 - Decimal(one["haircut"]))).quantize(
                        Decimal("0.01"), ROUND_HALF_UP
                    )
                    for one in (debt["secured"] or {"collateral": []})["collateral"]
                ),
                ZERO,
            )
            assert Decimal(debt["to_ask"]) == max(ZERO, needed - left)
        assert Decimal(size["a_month"]) == (max(ZERO, paid) / 6).quantize(Decimal("0.01"), ROUND_DOWN)
    fitting = [
        one["measure"]
        for one in found["measures"]
        if int(one["measure"]["overdue_days_from"] or 0) <= most <= int(one["measure"]["overdue_days_to"] or 10**9)
    ]
    assert [row["measure_id"] for row in fitting] == [one["measure"]["measure_id"] for one in found["measures"]]
    assert {row["measure_id"] for row in fitting} <= called_for
    severity = found["severity"]
    assert severity is None or int(severity["lower_points"]) <= sum(points.values())
    return {
        "points": sum(points.values()),
        "signals": ", ".join(points),
        "severity": severity and severity["severity"],
        "measures": ", ".join(row["measure_id"] for row in fitting),
    }
