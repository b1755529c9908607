"""The whole night on one screen: land, compute, validate, publish."""

from __future__ import annotations

import errno
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE

from flows import artifacts, build, land, publish, report, validate
from flows.errors import DeliveryRefused, ValidationFailed
from flows.home import Delivery, Home, Knowledge, knowledge, parse_known_at
from flows.progress import step
from flows.run import Run, newest_date, opened
from flows.settings import DEFAULT_HOME, DEFAULT_LANDING

if TYPE_CHECKING:
    from expectations.results import GateResult


def named_after_its_date() -> str:
    asked = runtime.flow_run.parameters
    if asked["as_of"]:
        return str(asked["as_of"])
    try:
        newest = newest_date(Home(Path(asked["home"])), Path(asked["landing"]), parse_known_at(asked["known_at"]))
    except Exception:  # the run itself will say what is wrong
        newest = None
    return str(newest or "no delivery")


@flow(name="arrears nightly", flow_run_name=named_after_its_date, persist_result=False)
def nightly(
    as_of: date | None = None,
    landing: Path | None = DEFAULT_LANDING,
    home: Path = DEFAULT_HOME,
    policy: Path | None = None,
    known_at: str | None = None,
    switch: bool = True,
    back: bool = False,
    future: bool = False,
    wait: float = 0,
) -> dict[str, Any]:
    """Load what is new, compute the marts as of a date, prove them, publish them; returns what came of it."""
    run = Run.asked(home, land.existing(landing), None, policy, known_at, switch)
    with opened(run, "arrears nightly", wait):
        run.resolve(as_of, back)
        for delivery in find_deliveries(run, as_of, future):
            prepared = read_delivery(run, delivery)
            pass_landing_gate(run, prepared)
            load_delivery(run, prepared)
        known = say_what_is_known(run)
        built = compute_marts(run, known)
        candidate = stage_candidate(run, built)
        pass_publish_gate(run, candidate)
        return publish_candidate(run, known, built, candidate)


def can_retry(_task: Any, _run: Any, state: Any) -> bool:
    """A shared folder that hiccups may answer a minute later; nothing else gets better by waiting."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and error.errno in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN)


working = {"cache_policy": NO_CACHE, "persist_result": False}
reading = {**working, "retries": 2, "retry_delay_seconds": 30, "retry_condition_fn": can_retry}


@task(name="Find new deliveries", **reading)
def find_deliveries(run: Run, as_of: date | None, future: bool) -> list[Delivery]:
    with step("Finding new deliveries") as at:
        if as_of and not run.upto:
            land.open_delivery(run.landing, run.home, as_of)
        found = land.find_new_deliveries(run.landing, run.home, run.upto, future)
        strangers = land.unknown_folders(run.landing)
        at.note(
            (", ".join(map(str, found)) or "none")
            + (f"; folders left alone, not named like a delivery: {', '.join(strangers)}" if strangers else "")
        )
    return found


@task(name="Read delivery", task_run_name="Read delivery {delivery}", **reading)
def read_delivery(run: Run, delivery: Delivery) -> land.Prepared:
    with step(f"Reading delivery {delivery}") as at:
        prepared = land.prepare(run.landing, run.home, delivery, run.policy)
        totals = prepared.record["ledgers"].values()
        at.note(
            f"{sum(t['rows_read'] for t in totals):,} rows read, {sum(t['rows_loaded'] for t in totals):,} to load, "
            f"{sum(t['rows_duplicate'] for t in totals):,} known already, "
            f"{sum(t['rows_quarantined'] for t in totals):,} to quarantine"
        )
    return prepared


@task(name="Landing gate", task_run_name="Landing gate on {prepared.delivery}", **working)
def pass_landing_gate(run: Run, prepared: land.Prepared) -> None:
    with step(f"Validating delivery {prepared.delivery}") as at:
        gate = validate.check_landing(run.home, run.run_id, prepared)
        run.note_warnings(gate)
        at.note(_counted(gate))


@task(name="Load delivery", task_run_name="Load delivery {prepared.delivery}", **working)
def load_delivery(run: Run, prepared: land.Prepared) -> None:
    land.commit(run.home, prepared)
    run.loaded.append(prepared.delivery.name)


@task(name="Say what is known", **working)
def say_what_is_known(run: Run) -> Knowledge:
    known = knowledge(run.home, run.upto)
    if not known.deliveries or run.dates is None:
        raise DeliveryRefused(
            (
                "No delivery is loaded"
                if run.landing is None
                else f"No delivery is loaded and {run.landing} holds none to load"
            )
            + (f" up to --known-at {run.upto}" if run.upto else "")
            + (
                ": load some first with `arrears nightly`."
                if run.landing is None
                else ". A delivery is a folder named after its date, such as 2026-11-22, with the ledgers in it."
            )
        )
    newest = max(d.date for d in known.deliveries)
    if newest < run.as_of:
        raise ValidationFailed(
            f"No delivery dated {run.as_of} or later is loaded; the newest is {known.known_at}. Without that day's "
            "repayments good borrowers would be shown as late, so nothing was published, and what was published before "
            f"still stands. Deliver {run.as_of}, or run --as-of {newest}."
        )
    return known


@task(name="Compute marts", **working)
def compute_marts(run: Run, known: Knowledge) -> build.Built:
    with step(f"Computing as of {run.as_of}, known at {known.known_at}") as at:
        built = build.build(run.home, known, run.policy, run.dates)
        at.note(f"{len(built.nodes)} dbt nodes, " + ("from scratch" if built.full_refresh else "loans touched only"))
    build.keep_artifacts(built, run.policy, run.home.audit / run.run_id)
    return built


@task(name="Stage candidate", **working)
def stage_candidate(run: Run, built: build.Built) -> publish.Candidate:
    with step("Staging the candidate and its evidence"):
        return publish.stage(run.home, built, run.as_of, run.run_id, run.moves_current)


@task(name="Publish gate", **working)
def pass_publish_gate(run: Run, candidate: publish.Candidate) -> None:
    with step("Validating the candidate") as at, report.getting_ready():
        gate = validate.check_publication(run.home, run.run_id, candidate)
        run.note_warnings(gate)
        at.note(_counted(gate))


@task(name="Publish", **working)
def publish_candidate(run: Run, known: Knowledge, built: build.Built, candidate: publish.Candidate) -> dict[str, Any]:
    with step("Publishing" + ("" if run.moves_current else " without moving current")) as at:
        said = publish.sign(candidate, run.says_of_itself(known))
        facts = {"marts": publish.write_files(candidate), "publication": said}
        report.write_report(candidate.folder, candidate.folder / report.PAGE)
        manifest = run.manifest(
            known,
            "published",
            **facts,
            switched=run.moves_current,
            waits_for_signature=run.waits,
            compared=built.compared,
        )
        docs = validate.docs_of(run.home, run.run_id)
        report.write_record(candidate.folder, manifest, run.gates, docs / "index.html")
        folder = publish.publish(run.home, candidate, manifest, docs, run.moves_current)
        outcome = run.published(manifest)
        at.note(str(folder))
    with run.published_but("the audit pack could not be written", run.mends):
        publish.write_down(run.home, folder)
    if run.moves_current:  # once it is on record: what rotation takes away, a run on record may have taken
        with run.published_but("older publications could not be removed", "The next night tries again."):
            publish.rotate(run.home, int(run.policy.settings["keep_publications"]))
    with run.published_but("its artifact for Prefect could not be made", "Nothing else depends on it."):
        artifacts.show_publication(folder, manifest)
    return outcome


def _counted(gate: GateResult) -> str:
    said = f"{len(gate.passed)} expectations hold"
    return said + (f", {len(gate.warnings)} to look at" if gate.warnings else "")
