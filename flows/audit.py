"""Audit: what a run did, kept for failed runs too; `chain.py` links the accounts by hash."""

from __future__ import annotations

import hashlib
import socket
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Any

from flows import chain
from flows.build import code_version
from flows.content_hash import HASH_VERSION
from flows.controls import who_runs
from flows.dates import Dates
from flows.home import Delivery, Home, Knowledge, now_text
from flows.listing import sha256_of
from flows.policy import Policy

PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "prefect", "pyarrow")


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a run was asked, under which rules, and what came of it; `dates` are None where it ended before any was known."""

    run_id: str
    started_at: str
    knowledge: Knowledge
    policy: Policy
    dates: Dates | None
    status: str
    message: str | None = None
    marts: dict[str, Any] = field(default_factory=dict)
    publication: dict[str, Any] | None = None
    switched: bool = False
    waits_for_signature: bool = False
    compared: list[str] = field(default_factory=list)


def manifest_of(home: Home, run: Account) -> dict[str, Any]:
    """The audit pack's first page."""
    return {
        "run_id": run.run_id,
        "as_of": str(run.dates and run.dates.as_of),
        "dates": [str(day) for day in run.dates.asked] if run.dates else [],
        "history": [str(day) for day in run.dates.history] if run.dates else [],
        "known_at": run.knowledge.known_at,
        "status": run.status,
        "switched": run.switched,
        "waits_for_signature": run.waits_for_signature,
        "compared": run.compared,
        "message": run.message,
        "policy_version": run.policy.version,
        "code_version": code_version(),
        "hash_version": HASH_VERSION,
        "started_at": run.started_at,
        "ended_at": now_text(),
        "user": who_runs(),
        "host": socket.gethostname(),
        "marts": run.marts,
        "publication": run.publication,
        "deliveries": [_delivery_facts(home, d) for d in run.knowledge.deliveries],
        "withdrawn": [
            w.__dict__ | {"delivery": str(w.delivery), "after": str(w.after)}
            for w in home.withdrawals()
            if w.delivery in run.knowledge.withdrawn
        ],
        "withdrawals": {"bytes": len(said := home.withdrawals_whole()), "sha256": hashlib.sha256(said).hexdigest()},
        "seeds": run.policy.hashes(),
        "settings": run.policy.settings,
        "versions": versions(),
        "previous": chain.read(home).head,
    }


def _delivery_facts(home: Home, delivery: Delivery) -> dict[str, Any]:
    """What landing wrote down; the hash of that page stands for the hashes in it, of the files and of the rows kept."""
    record = home.record(delivery)
    ledgers = [entry for file in record["files"] for entry in file["ledgers"]]
    totals = {
        f"rows_{what}": sum(e[f"rows_{what}"] for e in ledgers)
        for what in ("read", "filtered", "loaded", "duplicate", "quarantined")
    }
    from_databases = {"databases": record["databases"]} if record.get("databases") else {}
    named = {
        "delivery": record["delivery"],
        "loaded_at": record["loaded_at"],
        "record_sha256": sha256_of(home.raw_of(delivery) / "delivery.json"),
    }
    return {**named, **totals, **from_databases, "files": record["files"]}


@cache
def versions() -> dict[str, str]:
    return {"python": sys.version.split()[0], "arrears": version("arrears")} | {p: version(p) for p in PACKAGES}
