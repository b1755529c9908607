"""The class of an item, worked out again: every floor with its figure, who pulled, cure, observation, adjustments."""

from __future__ import annotations

from typing import Any

from flows.evidence.classes import CURE, pulls
from flows.evidence.recompute import as_amount
from flows.explain.debtor import DebtorFile
from flows.explain.footing import Footing

Facts = dict[str, Any]


def class_of(on: Footing, file: DebtorFile, item_type: str, item_id: str) -> Facts | None:
    """The class of an item of the book with all that it follows from; None where it is not in the book."""
    classified = file.classified
    debtor, day = classified.debtor, on.as_of
    n = next(number for number, item in enumerate(file.items) if item.ident == (item_type, item_id))
    item, states = file.items[n], debtor.states[n]
    if day not in item.days:
        return None
    at, figures = item.days[day], classified.row(n)
    (published,) = on.mart("risk_classification", as_of=day, item_type=item_type, item_id=item_id) or [None]
    rules = debtor.rules.all_for(at, day)
    floors = [one | {"decides": one["rule_id"] == figures["deciding_rule"]} for one in debtor.floors(n, day)]
    scheme = on.policy.settings["provision_scheme"]
    rates = on.seed("provision_rate", scheme=scheme, risk_class=str(figures["risk_class"]))
    is_retail = debtor.rules.is_retail(at)
    technical = debtor.technical_pause(item, at)
    return {
        "published": published,
        "figures": figures,
        "differs": _differences(figures, published),
        "class_row": on.seed("risk_class", risk_class=str(figures["risk_class"]))[0],
        "regime": on.policy.settings["risk_regime"],
        "rule_sets": sorted({rule["rule_set"] for rule in rules}),
        "looked_at": debtor.looked_at(n, day),
        "adjustment": classified.adjustment(item, day),
        "adjustments": _adjustments(file, item_id) if item_type == "loan" else [],
        "floors": floors,
        "before": _before(file, n),
        "not_evaluated": [
            {"rule_id": rule["rule_id"], "needs": rule["needs"], "evaluated": rule["evaluated"]}
            for rule in rules
            if rule["evaluated"] != "yes"
        ],
        "treatment": debtor.rules.treatment(at),
        "provision": rates[0] if rates else None,
        "technical": technical
        and {"from_on": technical["from_on"], "to_on": technical["to_on"], "row": technical["_no"]},
        "is_retail": is_retail,
        "debts": _debts(file),
        "shares": [] if is_retail else _shares(file, n),
        "cure": _cure(states.cure.get(day), floors),
        "observation": states.observation,
        "concessions": _concessions(on, file, item_id) if item_type == "loan" else [],
    }


def _differences(figures: Facts, published: Facts | None) -> list[Facts]:
    """Columns on which the recomputation and the mart do not agree; a column that an older version did not write is none."""
    if published is None:
        return []
    return [
        {"column": column, "published": published[column], "recomputed": value}
        for column, value in figures.items()
        if column in published and published[column] != value
    ]


def _adjustments(file: DebtorFile, loan_id: str) -> list[Facts]:
    """Every adjustment of a loan as known now, and whether it is in force on the day."""
    newest = {row["adjustment_id"]: row for row in file.rows["adjustments"] if row["loan_id"] == loan_id}
    in_force = [row for row in newest.values() if row["valid_from"] <= file.on.as_of <= row["valid_until"]]
    counts = max(in_force, key=lambda row: (row["valid_from"], row["adjustment_id"]), default=None)
    columns = ("adjustment_id", "risk_class", "prepared_by", "approved_by", "valid_from", "valid_until")
    return [
        {**{c: row[c] for c in columns}, "is_in_force": row in in_force, "counts": row is counts, "row": row["_no"]}
        for row in newest.values()
    ]


def _before(file: DebtorFile, n: int) -> Facts | None:
    """What held at the month-end before; None where the item was not in the book."""
    debtor, before, item = file.classified.debtor, file.before, file.items[n]
    if before not in item.days:
        return None
    adjusted = file.classified.adjustment(item, before)
    floors = [
        {k: one[k] for k in ("rule_id", "floor_class", "figure", "pulled_by")} for one in debtor.floors(n, before)
    ]
    return {
        "day": before,
        "days_past_due": item.days[before].days,
        "floors": floors,
        "adjustment_id": adjusted and adjusted["adjustment_id"],
        "risk_class": file.classified.risk_class(n, before),
    }


def _debts(file: DebtorFile) -> list[Facts]:
    """Each debt of the customer in the book, and whether it is non-performing by itself, since when and by which rules."""
    found, day, debtor = [], file.on.as_of, file.classified.debtor
    for n, (item, states) in enumerate(zip(file.items, debtor.states, strict=True)):
        if (at := item.days.get(day)) is None:
            continue
        reason = states.own_since.get(day, {})
        item_type, item_id = item.ident
        found.append(
            {
                "item_type": item_type,
                "item_id": item_id,
                "currency": item.row["currency"],
                "asset_class": at.asset_class,
                "segment": at.segment,
                "is_retail": debtor.rules.is_retail(at),
                "balance": as_amount(at.balance),
                "overdue_amount": as_amount(at.overdue),
                "days_past_due": at.days,
                "is_credit_impaired": at.is_impaired,
                "is_non_performing": day in states.own,
                "since": reason.get("since"),
                "because": reason.get("because", []),
                "risk_class": file.classified.risk_class(n, day),
                "row": file.place[item.ident],
            }
        )
    return found


def _shares(file: DebtorFile, n: int) -> list[Facts]:
    """By currency, what of the debtor's claims is non-performing by itself, against the rules that pull."""
    debtor, day = file.classified.debtor, file.on.as_of
    rules = [r for r in debtor.rules.rules(file.items[n].days[day], day) if r["trigger"] == "debtor_npl_share"]
    return [
        {
            "currency": one["currency"],
            "balance": as_amount(one["balance"]),
            "non_performing": as_amount(one["non_performing"]),
            "items": one["items"],
            "rule": rule,
            "pulls": pulls(rule, one),
            "is_itself": day in debtor.states[n].own,
        }
        for one in debtor.shares(day)
        for rule in rules
    ]


def _cure(reason: Facts | None, floors: list[Facts]) -> Facts | None:
    """What the item waits for, where its treatment has a cure rule that holds it."""
    if reason is None or reason["treatment"]["upgrade"] != "cure_rule":
        return None
    return reason | {"is_the_reason": any(one["rule_id"] == CURE for one in floors)}


def _concessions(on: Footing, file: DebtorFile, loan_id: str) -> list[Facts]:
    """Published concessions of a loan, each with the rows that make it."""
    loans = [row for row in file.rows["loans"] if row["loan_id"] == loan_id]
    found = []
    for one in on.mart("forbearance", as_of=on.as_of, loan_id=loan_id):
        if one["kind"] == "waiver":
            rows = [
                row["_no"]
                for row in file.rows["repayments"]
                if row["loan_id"] == loan_id and row["kind"] == "waiver" and row["paid_on"] == one["event_on"]
            ]
        elif one["kind"] == "new_plan":
            plan = [r for r in file.rows["installments"] if r["loan_id"] == loan_id]
            rows = [row["_no"] for row in plan if row["effective_on"] == one["event_on"]][:1]
        else:
            rows = [row["_no"] for row in loans]
        columns = ("event_on", "kind", "kind_zh", "kind_en", "waived_amount", "rate_before", "rate_after")
        more = ("days_before", "days_after", "observation_ends_on", "is_observation_passed", "redefault_on")
        found.append({**{column: one[column] for column in (*columns, *more)}, "rows": rows})
    return found
