"""Many dates in one pass: `loan_aging` for each of them, and the histories over all of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

from prefect import flow

from flows.dates import Dates, dates_asked
from flows.nightly import (
    compute_marts,
    pass_publish_gate,
    publish_candidate,
    say_what_is_known,
    stage_candidate,
)
from flows.run import Run, opened
from flows.settings import DEFAULT_HOME


@flow(name="arrears backfill", flow_run_name="{first} to {last}, every {every}", persist_result=False)
def backfill(
    first: date,
    last: date,
    every: Literal["month-end", "week", "day"] = "month-end",
    home: Path = DEFAULT_HOME,
    policy: Path | None = None,
    known_at: str | None = None,
    switch: bool = True,
    wait: float = 0,
) -> dict[str, Any]:
    """Compute the marts as of many dates from what is loaded, prove them, publish them as of the last; returns what came of it."""
    run = Run.asked(home, None, Dates.backfill(dates_asked(first, last, every)), policy, known_at, switch)
    with opened(run, "arrears backfill", wait):
        known = say_what_is_known(run)
        built = compute_marts(run, known)
        candidate = stage_candidate(run, built)
        pass_publish_gate(run, candidate)
        return publish_candidate(run, known, built, candidate)
