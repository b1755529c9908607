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
from fractions import Fraction

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
    broken_rules: list[tuple[str, str]] = field(default_factory=list)  # attempt and rule that it broke
    promises: dict[str, Row] = field(default_factory=dict)  # by attempt
    secured: dict[str, Row] = field(default_factory=dict)  # by loan, as collateral_shortfall has it
    paid: dict[str, list[tuple[date, Decimal]]] = field(
        default_factory=dict
    )  # by item, day and cash, reversals below 0
    purposes: dict[str, str | None] = field(default_factory=dict)  # by loan

    @property
    def late(self) -> list[Item]:
        return [item for item in self.items if item.days > 0]

    @property
    def late_for(self) -> int:
        return max(item.days for item in self.late)

    def late_from(self, as_of: date) -> date:
        """n days past due on the day: the first of them was n - 1 days before, whether or not the due date counts."""
        return as_of - timedelta(days=self.late_for - 1)

    def attempts(self, as_of: date) -> list[Contact]:
        """The lender's, since the first day of the arrears that run now."""
        return [one for one in self.contacts if one.by_lender and one.day >= self.late_from(as_of)]

    def paid_in_six_months(self, item: Item, as_of: date) -> Decimal:
        return total(amount for day, amount in self.paid.get(item.ident, ()) if day > six_months_before(as_of))


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
    watched = watchlist(debtors, seeds, as_of)
    for customer, debtor in debtors.items():
        if not debtor.late:
            continue
        shown: dict[str, list[str]] = defaultdict(list)
        shows = list(causes(debtor, seeds, as_of)) or list(_unexplained(debtor, seeds, as_of))
        for row, source, says in sorted(shows, key=lambda cause: cause[1]):
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
            **_told(debtor, seeds, as_of),
        }
        called_for = {row["measure_id"] for row in rows}
        called_for |= {one for one in watched.get(customer, {"measures": ""})["measures"].split(", ") if one}
        found[customer] |= _measures(called_for, seeds, debtor)
        found[customer] |= _sized(found[customer]["measures"].split(", "), debtor, seeds, as_of)
    return found


def _unexplained(debtor: Debtor, seeds: Mapping[str, Sequence[Row]], as_of: date) -> Iterator[tuple[Row, str, str]]:
    """Of arrears that no ledger explains it is said that none does."""
    for row in seeds["case_cause"]:
        if row["metric"] == "days_unexplained" and _holds(
            Decimal(debtor.late_for), row["operator"], Decimal(row["threshold"])
        ):
            yield row, f"arrears since {debtor.late_from(as_of)}", f"days_unexplained {debtor.late_for}"


def six_months_before(day: date) -> date:
    month = day.year * 12 + day.month - 1 - 6
    for last in range(day.day, 27, -1):
        try:
            return date(month // 12, month % 12 + 1, last)
        except ValueError:
            continue
    return date(month // 12, month % 12 + 1, day.day)


def asked_for(item: Item, debtor: Debtor) -> Decimal:
    """The value after haircut that brings an item's balance to nine tenths of it, to the cent upwards."""
    if item.kind == "loan" and item.ident in debtor.secured:
        return debtor.secured[item.ident]["collateral_to_ask"]
    needed = Fraction(item.balance) / Fraction("0.9") * 100  # in cents, of which a part is a whole one more
    return Decimal(-(-needed.numerator // needed.denominator)).scaleb(-2)


def _told(debtor: Debtor, seeds: Mapping[str, Sequence[Row]], as_of: date) -> Row:
    """What a case tells of each debt, of contacts, promises and breaches, and what the ledgers leave open."""
    words = {(row["code_set"], row["code"]): row for row in seeds["label"]}
    kinds = {row["kind"]: row for row in seeds["advance_kind"]}
    debts: dict[str, list[str]] = {"zh": [], "en": []}
    paid: dict[str, Decimal] = defaultdict(Decimal)
    gaps: dict[str, list[str]] = defaultdict(list)
    for item in sorted(debtor.late, key=lambda item: (item.kind != "loan", item.ident)):
        row, is_loan = item.row, item.kind == "loan"
        lately = debtor.paid_in_six_months(item, as_of)
        paid[row["currency"]] += lately
        secured = debtor.secured.get(item.ident) if is_loan else None
        left, lacks = (secured["value_after_haircut"], secured["shortfall"]) if secured else (0, item.balance)
        purpose = debtor.purposes.get(item.ident)
        figures = {
            "amount": total([row["principal" if is_loan else "amount"]]),
            "balance": total([item.balance]),
            "left": total([left]),
            "lacks": total([lacks]),
            "paid": total(amount for _, amount in debtor.paid.get(item.ident, ())),
            "lately": lately,
        }
        for lang, told in debts.items():
            said = words.get(("security", row["security"] or ""))
            security = said[f"label_{lang}"] if said else {"zh": "未载", "en": "security not recorded"}[lang]
            about = purpose if is_loan else kinds[row["kind"]][f"label_{lang}"]
            about = about or {"zh": "用途未载", "en": "purpose not recorded"}[lang]
            plan = (row["plan_no"], row["missed_installments"]) if is_loan and row["plan_no"] else None
            told.append(
                DEBT[lang].format(
                    id=item.ident,
                    about=about,
                    day=item.started_on,
                    currency=row["currency"],
                    security=security,
                    plan=PLAN[lang].format(*plan) if plan else "",
                    **figures,
                )
            )
        if is_loan and purpose is None:
            gaps["purpose"].append(item.ident)
        if row["security"] is None:
            gaps["security"].append(item.ident)
        is_pledged = row["security"] in ("mortgaged", "pledged", "combined")
        if (secured and not secured["collaterals"]) or (not is_loan and is_pledged):
            gaps["valuation"].append(item.ident)
        if is_loan:
            granted = debtor.underwriting.get(item.ident)
            if granted is None or (granted["decided_on"] or as_of) > as_of:
                gaps["underwriting"].append(item.ident)
    if debtor.segment == "corporate" and _newest_statement(debtor, as_of) is None:
        gaps["financials"] = []
    attempts, since = debtor.attempts(as_of), debtor.late_from(as_of)
    if not attempts:
        gaps["contacts"] = []
    promised = [row for row in debtor.promises.values() if row["made_on"] >= since]
    ids = {one.row["attempt_id"] for one in attempts}
    rules = {row["rule_id"]: row for row in seeds["collection_rule"]}
    broken: dict[str, set[str]] = defaultdict(set)
    for attempt, rule in debtor.broken_rules:
        if attempt in ids:
            broken[rule].add(attempt)
    by_rule = [(rules[rule], len(some)) for rule, some in sorted(broken.items())]
    open_questions = [(words["unanswered", code], sorted(gaps[code])) for code in UNANSWERED if code in gaps]
    return {
        "debts_zh": "；".join(debts["zh"]),
        "debts_en": "; ".join(debts["en"]),
        "paid_six_months": ", ".join(f"{currency} {amount}" for currency, amount in sorted(paid.items())),
        "attempts": len(attempts),
        "reached": sum(one.reached for one in attempts),
        "last_attempt_on": max((one.day for one in attempts), default=None),
        "promises": len(promised),
        "promises_kept": sum(row["status"] == "kept" for row in promised),
        "promises_broken": sum(row["status"] in ("broken", "partly_kept") for row in promised),
        "breaches": ", ".join(f"{row['rule_id']}: {times}" for row, times in by_rule),
        "breaches_zh": "；".join(f"{row['topic_zh']}（{row['rule_id']}）{times}次" for row, times in by_rule),
        "breaches_en": "; ".join(f"{row['topic_en']} ({row['rule_id']}): {times}" for row, times in by_rule),
        "unanswered": ", ".join(word["code"] for word, _ in open_questions),
        "unanswered_zh": "；".join(
            word["label_zh"] + (f"（{', '.join(about)}）" if about else "") for word, about in open_questions
        ),
        "unanswered_en": "; ".join(
            word["label_en"] + (f" ({', '.join(about)})" if about else "") for word, about in open_questions
        ),
    }


UNANSWERED = ("purpose", "security", "valuation", "underwriting", "financials", "contacts")
DEBT = {
    "zh": "{id}：{about}，{day} 发放 {currency} {amount}，余额 {balance}，担保 {security}，押品折后 {left}，缺口 {lacks}{plan}，"
    "已还 {paid}，近六个月还 {lately}",
    "en": "{id}: {about}, {currency} {amount} of {day}, balance {balance}, {security}, collateral after haircut {left}, "
    "shortfall {lacks}{plan}, paid {paid}, in six months {lately}",
}
PLAN = {"zh": "，第 {} 号计划，欠 {} 期", "en": ", plan {}, installments missed {}"}
LONGEST_PLAN = 60  # months


def _sized(measures: Sequence[str], debtor: Debtor, seeds: Mapping[str, Sequence[Row]], as_of: date) -> Row:
    """Each measure with its size, currency by currency."""
    by_currency: dict[str, list[Item]] = defaultdict(list)
    for item in debtor.late:
        by_currency[item.row["currency"]].append(item)
    sizes: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for code, items in sorted(by_currency.items()):
        due = total(item.overdue_amount for item in items)
        for size, amount in (
            ("overdue_amount", due),
            ("collateral_to_ask", total(asked_for(item, debtor) for item in items)),
            ("limit", total(item.balance for item in debtor.items if item.row["currency"] == code)),
        ):
            sizes[size].append((f"{code} {amount}",) * 3)
        cents = int(max(Decimal(0), total(debtor.paid_in_six_months(item, as_of) for item in items)) * 100) // 6
        months = -(-int(due * 100) // cents) if cents else 0
        a_month = f"{code} {Decimal(cents).scaleb(-2)}"
        if 1 <= months <= LONGEST_PLAN:
            plan = (f"{a_month} x {months}", f"每月 {a_month}，{months}个月", f"{a_month} a month for {months} months")
        else:
            plan = (a_month, f"{code} 近六个月还款不足以支撑还款计划", f"{code} payments of six months carry no plan")
        sizes["plan"].append(plan)
    rows = [row for row in seeds["measure"] if row["measure_id"] in measures]
    rows.sort(key=lambda row: int(row["measure_order"]))
    told = [(row, [", ".join(size[n] for size in sizes[row["size"]]) for n in range(3)]) for row in rows]
    return {
        "measure_sizes": ", ".join(f"{row['measure_id']} [{size[0]}]" for row, size in told if row["size"]),
        "measures_sized_zh": "；".join(
            row["label_zh"] + (f"（{size[1]}）" if row["size"] else "") for row, size in told
        ),
        "measures_sized_en": "; ".join(
            row["label_en"] + (f" ({size[2]})" if row["size"] else "") for row, size in told
        ),
    }


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
        if item.ident in debtor.secured:
            yield "collateral_shortfall", debtor.secured[item.ident]["shortfall"], f"collateral {item.ident}"
        if item.row["plan_no"] in (None, 1) and not item.row["is_restructured"]:
            yield "days_without_plan", Decimal(item.days), f"loans {item.ident}"


def _of_contacts(debtor: Debtor, as_of: date) -> Iterator[tuple[str, Decimal, str]]:
    """The lender's attempts and the debtor's promises since the first day of the arrears that run now, and what was paid."""
    if not debtor.late:
        return
    for item in debtor.late:
        if debtor.paid_in_six_months(item, as_of) <= 0:
            ledger = "repayments" if item.kind == "loan" else "advance_repayments"
            yield "days_unpaid", Decimal(item.days), f"{ledger} {item.ident}"
    since, made = debtor.late_from(as_of), debtor.attempts(as_of)
    if not made:
        yield "days_without_attempt", Decimal(debtor.late_for), f"contact_attempts since {since}"
    elif not any(one.reached for one in made):
        yield "attempts_in_vain", Decimal(len(made)), f"contact_attempts {made[-1].row['attempt_id']}"
    broken = sorted(
        (row["promised_on"], attempt)
        for attempt, row in debtor.promises.items()
        if row["made_on"] >= since and row["status"] in ("broken", "partly_kept")
    )
    if broken:
        yield "broken_promises", Decimal(len(broken)), f"contact_attempts {broken[0][1]}"
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
