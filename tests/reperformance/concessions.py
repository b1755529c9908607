"""Independent re-performance of `forbearance`, in plain Python, from the contract and decision 0037 alone.

One loan after the other: write down each day past due, look where a plan, a maturity or a rate changed, and follow what came after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from flows.evidence.recompute import (
    ONE_DAY,
    Calendar,
    Ledgers,
    LoanFile,
    Products,
    Row,
    as_amount,
    known,
    loan_files,
    obligations,
    period_at,
    periods,
    position,
    spans,
    versions,
)
from reperformance.risk import _months_later

Event = tuple[date, str, Decimal | None, Decimal | None, Decimal | None]  # day, kind, waived, rate before, rate after


def events(loan: LoanFile, as_of: date, products: Products, lag_days: int) -> Iterator[Event]:
    lived = periods(loan, as_of, products, lag_days)
    for before, period in pairwise(lived):
        if period.replaced_on != period.first_day:
            continue
        if (before.plan.plan_no if before.plan else 1) != (period.plan.plan_no if period.plan else 1):
            yield period.first_day, "new_plan", None, None, None
        elif before.matures_on and period.matures_on > before.matures_on:
            yield period.first_day, "extension", None, None, None
    if loan.row["restructured_on"]:
        yield loan.row["restructured_on"], "restructured", None, None, None
    waived: dict[date, int] = {}
    for one in loan.money:
        if one.kind == "waiver":
            waived[one.paid_on] = waived.get(one.paid_on, 0) + one.net(as_of)
    for day, left in waived.items():
        if left > 0:
            yield day, "waiver", as_amount(left), None, None
    said = {row["_delivery"][0]: row["annual_rate"] for row in loan.history if row["annual_rate"] is not None}
    rates = sorted(said.items())
    for (_, before_rate), (day, rate) in pairwise(rates):
        if rate < before_rate and day > loan.row["disbursed_on"]:
            yield day, "rate_cut", None, before_rate, rate


def forbearance(
    ledgers: Ledgers,
    as_of: date,
    calendar: Calendar,
    loans: Mapping[str, Row],
    observed: Mapping[str, set[date]],
    months: int,
    lag_days: int = 1,
    redefault_days: int = 31,
) -> dict[str, Row]:
    """`forbearance`: "loan day kind" -> column -> value. `loans` is loan_aging, `observed` the days of each restructured loan."""
    rows = known(ledgers)
    products = Products(rows["products"])
    found: dict[str, Row] = {}
    for loan in loan_files(rows, versions(ledgers, "loans")):
        now = loans.get(loan.row["loan_id"])
        if now is None:
            continue
        late = _days_late(loan, as_of, products, calendar, lag_days)
        for day, kind, waived, before, after in events(loan, as_of, products, lag_days):
            if day > as_of:
                continue
            evening = day - ONE_DAY
            days_before, days_after = late.get(evening, 0), _late_on(loan, day, products, calendar, lag_days)[0]
            arrears = _late_on(loan, evening, products, calendar, lag_days)[1] if evening in late else 0
            row: Row = {
                "customer_id": now["customer_id"],
                "segment": now["segment"],
                "currency": now["currency"],
                "waived_amount": waived,
                "rate_before": before,
                "rate_after": after,
                "days_before": days_before,
                "days_after": days_after,
                "arrears_before": as_amount(arrears),
                "is_in_arrears": days_before > 0,
                "is_reaging": kind in ("extension", "new_plan") and days_after < days_before,
                "days_past_due": now["days_past_due"],
                "balance": now["outstanding_principal"],
                "is_written_off": now["is_written_off"],
            }
            if kind == "restructured":
                watched = observed.get(loan.row["loan_id"])
                ends_on = None
                if watched is not None:
                    ends_on = next((d for d in _each(day, as_of) if d not in watched), None)
            else:
                watched, ends_on = set(), _months_later(day, months)
                row["observation_ends_on"] = ends_on
            if watched is not None:
                again = next(
                    (
                        d
                        for d in _each(day + ONE_DAY, as_of)
                        if (ends_on is None or d < ends_on)
                        and late.get(d, 0) >= redefault_days > late.get(d - ONE_DAY, 0)
                    ),
                    None,
                )
                is_over = ends_on is not None and ends_on <= as_of
                row |= {
                    "redefault_on": again,
                    "is_redefault": again is not None,
                    "is_observation_passed": is_over and (again is None or kind == "restructured"),
                }
            found[f"{loan.row['loan_id']} {day} {kind}"] = row
    return found


def _each(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE_DAY


def _days_late(loan: LoanFile, as_of: date, products: Products, calendar: Calendar, lag_days: int) -> dict[date, int]:
    """Days past due on every day from disbursement on."""
    late: dict[date, int] = {}
    for first, following, days in spans(loan, periods(loan, as_of, products, lag_days), calendar):
        for n in range((following - first).days):
            late[first + timedelta(days=n)] = days + n if days else 0
    return late


def _late_on(loan: LoanFile, day: date, products: Products, calendar: Calendar, lag_days: int) -> tuple[int, int]:
    """Days past due and what is due and unpaid, in cents, at the end of a day."""
    period = period_at(loan, day, products, lag_days)
    now = position(loan, day, period, obligations(loan, period, calendar), calendar)
    arrears = sum(one.unpaid for one in now.overdue())
    if not period.terms.charges_age:
        arrears += sum(charge.unpaid for charge in now.charges if now.is_overdue(charge.rolled_on))
    return now.days_past_due(), arrears
