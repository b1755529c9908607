"""Independent re-performance of `risk_classification` under order 2023 No. 1, day by day, from the contract alone.

For every day from its disbursement each loan's days, arrears and balance are worked out, and the states of an item are
carried from one day to the next: non-performing until the cure rule holds, pulled by the debtor's other claims, restructured
and under observation. Nothing is skipped and nothing is shared with the warehouse. Amounts are whole hundredths.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from flows.evidence.recompute import (
    ONE_DAY,
    Calendar,
    Ledgers,
    LoanFile,
    Period,
    Products,
    Row,
    as_amount,
    attribute,
    known,
    loan_files,
    obligations,
    period_at,
    position,
    versions,
)

LOAN_FLOORS = ((0, 2, "CN23_SM_OVERDUE"), (90, 3, "CN23_SS_DPD"), (270, 4, "CN23_DB_DPD"), (360, 5, "CN23_LS_DPD"))
CARD_FLOORS = ((0, 2, "CARD11_SM"), (90, 3, "CARD11_SS"), (120, 4, "CARD11_DB"), (180, 5, "CARD11_LS"))
PROVISIONS = {1: 0, 2: 2, 3: 25, 4: 50, 5: 100}  # per cent
RETAIL = ("card", "small_business")


@dataclass(frozen=True)
class Cure:
    """Months and repayment periods of the cure rule and of observation."""

    months: int = 6
    periods: int = 2
    observation_months: int = 12
    observation_periods: int = 2


@dataclass
class Day:
    """One loan at the end of one day on which it is in the book."""

    asset_class: str
    is_retail: bool
    follows_days: bool
    includes_due_date: bool
    days: int
    unpaid_since: date | None
    balance: int
    overdue: int
    is_impaired: bool


@dataclass
class Item:
    loan: LoanFile
    days: dict[date, Day] = field(default_factory=dict)
    dues: list[tuple[date, date]] = field(default_factory=list)  # due date, first day on which it would be past due
    own: set[date] = field(default_factory=set)
    pulled: set[date] = field(default_factory=set)
    held: set[date] = field(default_factory=set)
    observed: set[date] = field(default_factory=set)


def classify(ledgers: Ledgers, as_of: date, cure: Cure, *, calendar: Calendar, lag_days: int = 1) -> dict[str, Row]:
    """loan_id -> the columns of `risk_classification` that follow from ledgers and rules."""
    rows = known(ledgers)
    products, asset_classes = Products(rows["products"]), _AssetClasses(rows["products"])
    customers, loan_histories = versions(ledgers, "customers"), versions(ledgers, "loans")
    pauses = defaultdict(list)
    for pause in rows["pauses"]:
        if pause["reason"] == "technical":
            pauses[pause["loan_id"]].append(pause)

    debtors: dict[str, list[Item]] = defaultdict(list)
    for loan in loan_files(rows, loan_histories):
        if loan.row["disbursed_on"] <= as_of:
            history = customers[(loan.row["customer_id"],)]
            debtors[loan.row["customer_id"]].append(
                _lived(loan, history, as_of, products, asset_classes, calendar, lag_days)
            )
    found: dict[str, Row] = {}
    for items in debtors.values():
        _follow(items, as_of, cure)
        month_end = as_of.replace(day=1) - ONE_DAY
        for item in items:
            if as_of in item.days:
                loan_id = item.loan.row["loan_id"]
                found[loan_id] = _row(items, item, as_of, month_end, pauses[loan_id], as_of)
    return found


class _AssetClasses:
    """The asset class of a product on a day; `loan` where nothing says otherwise."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = sorted(rows, key=lambda row: row["valid_from"] or date.min)

    def at(self, product_id: str | None, day: date) -> str:
        found = "loan"
        for row in self._rows:
            if row["product_id"] == product_id and (row["valid_from"] or date.min) <= day:
                found = row["asset_class"] or "loan"
        return found


def _lived(
    loan: LoanFile,
    customer_history: Sequence[Row],
    as_of: date,
    products: Products,
    asset_classes: _AssetClasses,
    calendar: Calendar,
    lag_days: int,
) -> Item:
    """Every day of a loan in the book."""
    item = Item(loan)
    kept: dict[tuple[int, object], tuple[Period, list]] = {}
    for day in _days(loan.row["disbursed_on"], as_of):
        period = period_at(loan, day, products, lag_days)
        key = (period.plan.plan_no if period.plan else 0, period.terms)
        if key not in kept:
            kept[key] = (period, obligations(loan, period, calendar))
        owed = kept[key][1]
        for one in owed:
            if one.rolled_on == day and one.kind in ("installment", "residual") and one.amount > 0:
                item.dues.append((day, day if period.terms.includes_due_date else day + ONE_DAY))
                break
        gone_on = min(loan.row["closed_on"] or date.max, loan.row["written_off_on"] or date.max)
        if day >= gone_on:
            continue
        now = position(loan, day, period, owed, calendar)
        overdue = sum(one.unpaid for one in now.overdue())
        if not period.terms.charges_age:
            overdue += sum(charge.unpaid for charge in now.charges if now.is_overdue(charge.rolled_on))
        asset_class = asset_classes.at(attribute(loan.history, "product_id", day, lag_days), day)
        segment = attribute(customer_history, "segment", day, lag_days)
        item.days[day] = Day(
            asset_class=asset_class,
            is_retail=segment == "personal" or asset_class in RETAIL,
            follows_days=segment == "personal",
            includes_due_date=period.terms.includes_due_date,
            days=now.days_past_due(),
            unpaid_since=now.oldest_unpaid_due_on(),
            balance=sum(one.unpaid_components(period.terms.component_order)["principal"] for one in now.queue),
            overdue=overdue,
            is_impaired=bool(attribute(loan.history, "credit_impaired", day, lag_days)),
        )
    return item


def _follow(items: list[Item], as_of: date, cure: Cure) -> None:
    """Carry the states of a debtor's items from day to day."""
    first = min(item.loan.row["disbursed_on"] for item in items)
    impaired = {day for item in items for day, at in item.days.items() if at.is_impaired}
    for item in items:
        item.own = _non_performing(item, cure, impaired, set())
        item.observed = _observed(item, as_of, cure)
    for day in _days(first, as_of):
        claims = [item for item in items if day in item.days and not item.days[day].is_retail]
        whole, bad = defaultdict(int), defaultdict(int)
        for item in claims:
            whole[item.loan.row["currency"]] += item.days[day].balance
            bad[item.loan.row["currency"]] += item.days[day].balance if day in item.own else 0
        if any(10 * bad[currency] > whole[currency] for currency in whole):
            for item in claims:
                item.pulled.add(day)
    for item in items:
        item.held = _non_performing(item, cure, impaired, item.pulled)


def _non_performing(item: Item, cure: Cure, impaired: set[date], pulled: set[date]) -> set[date]:
    found: set[date] = set()
    is_bad, clean_since = False, None
    for day, at in item.days.items():
        breach = at.days > 90 or at.is_impaired or day in pulled
        if breach or at.overdue > 0:
            clean_since = None
        else:
            clean_since = clean_since or day
        if breach:
            is_bad = True
        elif (
            is_bad
            and clean_since
            and day >= _months_later(clean_since, cure.months)
            and _periods_passed(item, clean_since, day) >= cure.periods
            and day not in impaired
        ):
            is_bad = False
        if is_bad:
            found.add(day)
    return found


def _observed(item: Item, as_of: date, cure: Cure) -> set[date]:
    restructured_on = item.loan.row["restructured_on"]
    if restructured_on is None or restructured_on > as_of:
        return set()
    starts_on = next((due_on for due_on, _ in item.dues if due_on > restructured_on), None)
    begins_on, found = starts_on, set()
    for day in _days(restructured_on, as_of):
        at = item.days.get(day)
        if at is None:
            continue
        if starts_on and day >= starts_on and at.days > 0:
            begins_on = max(at.unpaid_since, starts_on)
        elif (
            begins_on
            and day >= _months_later(begins_on, cure.observation_months)
            and _periods_passed(item, begins_on, day) >= cure.observation_periods
        ):
            break
        found.add(day)
    return found


def _periods_passed(item: Item, since: date, day: date) -> int:
    return sum(due_on > since and passed_on <= day for due_on, passed_on in item.dues)


def _row(items: list[Item], item: Item, day: date, before: date, pauses: list[Row], as_of: date) -> Row:
    floors = _floors(items, item, day, pauses)
    row = item.loan.row
    risk_class = max((floor for floor, _ in floors), default=1)
    balance = item.days[day].balance
    before_class = None
    if before in item.days:
        before_class = max((floor for floor, _ in _floors(items, item, before, pauses)), default=1)
    return {
        "customer_id": row["customer_id"],
        "currency": row["currency"],
        "balance": as_amount(balance),
        "risk_class": risk_class,
        "rules_fired": ", ".join(sorted(rule for _, rule in floors)),
        "deciding_rule": min((rule for floor, rule in floors if floor == risk_class), default=None),
        "previous_class": before_class,
        "provision_amount": as_amount((balance * PROVISIONS[risk_class] + 50) // 100),
    }


def _floors(items: list[Item], item: Item, day: date, pauses: list[Row]) -> list[tuple[int, str]]:
    at = item.days[day]
    floors = [(floor, rule) for beyond, floor, rule in LOAN_FLOORS if at.days > beyond]
    if at.asset_class == "card":
        floors += [(floor, rule) for beyond, floor, rule in CARD_FLOORS if at.days > beyond]
    if 0 < at.days <= 7:
        first_late = at.unpaid_since if at.includes_due_date else at.unpaid_since + ONE_DAY
        if any(p["from_on"] <= first_late and (p["to_on"] or date.max) > at.unpaid_since for p in pauses):
            floors.remove((2, "CN23_SM_OVERDUE"))
            floors.append((1, "CN23_SM_TECH_EXC"))
    if at.is_impaired:
        floors.append((3, "CN23_SS_IMPAIRED"))
    if day in item.observed:
        floors.append((2, "CN23_RS_FIRST"))
    if not at.is_retail:
        if day in item.pulled and day not in item.own:
            floors.append((3, "CN23_SS_OWN10"))
        others = (one for one in items if one is not item and day in one.days and not one.days[day].is_retail)
        if any(day in one.own for one in others):
            floors.append((2, "CN23_SM_CROSS"))
    if not at.follows_days and day in item.held and max((floor for floor, _ in floors), default=1) < 3:
        floors.append((3, "CURE_PAID"))
    return floors


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
