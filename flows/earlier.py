"""Earlier publications, whose figures `restatements` compares with what would be said today.

What a publication said of each loan is kept in the audit pack (`audit/<run_id>/loan_aging.parquet`, a second name of the
published file, so it costs nothing while that is there): for as long as the publication is kept, and for month-ends, on
which histories stand, for good.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from flows import chain
from flows.dates import Dates, month_end
from flows.home import Delivery, Home, Knowledge

FIGURES = "loan_aging.parquet"


@dataclass(frozen=True)
class Earlier:
    """The latest publication of an earlier date: what it knew, what has been withdrawn since, and where its figures are."""

    as_of: date
    run_id: str
    known_at: Delivery
    withdrawn_since: tuple[str, ...]
    figures: Path


def earlier_publications(home: Home, known: Knowledge, policy_version: str, dates: Dates) -> list[Earlier]:
    """The latest publication of each date before this run's, within its history, under its policy, known no later.

    Ascending by date. A publication whose figures are no longer there, or that never moved `current`, is not compared.
    """
    found: dict[date, Earlier] = {}
    withdrawn = {d.name for d in known.withdrawn}
    for manifest in _published(home):
        before = {w["delivery"] for w in manifest["withdrawn"]}
        known_at = Delivery.parse(manifest["known_at"])
        if manifest["policy_version"] != policy_version or known_at > known.deliveries[-1] or before - withdrawn:
            continue
        since = tuple(sorted(withdrawn - before))
        figures = home.audit / manifest["run_id"] / FIGURES
        for day in map(date.fromisoformat, manifest["dates"]):
            if dates.history[0] <= day < dates.as_of:
                found[day] = Earlier(day, manifest["run_id"], known_at, since, figures)
    return [found[day] for day in sorted(found)]


def _published(home: Home) -> list[dict[str, Any]]:
    """Manifests of publications that moved `current`, or were signed so that it could be, and whose figures are kept, oldest run first."""
    folders = sorted(
        path.parent for path in home.audit.glob(f"*/{FIGURES}") if (path.parent / "manifest.json").exists()
    )
    manifests = [json.loads((folder / "manifest.json").read_text("utf-8")) for folder in folders]
    signed = chain.signatures(home) if any(m.get("waits_for_signature") for m in manifests) else {}
    return [m for m in manifests if m["status"] == "published" and (m["switched"] or m["run_id"] in signed)]


def keep_figures(home: Home, run_id: str, publication: Path) -> None:
    """Give what a publication says of each loan a second name in the audit pack."""
    kept = home.audit / run_id / FIGURES
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    try:
        os.link(publication / "parquet" / FIGURES, kept)
    except OSError:  # a file system without second names
        shutil.copyfile(publication / "parquet" / FIGURES, kept)


def forget_figures(home: Home, manifest: dict[str, Any]) -> None:
    """Of a publication that is rotated away: its figures go too, unless one of its dates is a month-end."""
    days = map(date.fromisoformat, manifest.get("dates", []))
    if not any(day == month_end(day) for day in days):
        (home.audit / manifest["run_id"] / FIGURES).unlink(missing_ok=True)
