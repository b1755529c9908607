"""Independent re-performance of `risk_classification` under every regime, day by day, from the contract and the rules alone.

For every day from its beginning each loan's and advance's days, arrears and balance are worked out, once for all regimes; the
states of an item are then carried from one day to the next: non-performing until the cure rule holds, pulled by the debtor's
other claims, restructured and under observation, in material arrears for so many days. Nothing is skipped and nothing is shared
with the warehouse. Amounts are whole hundredths.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

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
    flag,
    hundredths,
    known,
    loan_files,
    obligations,
    period_at,
    position,
    versions,
)
from reperformance.portfolio import overdue_since


class Floor(NamedTuple):
    """An item is at least of class `floor` where `shown` is more than `beyond` (or simply is so)."""

    rule: str
    floor: int
    shown: str
    beyond: int = 0


ORDER_2023 = (
    Floor("CN23_SM_OVERDUE", 2, "days", 0),
    Floor("CN23_SS_DPD", 3, "days", 90),
    Floor("CN23_DB_DPD", 4, "days", 270),
    Floor("CN23_LS_DPD", 5, "days", 360),
    Floor("CN23_SS_IMPAIRED", 3, "impaired"),
    Floor("CN23_RS_FIRST", 2, "observed"),
)
CARDS_2011 = (
    Floor("CARD11_SM", 2, "days", 0),
    Floor("CARD11_SS", 3, "days", 90),
    Floor("CARD11_DB", 4, "days", 120),
    Floor("CARD11_LS", 5, "days", 180),
)
GUIDE_2007 = (
    Floor("CN07_SM", 2, "days", 0),
    Floor("CN07_SS_NONACC", 3, "impaired"),
    Floor("CN07_SS_RS", 3, "observed"),
    Floor("CN07_DB_RS", 4, "observed and overdue"),
)
RURAL_ADVANCES_2006 = (
    Floor("RCC06_ADV_SM", 2, "days out", 0),
    Floor("RCC06_ADV_SS", 3, "days out", 30),
    Floor("RCC06_ADV_DB", 4, "days out", 90),
)
# class by the days from which it holds, for each kind of security
SMALL_BUSINESS_2007 = {
    "unsecured": {1: 2, 31: 3, 91: 4, 361: 5},
    "guaranteed": {31: 2, 91: 3, 181: 4, 361: 5},
    "mortgaged": {31: 2, 181: 3, 361: 4},
    "pledged": {91: 2, 181: 3, 361: 4},
}
RBI = (
    Floor("RBI_SMA", 2, "days with the due date", 0),
    Floor("RBI_NPA", 3, "days with the due date", 90),
    Floor("RBI_DOUBTFUL", 4, "days with the due date", 455),
)
URCC = (
    Floor("US_PAST_DUE", 2, "days after the due date", 29),
    Floor("US_SUBSTANDARD", 3, "days after the due date", 89),
    Floor("US_NONACCRUAL", 3, "impaired"),
)
EU_DEFINITION_OF_DEFAULT = (
    Floor("EU_SICR", 2, "days after the due date", 30),
    Floor("EU_DEFAULT", 3, "material days", 90),
    Floor("EU_UTP", 3, "impaired"),
    Floor("EU_FORBORNE", 2, "observed"),
)
PULLS = {  # the share of a debtor's claims above which its other claims follow, and the rule that says so
    "CN": (10, "CN23_SS_OWN10"),
    "CN_SME": (10, "CN23_SS_OWN10"),
    "CN_RCC": (10, "CN23_SS_OWN10"),
    "IN": (0, "RBI_BORROWER"),
    "EU": (20, "EU_PULLING"),
}
REGIMES = ("CN", "CN_SME", "CN_RCC", "CN_2007", "IN", "US", "EU")
PROVISIONS = {1: 0, 2: 2, 3: 25, 4: 50, 5: 100}  # per cent
MATERIAL_FROM = {"personal": 100_00, "corporate": 500_00}  # EUR
RETAIL = ("card", "small_business")


class Terms(NamedTuple):
    """How an asset class and segment is treated; cure and observation in months and repayment periods, the longer."""

    is_retail: bool
    follows_days: bool
    months: int = 0
    periods: int = 0
    whole_debtor_pays: bool = False
    needs_unimpaired_debtor: bool = False
    observation_months: int = 12
    observation_periods: int = 0


@dataclass(frozen=True)
class Regime:
    """Rules and terms of a regime, none longer than the given months and periods (a book of ten months enters and leaves all)."""

    name: str
    longest_months: int = 999
    longest_periods: int = 999

    def floors(self, at: Day) -> tuple[Floor, ...]:
        return _floors(self.name, at.asset_class, at.segment, at.security or "")

    def terms(self, at: Day) -> Terms:
        return _terms(self, at.asset_class, at.segment)


@cache
def _floors(regime: str, asset_class: str, segment: str, security: str) -> tuple[Floor, ...]:
    if regime == "CN_2007":
        return GUIDE_2007
    if regime == "IN":
        return RBI
    if regime == "EU":
        return EU_DEFINITION_OF_DEFAULT
    if regime == "US":
        beyond, kind = (179, "OPEN") if asset_class == "card" else (119, "CLOSED")
        loss = Floor(f"US_LOSS_{kind}_END", 5, "days after the due date", beyond)
        return (*URCC, loss) if segment == "personal" else URCC
    if asset_class == "card":
        return ORDER_2023 + CARDS_2011
    if regime == "CN_RCC" and asset_class == "advance":
        return ORDER_2023 + RURAL_ADVANCES_2006
    if regime == "CN_SME" and asset_class == "small_business":
        steps = SMALL_BUSINESS_2007.get(security, {})
        rule = f"SME07_{security.upper()}"
        return ORDER_2023 + tuple(Floor(f"{rule}_{days}", floor, "days", days - 1) for days, floor in steps.items())
    return ORDER_2023


@cache
def _terms(regime: Regime, asset_class: str, segment: str) -> Terms:
    person = segment == "personal"
    is_retail = person or asset_class in RETAIL
    if regime.name == "IN":
        found = Terms(False, False, whole_debtor_pays=True)
    elif regime.name == "US":
        found = Terms(person, True)
    elif regime.name == "EU":
        found = Terms(person, False, 3, observation_months=24)
    elif regime.name == "CN_2007":
        found = Terms(is_retail, person, 6, observation_months=6)
    elif regime.name == "CN_SME" and asset_class == "small_business":
        found = Terms(True, True, observation_periods=2)
    else:
        found = Terms(is_retail, person, 6, 2, needs_unimpaired_debtor=True, observation_periods=2)
    return found._replace(
        months=min(found.months, regime.longest_months),
        periods=min(found.periods, regime.longest_periods),
        observation_months=min(found.observation_months, regime.longest_months),
        observation_periods=min(found.observation_periods, regime.longest_periods),
    )


@dataclass
class Day:
    """One loan or advance at the end of one day on which it is in the book."""

    asset_class: str
    segment: str
    security: str | None
    includes_due_date: bool
    unpaid_since: date | None  # the oldest unpaid due date that has come, the day itself included
    days_after: int  # past due, the due date not counted
    balance: int
    overdue: int
    is_impaired: bool = False
    days_out: int = 0  # of an advance

    @property
    def days_with(self) -> int:
        return self.days_after + 1 if self.unpaid_since else 0

    @property
    def days(self) -> int:
        """Days past due as agreed."""
        return self.days_with if self.includes_due_date else self.days_after


@dataclass
class Item:
    item_type: str
    row: Row
    days: dict[date, Day] = field(default_factory=dict)
    dues: list[tuple[date, date]] = field(default_factory=list)  # due date, first day on which it would be past due

    @property
    def ident(self) -> tuple[str, str]:
        return self.item_type, self.row[f"{self.item_type}_id"]


@dataclass
class States:
    """The days on which each state of an item holds under a regime."""

    material: dict[date, int] = field(default_factory=dict)  # how many days without a break, by day
    observed: set[date] = field(default_factory=set)
    own: set[date] = field(default_factory=set)
    pulled: set[date] = field(default_factory=set)
    held: set[date] = field(default_factory=set)


class Book:
    """What was lent and advanced, lived through day by day until `until`."""

    def __init__(self, ledgers: Ledgers, until: date, *, calendar: Calendar, lag_days: int = 1) -> None:
        rows = known(ledgers)
        customers = versions(ledgers, "customers")
        products, asset_classes = Products(rows["products"]), _AssetClasses(rows["products"])
        self.until = until
        self.technical: dict[str, list[Row]] = defaultdict(list)
        for pause in rows["pauses"]:
            if pause["reason"] == "technical":
                self.technical[pause["loan_id"]].append(pause)
        self.adjustments: dict[str, list[Row]] = defaultdict(list)
        for row in rows["adjustments"]:
            self.adjustments[row["loan_id"]].append(row)
        self.debtors: dict[str, list[Item]] = defaultdict(list)
        for loan in loan_files(rows, versions(ledgers, "loans")):
            history = customers[(loan.row["customer_id"],)]
            self.debtors[loan.row["customer_id"]].append(
                _lived(loan, history, until, products, asset_classes, calendar, lag_days)
            )
        repayments = defaultdict(list)
        for row in rows["advance_repayments"]:
            repayments[row["advance_id"]].append(row)
        histories = versions(ledgers, "advances")
        for row in rows["advances"]:
            self.debtors[row["customer_id"]].append(
                _advanced(
                    row,
                    histories[(row["advance_id"],)],
                    repayments[row["advance_id"]],
                    customers[(row["customer_id"],)],
                    until,
                    lag_days,
                )
            )

    def classify(self, regime: Regime, dates: Sequence[date]) -> dict[date, dict[tuple[str, str], Row]]:
        """For each date (item_type, item_id) -> the columns of `risk_classification` that follow from ledgers and rules."""
        found: dict[date, dict[tuple[str, str], Row]] = {day: {} for day in dates}
        for items in self.debtors.values():
            follow = _Debtor(items, regime, self.technical, self.adjustments, self.until)
            for day in dates:
                for n, item in enumerate(items):
                    if day in item.days:
                        found[day][item.ident] = follow.row(n, day)
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
    until: date,
    products: Products,
    asset_classes: _AssetClasses,
    calendar: Calendar,
    lag_days: int,
) -> Item:
    """Every day of a loan in the book."""
    item = Item("loan", loan.row)
    kept: dict[tuple[int, object, date | None], tuple[Period, list]] = {}
    gone_on = min(loan.row["closed_on"] or date.max, loan.row["written_off_on"] or date.max)
    for day in _days(loan.row["disbursed_on"], until):
        period = period_at(loan, day, products, lag_days)
        key = (period.plan.plan_no if period.plan else 0, period.terms, period.matures_on)
        if key not in kept:
            kept[key] = (period, obligations(loan, period, calendar))
        owed = kept[key][1]
        for one in owed:
            if one.rolled_on == day and one.kind in ("installment", "residual") and one.amount > 0:
                item.dues.append((day, day if period.terms.includes_due_date else day + ONE_DAY))
                break
        if day >= gone_on:
            continue
        now = position(loan, day, period, owed, calendar)
        overdue = sum(one.unpaid for one in now.overdue())
        if not period.terms.charges_age:
            overdue += sum(charge.unpaid for charge in now.charges if now.is_overdue(charge.rolled_on))
        since = min((one.rolled_on for one in now.queue if one.unpaid > 0 and one.rolled_on <= day), default=None)
        item.days[day] = Day(
            asset_class=asset_classes.at(attribute(loan.history, "product_id", day, lag_days), day),
            segment=attribute(customer_history, "segment", day, lag_days),
            security=attribute(loan.history, "security", day, lag_days),
            includes_due_date=period.terms.includes_due_date,
            unpaid_since=since,
            days_after=(day - since).days if since else 0,
            balance=sum(one.unpaid_components(period.terms.component_order)["principal"] for one in now.queue),
            overdue=overdue,
            is_impaired=flag(loan.history, "credit_impaired", day, lag_days),
        )
    return item


def _advanced(
    row: Row,
    history: Sequence[Row],
    repayments: Sequence[Row],
    customer_history: Sequence[Row],
    until: date,
    lag_days: int,
) -> Item:
    """Every day of an advance in the book: one obligation, due at once where nothing was agreed."""
    item = Item("advance", row)
    due_on = overdue_since(row)
    for day in _days(row["advanced_on"], until):
        left = row["amount"]
        for money in repayments:
            if money["paid_on"] <= day:
                left += -money["amount"] if money["kind"] in ("payment", "waiver") else money["amount"]
        if left <= 0 or day >= (row["written_off_on"] or date.max):
            continue
        days_after = max(0, (day - due_on).days)
        item.days[day] = Day(
            asset_class="advance",
            segment=attribute(customer_history, "segment", day, lag_days),
            security=attribute(history, "security", day, lag_days),
            includes_due_date=False,
            unpaid_since=due_on if due_on <= day else None,
            days_after=days_after,
            balance=hundredths(left),
            overdue=hundredths(left) if days_after else 0,
            days_out=(day - row["advanced_on"]).days,
        )
    return item


class _Debtor:
    """All items of a debtor, their states carried from day to day under a regime."""

    def __init__(
        self,
        items: list[Item],
        regime: Regime,
        technical: dict[str, list[Row]],
        adjustments: dict[str, list[Row]],
        until: date,
    ) -> None:
        self.items, self.regime, self.technical, self.adjustments = items, regime, technical, adjustments
        self.states = [States() for _ in items]
        every_day = sorted({day for item in items for day in item.days})
        self.impaired = {day for item in items for day, at in item.days.items() if at.is_impaired}
        self.in_arrears = {day for item in items for day, at in item.days.items() if at.overdue > 0}
        for item, states in zip(items, self.states, strict=True):
            states.observed = self._observed(item, until)
            if regime.name == "EU":
                self._count_material_days(item, states)
            states.own = self._non_performing(item, states)
        if regime.name in PULLS:
            for day in every_day:
                self._pull(day, PULLS[regime.name][0])
        for item, states in zip(items, self.states, strict=True):
            states.held = self._non_performing(item, states)

    def _count_material_days(self, item: Item, states: States) -> None:
        """Consecutive days with arrears above the amount (in EUR) and above 1%: of the item, or of all that a company owes."""
        for day, at in item.days.items():
            currency = item.row["currency"]
            together = [item] if at.segment == "personal" else [o for o in self.items if o.row["currency"] == currency]
            overdue = sum(one.days[day].overdue for one in together if day in one.days)
            balance = sum(one.days[day].balance for one in together if day in one.days)
            if overdue > (MATERIAL_FROM[at.segment] if currency == "EUR" else 0) and 100 * overdue > balance:
                states.material[day] = states.material.get(day - ONE_DAY, 0) + 1

    def _observed(self, item: Item, until: date) -> set[date]:
        restructured_on = item.row.get("restructured_on")
        at = next((at for day, at in item.days.items() if restructured_on and day >= restructured_on), None)
        if at is None:
            return set()
        terms = self.regime.terms(at)
        starts_on = next((due_on for due_on, _ in item.dues if due_on > restructured_on), None)
        begins_on, found = starts_on, set()
        for day in _days(restructured_on, until):
            at = item.days.get(day)
            if at is None:
                continue
            if starts_on and day >= starts_on and at.days > 0:
                begins_on = max(at.unpaid_since, starts_on)
            elif (
                begins_on
                and day >= _months_later(begins_on, terms.observation_months)
                and _periods_passed(item, begins_on, day) >= terms.observation_periods
            ):
                break
            found.add(day)
        return found

    def _holding(self, at: Day, states: States, day: date) -> Iterator[Floor]:
        """The floors that hold for an item by itself."""
        is_observed = day in states.observed
        shown = {
            "days": at.days,
            "days after the due date": at.days_after,
            "days with the due date": at.days_with,
            "days out": at.days_out,
            "material days": states.material.get(day, 0),
            "impaired": at.is_impaired,
            "observed": is_observed,
            "observed and overdue": is_observed and at.days > 0,
        }
        return (one for one in self.regime.floors(at) if shown[one.shown] > one.beyond)

    def _non_performing(self, item: Item, states: States) -> set[date]:
        found: set[date] = set()
        is_bad, clean_since, terms = False, None, None
        for day, at in item.days.items():
            now = self.regime.terms(at)
            breach = day in states.pulled or any(one.floor >= 3 for one in self._holding(at, states, day))
            if breach or at.overdue > 0 or (now.whole_debtor_pays and day in self.in_arrears):
                clean_since = None
            elif clean_since is None or day - ONE_DAY not in item.days:
                clean_since, terms = day, now  # the terms of cure are those of the first clean day
            if breach:
                is_bad = True
            elif (
                is_bad
                and clean_since
                and day >= _months_later(clean_since, terms.months)
                and _periods_passed(item, clean_since, day) >= terms.periods
                and not (terms.needs_unimpaired_debtor and day in self.impaired)
            ):
                is_bad = False
            if is_bad:
                found.add(day)
        return found

    def _pull(self, day: date, per_cent: int) -> None:
        claims = [
            (item, states)
            for item, states in zip(self.items, self.states, strict=True)
            if day in item.days and not self.regime.terms(item.days[day]).is_retail
        ]
        whole, bad, there = defaultdict(int), defaultdict(int), set()
        for item, states in claims:
            currency, balance = item.row["currency"], item.days[day].balance
            whole[currency] += balance
            if day in states.own:
                bad[currency] += balance
                there.add(currency)
        if any(100 * bad[currency] > per_cent * whole[currency] or per_cent == 0 for currency in there):
            for _, states in claims:
                states.pulled.add(day)

    def row(self, n: int, day: date) -> Row:
        item = self.items[n]
        floors, before = self._floors(n, day), day.replace(day=1) - ONE_DAY
        by_rules = max((floor for floor, _ in floors), default=1)
        adjustment = self._adjustment(item, day)
        risk_class = adjustment["risk_class"] if adjustment else by_rules
        balance, rate = item.days[day].balance, PROVISIONS[risk_class]
        before_class = None
        if before in item.days:
            before_class = max((floor for floor, _ in self._floors(n, before)), default=1)
            if adjusted_before := self._adjustment(item, before):
                before_class = adjusted_before["risk_class"]
        return {
            "customer_id": item.row["customer_id"],
            "currency": item.row["currency"],
            "balance": as_amount(balance),
            "risk_class": risk_class,
            "class_by_rules": by_rules,
            "adjustment_id": adjustment and adjustment["adjustment_id"],
            "adjusted_by": adjustment and adjustment["prepared_by"],
            "approved_by": adjustment and adjustment["approved_by"],
            "adjusted_until": adjustment and adjustment["valid_until"],
            "rules_fired": ", ".join(sorted(rule for _, rule in floors)),
            "deciding_rule": min((rule for floor, rule in floors if floor == by_rules), default=None),
            "previous_class": before_class,
            "provision_rate": Decimal(rate).scaleb(-2),
            "provision_amount": as_amount((balance * rate + 50) // 100),
        }

    def _adjustment(self, item: Item, day: date) -> Row | None:
        """The adjustment of a loan that holds on a day: of several the one that began last, then the last by id."""
        if item.item_type != "loan":
            return None
        rows = self.adjustments[item.ident[1]]
        holding = [row for row in rows if row["valid_from"] <= day <= row["valid_until"]]
        return max(holding, key=lambda row: (row["valid_from"], row["adjustment_id"]), default=None)

    def _floors(self, n: int, day: date) -> list[tuple[int, str]]:
        item, states = self.items[n], self.states[n]
        at, name = item.days[day], self.regime.name
        terms = self.regime.terms(at)
        floors = [(one.floor, one.rule) for one in self._holding(at, states, day)]
        if (2, "CN23_SM_OVERDUE") in floors and at.days <= 7 and self._is_technical(item, at):
            floors.remove((2, "CN23_SM_OVERDUE"))
            floors.append((1, "CN23_SM_TECH_EXC"))
        if not terms.is_retail:
            if name in PULLS and day in states.pulled and day not in states.own:
                floors.append((3, PULLS[name][1]))
            others = (
                fellow
                for one, fellow in zip(self.items, self.states, strict=True)
                if one is not item and day in one.days and not self.regime.terms(one.days[day]).is_retail
            )
            if name in ("CN", "CN_SME", "CN_RCC") and any(day in fellow.own for fellow in others):
                floors.append((2, "CN23_SM_CROSS"))
        if not terms.follows_days and day in states.held and max((floor for floor, _ in floors), default=1) < 3:
            floors.append((3, "CURE_PAID"))
        return floors

    def _is_technical(self, item: Item, at: Day) -> bool:
        """A technical pause was in force on the due date or on the first day past due; only loans have pauses."""
        first_late = at.unpaid_since if at.includes_due_date else at.unpaid_since + ONE_DAY
        return item.item_type == "loan" and any(
            pause["from_on"] <= first_late and (pause["to_on"] or date.max) > at.unpaid_since
            for pause in self.technical[item.row["loan_id"]]
        )


def _periods_passed(item: Item, since: date, day: date) -> int:
    return sum(due_on > since and passed_on <= day for due_on, passed_on in item.dues)


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
