"""Independent re-performance of `watchlist` and `case_files`, in plain Python, from the contract, decisions 0046 and 0047 and
the seed rows alone.

An officer would do it like this: take one customer after the other, look through everything he owes, his statements, his
underwriting and the contacts with him, write down each signal and cause with the row that shows it, and look up in the seeds
what it weighs and calls for. Loans, advances, promises, lost contact and breaches are those of the other re-performances;
classes are given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from flows.evidence.recompute import (
    CN_M_STAGE,
    ONE_DAY,
    Calendar,
    Ledgers,
    Products,
    Row,
    known,
    loan_files,
    obligations,
    periods,
    spans,
    versions,
)
from reperformance.collecting import Contact
from reperformance.portfolio import Item, limits_of, measure_fits, share, total

STAGES = [code for code, _, _ in CN_M_STAGE]


@dataclass
class Debtor:
    """What is known of one customer at the end of the day."""

    segment: str
    items: list[Item] = field(default_factory=list)  # loans and advances of the book
    classes: dict[tuple[str, str], int] = field(default_factory=dict)
    stages_before: dict[str, str] = field(default_factory=dict)  # by loan, at the last month-end
    judged_on: dict[str, date] = field(default_factory=dict)  # by loan, of its first payment
    stretches: dict[str, list[Stretch]] = field(default_factory=dict)  # by loan, closed and written-off ones too
    valuations: list[Row] = field(default_factory=list)
    statements: list[Row] = field(default_factory=list)
    underwriting: dict[str, Row] = field(default_factory=dict)  # by loan
    contacts: Sequence[Contact] = ()
    broken_promises: list[tuple[str, Row]] = field(default_factory=list)
    lost_since: date | None = None
    breaches: set[str] = field(default_factory=set)  # attempts

    @property
    def late(self) -> list[Item]:
        return [item for item in self.items if item.days > 0]


@dataclass
class Stretch:
    """Days past due without a day between."""

    first: date
    last: date
    most_days: int


def of_loans(
    ledgers: Ledgers, as_of: date, calendar: Calendar, lag_days: int = 1, fpd_days: int = 30
) -> Iterator[tuple[Row, list[Stretch], date | None]]:
    """Each loan disbursed by the day, the stretches in which it was past due, and when its first payment was judged."""
    rows = known(ledgers)
    products = Products(rows["products"])
    for loan in loan_files(rows, versions(ledgers, "loans")):
        if loan.row["disbursed_on"] > as_of:
            continue
        lived = periods(loan, as_of, products, lag_days)
        judged_on = None
        for period in lived:
            due = [one for one in obligations(loan, period, calendar) if one.kind in ("installment", "residual")]
            first = min(due, key=lambda one: (one.kind == "residual", one.number), default=None)
            day = first.rolled_on + timedelta(days=fpd_days) if first and first.rolled_on < date(9999, 1, 1) else None
            if judged_on is None and day is not None and period.first_day <= day <= period.last_day:
                judged_on = day
        last_day = min(as_of, (loan.row["closed_on"] or date.max) - ONE_DAY)
        stretches: list[Stretch] = []
        for first_day, following, days in spans(loan, lived, calendar):
            until = min(following - ONE_DAY, last_day)
            if days == 0 or first_day > until:
                continue
            most = days + (until - first_day).days
            if stretches and stretches[-1].last == first_day - ONE_DAY:
                stretches[-1].last, stretches[-1].most_days = until, max(stretches[-1].most_days, most)
            else:
                stretches.append(Stretch(first_day, until, most))
        yield loan.row, stretches, judged_on


# ------------------------------------------------------------------------------------------------ the watchlist


def watchlist(debtors: Mapping[str, Debtor], seeds: Mapping[str, Sequence[Row]], as_of: date) -> dict[str, Row]:
    found = {}
    for customer, debtor in debtors.items():
        given: dict[str, set[str]] = defaultdict(set)
        for signal, evidence in signals(debtor, seeds, as_of) if debtor.items else ():
            given[signal].add(evidence)
        rows = sorted(
            (row for row in seeds["watch_signal"] if row["signal_id"] in given),
            key=lambda row: (-int(row["points"]), row["signal_id"]),
        )
        if not rows:
            continue
        points = sum(int(row["points"]) for row in rows)
        reached = [row for row in seeds["watch_severity"] if int(row["lower_points"]) <= points]
        severity = max(reached, key=lambda row: int(row["lower_points"]))
        found[customer] = {
            "segment": debtor.segment,
            "severity": severity["severity"],
            "severity_order": int(severity["severity_order"]),
            "severity_zh": severity["label_zh"],
            "severity_en": severity["label_en"],
            "points": points,
            "signal_count": len(rows),
            **_listed("signals", rows, "signal_id"),
            "evidence": ", ".join(f"{r['signal_id']} [{', '.join(sorted(given[r['signal_id']]))}]" for r in rows),
            **_measures({measure for row in rows for measure in row["measures"].split()}, seeds, debtor),
        }
    return found


def signals(debtor: Debtor, seeds: Mapping[str, Sequence[Row]], as_of: date) -> Iterator[tuple[str, str]]:
    """Each signal, as often as something gives it, with its evidence."""
    limits = {row["signal_id"]: Decimal(row["threshold"] or 0) for row in seeds["watch_signal"]}
    for item in debtor.items:
        if item.days > limits["overdue_over_30"]:
            yield "overdue_over_30", f"{item.ident}: {item.days} days past due"
        if item.days > limits["overdue_over_90"]:
            yield "overdue_over_90", f"{item.ident}: {item.days} days past due"
        own = debtor.classes[item.kind, item.ident]
        for signal in ("non_performing", "doubtful_or_loss"):
            if own >= limits[signal]:
                yield signal, f"{item.ident}: class {own}"
        others = (one for one in debtor.items if one is not item)
        for other in others:
            if (bad := debtor.classes[other.kind, other.ident]) >= 3:
                yield "other_default", f"{other.ident}: class {bad}"
        if item.kind == "advance":
            if item.row["is_long_held"]:
                yield "long_held_advance", f"{item.ident}: out for {item.row['duration_days']} days"
            continue
        before, stage = debtor.stages_before.get(item.ident), item.row["m_stage"]
        if before and STAGES.index(stage) - STAGES.index(before) >= limits["rolling_forward"]:
            yield "rolling_forward", f"{item.ident}: {before} -> {stage}"
        if item.row["is_first_payment_default"]:
            yield "first_payment_default", f"{item.ident}: judged on {debtor.judged_on[item.ident]}"
        days_before, planned_on = item.row["days_before_plan"], item.row["plan_effective_on"]
        if days_before and item.days < days_before and (as_of - planned_on).days <= limits["re_aged"]:
            yield "re_aged", f"{item.ident}: {days_before} days past due before the plan or extension of {planned_on}"
    for currency in {item.row["currency"] for item in debtor.late}:
        owed = [item for item in debtor.items if item.row["currency"] == currency]
        exposure, large_from = total(item.balance for item in owed), limits_of(debtor.segment, currency)[0]
        if large_from and exposure >= Decimal(large_from):
            due = total(item.overdue_amount for item in owed)
            yield "large_arrears", f"{currency}: overdue {due} of an exposure of {exposure}"
    if debtor.late:
        for loan_id, stretches in debtor.stretches.items():
            most = max((one.most_days for one in stretches if one.last < as_of), default=0)
            if most > limits["repeat_default"]:
                yield "repeat_default", f"{loan_id}: {most} days past due before"
    loans = {item.ident: item for item in debtor.items if item.kind == "loan"}
    by_collateral: dict[str, list[Row]] = defaultdict(list)
    for row in debtor.valuations:
        if row["valued_on"] <= as_of:
            by_collateral[row["collateral_id"]].append(row)
    for collateral, rows in by_collateral.items():
        *_, before, newest = [None, *sorted(rows, key=lambda row: row["valued_on"])]
        if before is None or newest["loan_id"] not in loans:
            continue
        currency, one_before = (row["currency"] or loans[newest["loan_id"]].row["currency"] for row in (newest, before))
        lost = before["value"] - newest["value"]
        if currency == one_before and before["value"] and share(lost, before["value"]) >= limits["falling_coverage"]:
            yield "falling_coverage", f"{collateral}: {before['value']} -> {newest['value']} {currency}"
    weak = sorted(row["cause_id"] for row, *_ in causes(debtor, seeds, as_of) if row["family"] == "operations")
    if len(weak) >= limits["weak_finances"]:
        yield "weak_finances", f"financials {_newest_statement(debtor, as_of)['period_end']}: {', '.join(weak)}"
    for attempt, promise in debtor.broken_promises:
        if (as_of - promise["promised_on"]).days <= limits["broken_promise"]:
            told = f"promised for {promise['promised_on']}, paid {promise['paid_amount']:.2f}"
            yield "broken_promise", f"{attempt}: {told}"
    if debtor.lost_since:
        yield "lost_contact", f"contact: lost since {debtor.lost_since}"


# ------------------------------------------------------------------------------------------------ cases


def case_files(debtors: Mapping[str, Debtor], seeds: Mapping[str, Sequence[Row]], as_of: date) -> dict[str, Row]:
    found = {}
    for customer, debtor in debtors.items():
        if not debtor.late:
            continue
        shown: dict[str, list[str]] = defaultdict(list)
        for row, source, says in sorted(causes(debtor, seeds, as_of), key=lambda cause: cause[1]):
            shown[row["cause_id"]].append(f"{source}: {says}")
        rows = sorted(
            (row for row in seeds["case_cause"] if row["cause_id"] in shown),
            key=lambda row: (row["family"], row["cause_id"]),
        )
        days, worst = max(item.days for item in debtor.late), max(debtor.classes.values())
        by_currency: dict[str, list[Item]] = defaultdict(list)
        for item in sorted(debtor.late, key=lambda item: (item.row["currency"], item.ident)):
            by_currency[item.row["currency"]].append(item)
        named = ", ".join(item.ident for items in by_currency.values() for item in items)
        amount, balance = (
            ", ".join(f"{code} {total(getattr(item, what) for item in items)}" for code, items in by_currency.items())
            for what in ("overdue_amount", "balance")
        )
        who_zh, who_en = {"personal": ("个人", "Personal"), "corporate": ("企业", "Corporate")}[debtor.segment]
        told = next(row for row in seeds["risk_class"] if int(row["risk_class"]) == worst)
        found[customer] = {
            "segment": debtor.segment,
            "overdue_items": len(debtor.late),
            "days_past_due": days,
            "risk_class": worst,
            "description_zh": f"{who_zh}客户，{len(debtor.late)}笔逾期（{named}），最长逾期{days}天，逾期本息 {amount}，"
            f"逾期余额 {balance}，风险分类 {told['label_zh']}。",
            "description_en": f"{who_en} customer, {len(debtor.late)} overdue ({named}), longest {days} days past due, "
            f"overdue amount {amount}, overdue balance {balance}, classified {told['label_en']}.",
            **_listed("causes", rows, "cause_id"),
            "evidence": ", ".join(f"{r['cause_id']} [{', '.join(shown[r['cause_id']])}]" for r in rows),
            **_measures({row["measure_id"] for row in rows}, seeds, debtor),
        }
    return found


def causes(debtor: Debtor, seeds: Mapping[str, Sequence[Row]], as_of: date) -> Iterator[tuple[Row, str, str]]:
    """Each cause with the row that shows it and what it says."""
    for metric, figure, source in [
        *_of_statements(debtor, as_of),
        *_of_lending(debtor, as_of),
        *_of_contacts(debtor, as_of),
    ]:
        for row in seeds["case_cause"]:
            meant = row["metric"] == metric and row["segment"] in ("", None, debtor.segment)
            if meant and _holds(figure, row["operator"], Decimal(row["threshold"])):
                told = f"{figure.normalize():f}" if figure else "0"
                yield row, source, f"{metric} {told}"


def _of_statements(debtor: Debtor, as_of: date) -> Iterator[tuple[str, Decimal, str]]:
    newest = _newest_statement(debtor, as_of)
    if newest is None:
        return
    ended = newest["period_end"]
    year_before = next((row for row in debtor.statements if row["period_end"] == _year_before(ended)), None)
    figures = {name: newest[name] for name in ("net_profit", "operating_cash_flow")}
    figures["current_ratio"] = _ratio(newest["current_assets"], newest["current_liabilities"])
    figures["leverage"] = _ratio(newest["total_liabilities"], newest["total_assets"])
    if year_before and None not in (newest["revenue"], year_before["revenue"]):
        figures["revenue_change"] = _ratio(newest["revenue"] - year_before["revenue"], year_before["revenue"])
    for metric, figure in figures.items():
        if figure is not None:
            yield metric, figure, f"financials {ended}"


def _newest_statement(debtor: Debtor, as_of: date) -> Row | None:
    ended = [row for row in debtor.statements if row["period_end"] <= as_of]
    return max(ended, key=lambda row: row["period_end"], default=None)


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """To a millionth, half away from zero, at most 999 either way; none of a whole that is nothing or less."""
    if part is None or whole is None or whole <= 0:
        return None
    size = min(share(abs(part), whole), Decimal(999))
    return size if part >= 0 else -size


def _of_lending(debtor: Debtor, as_of: date) -> Iterator[tuple[str, Decimal, str]]:
    """What was known of the overdue loans when they were granted, and whether another plan was offered."""
    for item in debtor.late:
        if item.kind != "loan":
            continue
        row = debtor.underwriting.get(item.ident)
        if row and (row["decided_on"] or as_of) <= as_of:
            source = f"underwriting {item.ident}"
            if row["income_verified"] is False:
                yield "income_unverified", Decimal(1), source
            if row["site_visit"] is False:
                yield "no_site_visit", Decimal(1), source
            for metric in ("debt_to_income", "policy_exceptions"):
                if row[metric] is not None:
                    yield metric, Decimal(row[metric]), source
        if item.row["plan_no"] in (None, 1) and not item.row["is_restructured"]:
            yield "days_without_plan", Decimal(item.days), f"loans {item.ident}"


def _of_contacts(debtor: Debtor, as_of: date) -> Iterator[tuple[str, Decimal, str]]:
    """The lender's attempts since the first day of the arrears that run now."""
    if not debtor.late:
        return
    # n days past due on the day: the first of them was n - 1 days before, whether or not the due date counts
    late_from = as_of - timedelta(days=max(item.days for item in debtor.late) - 1)
    made = [one for one in debtor.contacts if one.by_lender and one.day >= late_from]
    channels = {one.row["channel"] for one in made}
    if len(channels) == 1:
        yield "attempts_on_one_channel", Decimal(len(made)), f"contact_attempts {channels.pop()}"
    broke = [one.row["attempt_id"] for one in made if one.row["attempt_id"] in debtor.breaches]
    if broke:
        yield "breaches", Decimal(len(broke)), f"contact_attempts {broke[0]}"


def _holds(figure: Decimal, operator: str, threshold: Decimal) -> bool:
    return {
        "<": figure < threshold,
        "<=": figure <= threshold,
        "=": figure == threshold,
        ">=": figure >= threshold,
        ">": figure > threshold,
    }[operator]


def _listed(name: str, rows: Iterable[Row], key: str) -> Row:
    rows = list(rows)
    return {
        name: ", ".join(row[key] for row in rows),
        f"{name}_zh": ", ".join(row["label_zh"] for row in rows),
        f"{name}_en": ", ".join(row["label_en"] for row in rows),
    }


def _measures(ids: set[str], seeds: Mapping[str, Sequence[Row]], debtor: Debtor) -> Row:
    """Those that are an answer to a customer as late as his worst item."""
    days = max(item.days for item in debtor.items)
    fitting = (row for row in seeds["measure"] if row["measure_id"] in ids and measure_fits(row, days))
    rows = sorted(fitting, key=lambda r: int(r["measure_order"]))
    return _listed("measures", rows, "measure_id")
