"""What tests of the warehouse share: landing without gates, building, and reading what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from flows import chain
from flows.build import Built, build
from flows.dates import Dates
from flows.home import Delivery, Home, as_json, knowledge
from flows.land import commit, find_new_deliveries, prepare
from flows.policy import Policy, read_policy
from flows.publish import publish, rotate, stage, write_down, write_files
from flows.run import Run

FULL = os.environ.get("ARREARS_SUITE") == "full"  # `make test-full`: larger books, more seeds, more kills


def sized(usual: int, full: int, name: str = "") -> int:
    """How large a book is in `make test` and in `make test-full`; or what the environment variable `name` says."""
    return int(os.environ.get(name) or (full if FULL else usual))


def new_home(folder: Path) -> Home:
    home = Home(folder)
    home.create()
    return home


def load(landing: Path, home: Home, policy: Policy | None = None, upto: Delivery | None = None) -> list[Delivery]:
    """Load what is new in LANDING, gates aside; a row in quarantine is an error here unless the test expects it."""
    found = find_new_deliveries(landing, home, upto)
    for delivery in found:
        commit(home, prepare(landing, home, delivery, policy or read_policy()))
    return found


def build_at(
    home: Home,
    as_of: date,
    policy: Policy | None = None,
    upto: Delivery | None = None,
    marts: Sequence[str] = (),
) -> Built:
    """All marts, or only those named with what they rest on; the keys of intermediate models are proved on the way."""
    policy = policy or read_policy()
    dates = Dates.night(as_of, int(policy.settings["history_months"]))
    return build(home, knowledge(home, upto), policy, dates, marts=marts, keys_inside=True)


def backfill_at(home: Home, asked: Sequence[date], policy: Policy | None = None, marts: Sequence[str] = ()) -> Built:
    """The same for many dates in one pass: that each is what a night of it says is proved in flows/test_backfill.py."""
    dates = Dates.backfill(list(asked))
    return build(home, knowledge(home), policy or read_policy(), dates, marts=marts, keys_inside=True)


def publish_at(home: Home, as_of: date, upto: Delivery | None = None, marts: Sequence[str] = ()) -> Path:
    """A publication without gates, as `arrears nightly` leaves it; the folder of it."""
    night = Run(home, upto=upto)
    night.resolve(as_of, back=True)
    built = build_at(home, as_of, upto=upto, marts=marts)
    candidate = stage(home, built, as_of, night.run_id)
    facts = {"marts": write_files(candidate), "switched": True, "compared": built.compared}
    docs = home.root / "no-docs"
    docs.mkdir(exist_ok=True)
    manifest = night.manifest(knowledge(home, upto), "published", **facts)
    publication = publish(home, candidate, manifest, docs, switch=True)
    write_down(home, publication)
    rotate(home, keep=7)
    return publication


def chain_again(home: Home, change: Callable[[dict[str, Any]], None]) -> None:
    """Change manifests and write the chain again after them, every hash of it right: what only an anchor outside can tell."""
    lines: list[bytes] = []
    for line in chain.read(home).lines:
        pack = home.audit / json.loads(line)["run_id"]
        said = json.loads((pack / chain.MANIFEST).read_bytes())
        change(said)
        said["previous"] = chain.hash_of(lines[-1]) if lines else None
        for place in (pack, *home.published.glob(f"*-{pack.name}")):
            (place / chain.MANIFEST).write_bytes(as_json(said))
        lines.append(chain.line_of(pack) or b"")
    chain.path_of(home).write_bytes(b"".join(line + b"\n" for line in lines))


def queries_of(built: Built) -> dict[str, str]:
    """dbt's unique_id of each node that ran -> its compiled query, in the order in which they ran."""
    return {node["node"]: node["query"] for node in built.nodes}


def rows_of(database: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        relation = connection.sql(query)
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def differences(
    ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]], ignored: Sequence[str] = ()
) -> list[str]:
    """Each figure on which two sets of rows by key differ, as one line; none where they agree."""
    found = [f"{key}: only on one side" for key in sorted(ours.keys() ^ theirs.keys())]
    for key in sorted(ours.keys() & theirs.keys()):
        for column, value in theirs[key].items():
            if column not in ignored and ours[key][column] != value:
                found.append(f"{key}.{column}: {ours[key][column]} and {value}")
    return found
