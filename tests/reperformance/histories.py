"""Independent re-performance of `recovery_by_age`, in plain Python, from the contract alone: one loan, one opening, one horizon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from flows.evidence.recompute import (
    Calendar,
    Ledgers,
    LoanFile,
    Products,
    Row,
    as_amount,
    known,
    loan_aging,
    loan_files,
    obligations,
    period_at,
    periods,
    position,
    versions,
)
from reperformance.portfolio import share

HORIZONS = (30, 60, 90)
ONE_DAY = timedelta(days=1)


def reaged_days(loan: LoanFile, through: date, products: Products, calendar: Calendar, lag_days: int = 1) -> list[date]:
    """The days on which a new plan or a moved maturity left fewer days past due than there were on the evening before."""

    def days_on(day: date) -> int:
        period = period_at(loan, day, products, lag_days)
        return position(loan, day, period, obligations(loan, period, calendar), calendar).days_past_due()

    replaced = {period.replaced_on for period in periods(loan, through, products, lag_days)} - {None}
    began = sorted(day for day in replaced if loan.row["disbursed_on"] < day <= through)
    return [day for day in began if days_on(day) < days_on(day - ONE_DAY)]


def cash(loan: LoanFile, after: date, through: date) -> Decimal:
    """Payments less reversals of payments, each by its own date, in (after, through]; waivers and chargebacks are no cash."""
    moved = 0
    for money in loan.money:
        if money.kind == "payment":
            moved += money.amount * (after < money.paid_on <= through)
            moved -= sum(amount for on, _, amount in money.reversals if after < on <= through)
    return as_amount(moved)


def recovery_by_age(ledgers: Ledgers, as_of: date, openings: Sequence[date], calendar: Calendar) -> dict[tuple, Row]:
    """(from_as_of, m_stage, horizon, segment, currency) -> loans, overdue, recovered, cured; null while not over."""
    rows = known(ledgers)
    products, lag_days = Products(rows["products"]), 1
    files = {loan.row["loan_id"]: loan for loan in loan_files(rows, versions(ledgers, "loans"))}
    found: dict[tuple, list[tuple[Decimal, Decimal, bool, bool]]] = defaultdict(list)
    for opening in openings:
        for loan_id, row in loan_aging(ledgers, opening, calendar=calendar).items():
            for days in HORIZONS:
                if row["days_past_due"] > 0:
                    loan, last = files[loan_id], opening + timedelta(days=days)
                    period = period_at(loan, last, products, lag_days)
                    then = position(loan, last, period, obligations(loan, period, calendar), calendar)
                    recovered = min(row["overdue_amount"], cash(loan, opening, last))
                    is_current = then.days_past_due() == 0
                    reaged = reaged_days(loan, last, products, calendar) if is_current else []
                    is_reaged = any(day > opening for day in reaged)
                    found[opening, row["m_stage"], days, row["segment"], row["currency"]].append(
                        (row["overdue_amount"], recovered, is_current and not is_reaged, is_current and is_reaged)
                    )
    result = {}
    for key, loans in found.items():
        overdue, recovered = sum(loan[0] for loan in loans), sum(loan[1] for loan in loans)
        cured, reaged = sum(loan[2] for loan in loans), sum(loan[3] for loan in loans)
        over = key[0] + timedelta(days=key[2]) <= as_of
        result[key] = {
            "loans": len(loans),
            "overdue_amount": overdue,
            "recovered_amount": recovered if over else None,
            "recovery_rate": share(recovered, overdue) if over else None,
            "cured_loans": cured if over else None,
            "cure_rate": share(Decimal(cured), Decimal(len(loans))) if over else None,
            "reaged_loans": reaged if over else None,
            "reage_rate": share(Decimal(reaged), Decimal(len(loans))) if over else None,
        }
    return result
