"""Promises, contactability, the worklist and the effect of contacts against the independent recomputation; and the worklist
of a day, carried out on the next one, breaks no rule."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import build_at, differences, load, new_home, rows_of

from flows.evidence import recompute
from reperformance import collecting, portfolio, replay
from reperformance.conftest import MARTS, Telephoned
from reperformance.landing import Notices, read_landing
from reperformance.telephoning import AS_OF, HISTORY_DAYS, RATES, is_bad

SINCE = AS_OF - timedelta(days=HISTORY_DAYS - 1)


@dataclass(frozen=True)
class Recomputed:
    """What the ledgers say, read and typed once."""

    segments: dict[str, str]
    rows: recompute.Ledgers
    loans: dict[str, recompute.Row]
    items: dict[str, list[collecting.Item]]
    contacts: dict[str, list[collecting.Contact]]
    points: dict[str, list[recompute.Row]]
    promises: dict[str, recompute.Row]
    seeds: collecting.Seeds
    calendar: recompute.Calendar


@pytest.fixture(scope="module")
def again(telephoned: Telephoned) -> Recomputed:
    calendar = Notices()
    rows = read_landing(telephoned.landing)
    bad = [row for row in rows["repayments"] if is_bad(row)]
    rows["repayments"] = [row for row in rows["repayments"] if not is_bad(row)]
    loans = recompute.loan_aging(rows, AS_OF, calendar=calendar)
    advances = portfolio.advance_aging(rows, AS_OF, calendar)
    items = collecting.overdue_items(rows, loans, advances, {row["loan_id"] for row in bad}, AS_OF)
    ledgers, policy = telephoned.ledgers, telephoned.policy.seeds
    points: dict[str, list[Any]] = {row["customer_id"]: [] for row in ledgers["customers"]}
    for row in ledgers["contact_points"]:
        consented = {"true": True, "false": False, None: None}[row["consented"]]
        dates = {column: row.get(column) for column in ("valid_from", "valid_to")}
        points[row["customer_id"]].append({**row, "consented": consented, **dates})
    attempts = [
        {
            **row,
            "promised_on": row.get("promised_on"),
            "promised_amount": Decimal(row["promised_amount"]) if "promised_amount" in row else None,
        }
        for row in ledgers["contact_attempts"]
    ]
    zones = {row["customer_id"]: row["time_zone"] for row in ledgers["customers"]}
    kinds = {row["contact_point_id"]: row["kind"] for row in ledgers["contact_points"]}
    contacts = collecting.read_contacts(attempts, zones, kinds, AS_OF)
    seeds = collecting.Seeds(
        policy["collection_rule"].rows,
        policy["lost_contact_rule"].rows,
        policy["collection_channel"].rows,
        policy["collection_agency"].rows,
        policy["part_of_day"].rows,
        policy["collection_treatment"].rows,
        policy["collection_treatment_rule"].rows,
        {currency: Decimal(rate) for currency, rate in RATES.items()},
    )
    promises = collecting.promises(contacts, rows, AS_OF)
    segments = {row["customer_id"]: row["segment"] for row in ledgers["customers"]}
    return Recomputed(segments, rows, loans, items, contacts, points, promises, seeds, calendar)


def mart(telephoned: Telephoned, name: str, key: str) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in rows_of(telephoned.database, f"select {key} as key, * from marts.{name}")}


def test_every_promise_agrees(telephoned: Telephoned, again: Recomputed) -> None:
    assert differences(mart(telephoned, "promises", "attempt_id"), again.promises)[:20] == []
    assert Counter(row["status"] for row in again.promises.values()).keys() == {"kept", "partly_kept", "broken", "open"}


def promised_by(again: Recomputed) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in again.promises.values():
        found.setdefault(row["customer_id"], []).append(row)
    return found


def test_who_can_be_reached_agrees(telephoned: Telephoned, again: Recomputed) -> None:
    promised = promised_by(again)
    theirs = {
        customer: collecting.contactability(
            again.segments[customer],
            items,
            again.contacts.get(customer, []),
            again.points[customer],
            promised.get(customer, []),
            again.seeds.of(again.segments[customer]),
            AS_OF,
        )
        for customer, items in again.items.items()
    }
    assert differences(mart(telephoned, "contactability", "customer_id"), theirs)[:20] == []
    assert {row["lost_rule"] for row in theirs.values()} == {None, "LOST_INVALID", "LOST_THREE_DAYS"}
    ladder = {row["channel_code"] for row in again.seeds.channels if row["ladder_step"]}
    assert {row["next_step"] for row in theirs.values()} == ladder | {None}


def test_the_worklist_agrees(telephoned: Telephoned, again: Recomputed) -> None:
    promised = promised_by(again)
    theirs = {}
    for customer, items in again.items.items():
        segment = again.segments[customer]
        mine = (again.contacts.get(customer, []), again.points[customer], promised.get(customer, []))
        row = collecting.worklist_row(segment, items, *mine, again.seeds.of(segment), AS_OF)
        if row is not None:
            theirs[customer] = row
    assert differences(mart(telephoned, "collection_worklist", "customer_id"), theirs)[:20] == []
    assert {row["reason"] for row in theirs.values()} == {
        *("paused", "repayment_in_quarantine", "no_step_allowed"),
        *("lost_contact", "promise_due", "promise_open", "promise_broken", "overdue"),
    }
    assert {row["part_of_day"] for row in theirs.values()} >= {None, "morning", "midday", "afternoon", "evening"}
    assert {row["treatment"] for row in theirs.values()} == {row["treatment"] for row in again.seeds.treatments}
    assert {row["is_deadline_missed"] for row in theirs.values()} == {True, False}


def test_contact_before_and_after_arrears_agrees(telephoned: Telephoned, again: Recomputed) -> None:
    made = collecting.episodes(again.rows, AS_OF, again.calendar, SINCE)
    about = collecting.about_loans(again.contacts, again.rows["loans"])
    rates = {currency: Decimal(rate) for currency, rate in RATES.items()}
    timing = collecting.contact_timing(made, about, AS_OF)
    moves = collecting.contact_moves(made, about, AS_OF, SINCE)
    effect = collecting.contact_effect(made, about, again.rows, rates, AS_OF, SINCE)
    of_effect = "concat_ws(' ', channel, result, m_stage, horizon_days, currency)"
    assert differences(mart(telephoned, "contact_timing", "loan_id || ' ' || entered_on"), timing)[:20] == []
    assert differences(mart(telephoned, "contact_moves", "loan_id || ' ' || moved_on"), moves)[:20] == []
    assert differences(mart(telephoned, "contact_effect", of_effect), effect)[:20] == []
    assert {row["ended_by"] for row in timing.values()} == {None, "cured", "re_aged", "closed"}
    assert {row["is_worse"] for row in moves.values()} == {None, True, False}
    reaged = [row for row in moves.values() if row["is_reaged"]]
    assert {row["is_worse"] for row in reaged} == {False}
    assert {row["to_stage"] == "M0" for row in reaged} == {True, False}
    assert sum(row["cured_episodes"] for row in effect.values()) > 100


def test_the_worklist_carried_out_on_the_next_day_breaks_no_rule(
    telephoned: Telephoned, again: Recomputed, tmp_path: Path
) -> None:
    work = rows_of(telephoned.database, "select * from marts.collection_worklist order by customer_id")
    zones = {row["customer_id"]: row["time_zone"] for row in telephoned.ledgers["customers"]}
    # the log goes on into the next day for some, of which a worklist of the day before cannot know
    made = Counter(row["customer_id"] for row in telephoned.ledgers["contact_attempts"])
    known = [row for row in work if made[row["customer_id"]] == len(again.contacts.get(row["customer_id"], ()))]
    attempts = replay.attempts_of(known, zones, agency_id="AG-4")
    replay.deliver(telephoned.landing, attempts, "2026-11-22")
    shutil.copytree(telephoned.home.root, tmp_path / "home", symlinks=True)
    home = new_home(tmp_path / "home")
    load(telephoned.landing, home, telephoned.policy)
    built = build_at(home, AS_OF + timedelta(days=1), telephoned.policy, marts=MARTS)
    assert replay.breaches(built.database, attempts)[:20] == []
    assert len(attempts) > 1000
    steps = {row["channel_code"] for row in telephoned.policy.seeds["collection_channel"].rows if row["ladder_step"]}
    assert {row["step"] for row in known} == steps | {None}
