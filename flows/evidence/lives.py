"""What each loan and advance of a debtor was like on every day that it was in the book: days past due, arrears, balance.

Who has paid what changes on days with an event, what is owed with the plan, what is overdue on a due date; from one such day to the
next only the days grow. So a position is worked out where something changes, and told for every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from flows.evidence.recompute import (
    NEVER,
    ONE_DAY,
    Calendar,
    LoanFile,
    Position,
    Products,
    Row,
    attribute,
    flag,
    hundredths,
    obligations,
    periods,
    position,
)


@dataclass(slots=True)
class Day:
    """One loan or advance at the end of one day; amounts in hundredths."""

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
    """A loan or advance with its days in the book, and its due dates with the first day on which each would be past due."""

    item_type: str
    row: Row
    days: dict[date, Day] = field(default_factory=dict)
    dues: list[tuple[date, date]] = field(default_factory=list)

    @property
    def ident(self) -> tuple[str, str]:
        return self.item_type, self.row[f"{self.item_type}_id"]


class AssetClasses:
    """The asset class of a product on a day; `loan` where nothing says otherwise."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = sorted(rows, key=lambda row: row["valid_from"] or date.min)

    def at(self, product_id: str | None, day: date) -> str:
        found = "loan"
        for row in self._rows:
            if row["product_id"] == product_id and (row["valid_from"] or date.min) <= day:
                found = row["asset_class"] or "loan"
        return found


def life_of_loan(
    loan: LoanFile,
    people: Sequence[Row],
    until: date,
    products: Products,
    classes: AssetClasses,
    calendar: Calendar,
    lag_days: int,
) -> Item:
    """Every day of a loan in the book up to `until`."""
    item = Item("loan", loan.row)
    gone_on = min(loan.row["closed_on"] or date.max, loan.row["written_off_on"] or date.max)
    read_from = _read_from((*loan.history, *people), lag_days)
    of_products = {day for row in loan.history for day in products.change_days(row["product_id"])}
    for period in periods(loan, until, products, lag_days):
        owed = obligations(loan, period, calendar)
        own = calendar.of(period.terms)
        first_late = timedelta(days=0 if period.terms.includes_due_date else 1)
        dues = {o.rolled_on for o in owed if o.kind in ("installment", "residual") and o.amount > 0}
        due_days = {o.rolled_on for o in owed} | {own.roll(c.due_on, period.terms.due_date_roll) for c in loan.charges}
        due_days |= {charge.due_on for charge in loan.charges}
        due_days.discard(NEVER)
        changes = {period.first_day, gone_on} | loan.event_days | read_from | of_products
        changes |= {day + timedelta(days=n) for day in due_days for n in (0, 1)}
        item.dues += [(d, d + first_late) for d in sorted(dues) if period.first_day <= d <= period.last_day]
        starts = sorted(day for day in changes if period.first_day <= day <= period.last_day)
        for start, following in zip(starts, [*starts[1:], period.last_day + ONE_DAY], strict=True):
            if start >= gone_on:
                break
            now = position(loan, start, period, owed, calendar)
            at = Day(
                asset_class=classes.at(attribute(loan.history, "product_id", start, lag_days), start),
                segment=attribute(people, "segment", start, lag_days),
                security=attribute(loan.history, "security", start, lag_days),
                includes_due_date=period.terms.includes_due_date,
                unpaid_since=min(
                    (o.rolled_on for o in now.queue if o.unpaid > 0 and o.rolled_on <= start), default=None
                ),
                days_after=0,
                balance=sum(o.unpaid_components(period.terms.component_order)["principal"] for o in now.queue),
                overdue=_overdue(now, charges_age=period.terms.charges_age),
                is_impaired=flag(loan.history, "credit_impaired", start, lag_days),
            )
            _fill(item, at, start, following)
    return item


def life_of_advance(
    history: Sequence[Row],
    repayments: Sequence[Row],
    people: Sequence[Row],
    until: date,
    kinds: Mapping[str, Mapping[str, str]],
    lag_days: int,
) -> Item:
    """Every day of an advance in the book: one obligation, due at once unless its kind has a due date and one was agreed."""
    row = history[-1]
    item = Item("advance", row)
    agreed = kinds[row["kind"]]["past_due_from"] == "due_on" and row["due_on"] is not None
    due_on = row["due_on"] if agreed else row["advanced_on"]
    came = {one["advance_repayment_id"] for one in repayments}
    money = [one for one in repayments if one["kind"] != "reversal" or one["reverses_id"] in came]
    changes = {row["advanced_on"], due_on, due_on + ONE_DAY, *(one["paid_on"] for one in money)}
    changes |= _read_from((*history, *people), lag_days)
    starts = sorted(day for day in changes if row["advanced_on"] <= day <= until)
    for start, following in zip(starts, [*starts[1:], until + ONE_DAY], strict=True):
        left = row["amount"]
        for one in money:
            if one["paid_on"] <= start:
                left += -one["amount"] if one["kind"] in ("payment", "waiver") else one["amount"]
        if left <= 0:
            continue
        at = Day(
            asset_class="advance",
            segment=attribute(people, "segment", start, lag_days),
            security=attribute(history, "security", start, lag_days),
            includes_due_date=False,
            unpaid_since=due_on if due_on <= start else None,
            days_after=0,
            balance=hundredths(left),
            overdue=hundredths(left) if start > due_on else 0,
        )
        _fill(item, at, start, min(following, row["written_off_on"] or date.max), row["advanced_on"])
    return item


def _read_from(versions: Sequence[Row], lag_days: int) -> set[date]:
    """Days from which another version of a row is read."""
    return {row["_delivery"][0] - timedelta(days=lag_days) for row in versions}


def _overdue(now: Position, *, charges_age: bool) -> int:
    overdue = sum(one.unpaid for one in now.overdue())
    if not charges_age:
        overdue += sum(charge.unpaid for charge in now.charges if now.is_overdue(charge.rolled_on))
    return overdue


def _fill(item: Item, at: Day, first: date, after: date, advanced_on: date | None = None) -> None:
    for day in days_of(first, after - ONE_DAY):
        item.days[day] = replace(
            at,
            days_after=(day - at.unpaid_since).days if at.unpaid_since else 0,
            days_out=(day - advanced_on).days if advanced_on else 0,
        )


def days_of(first: date, last: date) -> Iterator[date]:
    """Each day of a span, both ends included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
