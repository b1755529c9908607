"""Independent re-performance of collection, in plain Python, from the contract and the seeds alone.

An auditor would do it like this: lay out what each customer owes on the day, read his contacts in the order of time, and write
down whether he can be reached, what the rules leave for tomorrow, what came of each promise, and what was paid after a
contact. There is no SQL here; days and arrears are those of the re-performance of loans and advances.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from flows.evidence.recompute import (
    CN_M_STAGE,
    ONE_DAY,
    Calendar,
    Ledgers,
    Products,
    Row,
    bucket_of,
    known,
    loan_files,
    periods,
    spans,
    versions,
)
from reperformance.conduct import KIND_TELLS, SPOKE, THIRD_PERSONS
from reperformance.histories import reaged_days
from reperformance.portfolio import share

CHANNELS = ("phone", "sms", "email", "letter", "visit", "app", "social", "legal")
FOREVER = date(9999, 12, 31)
HORIZONS = (7, 30)


@dataclass(frozen=True)
class Contact:
    """An attempt by the customer's clock."""

    row: Row
    at: datetime
    party: str | None

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def by_lender(self) -> bool:
        return self.row["initiated_by"] != "customer"

    @property
    def with_debtor(self) -> bool:
        return self.party in (None, "debtor")

    @property
    def spoke(self) -> bool:
        return self.row["outcome"] in SPOKE

    @property
    def reached(self) -> bool:
        """The debtor himself spoke: he was called and answered, or he called."""
        return self.with_debtor and (self.spoke or not self.by_lender)

    @property
    def failed(self) -> bool:
        return self.with_debtor and self.by_lender and self.row["outcome"] in ("no_answer", "invalid")

    @property
    def said_no(self) -> bool:
        return self.row["outcome"] == "refused" or bool(self.row["stop_requested"])

    @property
    def step(self) -> str | None:
        """The step of the ladder that it was; none where the means is no step."""
        if self.row["agency_id"]:
            return "AGENCY"
        if self.party in ("contact", "employer"):
            return {"contact": "EMERGENCY_CONTACT", "employer": "EMPLOYER"}[self.party]
        means = {"phone": "PHONE", "sms": "SMS", "email": "EMAIL", "social": "SOCIAL_CLUE", "legal": "COURT"}
        means |= {"visit": "VISIT", "letter": "LETTER"}
        return means.get(self.row["channel"])


def read_contacts(
    attempts: Iterable[Row], zones: Mapping[str, str], kinds: Mapping[str, str], as_of: date
) -> dict[str, list[Contact]]:
    """The contacts of each customer in the order of time. `attempted_at` is in UTC, `kinds` is by contact point."""
    found: dict[str, list[Contact]] = defaultdict(list)
    clocks = {name: ZoneInfo(name) for name in set(zones.values())}
    for row in sorted(attempts, key=lambda row: (row["attempted_at"], row["attempt_id"])):
        at = row["attempted_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(clocks[zones[row["customer_id"]]])
        kind = kinds.get(row["contact_point_id"])
        if at.date() <= as_of:
            party = row["party"] or (KIND_TELLS.get(kind, "debtor") if kind else None)
            found[row["customer_id"]].append(Contact(row, at, party))
    return found


def since_reached(contacts: Sequence[Contact]) -> list[Contact]:
    last = max((n for n, one in enumerate(contacts) if one.reached), default=-1)
    return list(contacts[last + 1 :])


# ------------------------------------------------------------------------------------------------ promises


def promises(contacts: Mapping[str, list[Contact]], ledgers: Ledgers, as_of: date) -> dict[str, Row]:
    rows = known(ledgers)
    loans: dict[str, list[Row]] = defaultdict(list)
    for loan in rows["loans"]:
        if loan["disbursed_on"] <= as_of:
            loans[loan["customer_id"]].append(loan)
    payments = {row["repayment_id"]: row for row in rows["repayments"] if row["kind"] == "payment"}
    left = {key: row["amount"] for key, row in payments.items()}
    for row in rows["repayments"]:
        if row["kind"] == "reversal" and row["reverses_id"] in left and row["paid_on"] <= as_of:
            left[row["reverses_id"]] -= row["amount"]
    of_loan: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for key, row in payments.items():
        if row["paid_on"] <= as_of:
            of_loan[row["loan_id"]].append((row["paid_on"], left[key]))
    found = {}
    for customer, mine in contacts.items():
        for contact in mine:
            until, promised = contact.row["promised_on"], contact.row["promised_amount"]
            if contact.row["outcome"] != "promised" and until is None:
                continue
            about = [loan for loan in loans[customer] if contact.row["loan_id"] in (None, loan["loan_id"])]
            currencies = {loan["currency"] for loan in about}
            currency = currencies.pop() if len(currencies) == 1 else "CNY"
            paid = sum(
                (
                    amount
                    for loan in about
                    if loan["currency"] == currency
                    for day, amount in of_loan[loan["loan_id"]]
                    if contact.day <= day <= (until or as_of)
                ),
                Decimal(0),
            )
            is_over = until is not None and until <= as_of
            if paid > 0 and paid >= (promised or 0):
                status = "kept"
            elif not is_over:
                status = "open"
            else:
                status = "partly_kept" if paid > 0 else "broken"
            found[contact.row["attempt_id"]] = {
                "customer_id": customer,
                "loan_id": contact.row["loan_id"],
                "currency": currency,
                "made_on": contact.day,
                "promised_on": until,
                "promised_amount": promised,
                "paid_amount": paid,
                "status": status,
            }
    return found


# ------------------------------------------------------------------------------------------------ who can be reached


@dataclass(frozen=True)
class Lost:
    since: date | None = None
    rule: str | None = None
    attempts: str | None = None
    found_on: date | None = None  # the end of the last spell, where he is not lost again


def lost_contact(contacts: Sequence[Contact], rules: Sequence[Row]) -> Lost:
    """Each rule asks for a number of failed attempts, of days, of channels and of invalid ones, since he last spoke."""
    failures: list[Contact] = []
    lost = Lost()
    for contact in contacts:
        if contact.reached:
            lost = Lost(found_on=contact.day) if lost.since else lost
            failures = []
        elif contact.failed:
            failures.append(contact)
            fulfilled = [
                rule["lost_rule"]
                for rule in sorted(rules, key=lambda rule: int(rule["rule_order"]))
                if _holds(rule, contact.day)
                and len(failures) >= int(rule["min_failed_attempts"])
                and len({one.day for one in failures}) >= int(rule["min_distinct_days"])
                and len({one.row["channel"] for one in failures}) >= int(rule["min_distinct_channels"])
                and sum(one.row["outcome"] == "invalid" for one in failures) >= int(rule["min_invalid_attempts"])
            ]
            if fulfilled and not lost.since:
                lost = Lost(contact.day, fulfilled[0], " ".join(one.row["attempt_id"] for one in failures))
    return lost


def _holds(row: Row, day: date) -> bool:
    first, last = row["valid_from"] or "0001-01-01", row["valid_to"] or "9999-12-31"
    return date.fromisoformat(first) <= day <= date.fromisoformat(last)


def valid_points(points: Iterable[Row], day: date) -> list[Row]:
    """`valid_to` is the first day on which a point is no longer valid."""
    return [one for one in points if (one["valid_from"] or date.min) <= day < (one["valid_to"] or FOREVER)]


def why_not_used(point: Row, contacts: Iterable[Contact]) -> str | None:
    """Why a contact point is not used: its last try proved it invalid, consent is denied, or somebody there said no."""
    tried = [one for one in contacts if one.row["contact_point_id"] == point["contact_point_id"]]
    if tried and tried[-1].row["outcome"] == "invalid":
        return "contact_point_invalid"
    if point["consented"] is False:
        return "no_consent"
    return "refused" if any(one.said_no and one.party in THIRD_PERSONS for one in tried) else None


@dataclass
class Item:
    """Something overdue."""

    kind: str
    ident: str
    currency: str
    days: int
    amount: Decimal
    is_to_be_collected: bool
    is_card: bool
    held_because: str | None
    had_plan: bool = False


@dataclass(frozen=True)
class Seeds:
    rules: Sequence[Row]  # of the jurisdictions chosen
    lost_rules: Sequence[Row]
    channels: Sequence[Row]
    agencies: Sequence[Row]
    parts_of_day: Sequence[Row]
    treatments: Sequence[Row]
    treatment_rules: Sequence[Row]
    rates: Mapping[str, Decimal]  # what a unit of each currency is worth in the reporting currency

    def of(self, segment: str) -> Seeds:
        """With the rules that bind collection from a customer of a segment."""
        return replace(self, rules=[rule for rule in self.rules if rule["segment"] in ("any", segment)])


def overdue_items(
    ledgers: Ledgers, loans: Mapping[str, Row], advances: Mapping[str, Row], in_quarantine: set[str], as_of: date
) -> dict[str, list[Item]]:
    """What each customer has overdue, from the recomputed loans and advances."""
    rows, tomorrow = known(ledgers), as_of + ONE_DAY
    cards = {row["product_id"] for row in rows["products"] if row["asset_class"] == "card"}
    paused = {
        row["loan_id"]
        for row in rows["pauses"]
        if row["from_on"] <= tomorrow and (row["to_on"] is None or row["to_on"] > tomorrow)
    }
    found: dict[str, list[Item]] = defaultdict(list)
    for ident, row in loans.items():
        if row["days_past_due"] > 0:
            held = "paused" if ident in paused else "repayment_in_quarantine" if ident in in_quarantine else None
            collected, is_card = row["delinquent_days"] > 0, row["product_id"] in cards
            owed = (row["currency"], row["days_past_due"], row["overdue_amount"])
            had_plan = (row["plan_no"] or 1) > 1 or bool(row["is_restructured"])
            found[row["customer_id"]].append(Item("loan", ident, *owed, collected, is_card, held, had_plan))
    for ident, row in advances.items():
        if row["days_past_due"] > 0:
            owed = (row["currency"], row["days_past_due"], row["outstanding"])
            found[row["customer_id"]].append(Item("advance", ident, *owed, True, row["kind"] == "card", None))
    return found


def contactability(
    segment: str,
    items: Sequence[Item],
    contacts: Sequence[Contact],
    points: Sequence[Row],
    promised: Iterable[Row],
    seeds: Seeds,
    as_of: date,
) -> Row:
    ours = [one for one in contacts if one.by_lender]
    by_channel = {means: [one for one in ours if one.row["channel"] == means] for means in CHANNELS}
    lost = lost_contact(contacts, seeds.lost_rules)
    usable = [why_not_used(point, contacts) for point in valid_points(points, as_of + ONE_DAY)]
    treated = treatment(segment, items, contacts, promised, seeds, as_of)
    step = next_step(treated, items, contacts, points, seeds, as_of)
    return {
        "days_past_due": max(item.days for item in items),
        "attempts": len(ours),
        "reached": sum(one.reached for one in ours),
        **{f"attempts_{means}": len(some) for means, some in by_channel.items()},
        **{f"reached_{means}": sum(one.reached for one in some) for means, some in by_channel.items()},
        "last_reached_at": max((one.at.replace(tzinfo=None) for one in contacts if one.reached), default=None),
        "valid_contact_points": sum(why != "contact_point_invalid" for why in usable),
        "is_lost_contact": lost.since is not None,
        "lost_since": lost.since,
        "lost_rule": lost.rule,
        "lost_attempt_ids": lost.attempts,
        "last_found_on": lost.found_on,
        "next_step": step["step"] if step else None,
    }


# ------------------------------------------------------------------------------------------------ the worklist


def item_to_speak_of(items: Iterable[Item]) -> Item:
    """One that is to be collected, and not held, and of those the one with most days past due."""
    return min(
        items,
        key=lambda item: (
            not item.is_to_be_collected,
            item.held_because is not None,
            -item.days,
            item.kind,
            item.ident,
        ),
    )


def treatment(
    segment: str,
    items: Sequence[Item],
    contacts: Sequence[Contact],
    promised: Iterable[Row],
    seeds: Seeds,
    as_of: date,
) -> Row:
    """The last treatment in order that has begun, since when, and what follows if nothing but the days change."""
    tomorrow, worst = as_of + ONE_DAY, item_to_speak_of(items)
    late_from = as_of - timedelta(days=worst.days - 1)
    amounts = [(item.amount, seeds.rates.get(item.currency)) for item in items if item.is_to_be_collected]
    amount = None
    if amounts and all(rate is not None for _, rate in amounts):
        amount = sum((owed * rate for owed, rate in amounts), Decimal(0)).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    mine = [one for one in contacts if one.day >= late_from]
    spoken_on = min((one.day for one in mine if one.reached), default=None)
    lost_since = lost_contact(contacts, seeds.lost_rules).since
    broken = sorted(
        one["promised_on"]
        for one in promised
        if one["status"] in ("broken", "partly_kept") and one["promised_on"] >= late_from
    )
    open_until = min(
        (
            one["promised_on"]
            for one in promised
            if one["status"] == "open" and (one["promised_on"] or date.min) > as_of
        ),
        default=None,
    )
    order = {row["treatment"]: row for row in seeds.treatments}
    begun: list[Row] = []
    for rule in seeds.treatment_rules:
        days, needed, wanted = [late_from + timedelta(days=int(rule["days_from"]) - 1)], True, rule["after_step"]
        needed &= rule["segment"] in ("any", segment)
        needed &= not rule["amount_from"] or amount is None or amount >= Decimal(rule["amount_from"])
        needed &= not rule["amount_below"] or (amount is not None and amount < Decimal(rule["amount_below"]))
        for column, holds, since in (
            ("is_lost", lost_since is not None, lost_since),
            ("is_reached", spoken_on is not None, spoken_on),
            ("had_plan", worst.had_plan, None),
        ):
            needed &= rule[column] in ("", str(holds).lower())
            if rule[column] == "true" and since:
                days.append(since)
        if rule["broken_promises_from"]:
            times = int(rule["broken_promises_from"])
            needed &= len(broken) >= times
            days += broken[times - 1 : times]
        taken_on = min((one.day for one in mine if one.by_lender and one.step == wanted), default=None)
        if wanted:
            days.append((taken_on or tomorrow) + timedelta(days=int(rule["after_days"])))
        if open_until and order[rule["treatment"]]["waits_for_promise"] == "true":
            days.append(open_until + ONE_DAY)
        if needed:
            row = order[rule["treatment"]]
            is_open = bool(wanted) and taken_on is None
            begun.append({**rule, **row, "order": int(row["treatment_order"]), "from": max(days), "waits": is_open})
    chosen = min(
        (one for one in begun if one["from"] <= tomorrow and not one["waits"]),
        key=lambda one: (-one["order"], one["from"], one["treatment_rule"]),
    )
    following = min(
        (
            one
            for one in begun
            if one["order"] > chosen["order"]
            and not (one["waits"] and one["after_step"] not in chosen["steps"].split())
        ),
        key=lambda one: (one["from"], -one["order"], one["treatment_rule"]),
        default={},
    )
    return {
        "treatment": chosen["treatment"],
        "treatment_zh": chosen["label_zh"],
        "treatment_en": chosen["label_en"],
        "treatment_rule": chosen["treatment_rule"],
        "treatment_from": chosen["from"],
        "deadline_on": chosen["from"] + timedelta(days=int(chosen["deadline_days"])),
        "next_treatment": following.get("treatment"),
        "next_treatment_on": following.get("from"),
        "steps": chosen["steps"].split(),
    }


def next_step(
    treated: Row,
    items: Sequence[Item],
    contacts: Sequence[Contact],
    points: Sequence[Row],
    seeds: Seeds,
    as_of: date,
) -> Row | None:
    """The allowed step of the treatment that had the fewest whole rounds since it began, as it names them; with its hours."""
    channels = {row["channel_code"]: row for row in seeds.channels if row["ladder_step"]}
    best: tuple[int, Row] | None = None
    for code in treated["steps"]:
        if code == "AGENCY" and not seeds.agencies:
            continue
        step = channels[code]
        how = _allowed(step, items, contacts, points, seeds, as_of)
        if how is not None:
            times = sum(one.by_lender and one.step == code and one.day >= treated["treatment_from"] for one in contacts)
            rounds = times // int(step["attempts_a_round"])
            if best is None or rounds < best[0]:
                best = (rounds, how)
    return best[1] if best else None


def _allowed(
    step: Row, items: Sequence[Item], contacts: Sequence[Contact], points: Sequence[Row], seeds: Seeds, as_of: date
) -> Row | None:
    """Whom to contact, where and when tomorrow; None where a rule forbids the step or what it needs is missing."""
    tomorrow, means, party = as_of + ONE_DAY, step["channel"], step["party"]
    about = {"debtor": ("debtor", "any"), "authority": ("any",)}.get(party, ("third_person", "any"))
    rules: dict[str, list[Row]] = defaultdict(list)
    for rule in seeds.rules:
        is_about = rule["party"] in about and (rule["channel"] == "all" or means in rule["channel"].split("|"))
        if is_about and _holds(rule, tomorrow):
            rules[rule["metric"]].append(rule)
    is_lost = lost_contact(contacts, seeds.lost_rules).since is not None
    if max(item.days for item in items) < int(step["min_days_past_due"]):
        return None
    if not is_lost and (step["only_when_lost"] == "true" or rules["lost_contact_flag"]):
        return None
    is_of_a_card = party != "authority" and any(item.is_card for item in items)
    if is_of_a_card and any(party not in rule["limit_value"].split("|") for rule in rules["party_in"]):
        return None
    if step["channel_code"] == "AGENCY" and not any(_usable_agencies(seeds, tomorrow)):
        return None
    said_stop = any(one.with_debtor and one.row["stop_requested"] and one.row["channel"] == means for one in contacts)
    if said_stop and rules["messages_after_stop"]:
        return None
    said_no = (one.said_no and one.party == party and one.row["contact_point_id"] is None for one in contacts)
    if party in ("contact", "employer") and any(said_no):
        return None
    if means == "phone" and party == "debtor":
        calls = [
            one
            for one in contacts
            if one.by_lender and one.with_debtor and one.row["channel"] == "phone" and one.row["outcome"] != "invalid"
        ]
        in_window: dict[str | None, int] = defaultdict(int)
        for one in calls:
            in_window[one.row["loan_id"]] += one.day > tomorrow - timedelta(days=7)
        if any(max(in_window.values(), default=0) >= int(rule["limit_value"]) for rule in rules["calls"]):
            return None
        talks = [one.day for one in calls if one.spoke]
        if talks and any(
            (tomorrow - max(talks)).days < int(rule["limit_value"]) for rule in rules["days_since_conversation"]
        ):
            return None
    hours = None
    if step["quiet_hours_apply"] == "true":
        hours = "00:00", "24:00"
        for rule in rules["local_time"]:
            opens, closes = rule["window_start"], rule["window_end"]
            if rule["operator"] == "not_in":
                opens, closes = closes, opens
            hours = max(hours[0], opens), min(hours[1], closes)
        if hours[0] >= hours[1]:
            return None
    point = None
    if kind := step["contact_point_kind"]:
        of_kind = [one for one in points if one["kind"] == kind]
        usable = [
            one["contact_point_id"] for one in valid_points(of_kind, tomorrow) if why_not_used(one, contacts) is None
        ]
        # who never had a number there is called at the one in his file, and written to and visited at his contract's address
        if not usable and (kind not in ("phone", "address") or of_kind):
            return None
        point = min(usable, default=None)
    return {
        "step": step["channel_code"],
        "channel": means,
        "party": party,
        "contact_point_id": point,
        "allowed_from": hours and hours[0],
        "allowed_to": hours and hours[1],
        **_time_of_day(party, since_reached(contacts), hours if means == "phone" else None, seeds.parts_of_day),
    }


def _usable_agencies(seeds: Seeds, day: date) -> Iterator[str]:
    """Those on the published list, evaluated and inspected within the months that the rules set."""
    limits = {rule["metric"]: int(rule["limit_value"]) for rule in seeds.rules if rule["channel"] == "agency"}
    for agency in {row["agency_id"] for row in seeds.agencies}:
        facts = defaultdict(list)
        for row in seeds.agencies:
            if row["agency_id"] == agency and date.fromisoformat(row["valid_from"]) <= day:
                facts[row["fact"]].append(row)
        is_listed = any(_holds(row, day) for row in facts["listed"])
        in_time = all(
            not facts[fact] or _months_later(max(row["valid_from"] for row in facts[fact]), limits[metric]) >= day
            for fact, metric in (
                ("evaluated", "months_since_last_evaluation"),
                ("inspected", "months_since_last_inspection"),
            )
        )
        if is_listed and in_time:
            yield agency


def _months_later(day: str, months: int) -> date:
    first = date.fromisoformat(day)  # no date of the tests' seed is after the 28th
    return first.replace(year=first.year + (first.month - 1 + months) // 12, month=(first.month - 1 + months) % 12 + 1)


def _time_of_day(party: str, tried: Sequence[Contact], hours: tuple[str, str] | None, parts: Sequence[Row]) -> Row:
    """The part of day within the hours at which nobody spoke least often, the earlier one first."""
    in_vain = [
        one.at.strftime("%H:%M")
        for one in tried
        if one.by_lender and one.row["channel"] == "phone" and not one.spoke and (one.party or "debtor") == party
    ]
    best: tuple[int, Row] | None = None
    told = []
    for part in sorted(parts, key=lambda row: int(row["part_order"])) if hours else ():
        opens, closes = max(part["from_clock"], hours[0]), min(part["to_clock"], hours[1])
        if opens >= closes:
            continue
        times = sum(part["from_clock"] <= clock < part["to_clock"] for clock in in_vain)
        if times:
            told.append(f"{part['part_of_day']}: {times}")
        if best is None or times < best[0]:
            best = times, {"part_of_day": part["part_of_day"], "preferred_from": opens, "preferred_to": closes}
    nothing = dict.fromkeys(("part_of_day", "preferred_from", "preferred_to"))
    return {**(best[1] if best else nothing), "parts_of_day_tried": "; ".join(told) or None}


def worklist_row(
    segment: str,
    items: Sequence[Item],
    contacts: Sequence[Contact],
    points: Sequence[Row],
    promised: Iterable[Row],
    seeds: Seeds,
    as_of: date,
) -> Row | None:
    """None for a customer with nothing to collect. He is contacted about the worst item that is not held."""
    if not any(item.is_to_be_collected for item in items):
        return None
    promised = list(promised)
    worst = item_to_speak_of(items)
    treated = treatment(segment, items, contacts, promised, seeds, as_of)
    step = next_step(treated, items, contacts, points, seeds, as_of)
    held = worst.held_because or (None if step else "no_step_allowed")
    due_on = min(
        (
            one["promised_on"]
            for one in promised
            if one["status"] == "open" and (one["promised_on"] or date.min) > as_of
        ),
        default=None,
    )
    if held:
        reason = held
    elif lost_contact(contacts, seeds.lost_rules).since:
        reason = "lost_contact"
    elif due_on:
        reason = "promise_due" if due_on == as_of + ONE_DAY else "promise_open"
    else:
        is_broken = any(one["status"] in ("broken", "partly_kept") for one in promised)
        reason = "promise_broken" if is_broken else "overdue"
    blank = dict.fromkeys(
        (
            *("step", "channel", "party", "contact_point_id", "allowed_from", "allowed_to"),
            *("part_of_day", "preferred_from", "preferred_to", "parts_of_day_tried"),
        )
    )
    return {
        "work_on": as_of + ONE_DAY,
        "status": "held" if held else "due",
        **(blank if held else step or blank),
        "reason": reason,
        "promise_due_on": due_on,
        **{name: value for name, value in treated.items() if name != "steps"},
        "is_deadline_missed": treated["deadline_on"] <= as_of
        and not any(
            one.by_lender and one.step in treated["steps"] and one.day >= treated["treatment_from"] for one in contacts
        ),
        "item_type": worst.kind,
        "item_id": worst.ident,
        "currency": worst.currency,
        "overdue_amount": worst.amount,
        "days_past_due": worst.days,
    }


# ------------------------------------------------------------------------------------------------ contact and arrears


@dataclass(frozen=True)
class Episode:
    """A loan's days with days past due, from the first one to the first that has none."""

    loan: Row
    stages: dict[date, str]  # the M-stage of each of its days
    ended_on: date | None
    ended_by: str | None
    reaged_on: frozenset[date] = frozenset()  # the days on which a new plan took days away

    @property
    def entered_on(self) -> date:
        return min(self.stages)

    def last_day(self, as_of: date) -> date:
        """On the day of its end the debtor may have been called before he paid."""
        return self.ended_on or as_of


def episodes(ledgers: Ledgers, as_of: date, calendar: Calendar, since: date, lag_days: int = 1) -> list[Episode]:
    """Those with a day from `since` on."""
    rows, found = known(ledgers), []
    products, histories = Products(rows["products"]), versions(ledgers, "loans")
    for loan in loan_files(rows, histories):
        closed_on = loan.row["closed_on"]
        stages: dict[date, str] = {}
        if loan.row["disbursed_on"] > as_of:
            continue
        for first, following, days in spans(loan, periods(loan, as_of, products, lag_days), calendar):
            for n in range((following - first).days if days else 0):
                stages[first + timedelta(days=n)] = bucket_of(days + n, CN_M_STAGE)
        reaged = reaged_days(loan, as_of, products, calendar, lag_days) if stages else []
        late = sorted(day for day in stages if closed_on is None or day < closed_on)
        starts = [day for n, day in enumerate(late) if n == 0 or late[n - 1] != day - ONE_DAY]
        for start, following in pairwise([*starts, FOREVER]):
            mine = {day: stages[day] for day in late if start <= day < following}
            end = max(mine) + ONE_DAY
            ended_by = None if end > as_of else "closed" if end == closed_on and end in stages else "cured"
            if ended_by == "cured" and any(start < day <= end for day in reaged):
                ended_by = "re_aged"
            if max(mine) >= since:
                took = frozenset(day for day in reaged if start < day <= end)
                found.append(Episode(loan.row, mine, end if ended_by else None, ended_by, took))
    return found


def about_loans(contacts: Mapping[str, list[Contact]], loans: Iterable[Row]) -> dict[str, list[Contact]]:
    """The contacts with the debtor about each loan: those that name it, or no loan."""
    return {
        loan["loan_id"]: [
            one
            for one in contacts.get(loan["customer_id"], ())
            if one.with_debtor and one.row["loan_id"] in (None, loan["loan_id"])
        ]
        for loan in loans
    }


def contact_timing(made: Sequence[Episode], about: Mapping[str, list[Contact]], as_of: date) -> dict[str, Row]:
    found = {}
    for episode in made:
        first, last = episode.entered_on, episode.last_day(as_of)
        mine = [one for one in about[episode.loan["loan_id"]] if first <= one.day <= last]
        ours = [one for one in mine if one.by_lender]
        spoke = [one for one in mine if one.reached]
        found[f"{episode.loan['loan_id']} {first}"] = {
            "customer_id": episode.loan["customer_id"],
            "currency": episode.loan["currency"],
            "ended_on": episode.ended_on,
            "ended_by": episode.ended_by,
            "days_overdue": len(episode.stages),
            "attempts": len(ours),
            "reached": sum(one.reached for one in ours),
            "first_attempt_on": ours[0].day if ours else None,
            "first_attempt_channel": ours[0].row["channel"] if ours else None,
            "days_to_first_attempt": (ours[0].day - first).days if ours else None,
            "first_reached_on": spoke[0].day if spoke else None,
            "first_reached_channel": spoke[0].row["channel"] if spoke else None,
            "days_to_first_reached": (spoke[0].day - first).days if spoke else None,
        }
    return found


def contact_moves(
    made: Sequence[Episode], about: Mapping[str, list[Contact]], as_of: date, since: date
) -> dict[str, Row]:
    order = {code: n for n, (code, _, _) in enumerate(CN_M_STAGE)}
    found = {}
    for episode in made:
        stages = {**episode.stages}
        if episode.ended_on:
            stages[episode.ended_on] = "closed" if episode.ended_by == "closed" else "M0"
        before = "M0"
        for day, stage in sorted(stages.items()):
            if stage != before and day >= since:
                ours = [one for one in about[episode.loan["loan_id"]] if one.by_lender]
                row = {
                    "customer_id": episode.loan["customer_id"],
                    "currency": episode.loan["currency"],
                    "from_stage": before,
                    "to_stage": stage,
                    "is_worse": None if stage == "closed" else order[stage] > order[before],
                    "is_reaged": day in episode.reaged_on or (stage == "M0" and episode.ended_by == "re_aged"),
                }
                for what, some in (("attempts", ours), ("reached", [one for one in ours if one.reached])):
                    days = [(one.day - day).days for one in some]
                    row[f"{what}_on_day"] = days.count(0)
                    for width in HORIZONS:
                        row[f"{what}_{width}d_before"] = sum(-width <= n < 0 for n in days)
                        row[f"{what}_{width}d_after"] = sum(0 < n <= width for n in days)
                row |= {f"is_{width}d_over": day + timedelta(days=width) <= as_of for width in HORIZONS}
                found[f"{episode.loan['loan_id']} {day}"] = row
            before = stage
    return found


def contact_effect(
    made: Sequence[Episode],
    about: Mapping[str, list[Contact]],
    ledgers: Ledgers,
    rates: Mapping[str, Decimal],
    as_of: date,
    since: date,
) -> dict[str, Row]:
    """`rates` is what a unit of each currency is worth in the reporting currency."""
    rows = known(ledgers)
    kinds = {row["repayment_id"]: row["kind"] for row in rows["repayments"]}
    cash: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for row in rows["repayments"]:
        if row["kind"] == "payment":
            cash[row["loan_id"]].append((row["paid_on"], row["amount"]))
        elif row["kind"] == "reversal" and kinds[row["reverses_id"]] == "payment":
            cash[row["loan_id"]].append((row["paid_on"], -row["amount"]))
    order = {code: n for n, (code, _, _) in enumerate(CN_M_STAGE)}
    found: dict[str, Row] = {}
    customers: dict[str, set[str]] = defaultdict(set)
    exact: dict[str, Decimal] = defaultdict(Decimal)
    for episode in made:
        loan, first, last = episode.loan, episode.entered_on, episode.last_day(as_of)
        by_day: dict[tuple[date, str], list[Contact]] = defaultdict(list)
        for one in about[loan["loan_id"]]:
            if one.by_lender and max(first, since) <= one.day <= last:
                by_day[one.day, one.row["channel"]].append(one)
        units: dict[tuple[str, str, str], date] = {}
        for (day, channel), some in sorted(by_day.items()):
            result = "left_message" if any(one.row["outcome"] == "left_message" for one in some) else "not_reached"
            result = "reached" if any(one.reached for one in some) else result
            units.setdefault((channel, result, episode.stages[max(first, day - ONE_DAY)]), day)
        for (channel, result, stage), day in units.items():
            for horizon in HORIZONS:
                until = day + timedelta(days=horizon)
                is_over = until <= as_of
                is_cured = episode.ended_by == "cured" and episode.ended_on <= until
                is_reaged = episode.ended_by == "re_aged" and episode.ended_on <= until
                paid = max(Decimal(0), sum(amount for on, amount in cash[loan["loan_id"]] if day <= on <= until))
                for currency, rate in ((loan["currency"], Decimal(1)), ("ALL", rates[loan["currency"]])):
                    key = f"{channel} {result} {stage} {horizon} {currency}"
                    row = found.setdefault(key, {"m_stage_order": order[stage], **dict.fromkeys(COUNTS, 0)})
                    row["episodes"] += 1
                    row["followed_episodes"] += is_over
                    row["cured_episodes"] += is_over and is_cured
                    row["reaged_episodes"] += is_over and is_reaged
                    row["paid_episodes"] += is_over and paid > 0
                    customers[key].add(loan["customer_id"])
                    exact[key] += paid * rate if is_over else 0
    for key, row in found.items():
        row["customers"] = len(customers[key])
        row["cure_rate"] = share(Decimal(row["cured_episodes"]), Decimal(row["followed_episodes"]))
        row["reage_rate"] = share(Decimal(row["reaged_episodes"]), Decimal(row["followed_episodes"]))
        row["paid_rate"] = share(Decimal(row["paid_episodes"]), Decimal(row["followed_episodes"]))
        row["paid_amount"] = exact[key].quantize(Decimal("0.01"), "ROUND_HALF_UP")
    return found


COUNTS = ("episodes", "followed_episodes", "cured_episodes", "reaged_episodes", "paid_episodes")
