"""The whole night on one screen: land, compute, validate, publish."""

from __future__ import annotations

import errno
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import audit, build, land, publish, validate
from flows.dates import Dates
from flows.errors import ArrearsError, DeliveryRefused, ValidationFailed
from flows.home import Delivery, Home, Knowledge, knowledge, now_text, parse_known_at
from flows.policy import Policy, read_policy
from flows.progress import step

if TYPE_CHECKING:
    from expectations.results import GateResult


@flow(name="arrears nightly", validate_parameters=False)
def nightly(night: Night) -> dict[str, Any]:
    """Load what is new, compute the marts as of a date, prove them, publish them; returns the manifest."""
    for delivery in find_deliveries(night):
        prepared = read_delivery(night, delivery)
        pass_landing_gate(night, prepared)
        load_delivery(night, prepared)
    known = say_what_is_known(night)
    built = compute_marts(night, known)
    candidate = stage_candidate(night, built)
    pass_publish_gate(night, candidate)
    return publish_candidate(night, known, built, candidate)


def can_retry(_task: Any, _run: Any, state: Any) -> bool:
    """A shared folder that hiccups may answer a minute later; nothing else gets better by waiting."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and error.errno in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN)


reading = {"cache_policy": NO_CACHE, "retries": 2, "retry_delay_seconds": 30, "retry_condition_fn": can_retry}
working = {"cache_policy": NO_CACHE}


@task(name="Find new deliveries", **reading)
def find_deliveries(night: Night) -> list[Delivery]:
    with step("Finding new deliveries") as at:
        found = land.find_new_deliveries(night.landing, night.home, night.upto)
        strangers = land.unknown_folders(night.landing)
        at.note(
            (", ".join(map(str, found)) or "none")
            + (f"; folders left alone, not named like a delivery: {', '.join(strangers)}" if strangers else "")
        )
    return found


@task(name="Read delivery", task_run_name="Read delivery {delivery}", **reading)
def read_delivery(night: Night, delivery: Delivery) -> land.Prepared:
    with step(f"Reading delivery {delivery}") as at:
        prepared = land.prepare(night.landing, night.home, delivery, night.policy)
        totals = prepared.record["ledgers"].values()
        at.note(
            f"{sum(t['rows_read'] for t in totals):,} rows read, {sum(t['rows_loaded'] for t in totals):,} to load, "
            f"{sum(t['rows_duplicate'] for t in totals):,} known already, "
            f"{sum(t['rows_quarantined'] for t in totals):,} to quarantine"
        )
    return prepared


@task(name="Landing gate", task_run_name="Landing gate on {prepared.delivery}", **working)
def pass_landing_gate(night: Night, prepared: land.Prepared) -> None:
    with step(f"Validating delivery {prepared.delivery}") as at:
        gate = validate.check_landing(night.home, night.run_id, prepared)
        night.note_warnings(gate)
        at.note(_counted(gate))


@task(name="Load delivery", task_run_name="Load delivery {prepared.delivery}", **working)
def load_delivery(night: Night, prepared: land.Prepared) -> None:
    land.commit(night.home, prepared)
    night.loaded.append(prepared.delivery.name)


@task(name="Say what is known", **working)
def say_what_is_known(night: Night) -> Knowledge:
    known = knowledge(night.home, night.upto)
    if not known.deliveries:
        raise DeliveryRefused(
            (
                "No delivery is loaded"
                if night.landing is None
                else f"No delivery is loaded and {night.landing} holds none to load"
            )
            + (f" up to --known-at {night.upto}" if night.upto else "")
            + (
                ": load some first with `arrears nightly`."
                if night.landing is None
                else ". A delivery is a folder named after its date, such as 2026-11-22, with the ledgers in it."
            )
        )
    night.as_of = night.as_of or known.deliveries[-1].date
    newest = max(d.date for d in known.deliveries)
    if newest < night.as_of:
        raise ValidationFailed(
            f"No delivery dated {night.as_of} or later is loaded; the newest is {known.known_at}. Without that day's "
            "repayments good borrowers would be shown as late, so nothing was published, and what was published before "
            f"still stands. Deliver {night.as_of}, or run --as-of {newest}."
        )
    return known


@task(name="Compute marts", **working)
def compute_marts(night: Night, known: Knowledge) -> build.Built:
    with step(f"Computing as of {night.as_of}, known at {known.known_at}") as at:
        built = build.build(night.home, known, night.policy, night.dates)
        at.note(f"{len(built.nodes)} dbt nodes, " + ("from scratch" if built.full_refresh else "loans touched only"))
    build.keep_artifacts(built, night.home.audit / night.run_id)
    return built


@task(name="Stage candidate", **working)
def stage_candidate(night: Night, built: build.Built) -> publish.Candidate:
    with step("Staging the candidate and its evidence"):
        return publish.stage(night.home, built, night.as_of, night.run_id)


@task(name="Publish gate", **working)
def pass_publish_gate(night: Night, candidate: publish.Candidate) -> None:
    with step("Validating the candidate") as at:
        gate = validate.check_publication(night.home, night.run_id, candidate)
        night.note_warnings(gate)
        at.note(_counted(gate))


@task(name="Publish", **working)
def publish_candidate(
    night: Night, known: Knowledge, built: build.Built, candidate: publish.Candidate
) -> dict[str, Any]:
    with step("Publishing" + ("" if night.switch else " without moving current")) as at:
        marts = publish.write_files(candidate)
        manifest = night.manifest(known, "published", marts=marts, switched=night.switch, compared=built.compared)
        docs = validate.docs_of(night.home, night.run_id)
        keep = int(night.policy.settings["keep_publications"])
        folder = publish.publish(night.home, candidate, manifest, docs, night.switch, keep)
        at.note(str(folder))
    return manifest


@dataclass
class Night:
    """One run: what was asked, and what came of it so far."""

    home: Home
    landing: Path | None
    as_of: date | None
    policy_folder: Path | None = None
    known_at: str | None = None
    switch: bool = True

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self.run_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        self.started_at = now_text()
        self.upto = parse_known_at(self.known_at)
        self.loaded: list[str] = []
        self.warnings: list[str] = []

    @cached_property
    def policy(self) -> Policy:
        return read_policy(self.policy_folder)

    @property
    def dates(self) -> Dates:
        return Dates.night(self.as_of, int(self.policy.settings["history_months"]))

    @property
    def publication(self) -> Path:
        return self.home.published / f"{self.as_of}-{self.run_id}"

    def manifest(self, known: Knowledge, status: str, **facts: Any) -> dict[str, Any]:
        account = audit.Account(
            run_id=self.run_id,
            started_at=self.started_at,
            knowledge=known,
            policy=self.policy,
            dates=self.dates if self.as_of else None,
            status=status,
            **facts,
        )
        return audit.manifest_of(self.home, account)

    def note_warnings(self, gate: GateResult) -> None:
        """What a gate let pass, and somebody should look at."""
        self.warnings += [f"{w.failing:,} × not so: {w.title}" for w in gate.warnings]

    def record_failure(self, error: BaseException) -> None:
        """Failed runs are kept in the audit pack too."""
        status = error.status if isinstance(error, ArrearsError) else "failed"
        audit.record_run(self.home, self.manifest(knowledge(self.home, self.upto), status, message=str(error)))


def _counted(gate: GateResult) -> str:
    said = f"{len(gate.passed)} expectations hold"
    return said + (f", {len(gate.warnings)} to look at" if gate.warnings else "")
