"""The warning signals, causes and measures of a customer, worked out again: each with its row of the policy and the rows it counted.

Which attempts broke a rule of conduct is taken from the published `contact_breaches`, and said so: it follows from texts that are not
read here. All else follows from the ledgers. In plain Python, from decisions 0046, 0047, 0051 and 0055.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flows.evidence.classes import holds, months_later
from flows.evidence.recompute import CN_M_STAGE, ONE_DAY, Row, attribute, delivery_of, obligations, periods, spans
from flows.explain.debtor import DebtorFile
from flows.explain.footing import Footing

Facts = dict[str, Any]
STAGES = [code for code, _, _ in CN_M_STAGE]
CENT, MILLIONTH, ZERO = Decimal("0.01"), Decimal("0.000001"), Decimal("0.00")
SPOKE = ("reached", "promised", "refused")
POINT_TELLS = {"employer": "employer", "emergency_contact": "contact"}


@dataclass
class Owed:
    """A loan or advance of the book on the day."""

    item_type: str
    item_id: str
    row: Row
    balance: Decimal
    days: int
    risk_class: int
    no: int

    @property
    def due(self) -> Decimal:
        """What is overdue of it."""
        if self.item_type == "loan":
            return self.row["overdue_amount"]
        return self.balance if self.days > 0 else ZERO


def signals_of(on: Footing, file: DebtorFile) -> Facts | None:
    """Signals, causes and measures as worked out again beside what was published; None where there are none of either."""
    if on.publication is None:
        return None
    (watch,) = on.mart("watchlist", as_of=on.as_of, customer_id=file.customer_id) or [None]
    (case,) = on.mart("case_files", as_of=on.as_of, customer_id=file.customer_id) or [None]
    told = _Watched(on, file).told()
    if not (watch or case or told["figures"]["watchlist"] or told["figures"]["case_files"]):
        return None
    differs = [
        one
        for mart, published in (("watchlist", watch), ("case_files", case))
        for one in _differences(mart, told["figures"][mart], published)
    ]
    return {"watch": watch, "case": case, **told, "differs": differs}


def _differences(mart: str, figures: Facts | None, published: Facts | None) -> list[Facts]:
    if figures is None or published is None:
        one = {"column": mart, "published": published and "a row", "recomputed": figures and "a row"}
        return [] if figures is published else [one]
    return [
        {"column": f"{mart}.{column}", "published": published[column], "recomputed": value}
        for column, value in figures.items()
        if published[column] != value
    ]


class _Watched:
    """One customer at the end of the day, as an officer would look through the file."""

    def __init__(self, on: Footing, file: DebtorFile) -> None:
        self.on, self.file, self.day = on, file, on.as_of
        people = [{**row, "_delivery": delivery_of(row["_delivery"])} for row in file.rows["customers"]]
        self.segment = attribute(people, "segment", self.day, on.lag_days)
        self.zone = attribute(people, "time_zone", self.day, on.lag_days)

    def told(self) -> Facts:
        late, causes = self.late, self.causes
        watch, case = self._watchlist(), None
        called_for = {m for one in self.given for m in one["signal"]["measures"].split()}
        days = max((one.days for one in self.owed), default=0)
        by_signals = [self._measure(row, days) for row in self._measures(called_for, days)]
        measures = by_signals
        sizes: list[Facts] = []
        if late:
            fitting = {one["measure"]["measure_id"] for one in by_signals}
            measures = [
                self._measure(row, days)
                for row in self._measures(fitting | {one["cause"]["measure_id"] for one in causes}, days)
            ]
            sizes = self._sizes()
            case = self._case(causes, measures, sizes)
        reached = [r for r in self.on.seed("watch_severity") if watch and int(r["lower_points"]) <= watch["points"]]
        return {
            "segment": self.segment,
            "items": [
                {
                    **{"item_type": one.item_type, "item_id": one.item_id, "currency": one.row["currency"]},
                    **{"balance": one.balance, "overdue_amount": one.due, "days_past_due": one.days},
                    **{"risk_class": one.risk_class, "row": one.no},
                }
                for one in self.owed
            ],
            "given": self.given,
            "severity": max(reached, key=lambda row: int(row["lower_points"]), default=None),
            "late_for": days,
            "late_from": self.late_from if late else None,
            "given_causes": causes,
            "lost_rule": self.lost["rule"]
            if self.lost and any(o["signal"]["signal_id"] == "lost_contact" for o in self.given)
            else None,
            "measures": measures,
            "sizes": sizes,
            "figures": {"watchlist": watch, "case_files": case},
        }

    # What is owed

    @cached_property
    def owed(self) -> list[Owed]:
        classified, found = self.file.classified, []
        for n, item in enumerate(self.file.items):
            if self.day not in item.days:
                continue
            kind, ident = item.ident
            row = self.file.loans[ident] if kind == "loan" else self.file.advances[ident]
            balance = row["outstanding_principal"] if kind == "loan" else row["outstanding"]
            risk_class = classified.risk_class(n, self.day)
            found.append(Owed(kind, ident, row, balance, row["days_past_due"], risk_class, self.file.place[item.ident]))
        return found

    @property
    def late(self) -> list[Owed]:
        return [one for one in self.owed if one.days > 0]

    @property
    def late_for(self) -> int:
        return max(one.days for one in self.late)

    @property
    def late_from(self) -> date:
        """The first day past due of the arrears that are oldest: n days past due on the day, it was n - 1 days before."""
        return self.day - timedelta(days=self.late_for - 1)

    # Signals

    @cached_property
    def given(self) -> list[Facts]:
        """Each signal with each thing that gives it, most points first."""
        known = {row["signal_id"]: row for row in self.on.seed("watch_signal")}
        if not self.owed:
            return []
        found = []
        for name, item, figure, (zh, en), rows in self._signals():
            row = known.get(name)
            if row is not None and _reaches(row, figure):
                found.append({"signal": row, "item": item, "figure": figure, "zh": zh, "en": en, "rows": rows})
        return sorted(
            found,
            key=lambda one: (-int(one["signal"]["points"]), one["signal"]["signal_id"], f"{one['item']}: {one['en']}"),
        )

    def _signals(self) -> Iterator[tuple[str, str, Any, tuple[str, str], list[int]]]:
        """Candidates: signal, item, figure, what it says in Chinese and English, rows counted."""
        before = self.file.loans_before
        for one in self.owed:
            days = (f"逾期 {one.days} 天", f"{one.days} days past due")
            for name in ("overdue_over_30", "overdue_over_90"):
                yield name, one.item_id, one.days, days, [one.no]
            said = (f"五级分类第 {one.risk_class} 级", f"class {one.risk_class}")
            for name in ("non_performing", "doubtful_or_loss"):
                yield name, one.item_id, one.risk_class, said, [one.no]
            if one.risk_class >= 3 and len(self.owed) > 1:
                yield "other_default", one.item_id, None, said, [one.no]
            if one.item_type == "advance":
                if one.row["is_long_held"]:
                    out = one.row["duration_days"]
                    yield "long_held_advance", one.item_id, None, (f"已垫 {out} 天", f"out for {out} days"), [one.no]
                continue
            then = before.get(one.item_id)
            if then and not then["is_written_off"]:
                rose = STAGES.index(one.row["m_stage"]) - STAGES.index(then["m_stage"])
                moved = f"{then['m_stage']} -> {one.row['m_stage']}"
                yield "rolling_forward", one.item_id, rose, (moved, moved), [one.no]
            if one.row["is_first_payment_default"]:
                judged = self._judged_on(one.item_id)
                yield "first_payment_default", one.item_id, None, (f"于 {judged} 认定", f"judged on {judged}"), [one.no]
            planned_on, was = one.row["plan_effective_on"], one.row["days_before_plan"]
            if was and one.days < was:
                said = (
                    f"{planned_on} 重订计划或展期前逾期 {was} 天",
                    f"{was} days past due before the plan or extension of {planned_on}",
                )
                yield "re_aged", one.item_id, (self.day - planned_on).days, said, [one.no]
        for currency in sorted({one.row["currency"] for one in self.late}):
            limit = self._limit(currency)
            mine = [one for one in self.owed if one.row["currency"] == currency]
            exposure, due = sum((o.balance for o in mine), ZERO), sum((o.due for o in mine), ZERO)
            if limit and limit["large_from"] and exposure >= Decimal(limit["large_from"]):
                said = (f"敞口 {exposure}，逾期 {due}", f"overdue {due} of an exposure of {exposure}")
                yield "large_arrears", currency, None, said, [one.no for one in mine]
        if self.late:
            for loan_id, most in self._worst_before().items():
                said = (f"此前曾逾期 {most} 天", f"{most} days past due before")
                yield "repeat_default", loan_id, most, said, [self.file.place["loan", loan_id]]
        yield from self._falling()
        if weak := sorted({c["cause"]["cause_id"] for c in self.causes_of_statements}):
            labels = sorted({c["cause"]["label_zh"] for c in self.causes_of_statements})
            source = self.causes_of_statements[0]["source"]
            rows = [no for c in self.causes_of_statements for no in c["rows"]]
            yield "weak_finances", source, len(weak), ("、".join(labels), ", ".join(weak)), list(dict.fromkeys(rows))
        for one in self.promises:
            if one["status"] == "broken":
                said = (
                    f"承诺 {one['promised_on']} 还款，实付 {one['paid_amount']}",
                    f"promised for {one['promised_on']}, paid {one['paid_amount']}",
                )
                ago = (self.day - one["promised_on"]).days
                yield "broken_promise", one["attempt_id"], ago, said, one["rows"]
        if lost := self.lost:
            since, nos = lost["since"], [row["_no"] for row in lost["attempts"]]
            yield "lost_contact", "contact", None, (f"{since} 起失联", f"lost since {since}"), nos

    def _limit(self, currency: str) -> Facts | None:
        on = self.on
        own = on.seed("customer_type_threshold", segment=self.segment, currency=currency)
        return (own or on.seed("customer_type_threshold", segment=self.segment, currency="*") or [None])[0]

    def _judged_on(self, loan_id: str) -> date | None:
        file = self._loan_file(loan_id)
        for period in periods(file, self.day, self.file.products, self.on.lag_days):
            due = [o for o in obligations(file, period, self.on.calendar) if o.kind in ("installment", "residual")]
            first = min(due, key=lambda one: (one.kind == "residual", one.number), default=None)
            if first is not None and first.rolled_on < date(9999, 1, 1):
                judged = first.rolled_on + timedelta(days=int(self.on.policy.settings["fpd_days"]))
                if period.first_day <= judged <= period.last_day:
                    return judged
        return None

    def _loan_file(self, loan_id: str) -> Any:
        return next(one for one in self.file.files if one.row["loan_id"] == loan_id)

    def _worst_before(self) -> dict[str, int]:
        """Of each loan, closed and written-off ones too, the most days past due of arrears that are over."""
        found = {}
        for one in self.file.files:
            if one.row["disbursed_on"] > self.day:
                continue
            last_day = min(self.day, (one.row["closed_on"] or date.max) - ONE_DAY)
            stretches: list[list[Any]] = []  # last day, most days
            lived = periods(one, self.day, self.file.products, self.on.lag_days)
            for first, following, days in spans(one, lived, self.on.calendar):
                until = min(following - ONE_DAY, last_day)
                if days == 0 or first > until:
                    continue
                most = days + (until - first).days
                if stretches and stretches[-1][0] == first - ONE_DAY:
                    stretches[-1] = [until, max(stretches[-1][1], most)]
                else:
                    stretches.append([until, most])
            most = max((most for last, most in stretches if last < self.day), default=0)
            if most:
                found[one.row["loan_id"]] = most
        return found

    @cached_property
    def collateral(self) -> dict[str, list[Row]]:
        """Valuations by the day of each collateral of a loan of the book, oldest first."""
        ids = [one.item_id for one in self.owed if one.item_type == "loan"]
        rows = self.on.read("collateral", loan_id=ids) if ids else []
        newest = {(row["collateral_id"], row["valued_on"]): row for row in rows if row["valued_on"] <= self.day}
        found: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(newest.values(), key=lambda row: row["valued_on"]):
            found[row["collateral_id"]].append(row)
        return found

    def _falling(self) -> Iterator[tuple[str, str, Any, tuple[str, str], list[int]]]:
        loans = {one.item_id: one for one in self.owed if one.item_type == "loan"}
        for ident, rows in sorted(self.collateral.items()):
            if len(rows) < 2:
                continue
            before, newest = rows[-2:]
            currency, was = (row["currency"] or loans[newest["loan_id"]].row["currency"] for row in (newest, before))
            lost = ratio(before["value"] - newest["value"], before["value"])
            if currency == was and lost is not None:
                said = f"{before['value']} -> {newest['value']} {currency}"
                yield "falling_coverage", ident, lost, (said, said), [before["_no"], newest["_no"]]

    def _watchlist(self) -> Facts | None:
        if not self.given:
            return None
        rows = {one["signal"]["signal_id"]: one["signal"] for one in self.given}
        points = sum(int(row["points"]) for row in rows.values())
        reached = [row for row in self.on.seed("watch_severity") if int(row["lower_points"]) <= points]
        shown: dict[str, list[str]] = defaultdict(list)
        for one in self.given:
            shown[one["signal"]["signal_id"]].append(f"{one['item']}: {one['en']}")
        days = max(one.days for one in self.owed)
        called_for = {measure for row in rows.values() for measure in row["measures"].split()}
        return {
            "segment": self.segment,
            "severity": max(reached, key=lambda row: int(row["lower_points"]))["severity"] if reached else None,
            "points": points,
            "signal_count": len(rows),
            "signals": ", ".join(rows),
            "evidence": ", ".join(f"{name} [{', '.join(sorted(set(said)))}]" for name, said in shown.items()),
            "measures": ", ".join(row["measure_id"] for row in self._measures(called_for, days)),
        }

    # Causes

    @cached_property
    def statements(self) -> dict[date, Row]:
        rows = self.on.read("financials", customer_id=self.file.customer_id)
        return {row["period_end"]: row for row in rows if row["period_end"] <= self.day}

    @cached_property
    def promises(self) -> list[Facts]:
        """Each attempt that ended in a promise, and what was paid from its day through the day promised (decision 0055)."""
        loans = {row["loan_id"]: row for row in self.file.rows["loans"] if row["disbursed_on"] <= self.day}
        found = []
        for made in self.attempts:
            until = made["promised_on"]
            if made["outcome"] != "promised" and until is None:
                continue
            about = [loan for loan in loans.values() if made["loan_id"] in (None, loan["loan_id"])]
            currencies = {loan["currency"] for loan in about}
            currency = currencies.pop() if len(currencies) == 1 else self.on.policy.settings["reporting_currency"]
            ids = {loan["loan_id"] for loan in about if loan["currency"] == currency}
            paid, nos = self._paid_for(ids, made["local_on"], until or self.day)
            if paid > 0 and paid >= (made["promised_amount"] or 0):
                status = "kept"
            elif until is None or until > self.day:
                status = "open"
            else:
                status = "partly_kept" if paid > 0 else "broken"
            found.append(
                {"attempt_id": made["attempt_id"], "made_on": made["local_on"], "promised_on": until, "status": status}
                | {"promised_amount": made["promised_amount"], "paid_amount": paid, "rows": [made["_no"], *nos]}
            )
        return found

    def _paid_for(self, ids: set[str], first: date, last: date) -> tuple[Decimal, list[int]]:
        """Payments of these days on these loans, less what was taken back of them by the day."""
        newest = {row["repayment_id"]: row for row in reversed(self.file.rows["repayments"])}
        came = {
            ident: row
            for ident, row in newest.items()
            if row["loan_id"] in ids and (row["kind"] or "payment") == "payment" and first <= row["paid_on"] <= last
        }
        back = [
            row
            for row in newest.values()
            if row["kind"] == "reversal" and row["reverses_id"] in came and row["paid_on"] <= self.day
        ]
        came = {ident: row for ident, row in came.items() if row["paid_on"] <= self.day}
        paid = sum((row["amount"] for row in came.values()), ZERO) - sum((row["amount"] for row in back), ZERO)
        return paid, [row["_no"] for row in (*came.values(), *back)]

    @cached_property
    def lost(self) -> Facts | None:
        """Since when the customer is lost, by which rule and which failed attempts (decision 0051); None where he is not."""
        rules = sorted(self.on.seed("lost_contact_rule"), key=lambda rule: int(rule["rule_order"]))
        failed: list[Row] = []
        lost: Facts | None = None
        for one in self.attempts:
            if one["is_reached"]:
                failed, lost = [], None
            elif one["is_by_lender"] and one["is_with_debtor"] and one["outcome"] in ("no_answer", "invalid"):
                failed.append(one)
                fulfilled = [rule for rule in rules if _is_fulfilled(rule, failed)]
                if fulfilled and lost is None:
                    lost = {"since": one["local_on"], "rule": fulfilled[0], "attempts": [*failed]}
        return lost

    @cached_property
    def attempts(self) -> list[Row]:
        """Contacts by the customer's clock, in the order of time, up to the day."""
        rows = self.on.read("contact_attempts", customer_id=self.file.customer_id)
        first = {row["attempt_id"]: row for row in reversed(rows)}
        points = {r["contact_point_id"] for r in first.values() if r["party"] is None and r["contact_point_id"]}
        kinds = (
            {r["contact_point_id"]: r["kind"] for r in self.on.read("contact_points", contact_point_id=points)}
            if points
            else {}
        )
        names = {row["time_zone"] for row in self.on.seed("time_zone")}
        zone = ZoneInfo(self.zone if self.zone in names else "Asia/Shanghai")
        found = []
        for row in sorted(first.values(), key=lambda row: (row["attempted_at"], row["attempt_id"])):
            local_on = _utc(row["attempted_at"]).astimezone(zone).date()
            if local_on > self.day:
                continue
            kind = kinds.get(row["contact_point_id"])
            party = row["party"] or (POINT_TELLS.get(kind, "debtor") if kind else None)
            by_lender, with_debtor = row["initiated_by"] != "customer", party in (None, "debtor")
            reached = with_debtor and (row["outcome"] in SPOKE or not by_lender)
            told = {
                "local_on": local_on,
                "is_by_lender": by_lender,
                "is_with_debtor": with_debtor,
                "is_reached": reached,
            }
            found.append({**row, **told})
        return found

    @cached_property
    def causes(self) -> list[Facts]:
        """Each cause that a figure shows, with the rows; where none does, that none does."""
        if not self.late:
            return []
        figures = [*self._of_statements(), *self._of_lending(), *self._of_contacts()]
        found = list(self._causes_by(figures))
        if not found:
            nos = [one.no for one in self.late]
            found = list(
                self._causes_by([("days_unexplained", Decimal(self.late_for), f"arrears since {self.late_from}", nos)])
            )
        return sorted(found, key=lambda one: (one["cause"]["family"], one["cause"]["cause_id"], one["source"]))

    @cached_property
    def causes_of_statements(self) -> list[Facts]:
        found = self._causes_by([*self._of_statements()])
        return [one for one in found if one["cause"]["family"] == "operations"]

    def _causes_by(self, figures: list[tuple[str, Decimal, str, list[int]]]) -> Iterator[Facts]:
        for metric, figure, source, rows in figures:
            for cause in self.on.seed("case_cause", metric=metric):
                meant = cause["segment"] in ("", None, self.segment)
                if meant and holds(figure, cause["operator"], Decimal(cause["threshold"])):
                    yield {"cause": cause, "figure": figure, "source": source, "rows": rows}

    def _of_statements(self) -> Iterator[tuple[str, Decimal, str, list[int]]]:
        newest = self.statements.get(max(self.statements, default=date.min))
        if newest is None:
            return
        ended = newest["period_end"]
        before = self.statements.get(months_later(ended, -12))
        figures = {name: newest[name] for name in ("net_profit", "operating_cash_flow")}
        figures["current_ratio"] = ratio(newest["current_assets"], newest["current_liabilities"])
        figures["leverage"] = ratio(newest["total_liabilities"], newest["total_assets"])
        if before and None not in (newest["revenue"], before["revenue"]):
            figures["revenue_change"] = ratio(newest["revenue"] - before["revenue"], before["revenue"])
        for metric, figure in figures.items():
            if figure is not None:
                rows = [newest["_no"], *([before["_no"]] if metric == "revenue_change" and before else [])]
                yield metric, figure, f"financials {ended}", rows

    def _of_lending(self) -> Iterator[tuple[str, Decimal, str, list[int]]]:
        late = [one for one in self.late if one.item_type == "loan"]
        ids = [one.item_id for one in late]
        granted = {row["loan_id"]: row for row in self.on.read("underwriting", loan_id=ids)} if ids else {}
        for one in late:
            row = granted.get(one.item_id)
            if row and (row["decided_on"] or self.day) <= self.day:
                source, nos = f"underwriting {one.item_id}", [row["_no"]]
                if row["income_verified"] is False:
                    yield "income_unverified", Decimal(1), source, nos
                if row["site_visit"] is False:
                    yield "no_site_visit", Decimal(1), source, nos
                for metric in ("debt_to_income", "policy_exceptions"):
                    if row[metric] is not None:
                        yield metric, Decimal(row[metric]), source, nos
            if secured := self._secured(one):
                yield "collateral_shortfall", secured["shortfall"], f"collateral {one.item_id}", secured["rows"]
            if one.row["plan_no"] in (None, 1) and not one.row["is_restructured"]:
                yield "days_without_plan", Decimal(one.days), f"loans {one.item_id}", [one.no]

    def _of_contacts(self) -> Iterator[tuple[str, Decimal, str, list[int]]]:
        for one in self.late:
            if self._paid_lately(one)[0] <= 0:
                ledger = "repayments" if one.item_type == "loan" else "advance_repayments"
                yield "days_unpaid", Decimal(one.days), f"{ledger} {one.item_id}", [one.no]
        since = self.late_from
        made = [row for row in self.attempts if row["is_by_lender"] and row["local_on"] >= since]
        nos = [row["_no"] for row in made]
        if not made:
            yield "days_without_attempt", Decimal(self.late_for), f"contact_attempts since {since}", []
        elif not any(row["is_reached"] for row in made):
            yield "attempts_in_vain", Decimal(len(made)), f"contact_attempts {made[-1]['attempt_id']}", nos
        broken = sorted(
            (row["promised_on"], row["attempt_id"])
            for row in self.promises
            if row["made_on"] >= since and row["status"] in ("broken", "partly_kept")
        )
        if broken:
            ids = {attempt for _, attempt in broken}
            rows = [no for one in self.promises if one["attempt_id"] in ids for no in one["rows"]]
            yield "broken_promises", Decimal(len(broken)), f"contact_attempts {broken[0][1]}", rows
        channels = sorted({row["channel"] for row in made})
        if len(channels) == 1:
            yield "attempts_on_one_channel", Decimal(len(made)), f"contact_attempts {channels[0]}", nos
        judged = {
            row["attempt_id"]
            for row in self.on.mart("contact_breaches", as_of=self.day, customer_id=self.file.customer_id)
            if row["status"] == "breach"
        }
        broke = [row for row in made if row["attempt_id"] in judged]
        if broke:
            source = f"contact_attempts {broke[0]['attempt_id']}"
            yield "breaches", Decimal(len(broke)), source, [row["_no"] for row in broke]

    def _secured(self, one: Owed) -> Facts | None:
        """What secures a loan after haircut, and what it lacks; None where nothing does."""
        if one.item_type != "loan":
            return None
        rows = [valued[-1] for valued in self.collateral.values() if valued[-1]["loan_id"] == one.item_id]
        if not rows and one.row["security"] not in ("mortgaged", "pledged", "combined"):
            return None
        cuts = {row["kind"]: row for row in self.on.seed("collateral_haircut")}
        counted = [row for row in rows if row["currency"] in (None, one.row["currency"])]
        left = [
            (
                row,
                cuts.get(row["kind"]) or cuts["*"],
                row["value"] * (1 - Decimal((cuts.get(row["kind"]) or cuts["*"])["haircut"])),
            )
            for row in counted
        ]
        after = sum((value.quantize(CENT, ROUND_HALF_UP) for *_, value in left), ZERO)
        return {
            "collateral": [
                {"row": row["_no"], "value": row["value"], "haircut": cut["haircut"], "line": cut["_line"]}
                for row, cut, _ in left
            ],
            "after_haircut": after,
            "shortfall": max(ZERO, one.balance - after),
            "rows": [one.no, *(row["_no"] for row in rows)],
        }

    def _paid_lately(self, one: Owed) -> tuple[Decimal, list[int]]:
        """Cash of six months, what was taken back in them taken off, and its rows."""
        ledger = "repayments" if one.item_type == "loan" else "advance_repayments"
        key, item = ledger[:-1] + "_id", f"{one.item_type}_id"
        mine = {row[key]: row for row in reversed(self.file.rows[ledger]) if row[item] == one.item_id}
        paid, nos = ZERO, []
        for row in mine.values():
            kind = row["kind"] or "payment"
            of = mine.get(row["reverses_id"]) if kind == "reversal" else None
            sign = 1 if kind == "payment" else -1 if of is not None and (of["kind"] or "payment") == "payment" else 0
            if sign and months_later(self.day, -6) < row["paid_on"] <= self.day:
                paid += sign * row["amount"]
                nos.append(row["_no"])
        return paid, sorted(nos)

    # Measures

    def _measures(self, ids: set[str], days: int) -> list[Facts]:
        fitting = [
            row
            for row in self.on.seed("measure")
            if row["measure_id"] in ids
            and int(row["overdue_days_from"] or 0) <= days <= int(row["overdue_days_to"] or 10**9)
        ]
        return sorted(fitting, key=lambda row: int(row["measure_order"]))

    def _measure(self, row: Facts, days: int) -> Facts:
        """A measure with who calls for it."""
        signals = {o["signal"]["signal_id"] for o in self.given if row["measure_id"] in o["signal"]["measures"].split()}
        causes = {o["cause"]["cause_id"] for o in self.causes if o["cause"]["measure_id"] == row["measure_id"]}
        return {"measure": row, "signals": sorted(signals), "causes": sorted(causes), "days_past_due": days}

    def _sizes(self) -> list[Facts]:
        """By currency of what is overdue: what is due, collateral to ask for, the limit, a plan that six months carry."""
        found, target = [], Decimal(self.on.policy.settings["target_loan_to_value"])
        for currency in sorted({one.row["currency"] for one in self.late}):
            mine = [one for one in self.late if one.row["currency"] == currency]
            due, asked, paid, nos = sum((o.due for o in mine), ZERO), ZERO, ZERO, []
            debts = []
            for one in mine:
                secured = self._secured(one)
                needed = (one.balance / target).quantize(CENT, ROUND_CEILING)
                lately, rows = self._paid_lately(one)
                ask = max(ZERO, needed - (secured["after_haircut"] if secured else ZERO))
                asked, paid, nos = asked + ask, paid + lately, nos + rows
                debts.append(
                    {"item_id": one.item_id, "overdue_amount": one.due, "balance": one.balance, "needed": needed}
                    | {"secured": secured, "to_ask": ask, "paid": lately, "rows": rows, "row": one.no}
                )
            cents = int(max(ZERO, paid) * 100) // 6
            months = -(-int(due * 100) // cents) if cents else 0
            carried = 1 <= months <= int(self.on.policy.settings["plan_max_months"])
            found.append(
                {
                    "currency": currency,
                    "overdue_amount": due,
                    "collateral_to_ask": asked,
                    "limit": sum((o.balance for o in self.owed if o.row["currency"] == currency), ZERO),
                    "paid": paid,
                    "a_month": Decimal(cents).scaleb(-2),
                    "months": months if carried else None,
                    "debts": debts,
                    "since": months_later(self.day, -6) + ONE_DAY,
                    "target": target,
                }
            )
        return found

    def _case(self, causes: list[Facts], measures: list[Facts], sizes: list[Facts]) -> Facts:
        shown: dict[str, list[str]] = defaultdict(list)
        for one in causes:
            said = f"{one['figure'].normalize():f}" if one["figure"] else "0"
            shown[one["cause"]["cause_id"]].append(f"{one['source']}: {one['cause']['metric']} {said}")
        told = []
        for row in (one["measure"] for one in measures):
            if row["size"]:
                parts = [f"{s['currency']} {s['a_month' if row['size'] == 'plan' else row['size']]}" for s in sizes]
                if row["size"] == "plan":
                    parts = [
                        p + (f" x {s['months']}" if s["months"] else "") for p, s in zip(parts, sizes, strict=True)
                    ]
                told.append(f"{row['measure_id']} [{', '.join(parts)}]")
        return {
            "segment": self.segment,
            "overdue_items": len(self.late),
            "days_past_due": self.late_for,
            "risk_class": max(one.risk_class for one in self.owed),
            "causes": ", ".join(shown),
            "evidence": ", ".join(f"{name} [{', '.join(said)}]" for name, said in shown.items()),
            "measures": ", ".join(one["measure"]["measure_id"] for one in measures),
            "measure_sizes": ", ".join(told),
        }


def _reaches(signal: Facts, figure: Any) -> bool:
    """Whether a figure gives a signal; the unit says how it is compared."""
    if signal["unit"] == "flag" or figure is None:
        return signal["unit"] == "flag"
    limit = Decimal(signal["threshold"])
    if signal["unit"] == "days_ago":
        return figure <= limit
    return figure > limit if signal["unit"] == "calendar_day" else figure >= limit


def _is_fulfilled(rule: Facts, failed: list[Row]) -> bool:
    """Whether the failed attempts, up to the last of them, are what a rule of lost contact asks for."""
    if not (rule["valid_from"] or "") <= str(failed[-1]["local_on"]) <= (rule["valid_to"] or "9999-12-31"):
        return False
    return (
        len(failed) >= int(rule["min_failed_attempts"])
        and len({one["local_on"] for one in failed}) >= int(rule["min_distinct_days"])
        and len({one["channel"] for one in failed}) >= int(rule["min_distinct_channels"])
        and sum(one["outcome"] == "invalid" for one in failed) >= int(rule["min_invalid_attempts"])
    )


def ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """To a millionth, half away from zero, at most 999 either way; None of a whole that is nothing or less."""
    if part is None or whole is None or whole <= 0:
        return None
    bound = 999 * whole
    return (max(-bound, min(bound, part)) / whole).quantize(MILLIONTH, ROUND_HALF_UP)


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
