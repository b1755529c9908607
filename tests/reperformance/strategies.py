"""Random books: small ones for Hypothesis, big ones from a seed. Every row is valid under the ledgers contract.

One generator serves both. It asks a `Chooser` for every decision; Hypothesis answers (and can then shrink a failing
book), or `random.Random` does (and can then make a hundred thousand loans). The nasty cases are wanted, so they are
far more frequent than in a real book: see `Frequencies`.

A book has two or three deliveries. The first holds every loan; later ones carry new and back-dated events, reversals of
earlier money, corrected due dates, changed attributes, new product rows and new plans.
"""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

from flows.evidence.recompute import COLUMNS, Delivery, Ledgers, Row

T = TypeVar("T")

ALWAYS_IN_FIRST = ("customers", "loans", "installments", "repayments")
ALWAYS_LATER = ("repayments",)

# Due dates and payments like to fall here: Spring Festival and National Day of 2025 and 2026, May Day, Qingming, New
# Year, the make-up weekends around them, and month-ends.
_AWKWARD = {
    (2025, 1): (26, 28, 31),
    (2025, 2): (4, 5, 8, 28),
    (2025, 4): (4, 6, 27),
    (2025, 5): (1, 5, 31),
    (2025, 6): (2,),
    (2025, 9): (28, 30),
    (2025, 10): (1, 4, 8, 11, 12),
    (2025, 11): (30,),
    (2025, 12): (31,),
    (2026, 1): (1, 3, 4),
    (2026, 2): (14, 15, 16, 20, 23, 24, 28),
    (2026, 4): (4, 6),
    (2026, 5): (1, 5, 9),
    (2026, 6): (19, 21),
    (2026, 9): (20, 25),
    (2026, 10): (1, 7, 10),
    (2026, 12): (31,),
    (2027, 1): (1, 4),
}
AWKWARD_DAYS = tuple(date(year, month, day) for (year, month), days in _AWKWARD.items() for day in days)

BOOK_STARTS = (
    date(2025, 1, 1),
    date(2025, 8, 1),
    date(2025, 9, 1),
    date(2025, 12, 1),
    date(2026, 1, 10),
    date(2026, 8, 1),
)
HORIZON_DAYS = 245


class Chooser(Protocol):
    """Answers the generator's questions."""

    def integer(self, low: int, high: int) -> int: ...

    def pick(self, options: Sequence[T]) -> T: ...

    def chance(self, percent: int) -> bool: ...


class RandomChooser:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent


class DrawnChooser:
    """Hypothesis: the first option, the low end and `no` are what a failing book shrinks to."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def pick(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def chance(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - percent


@dataclass(frozen=True)
class Frequencies:
    """Percentages. Those of a real book would be a few per mille for most of them."""

    no_installments: int = 6
    null_matures_on: int = 20
    residual: int = 20
    installment_zero: int = 12
    zero_installment: int = 8
    plan_one_dated: int = 8  # plan 1 states its effective_on
    new_plan: int = 30
    third_plan: int = 25
    awkward_day: int = 35
    waiver: int = 15
    chargeback: int = 10
    other_payer: int = 20
    names_installment: int = 40
    reversed: int = 25
    charges: int = 45
    charge_reversed: int = 30
    pauses: int = 30
    closed: int = 8
    written_off: int = 8
    restructured: int = 10
    changed_later: int = 25  # a later version of a loan or customer
    due_date_corrected: int = 10
    event_repeated: int = 4  # the same row delivered again


NASTY = Frequencies()


@dataclass
class _Book:
    """What is being built."""

    chooser: Chooser
    often: Frequencies
    start: date
    deliveries: list[Delivery]
    product_ids: list[str] = field(default_factory=list)
    ledgers: Ledgers = field(default_factory=lambda: {name: [] for name in COLUMNS})
    numbers: Counter[str] = field(default_factory=Counter)

    @property
    def end(self) -> date:
        return self.deliveries[-1][0]

    def add(self, ledger: str, delivery: Delivery, **columns: Any) -> Row:
        row = {column: columns.get(column) for column in COLUMNS[ledger]}
        row["_delivery"] = delivery
        self.ledgers[ledger].append(row)
        return row

    def next_id(self, prefix: str) -> str:
        self.numbers[prefix] += 1
        return f"{prefix}{self.numbers[prefix]:07d}"

    def day(self, first: date, last: date) -> date:
        """A day in [first, last], with a liking for the awkward ones."""
        if last <= first:
            return first
        if self.chooser.chance(self.often.awkward_day):
            awkward = [day for day in AWKWARD_DAYS if first <= day <= last]
            if awkward:
                return self.chooser.pick(awkward)
        return first + timedelta(days=self.chooser.integer(0, (last - first).days))

    def event_delivery(self, not_before: Delivery | None = None) -> Delivery:
        """Any delivery from a given one on, whatever the event's own date: late and back-dated rows are the point."""
        possible = [one for one in self.deliveries if not_before is None or one >= not_before]
        return possible[0] if self.chooser.chance(60) else self.chooser.pick(possible)


# --------------------------------------------------------------------------------------------------------------------
# Products
# --------------------------------------------------------------------------------------------------------------------

# Twice in the list: twice as likely. None is the default of the contract.
CONVENTIONS: dict[str, tuple[Any, ...]] = {
    "day_count": (None, "exclude_due_date", "include_due_date", "include_due_date"),
    "due_date_roll": (None, "none", "following", "following_holiday", "following"),
    "calendar": (None, "CN"),
    "grace_days": (None, 0, 3, 10),
    "tolerance_amount": (None, Decimal("0"), Decimal("0.01"), Decimal("50.00"), Decimal("100.00")),
    "tolerance_rate": (None, Decimal("0"), Decimal("0.01"), Decimal("0.0525"), Decimal("0.1")),
    "pause_scope": (None, "overlap", "all_pause_days", "all_pause_days"),
    "allocation": ("oldest_installment_first", "fees_first", "by_installment", "by_installment", None),
    "component_order": (
        None,
        "fee,interest,principal",
        "principal,interest,fee",
        "interest,principal,fee",
        "principal,fee,interest",
    ),
    "charges_age": (False, True, None, True),
    "plan_basis": ("whole", "remaining", None, "remaining"),
    "bucket_scheme": (None, "CN_M_STAGE", "CN_M_STAGE", "CN_CREDIT_REPORT"),
    "bucket_on": (None, "days_past_due", "delinquent_days", "business_days_past_due"),
}


def _conventions(chooser: Chooser) -> Row:
    return {column: chooser.pick(values) for column, values in CONVENTIONS.items()}


def _add_products(book: _Book, count: int) -> None:
    choose = book.chooser
    for number in range(1, count + 1):
        product_id = f"P{number:03d}"
        book.product_ids.append(product_id)
        valid_from = None if choose.chance(75) else book.start + timedelta(days=choose.integer(-30, 60))
        fixed = {
            "asset_class": choose.pick(("loan", "card", "small_business")),
            "plan_includes_day": (None, False, True)[number % 3],
        }
        previous = _conventions(choose)
        book.add(
            "products",
            book.deliveries[0],
            product_id=product_id,
            valid_from=valid_from,
            **previous | fixed,
        )
        dates = {valid_from}
        while choose.chance(35) and len(dates) < 4:
            from_on = book.day(book.start, book.end)
            if from_on in dates:
                break
            dates.add(from_on)
            # The usual change is one convention at a time.
            changed = choose.pick(tuple(CONVENTIONS))
            previous = (
                previous | {changed: choose.pick(CONVENTIONS[changed])} if choose.chance(70) else _conventions(choose)
            )
            delivery = book.event_delivery()
            book.add(
                "products",
                delivery,
                product_id=product_id,
                valid_from=from_on,
                **previous | fixed,
            )
        if choose.chance(8):  # the conventions of a row are corrected by a later delivery
            corrected = previous | {
                "grace_days": choose.pick((0, 5)),
                "day_count": choose.pick(CONVENTIONS["day_count"]),
            }
            if len(book.deliveries) > 1:
                book.add(
                    "products",
                    book.deliveries[-1],
                    product_id=product_id,
                    valid_from=valid_from,
                    **corrected | fixed,
                )
    _one_row_per_key_and_delivery(book.ledgers, "products", ("product_id", "valid_from"))


def _one_row_per_key_and_delivery(ledgers: Ledgers, name: str, key: Sequence[str]) -> None:
    """A key twice in one delivery with different content would be quarantined: keep the last."""
    last = {(row["_delivery"], *(row[column] for column in key)): row for row in ledgers[name]}
    ledgers[name] = list(last.values())


# --------------------------------------------------------------------------------------------------------------------
# Customers and loans
# --------------------------------------------------------------------------------------------------------------------


def _add_customer(book: _Book) -> str:
    choose = book.chooser
    customer_id = book.next_id("C")
    segment = choose.pick(("personal", "corporate"))
    book.add("customers", book.deliveries[0], customer_id=customer_id, segment=segment, time_zone="Asia/Shanghai")
    for delivery in book.deliveries[1:]:
        if choose.chance(book.often.changed_later // 2):
            segment = "corporate" if segment == "personal" else "personal"
            book.add("customers", delivery, customer_id=customer_id, segment=segment, time_zone="Asia/Shanghai")
    return customer_id


def _split(total: int, parts: int) -> list[int]:
    """A total in `parts` equal amounts, the last taking what does not divide."""
    each = total // parts
    return [each] * (parts - 1) + [total - each * (parts - 1)]


def _amount(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)


@dataclass
class _Line:
    """An installment, in hundredths."""

    number: int
    due_on: date
    principal: int
    interest: int
    fee: int

    @property
    def total(self) -> int:
        return self.principal + self.interest + self.fee


def _schedule(book: _Book, first_on: date, principal: int, first_number: int) -> list[_Line]:
    choose, often = book.chooser, book.often
    count = choose.integer(1, 6)
    step = choose.pick((30, 7, 14, 30, 45))
    lines: list[_Line] = []
    due_on = first_on
    for number, share in enumerate(_split(principal, count), start=first_number):
        due_on = book.day(due_on + timedelta(days=step - 5), due_on + timedelta(days=step + 5))
        interest = choose.pick((0, 1000, 1234, 250))
        fee = choose.pick((0, 0, 500, 99))
        lines.append(_Line(number, due_on, share, interest, fee))
    if len(lines) > 1 and choose.chance(often.zero_installment):
        zero = choose.pick(lines)
        lines[-1].principal += zero.principal if zero is not lines[-1] else 0
        if zero is not lines[-1]:
            zero.principal = zero.interest = zero.fee = 0
    if len(lines) > 1 and choose.chance(8):  # two installments due on one day
        lines[1].due_on = lines[0].due_on
    return lines


def _add_plan(
    book: _Book,
    delivery: Delivery,
    loan_id: str,
    plan_no: int | None,
    effective_on: date | None,
    lines: Sequence[_Line],
) -> None:
    for line in lines:
        book.add(
            "installments",
            delivery,
            loan_id=loan_id,
            plan_no=plan_no,
            installment_no=line.number,
            effective_on=effective_on,
            due_on=line.due_on,
            principal_due=_amount(line.principal),
            interest_due=_amount(line.interest) if line.interest or book.chooser.chance(50) else None,
            fee_due=_amount(line.fee) if line.fee or book.chooser.chance(50) else None,
        )


def _add_loan(book: _Book, customer_id: str) -> None:
    choose, often = book.chooser, book.often
    first, later = book.deliveries[0], book.deliveries[1:]
    loan_id = book.next_id("L")
    disbursed_on = book.day(book.start, book.start + timedelta(days=120))
    principal = choose.pick((100000, 120000, 60000, 99999, 50001, 1000000))

    # Installments of plan 1.
    lines: list[_Line] = []
    if not choose.chance(often.no_installments):
        listed = principal
        if choose.chance(often.residual):
            listed = principal - choose.pick((1, 10000, principal // 2, principal))  # the last: interest only
        starts_with_zero = choose.chance(often.installment_zero)
        lines = _schedule(book, disbursed_on, listed, 0 if starts_with_zero else 1)
        if starts_with_zero:
            lines[0].due_on = disbursed_on  # a down payment
        if choose.chance(5):
            lines[-1].principal += 5000  # plan sums above the principal: a fee dressed as principal
        stated = choose.chance(often.plan_one_dated)
        effective_on = disbursed_on + timedelta(days=choose.pick((0, 0, -3, 10))) if stated else None
        _add_plan(book, first, loan_id, None if choose.chance(50) else 1, effective_on, lines)
        if later and choose.chance(often.due_date_corrected):
            line = choose.pick(lines)
            moved = _Line(line.number, book.day(disbursed_on, book.end), line.principal, line.interest, line.fee)
            _add_plan(book, choose.pick(later), loan_id, 1, effective_on, [moved])

    last_due_on = max((line.due_on for line in lines), default=disbursed_on + timedelta(days=90))
    matures_on: date | None = last_due_on + timedelta(days=choose.pick((0, 0, 0, 7, 30, -20)))
    if matures_on < disbursed_on:
        matures_on = disbursed_on
    if choose.chance(often.null_matures_on):
        matures_on = None

    # Later plans.
    all_lines = list(lines)
    plan_no, plan_from = 1, disbursed_on
    while (
        (lines or choose.chance(10))
        and choose.chance(often.new_plan if plan_no == 1 else often.third_plan)
        and plan_no < 4
    ):
        plan_no += choose.pick((1, 1, 1, 2))
        not_before = disbursed_on if choose.chance(10) else plan_from  # a plan may be overtaken before it began
        plan_from = book.day(not_before, min(book.end, plan_from + timedelta(days=120)))
        kept = choose.pick((principal, principal // 2, principal // 3, principal - 20000))
        old = [line for line in lines if line.due_on < plan_from] if choose.chance(40) else []
        rest = max(0, kept - sum(line.principal for line in old))
        new = _schedule(book, plan_from, rest, (old[-1].number if old else 0) + 1)
        lines = old + new
        all_lines += new
        _add_plan(book, book.event_delivery(), loan_id, plan_no, plan_from, lines)

    # The loan row and its later versions.
    loan: Row = {
        "loan_id": loan_id,
        "customer_id": customer_id,
        "product_id": choose.pick((*book.product_ids, None, "P-not-delivered")) if choose.chance(90) else None,
        "disbursed_on": disbursed_on,
        "matures_on": matures_on,
        "principal": _amount(principal),
        "currency": choose.pick(("CNY", "CNY", "CNY", "USD")),
        "annual_rate": Decimal("0.0485"),
        "security": choose.pick(("unsecured", "guaranteed", "mortgaged", "pledged", "combined", None)),
        "branch_id": choose.pick(("B1", "B2", None)),
        "gl_account": "1303",
    }
    for column, often_so in (("restructured_on", often.restructured), ("written_off_on", often.written_off)):
        if choose.chance(often_so):
            loan[column] = book.day(disbursed_on, book.end)
    if choose.chance(often.closed):
        loan["closed_on"] = book.day(disbursed_on, book.end + timedelta(days=20))
        loan["close_reason"] = choose.pick(("repaid", "sold", "refinanced", "cancelled"))
    book.add("loans", first, **loan)
    for delivery in later:
        if choose.chance(often.changed_later):
            for column in ("product_id", "security", "branch_id", "written_off_on", "matures_on"):
                if choose.chance(40):
                    loan[column] = {
                        "product_id": lambda: choose.pick((*book.product_ids, None)),
                        "security": lambda: choose.pick(("unsecured", "guaranteed", "mortgaged", None)),
                        "branch_id": lambda: choose.pick(("B1", "B3", None)),
                        "written_off_on": lambda: book.day(disbursed_on, book.end),
                        "matures_on": lambda: book.day(disbursed_on, book.end + timedelta(days=60)),
                    }[column]()
            book.add("loans", delivery, **loan)

    _add_repayments(book, loan_id, disbursed_on, all_lines, principal)
    _add_charges(book, loan_id, disbursed_on)
    _add_pauses(book, loan_id, disbursed_on)


def _add_repayments(book: _Book, loan_id: str, disbursed_on: date, lines: Sequence[_Line], principal: int) -> None:
    choose, often = book.chooser, book.often
    habit = choose.pick(("punctual", "late", "patchy", "never", "patchy"))
    plain = lines or [_Line(1, disbursed_on + timedelta(days=90), principal, 0, 0)]
    wanted: list[tuple[date, int, int | None]] = []  # (day, amount, the installment it would name)
    for line in plain:
        if habit == "never" or line.total == 0 or (habit == "patchy" and choose.chance(40)):
            continue
        lateness = {"punctual": (-3, 0), "late": (0, 50), "patchy": (-40, 60)}[habit]
        paid_on = book.day(
            max(disbursed_on, line.due_on + timedelta(days=lateness[0])), line.due_on + timedelta(days=lateness[1])
        )
        amounts = (line.total, line.total, line.total - 1, line.total // 2, line.total + 1, line.total * 2, 1)
        amount = line.total if habit == "punctual" else choose.pick(amounts)
        wanted.append((paid_on, max(1, amount), line.number))
    for _ in range(choose.pick((0, 0, 1, 2))):  # money out of the blue, overpayment included
        number = choose.pick((None, 1, 2, 99))
        earliest = disbursed_on - timedelta(
            days=choose.pick((0, 0, 0, 10))
        )  # before disbursement: loaded, with a warning
        wanted.append((book.day(earliest, book.end), choose.pick((1, 2500, 10000, 33333, principal * 2)), number))

    untouched: list[Row] = []  # payments without a reversal or chargeback so far
    for paid_on, amount, number in wanted:
        kind = "payment"
        if choose.chance(often.waiver):
            kind = "waiver"
        elif choose.chance(often.chargeback):
            kind = "chargeback"
        names = number is not None and kind != "chargeback" and choose.chance(often.names_installment)
        payer = choose.pick(("guarantor", "insurer", "other")) if choose.chance(often.other_payer) else "customer"
        row = book.add(
            "repayments",
            book.event_delivery(),
            repayment_id=_repayment_id(book),
            loan_id=loan_id,
            paid_on=paid_on,
            amount=_amount(amount),
            kind=None if kind == "payment" and choose.chance(30) else kind,
            installment_no=number if names else None,
            payer=None if payer == "customer" and choose.chance(50) else payer,
        )
        if kind == "chargeback":
            candidates = [
                one
                for one in untouched
                if one["paid_on"] <= paid_on and one["amount"] >= row["amount"] and one["_delivery"] <= row["_delivery"]
            ]
            if candidates and choose.chance(60):  # it may say which payment it takes back; that changes nothing
                row["reverses_id"] = choose.pick(candidates)["repayment_id"]
                untouched.remove(next(one for one in candidates if one["repayment_id"] == row["reverses_id"]))
        elif choose.chance(often.reversed):
            _reverse(book, "repayments", row, "paid_on", amount)
        elif kind == "payment":
            untouched.append(row)
        _maybe_repeated(book, "repayments", row)


def _repayment_id(book: _Book) -> str:
    """Ids out of step with time, so that the order of ids within a day matters and is not the order of arrival."""
    number = int(book.next_id("R")[1:])
    return f"R{number * 7919 % 10_000_019:08d}"


def _reverse(book: _Book, ledger: str, row: Row, day_column: str, amount: int) -> None:
    """One or two reversals, whole or partial, on the day itself or up to months later; together at most the amount."""
    choose = book.chooser
    left = amount
    for _ in range(choose.pick((1, 1, 2))):
        part = choose.pick((left, left, max(1, left // 2), max(1, left // 3)))
        if left <= 0:
            return
        left -= part
        on = book.day(row[day_column], row[day_column] + timedelta(days=choose.pick((0, 3, 40, 150))))
        columns: Row = {
            "loan_id": row["loan_id"],
            day_column: on,
            "amount": _amount(part),
            "kind": "reversal",
        }
        if ledger == "repayments":
            columns |= {
                "repayment_id": _repayment_id(book),
                "reverses_id": row["repayment_id"],
                "payer": choose.pick((None, row["payer"], "other")),  # of no effect: it belongs to what it reverses
            }
        else:
            columns |= {"charge_id": book.next_id("F"), "reverses_id": row["charge_id"]}
        reversal = book.add(ledger, book.event_delivery(not_before=row["_delivery"]), **columns)
        _maybe_repeated(book, ledger, reversal)


def _maybe_repeated(book: _Book, ledger: str, row: Row) -> None:
    """The same event, word for word, in a later delivery: a duplicate that counts once."""
    later = [one for one in book.deliveries if one > row["_delivery"]]
    if later and book.chooser.chance(book.often.event_repeated):
        book.ledgers[ledger].append(row | {"_delivery": book.chooser.pick(later)})


def _add_charges(book: _Book, loan_id: str, disbursed_on: date) -> None:
    choose, often = book.chooser, book.often
    if not choose.chance(often.charges):
        return
    for _ in range(choose.pick((1, 2, 3))):
        amount = choose.pick((500, 3000, 5000, 1, 12345))
        row = book.add(
            "charges",
            book.event_delivery(),
            charge_id=book.next_id("F"),
            loan_id=loan_id,
            due_on=book.day(disbursed_on, book.end),
            amount=_amount(amount),
            kind=choose.pick(("fee", "penalty")),
        )
        _maybe_repeated(book, "charges", row)
        if choose.chance(often.charge_reversed):
            _reverse(book, "charges", row, "due_on", amount)


def _add_pauses(book: _Book, loan_id: str, disbursed_on: date) -> None:
    choose, often = book.chooser, book.often
    if not choose.chance(often.pauses):
        return
    taken: set[date] = set()
    for _ in range(choose.pick((1, 2, 3))):
        from_on = book.day(disbursed_on, book.end)
        if from_on in taken:
            continue
        taken.add(from_on)
        to_on = None if choose.chance(25) else from_on + timedelta(days=choose.pick((1, 5, 30, 90)))
        reason = choose.pick((None, "technical", "hardship"))
        delivery = book.event_delivery()
        book.add("pauses", delivery, loan_id=loan_id, from_on=from_on, to_on=to_on, reason=reason)
        later = [one for one in book.deliveries if one > delivery]
        if to_on is None and later and choose.chance(40):  # an open pause is ended
            ended = from_on + timedelta(days=choose.pick((1, 10, 60)))
            book.add("pauses", choose.pick(later), loan_id=loan_id, from_on=from_on, to_on=ended, reason=reason)


# --------------------------------------------------------------------------------------------------------------------
# Whole books
# --------------------------------------------------------------------------------------------------------------------


def _build(chooser: Chooser, often: Frequencies, start: date, customers: int, loans: int, products: int) -> Ledgers:
    deliveries: list[Delivery] = [(start + timedelta(days=chooser.pick((90, 120, 150))), 1)]
    second = start + timedelta(days=chooser.pick((160, 200, HORIZON_DAYS)))
    deliveries.append((second, 1))
    if chooser.chance(60):
        last = start + timedelta(days=HORIZON_DAYS)
        deliveries.append((second, 2) if chooser.chance(30) or last <= second else (last, 1))
    book = _Book(chooser, often, start, deliveries)
    _add_products(book, products)
    customer_ids = [_add_customer(book) for _ in range(customers)]
    for _ in range(loans):
        _add_loan(book, chooser.pick(customer_ids))
    return book.ledgers


def random_ledgers(seed: int, loans: int, often: Frequencies = NASTY, start: date = date(2025, 9, 1)) -> Ledgers:
    """A book of any size from a seed: the same seed gives the same book."""
    products = max(4, min(150, loans // 10))
    return _build(RandomChooser(seed), often, start, max(1, loans // 2), loans, products)


@st.composite
def small_ledgers(draw: Any, often: Frequencies = NASTY) -> Ledgers:
    """1-4 customers, 1-6 loans, 1-3 products."""
    chooser = DrawnChooser(draw)
    return _build(
        chooser,
        often,
        chooser.pick(BOOK_STARTS),
        customers=chooser.integer(1, 4),
        loans=chooser.integer(1, 6),
        products=chooser.integer(1, 3),
    )


def last_delivery(ledgers: Ledgers) -> Delivery:
    return max(row["_delivery"] for rows in ledgers.values() for row in rows)


def as_of_dates(ledgers: Ledgers) -> list[date]:
    """Every day from the first disbursement to the last delivery: a run as of D needs a delivery dated D or later."""
    first = min((row["disbursed_on"] for row in ledgers["loans"]), default=last_delivery(ledgers)[0])
    last = last_delivery(ledgers)[0]
    return [first + timedelta(days=n) for n in range((last - first).days + 1)] or [last]


@st.composite
def books(draw: Any) -> tuple[Ledgers, date]:
    """A small book and an as-of date for it."""
    ledgers = draw(small_ledgers())
    return ledgers, draw(st.sampled_from(as_of_dates(ledgers)[::-1]))


# --------------------------------------------------------------------------------------------------------------------
# Writing
# --------------------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def folder_name(delivery: Delivery) -> str:
    day, number = delivery
    return day.isoformat() if number == 1 else f"{day.isoformat()}.{number}"


def write_landing(ledgers: Ledgers, folder: Path) -> None:
    """Canonical CSV files, one folder a delivery. What every delivery must contain is there even if header only."""
    by_delivery: dict[Delivery, Ledgers] = defaultdict(lambda: defaultdict(list))
    for name, rows in ledgers.items():
        for row in rows:
            by_delivery[row["_delivery"]][name].append(row)
    for number, (delivery, files) in enumerate(sorted(by_delivery.items())):
        target = folder / folder_name(delivery)
        target.mkdir(parents=True, exist_ok=True)
        always = ALWAYS_IN_FIRST if number == 0 else ALWAYS_LATER
        for name in dict.fromkeys((*always, *files)):
            with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out, lineterminator="\n")
                writer.writerow(COLUMNS[name])
                writer.writerows([_text(row.get(column)) for column in COLUMNS[name]] for row in files.get(name, []))
