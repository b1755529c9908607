"""Independent re-performance of `contact_breaches`, in plain Python, from the contract and the seeds alone.

An auditor would do it like this: take a customer's attempts in the order of time, read each one's hour off the clock of
his time zone, count, remember who refused and since when he was lost, and write down every rule that was broken. There is
no SQL here, and nothing is shared with the warehouse but the rules themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
Finding = tuple[str, str | None]  # status, figure

THIRD_PERSONS = ("contact", "employer", "third_party")
MESSAGES = ("sms", "email", "app")
WRITTEN = (*MESSAGES, "letter", "social")
SPOKE = ("reached", "promised", "refused")
AT_NIGHT_TOO = ("letter", "legal", "social")  # channels without quiet hours
KIND_TELLS = {"employer": "employer", "emergency_contact": "contact"}


@dataclass
class Customer:
    """What is remembered about one customer while his attempts go by."""

    effective: dict[tuple[str, date], int] = field(default_factory=lambda: defaultdict(int))
    visits: dict[tuple[str, date], int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[tuple[str, str], list[date]] = field(default_factory=lambda: defaultdict(list))
    talked: dict[tuple[str, str], date] = field(default_factory=dict)
    refused: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))
    after_refusal: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stopped: set[str] = field(default_factory=set)
    after_stop: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    failures: list[tuple[date, str, bool]] = field(default_factory=list)
    is_lost: bool = False


def breaches(
    attempts: Iterable[Row],
    customers: Mapping[str, str],
    segments: Mapping[str, str],
    points: Mapping[str, tuple[str, bool | None]],
    cards: set[str],
    rules: list[Row],
    lost_rules: list[Row],
    terms: list[Row],
    agencies: list[Row],
    as_of: date,
) -> dict[tuple[str, str], Finding]:
    """(attempt, rule) -> (status, figure), of what was broken or could not be evaluated.

    `customers` gives time zones, `segments` whether each is a person, `points` kind and consent, `cards` the loans that are card debts; `attempted_at` is in UTC.
    """
    found: dict[tuple[str, str], Finding] = {}
    memory: dict[str, Customer] = defaultdict(Customer)
    unanswered: dict[tuple[str, date], int] = defaultdict(int)
    zones = {name: ZoneInfo(name) for name in set(customers.values())}
    utc = ZoneInfo("UTC")
    wording = Wording(terms)
    for attempt in sorted(attempts, key=lambda row: (row["attempted_at"], row["attempt_id"])):
        zone = zones[customers[attempt["customer_id"]]]
        local = attempt["attempted_at"].replace(tzinfo=utc).astimezone(zone)
        if local.date() > as_of:
            continue
        kind, consent = points.get(attempt["contact_point_id"], (None, None))
        party = attempt["party"] or (KIND_TELLS.get(kind, "debtor") if kind else None)
        figures = _figures(attempt, party, local, consent, memory[attempt["customer_id"]], unanswered, cards)
        if attempt["initiated_by"] != "customer":
            if attempt["message_text"] is not None or attempt["channel"] in WRITTEN:
                figures["lexicon_hits"] = wording.hits(attempt["message_text"])
            if attempt["agency_id"]:
                figures |= _agency(attempt["agency_id"], local.date(), agencies)
            for rule in rules:
                if rule["metric"] in figures and _applies(
                    rule, attempt["channel"], party, segments[attempt["customer_id"]], local.date()
                ):
                    figure = figures[rule["metric"]]
                    if figure is None:
                        found[attempt["attempt_id"], rule["rule_id"]] = ("not_evaluated", None)
                    elif not _is_kept(rule, figure):
                        found[attempt["attempt_id"], rule["rule_id"]] = ("breach", str(figure))
        _remember(attempt, party, local.date(), memory[attempt["customer_id"]], lost_rules)
    return found


def _figures(
    attempt: Row,
    party: str | None,
    local: datetime,
    consent: bool | None,
    customer: Customer,
    unanswered: dict[tuple[str, date], int],
    cards: set[str],
) -> dict[str, Any]:
    """What the attempt is measured by; None where the input is missing, absent where the metric does not apply."""
    if attempt["initiated_by"] == "customer":
        return {}
    channel, loan, point, day = attempt["channel"], attempt["loan_id"], attempt["contact_point_id"], local.date()
    person = party or "debtor"
    figures: dict[str, Any] = {}
    if channel not in AT_NIGHT_TOO:
        figures["local_time"] = local.strftime("%H:%M")
    if party != "authority":
        figures["consented_flag"] = _flag(consent)
    if channel == "phone":
        figures["recorded_flag"] = _flag(attempt["recorded"])
        if attempt["outcome"] in SPOKE:
            customer.effective[person, day] += 1
            figures["effective_calls"] = customer.effective[person, day]
        elif point is None:
            figures["unanswered_attempts_same_number"] = None
        else:
            unanswered[point, day] += 1
            figures["unanswered_attempts_same_number"] = unanswered[point, day]
        if attempt["outcome"] != "invalid":
            if loan is None:
                figures["calls"] = figures["days_since_conversation"] = None
            else:
                calls = customer.calls[loan, person]
                calls.append(day)
                figures["calls"] = sum(day - timedelta(days=6) <= other for other in calls)
                if (loan, person) in customer.talked:
                    figures["days_since_conversation"] = (day - customer.talked[loan, person]).days
                if attempt["outcome"] in SPOKE:
                    customer.talked[loan, person] = day
    if channel == "visit":
        customer.visits[person, day] += 1
        figures |= {"visits": customer.visits[person, day], "collectors_present": None}
    if channel == "legal" and loan in cards:
        figures["dunning_gap_days"] = None
    if party in THIRD_PERSONS:
        figures["lost_contact_flag"] = int(customer.is_lost)
        figures["debt_disclosed_flag"] = _flag(attempt["debt_disclosed"])
        said_no = customer.refused[party]
        if said_no and (point is None or point in said_no or None in said_no):
            customer.after_refusal[party] += 1
            figures["contacts_after_refusal"] = customer.after_refusal[party]
    elif party is None:
        figures |= {"lost_contact_flag": None, "debt_disclosed_flag": None, "contacts_after_refusal": None}
    if party in (None, "debtor") and channel in customer.stopped:
        customer.after_stop[channel] += 1
        figures["messages_after_stop"] = customer.after_stop[channel]
    if party != "authority":
        if loan in cards:
            figures["party_in"] = party
        elif loan is None and party in THIRD_PERSONS:
            figures["party_in"] = None
    return figures


def _remember(attempt: Row, party: str | None, day: date, customer: Customer, lost_rules: list[Row]) -> None:
    """What an attempt leaves behind for those after it."""
    ours = attempt["initiated_by"] != "customer"
    if party in THIRD_PERSONS and (attempt["outcome"] == "refused" or attempt["stop_requested"]):
        customer.refused[party].append(attempt["contact_point_id"])
    if party not in (None, "debtor"):
        return
    if attempt["stop_requested"]:
        customer.stopped.add(attempt["channel"])
    if attempt["outcome"] in SPOKE or not ours:
        customer.failures, customer.is_lost = [], False
    elif attempt["outcome"] in ("no_answer", "invalid"):
        customer.failures.append((day, attempt["channel"], attempt["outcome"] == "invalid"))
        customer.is_lost = customer.is_lost or any(
            len(customer.failures) >= int(rule["min_failed_attempts"])
            and len({d for d, _, _ in customer.failures}) >= int(rule["min_distinct_days"])
            and len({c for _, c, _ in customer.failures}) >= int(rule["min_distinct_channels"])
            and sum(i for _, _, i in customer.failures) >= int(rule["min_invalid_attempts"])
            for rule in lost_rules
        )


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _agency(agency: str, day: date, agencies: list[Row]) -> dict[str, int | None]:
    figures: dict[str, int | None] = {"on_public_list_flag": None}
    if any(row["fact"] == "listed" for row in agencies):
        figures["on_public_list_flag"] = int(
            any(
                row["agency_id"] == agency
                and row["fact"] == "listed"
                and date.fromisoformat(row["valid_from"]) <= day <= date.fromisoformat(row["valid_to"] or "9999-12-31")
                for row in agencies
            )
        )
    for fact, metric in (("evaluated", "months_since_last_evaluation"), ("inspected", "months_since_last_inspection")):
        done = [
            date.fromisoformat(row["valid_from"])
            for row in agencies
            if row["agency_id"] == agency and row["fact"] == fact and date.fromisoformat(row["valid_from"]) <= day
        ]
        figures[metric] = _months_begun(max(done), day) if done else None
    return figures


def _months_begun(since: date, day: date) -> int:
    months = 12 * (day.year - since.year) + day.month - since.month
    return months + (day.day > since.day)  # no date of the tests' seed is after the 28th


class Wording:
    """The lexicon, each text looked at once."""

    def __init__(self, terms: list[Row]) -> None:
        self.chinese = [self._bare(row["term"]) for row in terms if row["language"] == "zh"]
        self.english = [self._words(row["term"]) for row in terms if row["language"] == "en"]
        self.seen: dict[str, int] = {}

    def hits(self, text: str | None) -> int | None:
        if text is None:
            return None
        if text not in self.seen:
            bare, words = self._bare(text), self._words(text)
            english = sum(
                any(words[n : n + len(term)] == term for n in range(len(words) - len(term) + 1))
                for term in self.english
            )
            self.seen[text] = sum(term in bare for term in self.chinese) + english
        return self.seen[text]

    @staticmethod
    def _bare(text: str) -> str:
        return "".join(character for character in text.lower() if character.isalnum())

    @staticmethod
    def _words(text: str) -> list[str]:
        return re.findall("[a-z0-9]+", text.lower())


def _applies(rule: Row, channel: str, party: str | None, segment: str, day: date) -> bool:
    valid = date.fromisoformat(rule["valid_from"] or "0001-01-01") <= day
    valid &= day <= date.fromisoformat(rule["valid_to"] or "9999-12-31")
    means = rule["channel"] in ("all", "agency") or channel in rule["channel"].split("|")
    meant = {
        "any": True,
        "debtor": party in (None, "debtor", "guarantor"),
        "third_person": party is None or party in THIRD_PERSONS,
    }
    return valid and means and rule["segment"] in ("any", segment) and meant[rule["party"]]


def _is_kept(rule: Row, figure: Any) -> bool:
    if rule["metric"] == "party_in":
        return figure in rule["limit_value"].split("|")
    if rule["metric"] == "local_time":
        start, end = rule["window_start"], rule["window_end"]
        inside = start <= figure < end if start <= end else figure >= start or figure < end
        return inside == (rule["operator"] == "in")
    limit = int(rule["limit_value"])
    return {"<=": figure <= limit, ">=": figure >= limit, "=": figure == limit}[rule["operator"]]
