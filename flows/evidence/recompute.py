"""Independent re-performance of `loan_aging`, in plain Python, from the contract alone.

An auditor would re-perform the figures like this: take the ledger rows of one loan, write down what is owed, lay the
money on it, and read the days off. There is no SQL here, nothing is shared with the warehouse, and every rule is
spelled out where it is used. Amounts are counted in whole hundredths (1.23 is 123), so nothing is ever rounded.

Words used below:
    money       payments and waivers, each at its net amount: what its reversals dated by the as-of date have left
    obligation  something owed on a date: an installment, the residual principal, a charge, a chargeback, or earlier
                money that was reversed after a `remaining` plan had replaced everything before it ("reopened")
    queue       the obligations in the order in which money is laid on them
    plan        one version of the installments; the highest plan_no whose effective_on has come is in force
    terms       the conventions of the loan's product in force on a day
    period      a stretch of days with one plan, one maturity and one set of terms
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from flows.policy.schemes import m_stages

Row = dict[str, Any]
Ledgers = dict[str, list[Row]]
Delivery = tuple[date, int]

ONE_DAY = timedelta(days=1)
NEVER = date.max
ALWAYS = date.min


# --------------------------------------------------------------------------------------------------------------------
# The ledgers
# --------------------------------------------------------------------------------------------------------------------

# Canonical columns of the ledgers that re-performance reads, in the order of the contract.
COLUMNS: dict[str, dict[str, str]] = {
    "customers": {
        "customer_id": "text",
        "segment": "text",
        "name": "text",
        "id_number": "text",
        "phone": "text",
        "region": "text",
        "industry": "text",
        "time_zone": "text",
        "opened_on": "date",
    },
    "products": {
        "product_id": "text",
        "valid_from": "date",
        "product_name": "text",
        "asset_class": "text",
        "day_count": "text",
        "due_date_roll": "text",
        "calendar": "text",
        "grace_days": "integer",
        "tolerance_amount": "decimal",
        "tolerance_rate": "decimal",
        "pause_scope": "text",
        "allocation": "text",
        "component_order": "text",
        "charges_age": "boolean",
        "plan_basis": "text",
        "plan_includes_day": "boolean",
        "bucket_scheme": "text",
        "bucket_on": "text",
    },
    "loans": {
        "loan_id": "text",
        "customer_id": "text",
        "product_id": "text",
        "disbursed_on": "date",
        "matures_on": "date",
        "principal": "decimal",
        "currency": "text",
        "annual_rate": "decimal",
        "security": "text",
        "branch_id": "text",
        "purpose": "text",
        "restructured_on": "date",
        "written_off_on": "date",
        "closed_on": "date",
        "close_reason": "text",
        "credit_impaired": "boolean",
        "gl_account": "text",
    },
    "installments": {
        "loan_id": "text",
        "plan_no": "integer",
        "installment_no": "integer",
        "effective_on": "date",
        "due_on": "date",
        "principal_due": "decimal",
        "interest_due": "decimal",
        "fee_due": "decimal",
    },
    "repayments": {
        "repayment_id": "text",
        "loan_id": "text",
        "paid_on": "date",
        "amount": "decimal",
        "kind": "text",
        "reverses_id": "text",
        "installment_no": "integer",
        "payer": "text",
        "posted_at": "text",
        "channel": "text",
    },
    "charges": {
        "charge_id": "text",
        "loan_id": "text",
        "due_on": "date",
        "amount": "decimal",
        "kind": "text",
        "reverses_id": "text",
    },
    "pauses": {
        "loan_id": "text",
        "from_on": "date",
        "to_on": "date",
        "reason": "text",
    },
    "advances": {
        "advance_id": "text",
        "customer_id": "text",
        "loan_id": "text",
        "kind": "text",
        "advanced_on": "date",
        "amount": "decimal",
        "currency": "text",
        "security": "text",
        "due_on": "date",
        "written_off_on": "date",
        "gl_account": "text",
    },
    "advance_repayments": {
        "advance_repayment_id": "text",
        "advance_id": "text",
        "paid_on": "date",
        "amount": "decimal",
        "kind": "text",
        "reverses_id": "text",
        "posted_at": "text",
    },
    "collateral": {
        "collateral_id": "text",
        "valued_on": "date",
        "loan_id": "text",
        "kind": "text",
        "value": "decimal",
        "currency": "text",
    },
    "fx_rates": {
        "as_of": "date",
        "currency": "text",
        "rate": "decimal",
    },
    "adjustments": {
        "adjustment_id": "text",
        "loan_id": "text",
        "risk_class": "integer",
        "reason": "text",
        "prepared_by": "text",
        "approved_by": "text",
        "valid_from": "date",
        "valid_until": "date",
    },
}

KEYS: dict[str, tuple[str, ...]] = {
    "customers": ("customer_id",),
    "products": ("product_id", "valid_from"),
    "loans": ("loan_id",),
    "installments": ("loan_id", "plan_no", "installment_no"),
    "repayments": ("repayment_id",),
    "charges": ("charge_id",),
    "pauses": ("loan_id", "from_on"),
    "advances": ("advance_id",),
    "advance_repayments": ("advance_repayment_id",),
    "collateral": ("collateral_id", "valued_on"),
    "fx_rates": ("as_of", "currency"),
    "adjustments": ("adjustment_id",),
}

EVENT_LEDGERS = frozenset({"repayments", "charges", "advance_repayments"})

# What an empty field means, where the contract says so.
DEFAULTS: dict[str, Row] = {
    "installments": {"plan_no": 1, "interest_due": Decimal(0), "fee_due": Decimal(0)},
    "repayments": {"kind": "payment", "payer": "customer"},
    "advance_repayments": {"kind": "payment"},
}


def delivery_of(folder_name: str) -> Delivery | None:
    """`2026-11-22` -> (2026-11-22, 1); `2026-11-22.2` -> (2026-11-22, 2); anything else -> None."""
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?", folder_name)
    if match is None:
        return None
    return date.fromisoformat(match[1]), int(match[2] or 1)


def _with_defaults(name: str, row: Row) -> Row:
    """The row with the contract's defaults in place of nulls, and every canonical column present."""
    full = {column: row.get(column) for column in COLUMNS[name]}
    full["_delivery"] = row["_delivery"]
    for column, default in DEFAULTS.get(name, {}).items():
        if full[column] is None:
            full[column] = default
    return full


def versions(ledgers: Ledgers, name: str) -> dict[tuple[Any, ...], list[Row]]:
    """Every version of every key of a ledger, oldest knowledge first."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in ledgers.get(name, []):
        full = _with_defaults(name, row)
        found.setdefault(tuple(full[column] for column in KEYS[name]), []).append(full)
    for rows in found.values():
        rows.sort(key=lambda row: row["_delivery"])  # stable: within one delivery the order of the file stays
    return found


def known(ledgers: Ledgers) -> Ledgers:
    """What is known in the end: the newest version of a master row, the first of an event row."""
    chosen: Ledgers = {}
    for name in COLUMNS:
        which = 0 if name in EVENT_LEDGERS else -1
        chosen[name] = [rows[which] for rows in versions(ledgers, name).values()]
    return chosen


def attribute(history: Sequence[Row], column: str, day: date, lag_days: int) -> Any:
    """A column without a date of its own, as of `day`: the newest version delivered by then + lag, else the first."""
    value = history[0][column]
    for row in history:
        if row["_delivery"][0] <= day + timedelta(days=lag_days):
            value = row[column]
    return value


def flag(history: Sequence[Row], column: str, day: date, lag_days: int) -> bool:
    """A flag as of `day`: unknown before its first delivery, and so not set."""
    is_known = history[0]["_delivery"][0] <= day + timedelta(days=lag_days)
    return is_known and bool(attribute(history, column, day, lag_days))


# --------------------------------------------------------------------------------------------------------------------
# Calendar
# --------------------------------------------------------------------------------------------------------------------


class Calendar(ABC):
    """Working days of one country, and where a due date on a rest day moves to."""

    def __init__(self) -> None:
        self._working: dict[date, bool] = {}
        self._rolled: dict[tuple[date, str], date] = {}
        # Working days counted from a fixed start, so that a count over many years is one subtraction.
        self._counted_from = date(2003, 12, 31)
        self._count_through = [0]

    @abstractmethod
    def is_rest_day(self, day: date) -> bool:
        """Whether nobody works on this day: a weekend that is not made up for, or a day off."""

    @abstractmethod
    def is_named_day_off(self, day: date) -> bool:
        """Whether the notice of the year names this day as a day off (in-lieu days and weekends inside included)."""

    def is_working_day(self, day: date) -> bool:
        if day not in self._working:
            self._working[day] = not self.is_rest_day(day)
        return self._working[day]

    def of(self, terms: Terms) -> Calendar:
        """The calendar that the terms name; a single one knows its own country only."""
        if terms.calendar != "CN":
            raise NotImplementedError(f"calendar {terms.calendar}: only CN is re-performed")
        return self

    def roll(self, day: date, rule: str) -> date:
        """The due date after rolling: `none`, `following` or `following_holiday`."""
        if rule == "none" or day == NEVER:
            return day
        if (day, rule) not in self._rolled:
            moves = rule == "following" or self.is_named_day_off(day)
            rolled = day
            while moves and not self.is_working_day(rolled):
                rolled += ONE_DAY
            self._rolled[day, rule] = rolled
        return self._rolled[day, rule]

    def working_days(self, first: date, last: date) -> int:
        """Working days from `first` to `last`, both included."""
        if last < first:
            return 0
        if first <= self._counted_from:
            days = (first + timedelta(days=n) for n in range((last - first).days + 1))
            return sum(self.is_working_day(day) for day in days)
        while len(self._count_through) <= (last - self._counted_from).days:
            day = self._counted_from + timedelta(days=len(self._count_through))
            self._count_through.append(self._count_through[-1] + self.is_working_day(day))
        before_first = (first - self._counted_from).days - 1
        return self._count_through[(last - self._counted_from).days] - self._count_through[before_first]


# --------------------------------------------------------------------------------------------------------------------
# Terms, plans and the file of one loan
# --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """A product's conventions in force on a day; the defaults are those of the contract."""

    day_count: str = "exclude_due_date"
    due_date_roll: str = "none"
    calendar: str = "CN"
    grace_days: int = 0
    tolerance_amount: Decimal = Decimal(0)
    tolerance_rate: Decimal = Decimal(0)
    pause_scope: str = "overlap"
    allocation: str = "oldest_installment_first"
    component_order: str = "fee,interest,principal"
    charges_age: bool = False
    plan_basis: str = "whole"
    plan_includes_day: bool = False
    bucket_scheme: str = "CN_M_STAGE"
    bucket_on: str = "days_past_due"

    @property
    def includes_due_date(self) -> bool:
        return self.day_count == "include_due_date"


CONTRACT_TERMS = Terms()


def terms_of(product_row: Row, defaults: Terms) -> Terms:
    given = {name: product_row.get(name) for name in Terms.__dataclass_fields__}
    return replace(defaults, **{name: value for name, value in given.items() if value is not None})


def hundredths(amount: Decimal) -> int:
    scaled = amount * 100
    if scaled != int(scaled):
        raise ValueError(f"{amount} has more than two decimals")
    return int(scaled)


def as_amount(count: int) -> Decimal:
    return Decimal(count).scaleb(-2)


@dataclass(slots=True)
class Obligation:
    """Something owed. `exists_from` is the day from which it stands in the queue (a plan's installments: always)."""

    kind: str  # reopened, installment, residual, charge, chargeback
    due_on: date  # not rolled
    number: int  # installment_no, else 0
    ident: str  # id of the ledger row, where there is one
    fee: int = 0
    interest: int = 0
    principal: int = 0
    exists_from: date = ALWAYS
    rolled_on: date = ALWAYS  # the due date after rolling
    paid: int = 0

    @property
    def amount(self) -> int:
        return self.fee + self.interest + self.principal

    @property
    def unpaid(self) -> int:
        return self.fee + self.interest + self.principal - self.paid  # spelled out: this is read most often

    def queue_order(self) -> tuple[Any, ...]:
        """Reopened ones first of all; then unrolled due date, installment < residual < charge < chargeback, number."""
        rank = {"reopened": 0, "installment": 1, "residual": 2, "charge": 3, "chargeback": 4}[self.kind]
        return rank > 0, self.due_on, rank, self.number, self.ident

    def unpaid_components(self, component_order: str) -> dict[str, int]:
        """What is left of each component when `paid` has gone to them in the given order."""
        left = {"fee": self.fee, "interest": self.interest, "principal": self.principal}
        money = self.paid
        for component in component_order.split(","):
            part = min(money, left[component.strip()])
            left[component.strip()] -= part
            money -= part
        return left


@dataclass(slots=True)
class Money:
    """A payment or waiver row with its reversals."""

    repayment_id: str
    paid_on: date
    amount: int
    kind: str
    payer: str
    installment_no: int | None
    reversals: list[tuple[date, str, int]] = field(default_factory=list)  # (paid_on, repayment_id, amount)

    def net(self, day: date) -> int:
        """What is left of it at the end of `day`."""
        return self.amount - sum(amount for on, _, amount in self.reversals if on <= day)


@dataclass(slots=True)
class Charge:
    charge_id: str
    due_on: date
    amount: int
    reversals: list[tuple[date, int]] = field(default_factory=list)  # (due_on, amount)

    def net(self, day: date) -> int:
        return self.amount - sum(amount for on, amount in self.reversals if on <= day)


@dataclass(slots=True)
class Plan:
    plan_no: int
    effective_on: date
    installments: list[Row]  # by installment_no


@dataclass(slots=True)
class LoanFile:
    """All ledger rows of one loan, sorted into folders."""

    row: Row  # newest version
    history: list[Row]  # all versions
    plans: list[Plan] = field(default_factory=list)  # by plan_no
    money: list[Money] = field(default_factory=list)  # by (paid_on, repayment_id)
    chargebacks: list[Row] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)  # oldest first: by (due_on, charge_id)
    pauses: list[tuple[date, date]] = field(default_factory=list)  # [from, to)
    event_days: set[date] = field(default_factory=set)  # every day on which one of the event rows is dated
    sums: dict[date, tuple[list[date], list[int], list[int]]] = field(default_factory=dict)  # of `received`

    def maturity(self, day: date) -> tuple[date | None, date]:
        """The maturity in force on `day`, and since when: the last one delivered by then; the first one said since always."""
        said: dict[date, date] = {}  # from each day on; of several on one day the newest
        for version in self.history:
            if version["matures_on"] is not None:
                delivered_on = version["_delivery"][0]
                is_first = not said or delivered_on <= self.row["disbursed_on"]
                said[ALWAYS if is_first else delivered_on] = version["matures_on"]
        matures_on, since = None, ALWAYS
        for from_on, value in sorted(said.items()):
            if from_on <= day and value != matures_on:
                matures_on, since = value, from_on
        return matures_on, since

    def dated(self, first: date, last: date) -> list[tuple[Money, int]]:
        """Money of these days, both included, with what is left of each at the end of the last."""
        begin = bisect_left(self.money, first, key=lambda one: one.paid_on)
        end = bisect_right(self.money, last, key=lambda one: one.paid_on)
        return [(one, one.net(last) if one.reversals else one.amount) for one in self.money[begin:end]]

    def received(self, first: date, last: date) -> tuple[int, int]:
        """Sums of the same: waivers of charges, and all else. Running totals, for they are asked for every day."""
        if first not in self.sums:
            changes: list[tuple[date, int, int]] = []
            for one in self.money:
                if one.paid_on >= first:
                    taken_back = [(max(on, one.paid_on), -amount) for on, _, amount in one.reversals]
                    for day, amount in [(one.paid_on, one.amount), *taken_back]:
                        changes.append((day, amount, 0) if _is_waiver_of_charges(one) else (day, 0, amount))
            changes.sort()
            days, waived, other = zip(*changes, strict=True) if changes else ((), (), ())
            self.sums[first] = list(days), [0, *accumulate(waived)], [0, *accumulate(other)]
        days, waived, other = self.sums[first]
        end = bisect_right(days, last)
        return waived[end], other[end]

    def plan_in_force(self, day: date) -> Plan | None:
        in_force = None
        for plan in self.plans:
            if plan.effective_on <= day:
                in_force = plan
        return in_force


def loan_files(rows: Ledgers, loan_histories: Mapping[tuple[Any, ...], list[Row]]) -> Iterator[LoanFile]:
    """One file a loan, from the known rows."""
    by_loan: dict[str, dict[str, list[Row]]] = {name: defaultdict(list) for name in COLUMNS}
    for name in ("installments", "repayments", "charges", "pauses"):
        for row in rows[name]:
            by_loan[name][row["loan_id"]].append(row)

    for row in rows["loans"]:
        loan_id = row["loan_id"]
        loan = LoanFile(row, loan_histories[(loan_id,)])

        by_plan: dict[int, list[Row]] = defaultdict(list)
        for installment in by_loan["installments"].get(loan_id, []):
            by_plan[installment["plan_no"]].append(installment)
        for plan_no in sorted(by_plan):
            lines = sorted(by_plan[plan_no], key=lambda line: line["installment_no"])
            stated = [line["effective_on"] for line in lines if line["effective_on"] is not None]
            loan.plans.append(Plan(plan_no, min(stated, default=row["disbursed_on"]), lines))

        repayments = sorted(
            by_loan["repayments"].get(loan_id, []), key=lambda event: (event["paid_on"], event["repayment_id"])
        )
        received: dict[str, Money] = {}
        for event in repayments:
            loan.event_days.add(event["paid_on"])
            if event["kind"] in ("payment", "waiver"):
                money = Money(
                    event["repayment_id"],
                    event["paid_on"],
                    hundredths(event["amount"]),
                    event["kind"],
                    event["payer"],
                    event["installment_no"],
                )
                received[money.repayment_id] = money
                loan.money.append(money)
            elif event["kind"] == "chargeback":
                loan.chargebacks.append(event)
        for event in repayments:
            # what it reverses may have been withdrawn: then there is nothing to take back
            if event["kind"] == "reversal" and event["reverses_id"] in received:
                reversal = (event["paid_on"], event["repayment_id"], hundredths(event["amount"]))
                received[event["reverses_id"]].reversals.append(reversal)

        charges = sorted(by_loan["charges"].get(loan_id, []), key=lambda event: (event["due_on"], event["charge_id"]))
        incurred: dict[str, Charge] = {}
        for event in charges:
            loan.event_days.add(event["due_on"])
            if event["kind"] != "reversal":
                charge = Charge(event["charge_id"], event["due_on"], hundredths(event["amount"]))
                incurred[charge.charge_id] = charge
                loan.charges.append(charge)
        for event in charges:
            if event["kind"] == "reversal" and event["reverses_id"] in incurred:
                incurred[event["reverses_id"]].reversals.append((event["due_on"], hundredths(event["amount"])))

        for pause in by_loan["pauses"].get(loan_id, []):
            loan.pauses.append((pause["from_on"], pause["to_on"] or NEVER))
        yield loan


# --------------------------------------------------------------------------------------------------------------------
# Periods: one plan, one set of terms
# --------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Period:
    """Days from `first_day` to `last_day`, both included, with one plan in force under one set of terms."""

    first_day: date
    last_day: date
    plan: Plan | None
    terms: Terms
    matures_on: date | None
    matures_since: date  # the day from which that maturity was in force
    leaves_principal: bool  # the plan leaves out principal, which is then due at maturity

    @property
    def replaced_on(self) -> date | None:
        """The day on which the plan, or the maturity of what is owed by it, replaced an earlier one; None for the first."""
        began_on = self.plan.effective_on if self.plan is not None else ALWAYS
        if self.leaves_principal and self.matures_since > began_on:
            return self.matures_since
        return began_on if self.plan is not None and self.plan.plan_no > 1 else None

    @property
    def is_remaining(self) -> bool:
        """Whether the plan replaced everything dated before it."""
        return self.plan is not None and self.plan.plan_no > 1 and self.terms.plan_basis == "remaining"

    @property
    def counts_from(self) -> date:
        """Charges dated before this day do not count."""
        return self.plan.effective_on if self.plan is not None and self.is_remaining else ALWAYS

    @property
    def money_counts_from(self) -> date:
        """Money and chargebacks dated before this day do not count: the plan was drawn up net of them."""
        return self.counts_from + ONE_DAY if self.is_remaining and self.terms.plan_includes_day else self.counts_from


class Products:
    """The products' rows, and which of them is in force for a loan on a day."""

    def __init__(self, rows: Sequence[Row], defaults: Terms = CONTRACT_TERMS) -> None:
        self._defaults = defaults
        self._by_product: dict[str, list[tuple[date, Terms]]] = defaultdict(list)
        for row in rows:
            self._by_product[row["product_id"]].append((row["valid_from"] or ALWAYS, terms_of(row, defaults)))
        for entries in self._by_product.values():
            entries.sort(key=lambda entry: entry[0])

    def terms(self, product_id: str | None, day: date) -> Terms:
        in_force = self._defaults
        for valid_from, terms in self._by_product.get(product_id or "", []):
            if valid_from <= day:
                in_force = terms
        return in_force

    def change_days(self, product_id: str | None) -> list[date]:
        return [valid_from for valid_from, _ in self._by_product.get(product_id or "", [])]


def period_at(loan: LoanFile, day: date, products: Products, lag_days: int) -> Period:
    product_id = attribute(loan.history, "product_id", day, lag_days)
    plan, terms = loan.plan_in_force(day), products.terms(product_id, day)
    listed = sum(line["principal_due"] for line in plan.installments) if plan else Decimal(0)
    is_all_that_remains = plan is not None and plan.plan_no > 1 and terms.plan_basis == "remaining"
    leaves_principal = listed < loan.row["principal"] and not is_all_that_remains
    matures_on, since = loan.maturity(day) if leaves_principal else (loan.row["matures_on"], ALWAYS)
    return Period(day, day, plan, terms, matures_on, since, leaves_principal)


def periods(loan: LoanFile, last_day: date, products: Products, lag_days: int) -> list[Period]:
    """The days from disbursement to `last_day`, cut wherever the plan or the terms may change."""
    cuts = {loan.row["disbursed_on"]}
    cuts.update(plan.effective_on for plan in loan.plans)
    for version in loan.history:
        cuts.add(version["_delivery"][0] - timedelta(days=lag_days))  # from this day on that version is read
        cuts.add(version["_delivery"][0])  # and from this one its maturity
        cuts.update(products.change_days(version["product_id"]))
    starts = sorted(cut for cut in cuts if loan.row["disbursed_on"] <= cut <= last_day)
    cut_up: list[Period] = []
    for start, following in zip(starts, [*starts[1:], last_day + ONE_DAY], strict=True):
        period = period_at(loan, start, products, lag_days)
        previous = cut_up[-1] if cut_up else None
        if (
            previous is not None
            and previous.plan is period.plan
            and previous.terms == period.terms
            and (not period.leaves_principal or previous.matures_on == period.matures_on)
        ):
            previous.last_day = following - ONE_DAY  # nothing changed after all
        else:
            period.last_day = following - ONE_DAY
            cut_up.append(period)
    return cut_up


# --------------------------------------------------------------------------------------------------------------------
# What is owed
# --------------------------------------------------------------------------------------------------------------------


def plan_obligations(loan: LoanFile, period: Period) -> list[Obligation]:
    """The plan's installments, and principal that the plan leaves out."""
    owed = []
    for line in period.plan.installments if period.plan else []:
        owed.append(
            Obligation(
                "installment",
                line["due_on"],
                line["installment_no"],
                "",
                hundredths(line["fee_due"]),
                hundredths(line["interest_due"]),
                hundredths(line["principal_due"]),
            )
        )
    # A `remaining` plan is all that is left by definition. Any other plan lists the loan from its disbursement on, so
    # that principal it leaves out is still owed: at maturity, or with the plan's last installment, or on no known day.
    missing = hundredths(loan.row["principal"]) - sum(one.principal for one in owed)
    if missing > 0 and not period.is_remaining:
        last_due_on = max((one.due_on for one in owed), default=NEVER)
        owed.append(Obligation("residual", period.matures_on or last_due_on, 0, "", principal=missing))
    return owed


def obligations(loan: LoanFile, period: Period, calendar: Calendar) -> list[Obligation]:
    """Everything but charges that stands, or will stand from its own date on, in the queue of this period."""
    owed = plan_obligations(loan, period)
    for row in loan.chargebacks:
        if row["paid_on"] >= period.money_counts_from:
            owed.append(
                Obligation(
                    "chargeback",
                    row["paid_on"],
                    0,
                    row["repayment_id"],
                    principal=hundredths(row["amount"]),
                    exists_from=row["paid_on"],
                )
            )
    if period.is_remaining:
        # The plan was drawn up believing money that later turned out not to have come: that part is owed again.
        for money in loan.money:
            for reversed_on, reversal_id, amount in money.reversals:
                if money.paid_on < period.money_counts_from <= reversed_on:
                    owed.append(
                        Obligation(
                            "reopened",
                            period.counts_from,
                            0,
                            reversal_id,
                            principal=amount,
                            exists_from=reversed_on,
                        )
                    )
    for one in owed:
        one.rolled_on = calendar.of(period.terms).roll(one.due_on, period.terms.due_date_roll)
    owed.sort(key=Obligation.queue_order)
    return owed


# --------------------------------------------------------------------------------------------------------------------
# Laying the money
# --------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Position:
    """A loan at the end of a day: every obligation with what is paid on it, and money that nothing could take."""

    day: date
    period: Period
    queue: list[Obligation]
    charges: list[Obligation]  # all charges by the day, oldest first; under charges_age they are in the queue too
    overpaid: int

    def is_overdue(self, rolled_on: date) -> bool:
        return rolled_on <= self.day if self.period.terms.includes_due_date else rolled_on < self.day

    def overdue(self) -> list[Obligation]:
        return [one for one in self.queue if one.unpaid > 0 and self.is_overdue(one.rolled_on)]

    def oldest_unpaid_due_on(self) -> date | None:
        return min((one.rolled_on for one in self.overdue()), default=None)

    def overdue_parts(self) -> dict[str, int]:
        """What is overdue of each component."""
        terms = self.period.terms
        parts = {"fee": 0, "interest": 0, "principal": 0}
        for one in self.overdue():
            for component, left in one.unpaid_components(terms.component_order).items():
                parts[component] += left
        if not terms.charges_age:  # they have no clock, but are part of what is due and unpaid
            parts["fee"] += sum(charge.unpaid for charge in self.charges if self.is_overdue(charge.rolled_on))
        return parts

    def outstanding(self) -> int:
        return sum(one.unpaid_components(self.period.terms.component_order)["principal"] for one in self.queue)

    def days_past_due(self) -> int:
        oldest = self.oldest_unpaid_due_on()
        if oldest is None:
            return 0
        return (self.day - oldest).days + (1 if self.period.terms.includes_due_date else 0)


def pour(money: int, owed: Iterable[Obligation]) -> int:
    """Lay money on obligations in the order given; return what none of them could take."""
    for one in owed:
        if money == 0:
            break
        part = min(money, one.unpaid)
        one.paid += part
        money -= part
    return money


def position(
    loan: LoanFile,
    day: date,
    period: Period,
    owed: Sequence[Obligation],
    calendar: Calendar,
) -> Position:
    """Lay all money dated by `day` on what is owed by `day`. `owed` comes from `obligations` for the same period.

    The position writes on the obligations it is given: read it off before laying money on the same list again.
    """
    terms = period.terms
    queue = []
    for one in owed:
        if one.exists_from <= day:
            one.paid = 0
            queue.append(one)
    charges = [
        Obligation(
            "charge",
            charge.due_on,
            0,
            charge.charge_id,
            fee=charge.net(day),
            exists_from=charge.due_on,
            rolled_on=calendar.of(terms).roll(charge.due_on, terms.due_date_roll),
        )
        for charge in loan.charges
        if period.counts_from <= charge.due_on <= day
    ]
    counts_from = period.money_counts_from
    if terms.allocation == "oldest_installment_first":
        queue, overpaid = _lay_oldest_first(queue, charges, *loan.received(counts_from, day), terms.charges_age, day)
    else:
        lay = {"fees_first": _lay_fees_first, "by_installment": _lay_by_installment}[terms.allocation]
        queue, overpaid = lay(queue, charges, loan.dated(counts_from, day), terms.charges_age, day)
    return Position(day, period, queue, charges, overpaid)


def _with_charges(queue: list[Obligation], charges: list[Obligation]) -> list[Obligation]:
    return sorted([*queue, *charges], key=Obligation.queue_order) if charges else queue


def _due(queue: Iterable[Obligation], day: date) -> int:
    """The sum of what has fallen due by `day`, paid or not."""
    return sum(one.amount for one in queue if one.rolled_on <= day)


def _is_waiver_of_charges(money: Money) -> bool:
    return money.kind == "waiver" and money.installment_no is None


def _lay_oldest_first(
    queue: list[Obligation], charges: list[Obligation], waived: int, heap: int, charges_age: bool, day: date
) -> tuple[list[Obligation], int]:
    """One heap of money, as of the day. Waivers that name no installment pay charges before they join the heap."""
    heap += pour(waived, charges)
    if charges_age:
        queue = _with_charges(queue, charges)
        return queue, pour(heap, queue)
    if not charges:
        return queue, pour(heap, queue)
    # Charges are paid only from what is left after everything due; the rest prepays what is not due yet.
    left_over = max(0, heap - _due(queue, day))
    for_charges = min(left_over, sum(charge.unpaid for charge in charges))
    pour(for_charges, charges)
    return queue, pour(heap - for_charges, queue)


def _lay_fees_first(
    queue: list[Obligation], charges: list[Obligation], money: list[tuple[Money, int]], charges_age: bool, day: date
) -> tuple[list[Obligation], int]:
    """Each amount, in its turn, pays the charges incurred by its date; what it leaves goes on the queue as one heap."""
    heap = 0
    for one, net in money:
        if one.kind == "waiver" and one.installment_no is not None:
            heap += net  # given for an installment, not for charges
        else:
            heap += pour(net, [charge for charge in charges if charge.due_on <= one.paid_on])
    left_over = pour(heap, queue)
    left_over = pour(left_over, charges)  # charges incurred after the money came
    return (_with_charges(queue, charges) if charges_age else queue), left_over


def _lay_by_installment(
    queue: list[Obligation], charges: list[Obligation], money: list[tuple[Money, int]], charges_age: bool, day: date
) -> tuple[list[Obligation], int]:
    """Each amount, in its turn, pays the installment it names; else, or with its rest, the oldest that exists then."""
    if charges_age:
        queue = _with_charges(queue, charges)
    credit = 0
    named = {owed.number: owed for owed in queue if owed.kind == "installment"}
    all_exist_from = max((owed.exists_from for owed in queue), default=ALWAYS)
    paid_up = 0  # so many of the queue, from its beginning, are paid
    for one, net in money:
        while paid_up < len(queue) and queue[paid_up].unpaid == 0:
            paid_up += 1
        existing = queue[paid_up:]
        if one.paid_on < all_exist_from:
            existing = [owed for owed in existing if owed.exists_from <= one.paid_on]
        credit = pour(credit, existing)  # what came into being since, this day's included, takes waiting money first
        if _is_waiver_of_charges(one):
            net = pour(net, [charge for charge in charges if charge.due_on <= one.paid_on])
        elif one.installment_no is not None:
            net = pour(net, [named[one.installment_no]] if one.installment_no in named else [])
        credit += pour(net, existing)
    credit = pour(credit, queue)
    if charges_age or not charges:
        return queue, credit
    # Charges are paid only from what is left after everything due: from waiting money, then from money that ran ahead.
    laid = sum(owed.paid for owed in queue)
    left_over = max(0, laid + credit - _due(queue, day))
    for_charges = min(left_over, sum(charge.unpaid for charge in charges))
    taken = min(for_charges, credit)
    credit -= taken
    for owed in reversed(queue):
        if owed.rolled_on > day:
            part = min(for_charges - taken, owed.paid)
            owed.paid -= part
            taken += part
    pour(taken, charges)
    return queue, credit


# --------------------------------------------------------------------------------------------------------------------
# The history of a loan
# --------------------------------------------------------------------------------------------------------------------


def spans(loan: LoanFile, all_periods: Sequence[Period], calendar: Calendar) -> Iterator[tuple[date, date, int]]:
    """Every day from disbursement, each as of that day: (first day, day after the last, days past due on the first).

    Not every day has to be worked out. Who has paid what changes only on days with an event; what is owed changes only
    with the period or on such a day; what is overdue changes only on a due date or, under exclude_due_date, the day
    after one. From one such day to the next nothing changes but the count: zero stays zero, and anything else grows by
    one a day. `test_every_day_gives_the_same_history` compares this with working out each day.
    """
    for period in all_periods:
        owed = obligations(loan, period, calendar)
        changes = {period.first_day} | loan.event_days
        due_days = {one.rolled_on for one in owed}
        if period.terms.charges_age:
            due_days |= {
                calendar.of(period.terms).roll(charge.due_on, period.terms.due_date_roll) for charge in loan.charges
            }
        until_overdue = timedelta(days=0 if period.terms.includes_due_date else 1)
        changes |= {due_day + until_overdue for due_day in due_days if due_day != NEVER}
        days = sorted(change for change in changes if period.first_day <= change <= period.last_day)
        for day, following in zip(days, [*days[1:], period.last_day + ONE_DAY], strict=True):
            yield day, following, position(loan, day, period, owed, calendar).days_past_due()


def history(loan: LoanFile, all_periods: Sequence[Period], calendar: Calendar) -> tuple[date | None, int]:
    """(first_overdue_on, max_days_past_due) over every day from disbursement, each as of that day."""
    first_overdue_on: date | None = None
    highest = 0
    for day, following, days_past_due in spans(loan, all_periods, calendar):
        if days_past_due > 0:
            first_overdue_on = first_overdue_on or day
            highest = max(highest, days_past_due + (following - day).days - 1)
    return first_overdue_on, highest


def first_payment_default(
    loan: LoanFile, all_periods: Sequence[Period], fpd_days: int, calendar: Calendar
) -> bool | None:
    """Whether the first installment was not fully paid `fpd_days` after its rolled due date.

    The day it is decided, T, depends on the plan and the terms; it is decided in the earliest period that contains its
    own T, and never again. (A period ends with the as-of date at the latest, so T is never in the future.) A first installment
    that was due before the loan was disbursed is judged like any other: the first period reaches back.
    """
    for number, period in enumerate(all_periods):
        owed = obligations(loan, period, calendar)
        first = min(
            (one for one in owed if one.kind in ("installment", "residual")),
            key=lambda one: (one.kind == "residual", one.number),
            default=None,
        )
        if first is None or first.rolled_on == NEVER:
            continue
        decided_on = first.rolled_on + timedelta(days=fpd_days)
        if (number == 0 or period.first_day <= decided_on) and decided_on <= period.last_day:
            position(loan, decided_on, period, owed, calendar)
            return first.unpaid > 0
    return None


def paused_days(loan: LoanFile, oldest_unpaid_due_on: date, day: date, terms: Terms) -> int:
    """Days of the union of the pauses inside the overdue window (or, under all_pause_days, before its end)."""
    last = day if terms.includes_due_date else day - ONE_DAY
    first = ALWAYS if terms.pause_scope == "all_pause_days" else oldest_unpaid_due_on
    count = 0
    covered_through = first - ONE_DAY if first > ALWAYS else ALWAYS
    for from_on, to_on in sorted(loan.pauses):
        start = max(from_on, covered_through + ONE_DAY)
        end = min(to_on - ONE_DAY, last)
        if end >= start:
            count += (end - start).days + 1
            covered_through = end
    return count


# --------------------------------------------------------------------------------------------------------------------
# Loan aging
# --------------------------------------------------------------------------------------------------------------------

BucketScheme = Sequence[tuple[str, int, int | None]]  # code, first day, last day (None: open)

CN_M_STAGE: BucketScheme = m_stages()
BUCKET_SCHEMES: Mapping[str, BucketScheme] = {"CN_M_STAGE": CN_M_STAGE}


def bucket_of(days: int, scheme: BucketScheme) -> str:
    for code, first, last in scheme:
        if first <= days and (last is None or days <= last):
            return code
    raise ValueError(f"no bucket for {days} days")


def arrears(
    ledgers: Ledgers, as_of: date, *, calendar: Calendar, attribute_lag_days: int = 1, defaults: Terms = CONTRACT_TERMS
) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Days past due, overdue amount and outstanding principal of each open loan given, and nothing of its history."""
    rows = known(ledgers)
    products = Products(rows["products"], defaults)
    result = {}
    for loan in loan_files(rows, versions(ledgers, "loans")):
        period = period_at(loan, as_of, products, attribute_lag_days)
        now = position(loan, as_of, period, obligations(loan, period, calendar), calendar)
        amounts = as_amount(sum(now.overdue_parts().values())), as_amount(now.outstanding())
        result[loan.row["loan_id"]] = (now.days_past_due(), *amounts)
    return result


def loan_aging(
    ledgers: Ledgers,
    as_of: date,
    *,
    calendar: Calendar,
    attribute_lag_days: int = 1,
    fpd_days: int = 30,
    bucket_schemes: Mapping[str, BucketScheme] = BUCKET_SCHEMES,
    defaults: Terms = CONTRACT_TERMS,
) -> dict[str, Row]:
    """`loan_aging` at the end of `as_of` from all ledger rows given: loan_id -> column -> value."""
    rows = known(ledgers)
    products = Products(rows["products"], defaults)
    loan_histories = versions(ledgers, "loans")
    customer_histories = versions(ledgers, "customers")
    result: dict[str, Row] = {}
    for loan in loan_files(rows, loan_histories):
        closed_on = loan.row["closed_on"]
        if loan.row["disbursed_on"] > as_of or (closed_on is not None and closed_on <= as_of):
            continue
        result[loan.row["loan_id"]] = _loan_row(
            loan,
            customer_histories.get((loan.row["customer_id"],)),
            as_of,
            products,
            calendar,
            attribute_lag_days,
            fpd_days,
            bucket_schemes,
        )
    return result


def _loan_row(
    loan: LoanFile,
    customer_history: Sequence[Row] | None,
    as_of: date,
    products: Products,
    calendar: Calendar,
    lag_days: int,
    fpd_days: int,
    bucket_schemes: Mapping[str, BucketScheme],
) -> Row:
    row = loan.row
    period = period_at(loan, as_of, products, lag_days)
    terms, plan = period.terms, period.plan
    owed = obligations(loan, period, calendar)

    # Days before the plan or the maturity in force replaced another, and days counting the customer's own money only.
    days_before_plan = None
    if period.replaced_on is not None:
        day_before = period.replaced_on - ONE_DAY
        earlier = period_at(loan, day_before, products, lag_days)
        days_before_plan = position(
            loan, day_before, earlier, obligations(loan, earlier, calendar), calendar
        ).days_past_due()
    own_money = replace(loan, money=[one for one in loan.money if one.payer == "customer"], sums={})
    customer_days_past_due = position(own_money, as_of, period, owed, calendar).days_past_due()

    # The position with all money: amounts.
    now = position(loan, as_of, period, owed, calendar)
    overdue, overdue_parts, outstanding = now.overdue(), now.overdue_parts(), now.outstanding()
    overdue_amount = sum(overdue_parts.values())

    # Days.
    oldest = now.oldest_unpaid_due_on()
    days_past_due = now.days_past_due()
    delinquent_days = business_days = 0
    if oldest is not None:
        tolerated = max(terms.tolerance_amount * 100, terms.tolerance_rate * outstanding)
        if overdue_amount > tolerated:
            paused = paused_days(loan, oldest, as_of, terms)
            delinquent_days = max(0, days_past_due - terms.grace_days - paused)
        business_days = calendar.of(terms).working_days(oldest if terms.includes_due_date else oldest + ONE_DAY, as_of)
    bucket_days = {
        "days_past_due": days_past_due,
        "delinquent_days": delinquent_days,
        "business_days_past_due": business_days,
    }[terms.bucket_on]
    scheme = bucket_schemes.get(terms.bucket_scheme)

    # History.
    all_periods = periods(loan, as_of, products, lag_days)
    first_overdue_on, max_days_past_due = history(loan, all_periods, calendar)
    paid_days = [one.paid_on for one in loan.money if one.kind == "payment" and one.paid_on <= as_of and one.net(as_of)]

    return {
        "customer_id": row["customer_id"],
        "segment": attribute(customer_history, "segment", as_of, lag_days) if customer_history else None,
        "product_id": attribute(loan.history, "product_id", as_of, lag_days),
        "branch_id": attribute(loan.history, "branch_id", as_of, lag_days),
        "security": attribute(loan.history, "security", as_of, lag_days),
        "currency": row["currency"],
        "principal": row["principal"],
        "disbursed_on": row["disbursed_on"],
        "matures_on": period.matures_on,
        "plan_no": plan.plan_no if plan else None,
        "plan_effective_on": period.replaced_on or (plan.effective_on if plan else None),
        "days_before_plan": days_before_plan,
        "outstanding_principal": as_amount(outstanding),
        "overpaid_amount": as_amount(now.overpaid),
        "overdue_principal": as_amount(overdue_parts["principal"]),
        "overdue_interest": as_amount(overdue_parts["interest"]),
        "overdue_fees": as_amount(overdue_parts["fee"]),
        "overdue_amount": as_amount(overdue_amount),
        "overdue_balance": as_amount(outstanding if days_past_due > 0 else 0),
        "oldest_unpaid_due_on": oldest,
        "days_past_due": days_past_due,
        "customer_days_past_due": customer_days_past_due,
        "delinquent_days": delinquent_days,
        "business_days_past_due": business_days,
        "missed_installments": sum(one.kind in ("installment", "residual") for one in overdue),
        "bucket": bucket_of(bucket_days, scheme) if scheme else None,
        "m_stage": bucket_of(days_past_due, CN_M_STAGE),
        "first_overdue_on": first_overdue_on,
        "max_days_past_due": max_days_past_due,
        "last_paid_on": max(paid_days, default=None),
        "is_first_payment_default": first_payment_default(loan, all_periods, fpd_days, calendar),
        "is_restructured": row["restructured_on"] is not None and row["restructured_on"] <= as_of,
        "is_written_off": row["written_off_on"] is not None and row["written_off_on"] <= as_of,
    }
