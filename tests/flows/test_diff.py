"""The causes of a change between two publications: another policy, and a delivery that was withdrawn."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import load, new_home

from books import generate
from flows.chain import record
from flows.content_hash import content_hash
from flows.database import connect
from flows.dates import Dates
from flows.diff import _built, diff
from flows.home import Delivery, Home, Knowledge, as_json, knowledge
from flows.policy import Policy, read_policy
from flows.withdraw import withdraw_delivery

AS_OF, FIRST, WRONG = date(2026, 10, 31), date(2026, 9, 30), Delivery.parse("2026-10-31")
BEFORE, AFTER = "20261031T020000-aaaa", "20261101T020000-bbbb"


def publish(home: Home, run_id: str, known: Knowledge, policy: Policy, seeds: Path, scratch: Path) -> None:
    """What `diff` reads of a publication: the headline, the loans, the manifest, and the seeds of the pack."""
    dates = Dates.night(AS_OF, 1)
    step = _built(home, scratch, "", known, policy, dates, None)
    folder = home.published / f"{AS_OF}-{run_id}"
    (folder / "parquet").mkdir(parents=True)
    marts = {}
    with connect() as connection:
        for path in (step.headline, step.loans):
            shutil.copy(path, folder / "parquet")
            marts[path.stem] = dict(zip(("rows", "hash"), content_hash(connection, path), strict=True))
    said: dict[str, Any] = {"run_id": run_id, "status": "published", "ended_at": run_id, "as_of": str(AS_OF)}
    said |= {"dates": [str(AS_OF)], "history": [str(day) for day in dates.history], "known_at": str(known.known_at)}
    said |= {"policy_version": policy.version, "code_version": "", "marts": marts, "previous": None}
    said["deliveries"] = [{"delivery": str(one)} for one in known.deliveries]
    said["withdrawn"] = [{"delivery": str(one)} for one in known.withdrawn]
    (folder / "manifest.json").write_bytes(as_json(said))
    shutil.copytree(seeds, home.audit / run_id / "seeds")
    record(home, run_id, as_json(said))


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A date published twice. In between a delivery was withdrawn, some of its payments came again, and a rate was raised."""
    folder = tmp_path_factory.mktemp("changed")
    home = new_home(folder / "home")
    book = generate(folder / "landing", loans=80, seed=3, deliveries=(FIRST, AS_OF), dirty_rows=0)
    load(folder / "landing", home)
    (folder / "none").mkdir()
    publish(home, BEFORE, knowledge(home), read_policy(), folder / "none", folder / "before")
    withdraw_delivery(home.root, str(WRONG), "of another bank", 0)
    again = folder / "landing" / "2026-10-31.2"
    again.mkdir()
    header, *rows = book.paths[AS_OF]["repayments"][0].read_text("utf-8-sig").splitlines(keepends=True)
    (again / "repayments.csv").write_text(header + "".join(rows[: len(rows) // 2]), "utf-8")
    load(folder / "landing", home)
    (folder / "policy").mkdir()
    rates = read_policy().seeds["provision_rate"].path.read_text("utf-8-sig")
    raised = rates.replace("CN_SPECIFIC_2002,2,0.02,", "CN_SPECIFIC_2002,2,0.05,")
    assert raised != rates
    (folder / "policy" / "provision_rate.csv").write_text(raised, "utf-8")
    policy = read_policy(folder / "policy")
    publish(home, AFTER, knowledge(home), policy, folder / "policy", folder / "after")
    return home


def test_policy_and_withdrawn_are_causes_of_their_own_and_all_add_up(changed: Home) -> None:
    said = diff(changed.root, BEFORE, AFTER, 20, True)
    assert said["causes"]["order"] == ["code", "policy", "withdrawn", "late deliveries", "code"]
    by_cause = {(row["currency"], row["figure"]): row["causes"] for row in said["causes"]["figures"]}
    assert said["headline"]
    for row in said["headline"]:
        assert sum(by_cause[row["currency"], row["figure"]].values()) == row["change"]
    assert not any(causes.get("code") for causes in by_cause.values())
    raised = {key for key, causes in by_cause.items() if causes.get("policy")}
    assert {figure for _, figure in raised} == {"provision"}, "a rate changes what is provided for, and nothing else"
    assert all(by_cause[key]["policy"] > 0 for key in raised)
    due = by_cause["ALL", "overdue_amount"]
    assert due["withdrawn"] > 0, "without the payments of the month more is overdue"
    assert due["late deliveries"] < 0, "half of them came again"
    text = said["_text"]
    assert "(in this order: code, policy, withdrawn, late deliveries)" in text
    loans: dict[str, Decimal] = {}
    for row in said["causes"]["loans"]:
        loans[row["loan_id"]] = loans.get(row["loan_id"], Decimal(0)) + row["overdue_amount"]
        assert row["cause"] in ("withdrawn", "late deliveries")
    assert loans
    whole = {row["loan_id"]: row for row in said["loans"]["largest"]}
    for loan_id in loans.keys() & whole.keys():
        row = whole[loan_id]
        assert loans[loan_id] == (row["overdue_amount_after"] or 0) - (row["overdue_amount_before"] or 0)
