"""Many dates in one pass: `loan_aging` for each of them, and the histories over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefect import flow

from flows.dates import Dates
from flows.nightly import (
    Night,
    compute_marts,
    pass_publish_gate,
    publish_candidate,
    say_what_is_known,
    stage_candidate,
)


@flow(name="arrears backfill", validate_parameters=False)
def backfill(run: Backfill) -> dict[str, Any]:
    """Compute the marts as of many dates from what is loaded, prove them, publish them; returns the manifest."""
    known = say_what_is_known(run)
    built = compute_marts(run, known)
    candidate = stage_candidate(run, built)
    pass_publish_gate(run, candidate)
    return publish_candidate(run, known, built, candidate)


@dataclass
class Backfill(Night):
    """A run over dates given one by one; its publication is as of the last."""

    asked: Dates | None = None

    @property
    def dates(self) -> Dates:
        return self.asked
