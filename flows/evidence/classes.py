"""The risk class of each item of a debtor on a day, carried from day to day under the rows of the policy, with what it rests on.

From the contract and decisions 0040 to 0048, in plain Python: an item is non-performing until the cure rule holds, pulled by the
debtor's other claims, restructured and under observation. Nothing is shared with the SQL of the marts.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from flows.evidence.lives import Day, Item, days_of
from flows.evidence.recompute import ONE_DAY, Row, as_amount, hundredths

SeedRow = Mapping[str, Any]
Seeds = Mapping[str, Sequence[SeedRow]]
Facts = dict[str, Any]
CURE = "CURE_PAID"  # no row of the rules: what an item waits for stands in its treatment
HELD = 3  # class of an item that is not cured yet


@dataclass
class States:
    """The days on which each state of an item holds, and what was written down on the way."""

    material: dict[date, int] = field(default_factory=dict)  # how many days without a break, by day
    observed: set[date] = field(default_factory=set)
    observation: Facts | None = None
    own: set[date] = field(default_factory=set)
    pulled: dict[date, list[str]] = field(default_factory=dict)  # day -> rules
    held: set[date] = field(default_factory=set)
    cure: dict[date, Facts] = field(default_factory=dict)  # of the days asked for
    own_since: dict[date, Facts] = field(default_factory=dict)


class Rules:
    """The rows of a policy under one regime: rules by asset class, segment and security, and how each is treated."""

    def __init__(self, seeds: Seeds, regime: str) -> None:
        self.seeds, self.regime = seeds, regime
        self._treatment = {
            (row["asset_class"], row["segment"]): row for row in seeds["risk_treatment"] if row["regime"] == regime
        }
        self._sets: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in seeds["risk_rule_set"]:
            if row["regime"] == regime:
                self._sets[row["asset_class"], row["segment"]].add(row["rule_set"])
        self._of: dict[tuple[str, str], list[SeedRow]] = {}
        self._answered: dict[tuple[str, str, str | None], list[SeedRow]] = {}
        self.materiality = {row["segment"]: row for row in seeds["materiality_threshold"] if row["regime"] == regime}

    def treatment(self, at: Day) -> SeedRow:
        return self._treatment[at.asset_class, at.segment]

    def is_retail(self, at: Day) -> bool:
        return self.treatment(at)["is_retail"] == "true"

    def all_for(self, at: Day, day: date) -> list[SeedRow]:
        """Rules that are for an item on a day, those too that the ledgers cannot answer."""
        key = at.asset_class, at.segment
        if key not in self._of:
            scopes = ("all",) if self.is_retail(at) else ("all", "non_retail")
            self._of[key] = [
                row
                for row in self.seeds["risk_class_rule"]
                if row["rule_set"] in self._sets[key] and row["asset_scope"] in scopes
            ]
        return _valid(self._of[key], day)

    def rules(self, at: Day, day: date) -> list[SeedRow]:
        """Rules that are for an item on a day, and that the ledgers can answer."""
        key = at.asset_class, at.segment, at.security
        if key not in self._answered:
            self.all_for(at, day)
            security = ("", None, at.security)
            rows = self._of[key[:2]]
            self._answered[key] = [r for r in rows if r["evaluated"] != "no" and r["security"] in security]
        return _valid(self._answered[key], day)


class Debtor:
    """All items of a debtor, their states carried from day to day; `asked` are the days of which reasons are kept."""

    def __init__(
        self, items: Sequence[Item], rules: Rules, technical: Sequence[Row], until: date, asked: Sequence[date]
    ):
        self.items, self.rules, self.until, self.asked = list(items), rules, until, set(asked)
        self.technical: dict[str, list[Row]] = defaultdict(list)
        for pause in technical:
            if pause["reason"] == "technical":
                self.technical[pause["loan_id"]].append(pause)
        self.states = [States() for _ in self.items]
        self.impaired = {day for item in self.items for day, at in item.days.items() if at.is_impaired}
        self.in_arrears = {day for item in self.items for day, at in item.days.items() if at.overdue > 0}
        for item, states in zip(self.items, self.states, strict=True):
            self._observe(item, states)
            self._count_material_days(item, states)
            states.own, states.own_since = self._non_performing(item, states)
        for day in sorted(set().union(*(states.own for states in self.states))):
            self._pull(day)
        for item, states in zip(self.items, self.states, strict=True):
            states.held, states.cure = self._non_performing(item, states)

    # States

    def _count_material_days(self, item: Item, states: States) -> None:
        """Consecutive days with arrears above the amount and above the share: of the item, or of all that the debtor owes."""
        if not self.rules.materiality:
            return
        currency = item.row["currency"]
        for day, at in item.days.items():
            limit = self.rules.materiality.get(at.segment)
            if limit is None:
                continue
            alike = [o for o in self.items if o.row["currency"] == currency and day in o.days]
            alike = [o for o in alike if o.days[day].segment == at.segment]
            together = alike if limit["judged_on"] == "debtor" else [item]
            overdue = sum(one.days[day].overdue for one in together)
            balance = sum(one.days[day].balance for one in together)
            least = hundredths(Decimal(limit["absolute_amount"])) if limit["currency"] == currency else 0
            if overdue > least and overdue > Decimal(limit["relative_share"]) * balance:
                states.material[day] = states.material.get(day - ONE_DAY, 0) + 1

    def _observe(self, item: Item, states: States) -> None:
        restructured_on = item.row.get("restructured_on")
        at = next((at for day, at in item.days.items() if restructured_on and day >= restructured_on), None)
        if at is None or restructured_on > self.until:
            return
        terms = self.rules.treatment(at)
        months, needed = int(terms["observation_months"]), int(terms["observation_periods"])
        starts_on = next((due_on for due_on, _ in item.dues if due_on > restructured_on), None)
        begins_on, missed, ended_on = starts_on, [], None
        for day in days_of(restructured_on, self.until):
            at = item.days.get(day)
            if at is None:
                continue
            if starts_on and day >= starts_on and at.days > 0 and at.unpaid_since is not None:
                begins_on = max(at.unpaid_since, starts_on)
                if begins_on not in missed:
                    missed.append(begins_on)
            elif begins_on and day >= months_later(begins_on, months) and len(_passed(item, begins_on, day)) >= needed:
                ended_on = day
                break
            states.observed.add(day)
        last = ended_on or self.until
        states.observation = {
            "restructured_on": restructured_on,
            "starts_on": starts_on,
            "missed": missed,
            "begins_on": begins_on,
            "months": months,
            "months_end_on": months_later(begins_on, months) if begins_on else None,
            "periods": needed,
            "passed": _passed(item, begins_on, last) if begins_on else [],
            "ended_on": ended_on,
            "treatment": terms,
        }

    def holding(self, item: Item, at: Day, states: States, day: date) -> Iterator[tuple[SeedRow, int]]:
        """Rules that hold for an item by itself, each with the figure that makes it hold."""
        for rule in self.rules.rules(at, day):
            figure = self._figure(rule, item, at, states, day)
            if figure is not None and holds(Decimal(figure), rule["operator"], Decimal(rule["threshold"])):
                yield rule, figure

    def _figure(self, rule: SeedRow, item: Item, at: Day, states: States, day: date) -> int | None:
        """What a rule looks at; None where it is about other debts, or about something that did not happen."""
        match rule["trigger"]:
            case "days_past_due":
                by = {"as_agreed": at.days, "include_due_date": at.days_with, "exclude_due_date": at.days_after}
                return by[rule["day_count"]]
            case "material_days_past_due":
                return states.material.get(day, 0)
            case "advance_days":
                return at.days_out
            case "technical_overdue_days":
                return at.days if self.technical_pause(item, at) else None
            case "credit_impaired_flag":
                return int(at.is_impaired)
            case "restructured_flag":
                return int(day in states.observed)
            case "restructured_still_overdue_flag":
                return int(day in states.observed and at.days > 0)
            case _:
                return None

    def looked_at(self, n: int, day: date) -> list[Facts]:
        """Every rule for an item that the ledgers can answer, with its figure, and whether it holds or an exception lifts it."""
        item, states = self.items[n], self.states[n]
        at, floors = item.days[day], {one["rule_id"]: one for one in self.floors(n, day)}
        lifts = {rule["lifts_rule"]: rule["rule_id"] for rule, _ in self.holding(item, at, states, day)}
        found = []
        for rule in sorted(self.rules.rules(at, day), key=lambda rule: str(rule["rule_id"])):
            floor = floors.get(rule["rule_id"])
            figure: Any = floor["figure"] if floor else self._figure(rule, item, at, states, day)
            if floor is None and rule["trigger"] == "debtor_npl_flag":
                figure = 0
            found.append(
                {
                    "rule_id": rule["rule_id"],
                    "floor_class": int(rule["floor_class"]),
                    "rule": rule,
                    "figure": figure,
                    "holds": floor is not None,
                    "lifted_by": lifts.get(rule["rule_id"]),
                    "pulled_by": floor["pulled_by"] if floor else [],
                }
            )
        return found

    def technical_pause(self, item: Item, at: Day) -> Row | None:
        """A technical pause in force on the due date or the first day past due; only loans have pauses."""
        if item.item_type != "loan" or at.days <= 0 or at.unpaid_since is None:
            return None
        first_late = at.unpaid_since if at.includes_due_date else at.unpaid_since + ONE_DAY
        for pause in self.technical[item.row["loan_id"]]:
            if pause["from_on"] <= first_late and (pause["to_on"] or date.max) > at.unpaid_since:
                return pause
        return None

    def _non_performing(self, item: Item, states: States) -> tuple[set[date], dict[date, Facts]]:
        """The days on which the item is non-performing and not cured yet; and, of the days asked for, since when and why."""
        found: set[date] = set()
        reasons: dict[date, Facts] = {}
        since: date | None = None
        why: list[str] = []
        last_breach_on = clean_since = terms = None
        for day, at in item.days.items():
            now = self.rules.treatment(at)
            broken = [r["rule_id"] for r, _ in self.holding(item, at, states, day) if int(r["floor_class"]) >= HELD]
            broken += states.pulled.get(day, [])
            in_debtors_arrears = now["cure_scope"] == "debtor" and day in self.in_arrears
            if broken or at.overdue > 0 or in_debtors_arrears:
                clean_since = None
            elif clean_since is None or day - ONE_DAY not in item.days:
                clean_since, terms = day, now  # the terms of cure are those of the first clean day
            if broken:
                since, why, last_breach_on = since or day, why or broken, day
            elif since and clean_since and terms is not None and self._is_cured(item, clean_since, terms, day):
                since, why = None, []
            if since:
                found.add(day)
                if day in self.asked:
                    waits = terms if clean_since and terms is not None else now
                    reasons[day] = {
                        "since": since,
                        "because": why,
                        "last_breach_on": last_breach_on,
                        "clean_since": clean_since,
                        "months": int(waits["cure_months"]),
                        "months_end_on": months_later(clean_since, int(waits["cure_months"])) if clean_since else None,
                        "periods": int(waits["cure_periods"]),
                        "passed": _passed(item, clean_since, day) if clean_since else [],
                        "scope": waits["cure_scope"],
                        "needs_unimpaired_debtor": waits["cure_needs_unimpaired_debtor"] == "true",
                        "is_debtor_impaired": day in self.impaired,
                        "treatment": waits,
                    }
        return found, reasons

    def _is_cured(self, item: Item, clean_since: date, terms: SeedRow, day: date) -> bool:
        return (
            day >= months_later(clean_since, int(terms["cure_months"]))
            and len(_passed(item, clean_since, day)) >= int(terms["cure_periods"])
            and not (terms["cure_needs_unimpaired_debtor"] == "true" and day in self.impaired)
        )

    def claims(self, day: date) -> list[tuple[Item, States, Day]]:
        """Claims that are not retail: those that may pull and be pulled."""
        return [
            (item, states, item.days[day])
            for item, states in zip(self.items, self.states, strict=True)
            if day in item.days and not self.rules.is_retail(item.days[day])
        ]

    def shares(self, day: date) -> list[Facts]:
        """By currency: the debtor's claims, and those of them that are non-performing by themselves."""
        found: dict[str, Facts] = {}
        for item, states, at in self.claims(day):
            empty = {"currency": item.row["currency"], "balance": 0, "non_performing": 0, "items": []}
            one = found.setdefault(item.row["currency"], empty)
            one["balance"] += at.balance
            if day in states.own:
                one["non_performing"] += at.balance
                one["items"].append(item.ident[1])
        return [found[currency] for currency in sorted(found) if found[currency]["items"]]

    def _pull(self, day: date) -> None:
        shares = self.shares(day)
        for _, states, at in self.claims(day):
            for rule in self.rules.rules(at, day):
                if rule["trigger"] == "debtor_npl_share" and any(pulls(rule, one) for one in shares):
                    states.pulled.setdefault(day, []).append(rule["rule_id"])

    # Classes

    def floors(self, n: int, day: date) -> list[Facts]:
        """Every rule that holds on a day, by id: its row, the figure that makes it hold, and who pulled."""
        item, states = self.items[n], self.states[n]
        at = item.days[day]
        held = list(self.holding(item, at, states, day))
        lifted = {rule["lifts_rule"] for rule, _ in held if rule["lifts_rule"]}
        found = [_floor(rule, figure) for rule, figure in held if rule["rule_id"] not in lifted]
        if not self.rules.is_retail(at):
            shares = self.shares(day)
            others = sorted(o.ident[1] for o, s, _ in self.claims(day) if o is not item and day in s.own)
            for rule in self.rules.rules(at, day):
                if rule["trigger"] == "debtor_npl_share" and day not in states.own:
                    by = [one for one in shares if pulls(rule, one)]
                    if by:
                        found.append(_floor(rule, _share(by[0]), [name for one in by for name in one["items"]]))
                if rule["trigger"] == "debtor_npl_flag" and others:
                    found.append(_floor(rule, 1, others))
        worst = max((one["floor_class"] for one in found), default=1)
        if self.rules.treatment(at)["upgrade"] == "cure_rule" and day in states.held and worst < HELD:
            found.append({"rule_id": CURE, "floor_class": HELD, "rule": None, "figure": None, "pulled_by": []})
        return sorted(found, key=lambda one: one["rule_id"])

    def by_rules(self, n: int, day: date) -> int:
        """The class that the rules say: the worst floor."""
        return max((one["floor_class"] for one in self.floors(n, day)), default=1)


@dataclass
class Classified:
    """The class of each item on a day, with adjustments and what a class provides for."""

    debtor: Debtor
    adjustments: Sequence[Row]
    rates: Mapping[int, Decimal]
    day: date

    @cached_property
    def before(self) -> date:
        return self.day.replace(day=1) - ONE_DAY

    def adjustment(self, item: Item, day: date) -> Row | None:
        """The adjustment that holds on a day: of several the one that began last, then the last by id."""
        newest = {row["adjustment_id"]: row for row in self.adjustments}.values()
        mine = [row for row in newest if item.item_type == "loan" and row["loan_id"] == item.ident[1]]
        holding = [row for row in mine if row["valid_from"] <= day <= row["valid_until"]]
        return max(holding, key=lambda row: (row["valid_from"], row["adjustment_id"]), default=None)

    def risk_class(self, n: int, day: date) -> int:
        adjusted = self.adjustment(self.debtor.items[n], day)
        return int(adjusted["risk_class"]) if adjusted else self.debtor.by_rules(n, day)

    def row(self, n: int) -> Facts:
        """The columns of `risk_classification` that follow from the ledgers and the policy."""
        item = self.debtor.items[n]
        at, floors = item.days[self.day], self.debtor.floors(n, self.day)
        by_rules = max((one["floor_class"] for one in floors), default=1)
        adjusted, risk_class = self.adjustment(item, self.day), self.risk_class(n, self.day)
        balance, rate = as_amount(at.balance), self.rates[risk_class]
        return {
            "customer_id": item.row["customer_id"],
            "segment": at.segment,
            "asset_class": at.asset_class,
            "currency": item.row["currency"],
            "balance": balance,
            "days_past_due": at.days,
            "class_by_rules": by_rules,
            "adjustment_id": adjusted and adjusted["adjustment_id"],
            "risk_class": risk_class,
            "rules_fired": ", ".join(one["rule_id"] for one in floors),
            "deciding_rule": min((o["rule_id"] for o in floors if o["floor_class"] == by_rules), default=None),
            "previous_class": self.risk_class(n, self.before) if self.before in item.days else None,
            "provision_rate": rate,
            "provision_amount": (balance * rate).quantize(Decimal("0.01"), ROUND_HALF_UP),
        }


def _valid(rows: list[SeedRow], day: date) -> list[SeedRow]:
    """Rows in force on a day."""
    if not any(row["valid_from"] or row["valid_to"] for row in rows):
        return rows
    text = str(day)
    return [row for row in rows if (row["valid_from"] or "") <= text <= (row["valid_to"] or "9999-12-31")]


def pulls(rule: SeedRow, share: Facts) -> bool:
    """Whether what is non-performing of a currency is more than the rule's share; where that is 0, any claim pulls."""
    threshold = Decimal(rule["threshold"])
    return threshold == 0 or share["non_performing"] > threshold * share["balance"]


def _share(one: Facts) -> Decimal | None:
    if not one["balance"]:
        return None
    return (Decimal(one["non_performing"]) / one["balance"]).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _floor(rule: SeedRow, figure: Any, pulled_by: Sequence[str] = ()) -> Facts:
    return {
        "rule_id": rule["rule_id"],
        "floor_class": int(rule["floor_class"]),
        "rule": rule,
        "figure": figure,
        "pulled_by": list(pulled_by),
    }


def _passed(item: Item, since: date, day: date) -> list[date]:
    """Due dates after a day that have passed by another; whether each was paid the days past due say."""
    return [due_on for due_on, passed_on in item.dues if due_on > since and passed_on <= day]


def holds(figure: Decimal, operator: str, threshold: Decimal) -> bool:
    """Whether a figure compares so with a threshold of a seed."""
    return {
        "<": figure < threshold,
        "<=": figure <= threshold,
        "=": figure == threshold,
        ">=": figure >= threshold,
        ">": figure > threshold,
    }[operator]


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
