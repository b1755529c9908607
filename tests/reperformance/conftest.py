"""One large log of contacts, built once for all tests on collection."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import build_at, load, new_home, sized

from flows.home import Home
from flows.policy import Policy, read_policy
from flows.policy.seeds import shipped_seeds
from reperformance import telephoning

ATTEMPTS = sized(100_000, 300_000, "ARREARS_ATTEMPTS")

MARTS = ("promises", "contactability", "collection_worklist", "contact_breaches")
MARTS += ("contact_timing", "contact_moves", "contact_effect")


@dataclass(frozen=True)
class Telephoned:
    """A lender's ledgers, the policy it has, and the warehouse built from both."""

    ledgers: dict[str, list[dict[str, Any]]]
    policy: Policy
    landing: Path
    home: Home
    database: Path


def in_small(rule: dict[str, str]) -> dict[str, str]:
    """A rule of treatment for loans of 100.00, none of which is a year late."""
    amounts = {name: f"{int(rule[name]) // 100}.00" for name in ("amount_from", "amount_below") if rule[name]}
    return {**rule, **amounts, "days_from": rule["days_from"].replace("361", "121").replace("901", "181")}


@pytest.fixture(scope="session")
def telephoned(tmp_path_factory: pytest.TempPathFactory) -> Telephoned:
    folder = tmp_path_factory.mktemp("contacts")
    ledgers = telephoning.lender(1, ATTEMPTS)
    telephoning.write(folder / "landing" / "2026-11-21", ledgers)
    (folder / "policy").mkdir()
    settings = f"collection_jurisdictions,CN US UK IN\ncontact_history_days,{telephoning.HISTORY_DAYS}\n"
    (folder / "policy" / "policy.csv").write_text(f"setting,value\n{settings}", "utf-8")
    header = ["agency_id", "fact", "valid_from", "valid_to", "evidence", "citation"]
    with open(folder / "policy" / "collection_agency.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "evidence": "K", "citation": "invented"} for row in telephoning.AGENCIES)
    with open(folder / "policy" / "collection_treatment_rule.csv", "w", encoding="utf-8", newline="") as file:
        rows = [in_small(row) for row in shipped_seeds()["collection_treatment_rule"].rows]
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    policy = read_policy(folder / "policy")
    home = new_home(folder / "home")
    load(folder / "landing", home, policy)
    built = build_at(home, telephoning.AS_OF, policy, marts=MARTS)
    return Telephoned(ledgers, policy, folder / "landing", home, built.database)
