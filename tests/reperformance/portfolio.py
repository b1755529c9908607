"""Independent re-performance of advances, exposure and customer types, in plain Python, from the contract alone.

Shares nothing with the warehouse: rows of the ledgers and of the seeds go in, figures come out, one advance and one customer at
a time. What it needs of loans it takes from the re-performance of `loan_aging`. Amounts are Decimal, shares exact fractions.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from flows.evidence.recompute import Calendar, Ledgers, Row, attribute, known, versions

REPORTING_CURRENCY = "CNY"
DURATION_BUCKETS = ((30, "A1"), (90, "A2"), (180, "A3"), (360, "A4"))
LONG_HELD_AFTER = {"acceptance": 90, "guarantee": 180, "letter_of_credit": 90, "card": 60, "other": 90}
PRECEDENCE = ("large", "long_tenor", "new", "repeat")


def seed(name: str, domain: str = "portfolio") -> list[dict[str, str]]:
    """The rows of a seed as delivered with the project; an empty field is an empty text."""
    path = Path(__file__).parents[2] / "seeds" / domain / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


THRESHOLDS = {(row["segment"], row["currency"]): row for row in seed("customer_type_threshold")}
CAPACITY_RULES = sorted(seed("capacity_rule"), key=lambda rule: (-int(rule["severity"]), rule["rule"]))
MEASURES = {row["measure_id"]: row for row in seed("measure", "risk")}
ADVICE = sorted(seed("customer_type_advice"), key=lambda row: int(row["code_order"]))


def rounded(exact: Fraction, decimals: int) -> Decimal:
    """Half up; nothing here is below 0."""
    scaled = exact * 10**decimals
    return Decimal((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)).scaleb(-decimals)


def total(amounts: Iterable[Fraction | Decimal | int]) -> Decimal:
    """Added up exactly, rounded to the cent once."""
    return rounded(sum(map(Fraction, amounts), Fraction(0)), 2)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    return None if whole == 0 else rounded(Fraction(part) / Fraction(whole), 6)


def currencies(ledgers: Ledgers, day: date) -> dict[str, dict[str, Fraction]]:
    """Of each currency lent or advanced in by then, in what it is shown: itself at 1, and ALL if every one has a rate."""
    rows = known(ledgers)
    used = {row["currency"] for row in rows["loans"] if row["disbursed_on"] <= day}
    used |= {row["currency"] for row in rows["advances"] if row["advanced_on"] <= day}
    by_then = sorted((row for row in rows["fx_rates"] if row["as_of"] <= day), key=lambda row: row["as_of"])
    rates = {row["currency"]: Fraction(row["rate"]) for row in by_then} | {REPORTING_CURRENCY: Fraction(1)}
    converted = bool(by_then) and used <= rates.keys()
    return {one: {one: Fraction(1)} | ({"ALL": rates[one]} if converted else {}) for one in used}


def overdue_since(advance: Row) -> date:
    """A card's advance has a due date of its own; the customer should have paid any other before the lender did."""
    return (advance["kind"] == "card" and advance["due_on"]) or advance["advanced_on"]


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
            "bucket": _duration_bucket(duration),
            "days_past_due": max(0, (day - overdue_since(advance)).days),
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
        self.duration = None if is_loan else row["duration_days"]
        self.balance = Fraction(row["outstanding_principal" if is_loan else "outstanding"])
        self.overdue_balance = self.balance if self.days > 0 else Fraction(0)
        self.overdue_amount = Fraction(row["overdue_amount"]) if is_loan else self.overdue_balance
        self.started_on = row["disbursed_on" if is_loan else "advanced_on"]
        self.ends_on = row["matures_on" if is_loan else "due_on"]

    @property
    def tenor(self) -> int | None:
        if self.ends_on is None:
            return None
        return (self.ends_on.year - self.started_on.year) * 12 + self.ends_on.month - self.started_on.month


Book = dict[tuple[str, str], list[Item]]


def book(loans: Mapping[str, Row], advances: Mapping[str, Row]) -> Book:
    """The items that are not written off, by customer and currency."""
    found: Book = defaultdict(list)
    for kind, rows in (("loan", loans), ("advance", advances)):
        for ident, row in rows.items():
            if not row["is_written_off"]:
                found[row["customer_id"], row["currency"]].append(Item(kind, ident, row))
    return found


def of_kind(items: Iterable[Item], kind: str) -> list[Item]:
    return [item for item in items if item.kind == kind]


def worst_ages(items: list[Item]) -> tuple[int | None, int | None]:
    """Days past due of the worst loan and duration of the longest advance; None where there is none."""
    loan_days = max((item.days for item in of_kind(items, "loan")), default=None)
    return loan_days, max((item.duration for item in of_kind(items, "advance")), default=None)


def advance_distribution(advances: Mapping[str, Row]) -> dict[str, Row]:
    cells: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for (_, currency), items in book({}, advances).items():
        for item in items:
            row = item.row
            cells[row["kind"], row["security"] or "not_stated", currency, row["bucket"]].append(item)
    return {
        " ".join(cell): {
            "advances": len(items),
            "customers": len({item.row["customer_id"] for item in items}),
            "outstanding": total(item.balance for item in items),
            "mean_duration_days": rounded(
                sum(item.balance * item.duration for item in items) / sum(item.balance for item in items), 2
            ),
        }
        for cell, items in cells.items()
    }


def customer_exposure(ledgers: Ledgers, day: date, items_of: Book) -> dict[str, Row]:
    rows = known(ledgers)
    cash = _cash(rows, day)
    collateral = _collateral(rows, day, {item.ident for items in items_of.values() for item in of_kind(items, "loan")})
    found = {}
    for (customer, currency), items in items_of.items():
        loans, advances = of_kind(items, "loan"), of_kind(items, "advance")
        owed = total(item.balance for item in items)
        overdue = total(item.overdue_amount for item in items)
        came = total([max(Fraction(0), sum(cash[customer, currency], Fraction(0)))])
        worth = total(collateral[customer, currency]) if (customer, currency) in collateral else None
        loan_days, duration = worst_ages(items)
        row = {
            "loans": len(loans),
            "advances": len(advances),
            "loan_balance": total(item.balance for item in loans),
            "advance_balance": total(item.balance for item in advances),
            "overdue_balance": total(item.overdue_balance for item in items),
            "overdue_amount": overdue,
            "loan_days_past_due": loan_days,
            "days_past_due": max(item.days for item in items),
            "duration_days": duration,
            "arrears_share": share(min(overdue, owed), owed),
            "repaid_90d": came,
            "repaid_share_90d": share(came, came + overdue),
            "collateral_value": worth,
            "coverage": share(min(worth or Decimal(0), 999 * owed), owed),
        }
        fired = [rule for rule in CAPACITY_RULES if _fires(rule, row)]
        reasons = [rule for rule in fired if rule["severity"] != "0"] or fired
        row["capacity_signal"] = fired[0]["signal"]
        row["capacity_reasons"] = ", ".join(rule["rule"] for rule in reasons)
        found[f"{customer} {currency}"] = row
    return found


# Limits of a capacity rule: the column of the seed, the figure that it is about, and what it takes for the limit to hold.
LIMITS = (
    ("loan_days_from", "loan_days_past_due", lambda figure, limit: figure >= limit),
    ("loan_days_to", "loan_days_past_due", lambda figure, limit: figure <= limit),
    ("advance_days_from", "duration_days", lambda figure, limit: figure >= limit),
    ("advance_days_to", "duration_days", lambda figure, limit: figure <= limit),
    ("arrears_share_from", "arrears_share", lambda figure, limit: figure >= limit),
    ("repaid_share_below", "repaid_share_90d", lambda figure, limit: figure < limit),
    ("coverage_below", "coverage", lambda figure, limit: figure < limit),
)


def _fires(rule: Mapping[str, str], row: Row) -> bool:
    """Every limit that the rule states holds; a figure that is not known keeps none."""
    return all(
        row[figure] is not None and holds(row[figure], Decimal(rule[column]))
        for column, figure, holds in LIMITS
        if rule[column]
    )


Amounts = dict[tuple[str, str], list[Fraction]]


def _cash(rows: Ledgers, day: date) -> Amounts:
    found: Amounts = defaultdict(list)
    for items, money, item_key, key in (
        ("loans", "repayments", "loan_id", "repayment_id"),
        ("advances", "advance_repayments", "advance_id", "advance_repayment_id"),
    ):
        owners = {row[item_key]: (row["customer_id"], row["currency"]) for row in rows[items]}
        payments = {row[key] for row in rows[money] if row["kind"] == "payment"}
        for row in rows[money]:
            if not 0 <= (day - row["paid_on"]).days < 90:
                continue
            sign = {"payment": 1, "reversal": -1 if row["reverses_id"] in payments else 0}.get(row["kind"], 0)
            found[owners[row[item_key]]].append(sign * Fraction(row["amount"]))
    return found


def cash_by_item(rows: Ledgers, day: date) -> dict[str, list[tuple[date, Decimal]]]:
    """What was paid on each loan and advance up to a day, payment by payment; a reversal is below 0 on its own day."""
    found: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for money, item_key, key in (
        ("repayments", "loan_id", "repayment_id"),
        ("advance_repayments", "advance_id", "advance_repayment_id"),
    ):
        payments = {row[key] for row in rows[money] if row["kind"] == "payment"}
        for row in rows[money]:
            sign = {"payment": 1, "reversal": -1 if row["reverses_id"] in payments else 0}.get(row["kind"], 0)
            if sign and row["paid_on"] <= day:
                found[row[item_key]].append((row["paid_on"], sign * row["amount"]))
    return found


def _collateral(rows: Ledgers, day: date, of_book: set[str]) -> Amounts:
    newest: dict[str, Row] = {}
    for row in rows["collateral"]:
        seen = newest.get(row["collateral_id"])
        if row["valued_on"] <= day and (seen is None or seen["valued_on"] < row["valued_on"]):
            newest[row["collateral_id"]] = row
    loans = {row["loan_id"]: row for row in rows["loans"] if row["loan_id"] in of_book}
    found: Amounts = defaultdict(list)
    for row in newest.values():
        loan = loans.get(row["loan_id"])
        if loan and row["currency"] in (None, loan["currency"]):
            found[loan["customer_id"], loan["currency"]].append(Fraction(row["value"]))
    return found


def collateral_shortfall(ledgers: Ledgers, day: date, loans: Mapping[str, Row]) -> dict[str, Row]:
    """`collateral_shortfall`: loan -> column -> value. One loan after the other, with everything that was ever valued for it."""
    haircuts = {row["kind"]: row for row in seed("collateral_haircut")}
    newest: dict[str, Row] = {}
    for row in known(ledgers)["collateral"]:
        seen = newest.get(row["collateral_id"])
        if row["valued_on"] <= day and (seen is None or seen["valued_on"] < row["valued_on"]):
            newest[row["collateral_id"]] = row
    found = {}
    for loan_id, loan in loans.items():
        mine = [row for row in newest.values() if row["loan_id"] == loan_id]
        if loan["is_written_off"] or not (mine or loan["security"] in ("mortgaged", "pledged", "combined")):
            continue
        counted = [row for row in mine if row["currency"] in (None, loan["currency"])]
        of_kind = [haircuts.get(row["kind"]) or haircuts["*"] for row in counted]
        left = sum(
            (
                rounded(Fraction(row["value"]) * (1 - Fraction(cut["haircut"])), 2)
                for row, cut in zip(counted, of_kind, strict=True)
            ),
            Decimal(0),
        )
        ages = [(day - row["valued_on"]).days for row in counted]
        owed = loan["outstanding_principal"]
        needed = Fraction(owed) / Fraction("0.9") * 100  # in cents, of which a part is a whole one more
        asked = Decimal(-(-needed.numerator // needed.denominator)).scaleb(-2) - left
        found[loan_id] = {
            "security": loan["security"],
            "days_past_due": loan["days_past_due"],
            "collaterals": len(counted),
            "uncounted_collaterals": len(mine) - len(counted),
            "kinds_zh": "、".join(sorted({cut["label_zh"] for cut in of_kind})) or None,
            "kinds_en": ", ".join(sorted({cut["label_en"] for cut in of_kind})) or None,
            "oldest_valued_on": min((row["valued_on"] for row in counted), default=None),
            "oldest_age_days": max(ages, default=None),
            "has_stale_valuation": any(
                age > int(cut["revalue_after_days"]) for age, cut in zip(ages, of_kind, strict=True)
            ),
            "collateral_value": sum((row["value"] for row in counted), Decimal(0)),
            "value_after_haircut": left,
            "balance": owed,
            "shortfall": max(Decimal(0), owed - left),
            "loan_to_value": share(min(owed, 999 * left), left),
            "collateral_to_ask": max(Decimal(0), asked),
        }
    return found


def advance_loan_cross(items_of: Book) -> dict[str, Row]:
    cells: dict[str, list[list[Item]]] = defaultdict(list)
    for (_, currency), items in items_of.items():
        loan_days, duration = worst_ages(items)
        cells[f"{_stage(loan_days)} {_duration_bucket(duration)} {currency}"].append(items)
    return {
        cell: {
            "customers": len(customers),
            "loan_balance": total(item.balance for items in customers for item in of_kind(items, "loan")),
            "advance_balance": total(item.balance for items in customers for item in of_kind(items, "advance")),
        }
        for cell, customers in cells.items()
    }


def _stage(days: int | None) -> str:
    if days is None:
        return "none"
    return "M7+" if days > 180 else f"M{-(-days // 30)}"


def _duration_bucket(days: int | None) -> str:
    if days is None:
        return "none"
    return next((code for upper, code in DURATION_BUCKETS if days <= upper), "A5")


def customers_by_type(
    ledgers: Ledgers, day: date, items_of: Book, history_complete_from: date | None = None, lag_days: int = 1
) -> dict[str, Row]:
    customers = versions(ledgers, "customers")
    worst: dict[str, int] = defaultdict(int)  # of all that a customer owes, in any currency
    for (customer, _), items in items_of.items():
        worst[customer] = max(worst[customer], *(item.days for item in items))
    made: dict[str, list[date]] = defaultdict(list)
    for row in known(ledgers)["loans"]:
        made[row["customer_id"]].append(row["disbursed_on"])
    found = {}
    for (customer, currency), items in items_of.items():
        late = [item for item in items if item.days > 0]
        if late:
            judged = min(late, key=lambda item: (-item.days, item.started_on, item.ident))
        else:  # of a customer without arrears what began last
            judged = max(items, key=lambda item: item.started_on)
        segment = attribute(customers[(customer,)], "segment", day, lag_days)
        earlier = sum(on < judged.started_on for on in made[customer])
        is_known = history_complete_from is None or judged.started_on >= history_complete_from
        exposure = total(item.balance for item in items)
        tenor = max((item.tenor for item in late or items if item.tenor is not None), default=None)
        large_from, long_above = limits_of(segment, currency)
        flags = {
            "new": earlier == 0 if is_known else None,
            "repeat": earlier > 0 if is_known else None,
            "large": exposure >= Decimal(large_from) if large_from else None,
            "long_tenor": tenor > int(long_above) if long_above and tenor is not None else None,
        }
        types = types_of({f"is_{name}": flag for name, flag in flags.items()})
        found[f"{customer} {currency}"] = {
            "customer_id": customer,
            "currency": currency,
            "segment": segment,
            **{f"is_{name}": flag for name, flag in flags.items()},
            "primary_type": types[0],
            "earlier_loans": earlier,
            "exposure": exposure,
            "longest_tenor_months": tenor,
            "days_past_due": judged.days,
            "overdue_amount": total(item.overdue_amount for item in items),
            "overdue_balance": total(item.overdue_balance for item in items),
            "judged_item_type": judged.kind,
            "judged_item_id": judged.ident,
            "typical_causes": _advice(types, "cause", worst[customer]),
            "recommended_measures": _advice(types, "measure", worst[customer]),
        }
    return found


def limits_of(segment: str, currency: str) -> tuple[str, str]:
    """Large from, long above: the segment's for the currency, else those for any other; empty where none is stated."""
    row = THRESHOLDS.get((segment, currency)) or THRESHOLDS[segment, "*"]
    return row["large_from"], row["long_tenor_above_months"]


def measure_fits(measure: Mapping[str, object], days: int) -> bool:
    """Whether a row of the seed is an answer to a customer whose worst item is so many days past due."""
    first, last = measure["overdue_days_from"], measure["overdue_days_to"]
    return days >= int(str(first or 0)) and (last in ("", None) or days <= int(str(last)))


def _advice(types: Iterable[str], advice: str, days: int) -> str | None:
    """What is said of the first type, then of the next, each code once; None where nothing is said."""
    codes = [
        row["code"]
        for name in types
        for row in ADVICE
        if (row["customer_type"], row["advice"]) == (name, advice)
        and (advice == "cause" or row["code"] not in MEASURES or measure_fits(MEASURES[row["code"]], days))
    ]
    return ", ".join(dict.fromkeys(codes)) or None


def types_of(row: Row) -> list[str]:
    """Every type that an overdue customer is of."""
    return [name for name in PRECEDENCE if row[f"is_{name}"]] or ["undetermined"]


def overdue_customers(types: Mapping[str, Row]) -> dict[str, Row]:
    return {key: row for key, row in types.items() if row["days_past_due"] > 0}


def customer_type_summary(
    types: Mapping[str, Row], items_of: Book, shown: Mapping[str, Mapping[str, Fraction]]
) -> dict[str, Row]:
    groups: dict[tuple[str, str, str], list[tuple[Row, Fraction]]] = defaultdict(list)
    for row in types.values():
        for currency, rate in shown[row["currency"]].items():
            groups["primary", row["primary_type"], currency].append((row, rate))
            for name in types_of(row):
                groups["any", name, currency].append((row, rate))
    found = {}
    for (basis, name, currency), members in groups.items():
        of_book = [
            (item, shown[own][currency])
            for (_, own), items in items_of.items()
            if currency in shown[own]
            for item in items
        ]
        late = [(row, rate) for row, rate in members if row["days_past_due"] > 0]
        sums = {
            column: total(Fraction(row[column]) * rate for row, rate in late)
            for column in ("exposure", "overdue_amount", "overdue_balance")
        }
        type_balance = total(Fraction(row["exposure"]) * rate for row, rate in members)
        book_balance = total(item.balance * rate for item, rate in of_book)
        overdue_balance = total(item.overdue_balance * rate for item, rate in of_book)
        found[f"{basis} {name} {currency}"] = {
            "customers": len({row["customer_id"] for row, _ in late}),
            **sums,
            "all_overdue_balance": overdue_balance,
            "all_balance": book_balance,
            "share_of_overdue_balance": share(sums["overdue_balance"], overdue_balance),
            "share_of_book": share(sums["exposure"], book_balance),
            "type_customers": len({row["customer_id"] for row, _ in members}),
            "type_balance": type_balance,
            "type_share_of_book": share(type_balance, book_balance),
            "overdue_rate": share(sums["overdue_balance"], type_balance),
        }
    return found


def concentration(ledgers: Ledgers, day: date, items_of: Book, lag_days: int = 1) -> dict[str, Row]:
    """`concentration`: "dimension member segment currency" -> column -> value.

    An item stands in each dimension once, under its own segment and under ALL, in its own currency and in ALL.
    """
    customers, shown = versions(ledgers, "customers"), currencies(ledgers, day)
    cells: dict[tuple[str, str], list[tuple[Item, Fraction]]] = defaultdict(list)
    for items in items_of.values():
        for item in items:
            for currency, rate in shown[item.row["currency"]].items():
                for segment in ("ALL", item.row["segment"]):
                    cells[segment, currency].append((item, rate))
    found: dict[str, Row] = {}
    for (segment, currency), held in cells.items():
        owed: dict[str, Fraction] = defaultdict(Fraction)
        for item, rate in held:
            owed[item.row["customer_id"]] += item.balance * rate
        ranked = sorted(owed, key=lambda customer: (-owed[customer], customer))
        places = {customer: str(n) if n <= 10 else "others" for n, customer in enumerate(ranked, start=1)}
        for dimension in ("top_ten", "industry", "region", "branch", "product"):
            members: dict[str, list[tuple[Item, Fraction]]] = defaultdict(list)
            for item, rate in held:
                customer = item.row["customer_id"]
                if dimension == "top_ten":
                    member = places[customer]
                elif dimension in ("branch", "product"):
                    member = (item.kind == "loan" and item.row[f"{dimension}_id"]) or "not_stated"
                else:
                    member = attribute(customers[(customer,)], dimension, day, lag_days) or "not_stated"
                members[member].append((item, rate))
            rows = {}
            for member, mine in members.items():
                rows[member] = {
                    "customer_id": ranked[int(member) - 1] if member.isdigit() and dimension == "top_ten" else None,
                    "customers": len({item.row["customer_id"] for item, _ in mine}),
                    "items": len(mine),
                    "balance": total(item.balance * rate for item, rate in mine),
                    "overdue_amount": total(item.overdue_amount * rate for item, rate in mine),
                    "overdue_balance": total(item.overdue_balance * rate for item, rate in mine),
                }
            for number, member in enumerate(_in_order(dimension, rows), start=1):
                row = rows[member]
                row["member_order"] = number
                for figure in ("balance", "overdue_amount"):
                    row[f"all_{figure}"] = sum(other[figure] for other in rows.values())
                    row[f"share_of_{figure}"] = share(row[figure], row[f"all_{figure}"])
                row["overdue_rate"] = share(row["overdue_balance"], row["balance"])
                found[f"{dimension} {member} {segment} {currency}"] = row
    return found


def _in_order(dimension: str, rows: Mapping[str, Row]) -> list[str]:
    """Ranks as they count, other members by balance, those that are none of their own last."""
    if dimension == "top_ten":
        return sorted(rows, key=lambda member: int(member) if member.isdigit() else 99)
    return sorted(rows, key=lambda member: (member == "not_stated", -rows[member]["balance"], member))
