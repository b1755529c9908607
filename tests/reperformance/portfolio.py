"""Independent re-performance of advances, exposure and customer types, in plain Python, from the contract alone.

Shares nothing with the warehouse: rows of the ledgers go in, figures come out, one advance and one customer at a time. What it
needs of loans it takes from the re-performance of `loan_aging`. Amounts are Decimal, shares exact fractions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from flows.evidence.recompute import Calendar, Ledgers, Row, attribute, known, versions

DURATION_BUCKETS = ((30, "A1"), (90, "A2"), (180, "A3"), (360, "A4"))
LONG_HELD_AFTER = {"acceptance": 90, "guarantee": 180, "letter_of_credit": 90, "card": 60, "other": 90}
LARGE_FROM = {
    ("personal", "CNY"): Decimal(200_000),
    ("personal", "USD"): Decimal(30_000),
    ("corporate", "CNY"): Decimal(10_000_000),
    ("corporate", "USD"): Decimal(1_500_000),
}
LONG_TENOR_ABOVE = 60
PRECEDENCE = ("large", "long_tenor", "new", "repeat")


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """Rounded half up to a millionth."""
    if whole == 0:
        return None
    exact = Fraction(part) / Fraction(whole) * 1_000_000
    return Decimal((2 * exact.numerator + exact.denominator) // (2 * exact.denominator)).scaleb(-6)


def advance_aging(ledgers: Ledgers, day: date, calendar: Calendar, lag_days: int = 1) -> dict[str, Row]:
    rows = known(ledgers)
    histories, customers = versions(ledgers, "advances"), versions(ledgers, "customers")
    repayments: dict[str, list[Row]] = defaultdict(list)
    for row in rows["advance_repayments"]:
        if row["paid_on"] <= day:
            repayments[row["advance_id"]].append(row)
    found = {}
    for advance in rows["advances"]:
        if advance["advanced_on"] > day:
            continue
        came = repayments[advance["advance_id"]]
        left = advance["amount"]
        for row in came:
            left += -row["amount"] if row["kind"] in ("payment", "waiver") else row["amount"]
        if left <= 0:
            continue
        history = histories[(advance["advance_id"],)]
        kind = attribute(history, "kind", day, lag_days)
        duration = (day - advance["advanced_on"]).days
        found[advance["advance_id"]] = {
            "customer_id": advance["customer_id"],
            "loan_id": advance["loan_id"],
            "segment": attribute(customers[(advance["customer_id"],)], "segment", day, lag_days),
            "kind": kind,
            "security": attribute(history, "security", day, lag_days),
            "currency": advance["currency"],
            "amount": advance["amount"],
            "outstanding": left,
            "advanced_on": advance["advanced_on"],
            "due_on": advance["due_on"],
            "duration_days": duration,
            "business_duration_days": calendar.working_days(advance["advanced_on"] + timedelta(days=1), day),
            "bucket": next((code for upper, code in DURATION_BUCKETS if duration <= upper), "A5"),
            "days_past_due": max(0, (day - (advance["due_on"] or advance["advanced_on"])).days),
            "is_long_held": duration > LONG_HELD_AFTER[kind],
            "is_written_off": advance["written_off_on"] is not None and advance["written_off_on"] <= day,
            "last_repaid_on": max((row["paid_on"] for row in came if _still_counts(row, came)), default=None),
        }
    return found


def _still_counts(row: Row, came: Iterable[Row]) -> bool:
    if row["kind"] != "payment":
        return False
    undone = sum(
        r["amount"] for r in came if r["kind"] == "reversal" and r["reverses_id"] == row["advance_repayment_id"]
    )
    return row["amount"] > undone


class Item:
    """A loan or an advance of the book."""

    def __init__(self, kind: str, ident: str, row: Row) -> None:
        is_loan = kind == "loan"
        self.kind, self.ident, self.row = kind, ident, row
        self.days = row["days_past_due"]
        self.balance = row["outstanding_principal" if is_loan else "outstanding"]
        self.overdue_balance = self.balance if self.days > 0 else Decimal(0)
        self.overdue_amount = row["overdue_amount"] if is_loan else self.overdue_balance
        self.started_on = row["disbursed_on" if is_loan else "advanced_on"]
        self.ends_on = row["matures_on" if is_loan else "due_on"]

    @property
    def tenor(self) -> int | None:
        if self.ends_on is None:
            return None
        return (self.ends_on.year - self.started_on.year) * 12 + self.ends_on.month - self.started_on.month


def book(loans: Mapping[str, Row], advances: Mapping[str, Row]) -> dict[tuple[str, str], list[Item]]:
    """The items that are not written off, by customer and currency."""
    found: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for kind, rows in (("loan", loans), ("advance", advances)):
        for ident, row in rows.items():
            if not row["is_written_off"]:
                found[row["customer_id"], row["currency"]].append(Item(kind, ident, row))
    return found


def customer_exposure(
    ledgers: Ledgers, day: date, loans: Mapping[str, Row], advances: Mapping[str, Row]
) -> dict[str, Row]:
    rows = known(ledgers)
    cash = _cash(rows, day)
    found = {}
    for (customer, currency), items in book(loans, advances).items():
        of = {kind: [item for item in items if item.kind == kind] for kind in ("loan", "advance")}
        owed = sum((item.balance for item in items), Decimal(0))
        overdue = sum((item.overdue_amount for item in items), Decimal(0))
        came = max(Decimal(0), cash[customer, currency])
        collateral = _collateral(rows, day, currency, {item.ident for item in of["loan"]})
        found[f"{customer} {currency}"] = {
            "loans": len(of["loan"]),
            "advances": len(of["advance"]),
            "loan_balance": sum((item.balance for item in of["loan"]), Decimal(0)),
            "advance_balance": sum((item.balance for item in of["advance"]), Decimal(0)),
            "days_past_due": max(item.days for item in items),
            "duration_days": max((item.row["duration_days"] for item in of["advance"]), default=None),
            "arrears_share": share(sum((item.overdue_balance for item in items), Decimal(0)), owed),
            "repaid_share_90d": share(came, came + overdue),
            "collateral_value": collateral,
            "coverage": share(min(collateral or Decimal(0), 999 * owed), owed),
        }
    return found


def _cash(rows: Ledgers, day: date) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for items, money, item_key, key in (
        ("loans", "repayments", "loan_id", "repayment_id"),
        ("advances", "advance_repayments", "advance_id", "advance_repayment_id"),
    ):
        owners = {row[item_key]: (row["customer_id"], row["currency"]) for row in rows[items]}
        payments = {row[key] for row in rows[money] if row["kind"] == "payment"}
        for row in rows[money]:
            if not 0 <= (day - row["paid_on"]).days < 90:
                continue
            if row["kind"] == "payment":
                found[owners[row[item_key]]] += row["amount"]
            elif row["kind"] == "reversal" and row["reverses_id"] in payments:
                found[owners[row[item_key]]] -= row["amount"]
    return found


def _collateral(rows: Ledgers, day: date, currency: str, loans: set[str]) -> Decimal | None:
    newest: dict[str, Row] = {}
    for row in rows["collateral"]:
        seen = newest.get(row["collateral_id"])
        if row["valued_on"] <= day and (seen is None or seen["valued_on"] < row["valued_on"]):
            newest[row["collateral_id"]] = row
    values = [r["value"] for r in newest.values() if r["loan_id"] in loans and r["currency"] in (None, currency)]
    return sum(values, Decimal(0)) if values else None


def overdue_customers(
    ledgers: Ledgers,
    day: date,
    loans: Mapping[str, Row],
    advances: Mapping[str, Row],
    history_complete_from: date | None = None,
    lag_days: int = 1,
) -> dict[str, Row]:
    customers = versions(ledgers, "customers")
    made: dict[str, list[date]] = defaultdict(list)
    for row in known(ledgers)["loans"]:
        made[row["customer_id"]].append(row["disbursed_on"])
    found = {}
    for (customer, currency), items in book(loans, advances).items():
        late = [item for item in items if item.days > 0]
        if not late:
            continue
        judged = min(late, key=lambda item: (-item.days, item.started_on, item.ident))
        segment = attribute(customers[(customer,)], "segment", day, lag_days)
        earlier = sum(on < judged.started_on for on in made[customer])
        is_known = history_complete_from is None or judged.started_on >= history_complete_from
        exposure = sum((item.balance for item in items), Decimal(0))
        tenor = max((item.tenor for item in late if item.tenor is not None), default=None)
        large_from = LARGE_FROM.get((segment, currency))
        flags = {
            "new": earlier == 0 if is_known else None,
            "repeat": earlier > 0 if is_known else None,
            "large": exposure >= large_from if large_from is not None else None,
            "long_tenor": tenor > LONG_TENOR_ABOVE if tenor is not None else None,
        }
        found[f"{customer} {currency}"] = {
            "segment": segment,
            **{f"is_{name}": flag for name, flag in flags.items()},
            "primary_type": next((name for name in PRECEDENCE if flags[name]), "undetermined"),
            "earlier_loans": earlier,
            "exposure": exposure,
            "longest_tenor_months": tenor,
            "days_past_due": judged.days,
            "overdue_amount": sum((item.overdue_amount for item in late), Decimal(0))
            + sum((item.overdue_amount for item in items if item.days == 0), Decimal(0)),
            "judged_item_type": judged.kind,
            "judged_item_id": judged.ident,
        }
    return found
