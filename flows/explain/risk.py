"""The class of an item, the signals of its customer, and measures: as published, each with the rows of the policy behind it."""

from __future__ import annotations

from typing import Any

from flows.explain.footing import Footing

Facts = dict[str, Any]


def class_of(on: Footing, item_type: str, item_id: str, customer_id: str) -> Facts | None:
    """The published class with every floor that held: the rule's row, and who pulled; None where none is published."""
    rows = on.mart("risk_classification", as_of=on.as_of, item_type=item_type, item_id=item_id)
    if not rows:
        return None
    (row,) = rows
    fired = [name for name in row["rules_fired"].split(", ") if name]
    rules = {rule["rule_id"]: rule for rule in on.seed("risk_class_rule")}
    treatment = [
        one
        for one in on.seed("risk_treatment", regime=on.policy.settings["risk_regime"])
        if (one["asset_class"], one["segment"]) == (row["asset_class"], row["segment"])
    ]
    scheme = on.policy.settings["provision_scheme"]
    rates = on.seed("provision_rate", scheme=scheme, risk_class=str(row["risk_class"]))
    return {
        "published": row,
        "adjustment": _adjustment(on, row),
        "floors": [
            _floor(name, rules.get(name), treatment) | {"decides": name == row["deciding_rule"]} for name in fired
        ],
        "not_evaluated": [
            {"rule_id": name, "needs": rules[name]["needs"]}
            for name in (row["rules_not_evaluated"] or "").split(", ")
            if name in rules
        ],
        "treatment": treatment[0] if treatment else None,
        "provision": rates[0] if rates else None,
        "pulled_by": [name for name in (row["pulled_by"] or "").split(", ") if name],
        "signals": signals_of(on, customer_id),
    }


def _adjustment(on: Footing, row: dict[str, Any]) -> Facts | None:
    """The row of the ledger that overrides the class, its newest version known; None where the rules have the last word."""
    if row.get("adjustment_id") is None:  # nor did a version before adjustments write the column
        return None
    rows = on.read("adjustments", adjustment_id=row["adjustment_id"])
    return rows[-1] if rows else None


def _floor(name: str, rule: dict[str, Any] | None, treatment: list[dict[str, Any]]) -> Facts:
    """CURE_PAID is no row of the rules: what an item waits for stands in its treatment."""
    if rule is not None:
        return {"rule_id": name, "floor_class": int(rule["floor_class"]), "rule": rule, "treatment": None}
    return {"rule_id": name, "floor_class": 3, "rule": None, "treatment": treatment[0] if treatment else None}


def signals_of(on: Footing, customer_id: str) -> Facts | None:
    """The customer's line of the watchlist, each signal with its row, and the case's causes and measures."""
    watch = on.mart("watchlist", as_of=on.as_of, customer_id=customer_id)
    case = on.mart("case_files", as_of=on.as_of, customer_id=customer_id)
    if not watch and not case:
        return None
    known = {row["signal_id"]: row for row in on.seed("watch_signal")}
    names = [name for name in (watch[0]["signals"] or "").split(", ") if name] if watch else []
    return {
        "watch": watch[0] if watch else None,
        "signals": [known[name] for name in names if name in known],
        "case": case[0] if case else None,
    }
