"""Independent re-performance of what a report opens with, in plain Python, from the contract alone.

Items come from the re-performance of `loan_aging`, of advances and of classes; here they are only summed, each amount as an
exact fraction, rounded to the cent once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from flows.evidence import recompute
from flows.evidence.recompute import Calendar, Ledgers, Row, attribute, known, versions
from reperformance import portfolio, risk
from reperformance.portfolio import rounded, share, total

OF_LOANS = ("loans", "installments", "repayments", "charges", "pauses")
SEGMENTS = ("ALL", "personal", "corporate")
RATES = {
    "overdue_rate": ("overdue_balance", "balance"),
    "beyond_30_rate": ("balance_beyond_30", "balance"),
    "beyond_60_rate": ("balance_beyond_60", "balance"),
    "beyond_90_rate": ("balance_beyond_90", "balance"),
    "npl_rate": ("npl_balance", "balance"),
    "provision_coverage": ("provision", "npl_balance"),
    "deviation_90": ("balance_beyond_90", "npl_balance"),
}


@dataclass(frozen=True)
class Item:
    """A loan of the book or an advance, at the end of one day."""

    ident: tuple[str, str]
    customer_id: str
    segment: str
    currency: str
    balance: Fraction
    overdue_amount: Fraction
    days: int
    risk_class: int = 1

    @property
    def overdue_balance(self) -> Fraction:
        return self.balance if self.days > 0 else Fraction(0)

    @property
    def provision(self) -> Fraction:
        return Fraction(rounded(self.balance * risk.PROVISIONS[self.risk_class] / 100, 2))


def items_at(ledgers: Ledgers, dates: Sequence[date], calendar: Calendar) -> dict[date, dict[tuple[str, str], Item]]:
    """For each date what is in the book and what is advanced, with its class."""
    classes = risk.Book(ledgers, dates[-1], calendar=calendar).classify(risk.Regime("CN"), dates)
    found: dict[date, dict[tuple[str, str], Item]] = {}
    for day in dates:
        loans = recompute.loan_aging(ledgers, day, calendar=calendar)
        of_day = portfolio.book(loans, portfolio.advance_aging(ledgers, day, calendar))
        found[day] = {}
        for item in (one for items in of_day.values() for one in items):
            ident = item.kind, item.ident
            row = item.row
            found[day][ident] = Item(
                ident,
                row["customer_id"],
                row["segment"],
                row["currency"],
                item.balance,
                item.overdue_amount,
                item.days,
                classes[day][ident]["risk_class"],
            )
    return found


def written_off(ledgers: Ledgers, upto: date, calendar: Calendar) -> Iterator[tuple[date, str, str, Fraction]]:
    """(day, segment, currency, amount outstanding at the end of that day) of each loan and advance written off."""
    rows, customers = known(ledgers), versions(ledgers, "customers")

    def segment(row: Row) -> str:
        return attribute(customers[(row["customer_id"],)], "segment", row["written_off_on"], 1)

    for loan in rows["loans"]:
        day = loan["written_off_on"]
        if day and day <= upto and not (loan["closed_on"] and loan["closed_on"] < day):
            alone = ledgers | {
                name: [row for row in ledgers[name] if row["loan_id"] == loan["loan_id"]] for name in OF_LOANS
            }
            alone["loans"] = [row | {"closed_on": None} for row in alone["loans"]]
            found = recompute.loan_aging(alone, day, calendar=calendar)[loan["loan_id"]]
            yield day, segment(loan), loan["currency"], Fraction(found["outstanding_principal"])
    for advance in rows["advances"]:
        day = advance["written_off_on"]
        if day and day <= upto:
            found = portfolio.advance_aging(ledgers, day, calendar).get(advance["advance_id"])
            yield day, segment(advance), advance["currency"], Fraction(found["outstanding"] if found else 0)


def headline(ledgers: Ledgers, dates: Sequence[date], calendar: Calendar) -> dict[str, Row]:
    """`headline` over the dates: "as_of segment currency" -> column -> value."""
    items = items_at(ledgers, dates, calendar)
    losses = list(written_off(ledgers, dates[-1], calendar))
    found: dict[str, Row] = {}
    for day in dates:
        earlier = [one for one in dates if (one.year, one.month) < (day.year, day.month)]
        before = max(earlier, default=None)
        shown_in = portfolio.currencies(ledgers, day)
        for currency in {one for shown in shown_in.values() for one in shown}:
            for segment in SEGMENTS:
                rates = {one: shown[currency] for one, shown in shown_in.items() if currency in shown}
                held = [
                    (one, rates[one.currency])
                    for one in items[day].values()
                    if one.currency in rates and segment in ("ALL", one.segment)
                ]
                row = _figures(held)
                row["written_off_in_month"] = total(
                    amount * rates[one]
                    for on, of, one, amount in losses
                    if one in rates
                    and segment in ("ALL", of)
                    and (on.year, on.month) == (day.year, day.month)
                    and on <= day
                )
                for rate, (part, whole) in RATES.items():
                    row[rate] = share(row[part], row[whole])
                row["previous_as_of"] = before
                if before:
                    then = found.get(f"{before} {segment} {currency}", {})
                    row |= {f"previous_{name}": then.get(name) for name in list(row) if not name.startswith("previous")}
                found[f"{day} {segment} {currency}"] = row
    return found


def _figures(held: list[tuple[Item, Fraction]]) -> Row:
    def late(days: int) -> object:
        return total(one.balance * rate for one, rate in held if one.days > days)

    return {
        "customers": len({one.customer_id for one, _ in held}),
        "items": len(held),
        "balance": total(one.balance * rate for one, rate in held),
        "overdue_amount": total(one.overdue_amount * rate for one, rate in held),
        "overdue_balance": total(one.overdue_balance * rate for one, rate in held),
        "balance_beyond_30": late(30),
        "balance_beyond_60": late(60),
        "balance_beyond_90": late(90),
        "npl_balance": total(one.balance * rate for one, rate in held if one.risk_class >= 3),
        "provision": total(one.provision * rate for one, rate in held),
    }
