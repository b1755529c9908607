"""A run: what was asked, under which rules, and what came of it so far. HOME is held, a log kept, a failure written down,
whether the flow was started by the command, a schedule or Prefect's UI."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import audit, chain, erase, interrupts, lineage, settings
from flows.dates import Dates
from flows.errors import ArrearsError, UsageError
from flows.home import Delivery, Home, Knowledge, as_json, hold, knowledge, new_run_id, now_text, parse_known_at
from flows.land import deliveries_in
from flows.policy import Policy, read_policy
from flows.progress import log, write_log_to
from flows.publish import clear_leftovers, current_manifest, finish, write_down
from flows.readers import group_of_readers
from flows.sign import next_step

if TYPE_CHECKING:
    from expectations.results import GateResult


completed: list[dict[str, Any]] = []  # what came of each run of this process that has published
failures: list[BaseException] = []  # what ended each of the others


@dataclass
class Run:
    """One run. `dates` are resolved once: before HOME is opened for a backfill, when it is for a night."""

    home: Home
    landing: Path | None = None
    policy: Policy = field(default_factory=read_policy)
    dates: Dates | None = None
    upto: Delivery | None = None
    switch: bool = True

    def __post_init__(self) -> None:
        self.run_id = new_run_id()
        self.started_at = now_text()
        self.loaded: list[str] = []
        self.warnings: list[str] = []
        self.gates: list[GateResult] = []
        self.ended = False

    @classmethod
    def asked(
        cls,
        home: Path,
        landing: Path | None,
        dates: Dates | None,
        policy: Path | None,
        known_at: str | None,
        switch: bool,
    ) -> Run:
        """A run from what a flow is given."""
        group_of_readers()
        place = landing.absolute() if landing else None
        return cls(Home(home.absolute()), place, read_policy(policy), dates, parse_known_at(known_at), switch)

    @property
    def as_of(self) -> date | None:
        return self.dates.as_of if self.dates else None

    def resolve(self, as_of: date | None, back: bool) -> None:
        """The dates of a night: as asked, else of the last delivery; `current` does not go back in time by itself."""
        day = as_of or newest_date(self.home, self.landing, self.upto)
        if day is None:
            return
        refuse_going_back(self.home, day, self.switch, back)
        self.dates = Dates.night(day, int(self.policy.settings["history_months"]))

    @property
    def waits(self) -> bool:
        """Whether `current` waits for the signature of a second person."""
        return self.switch and self.policy.flag("four_eyes")

    def waits_told(self, manifest: dict[str, Any]) -> str:
        return f"`current` stays where it is until a second person has signed. {next_step(self.home, manifest)}"

    @property
    def moves_current(self) -> bool:
        """Whether readers see what this run makes as soon as it is published."""
        return self.switch and not self.waits

    @property
    def publication(self) -> Path:
        return self.home.published / f"{self.as_of}-{self.run_id}"

    def manifest(self, known: Knowledge, status: str, **facts: Any) -> dict[str, Any]:
        account = audit.Account(
            run_id=self.run_id,
            started_at=self.started_at,
            knowledge=known,
            policy=self.policy,
            dates=self.dates,
            status=status,
            **facts,
        )
        return audit.manifest_of(self.home, account)

    def note_warnings(self, gate: GateResult) -> None:
        """What a gate let pass, and somebody should look at."""
        self.gates.append(gate)
        self.warnings += [
            f"{w.failing:,} row{'s fail' if w.failing != 1 else ' fails'}: {w.title}" for w in gate.warnings
        ]

    def says_of_itself(self, known: Knowledge) -> dict[str, Any]:
        """What the mart `publication` says beside what the models know: the run, its clock, its gates, its deliveries."""
        return {
            "run_id": self.run_id,
            "published_at": datetime.now(UTC).replace(microsecond=0, tzinfo=None),
            "code_version": audit.code_version(),
            "gates": "; ".join(
                f"{gate.name}: {'passed' if gate.success else 'failed'}, {len(gate.passed)} hold"
                + (f", {len(gate.warnings)} to look at" if gate.warnings else "")
                for gate in self.gates
            ),
            "expectations_held": sum(len(gate.passed) for gate in self.gates),
            "warnings": len(self.warnings),
            "warnings_told": "; ".join(self.warnings),
            "deliveries_known": len(known.deliveries),
            "deliveries": ", ".join(delivery.name for delivery in known.deliveries),
        }

    @property
    def has_published(self) -> bool:
        """Whether readers see what this run made: the one point at which a run has published."""
        made = self.publication
        return made.exists() and (not self.moves_current or self.home.current.resolve() == made.resolve())

    @contextmanager
    def published_but(self, what: str, way_out: str) -> Iterator[None]:
        """What fails in here, once the run has published, is a warning."""
        try:
            yield
        except Exception as error:
            self.warn(f"Published; but {what}: {error}. {way_out}")

    def warn(self, told: str) -> None:
        self.warnings.append(told)
        log.warning(told)

    def record_failure(self, error: BaseException) -> None:
        """Failed runs are kept in the audit pack too; what fails once a run has published does not undo it."""
        if self.has_published:
            self.ended = True
            interrupts.published = self.publication
            if not chain.is_recorded(self.home, self.run_id):  # ended between the commit and its account
                with self.published_but("the audit pack could not be written", self.mends):
                    write_down(self.home, self.publication)
        if self.ended:
            return
        self.ended = True
        failures.append(error)
        if interrupts.received:
            status, message = "interrupted", str(interrupts.Interrupted())
        else:
            status, message = (error.status if isinstance(error, ArrearsError) else "failed"), str(error)
            if status == "failed":
                log.error("".join(traceback.format_exception(error)))
        lineage.ended(self, bool(interrupts.received), status)
        try:
            manifest = self.manifest(knowledge(self.home, self.upto), status, message=message)
            chain.record(self.home, self.run_id, as_json(manifest))
        except OSError as fault:  # what ended the run is what has to be told
            log.warning("This run could not be written down in the audit pack and the chain: %s", fault)

    @property
    def mends(self) -> str:
        return f"`arrears mend --home {shlex.quote(str(self.home.root))}` makes up for it."

    def published(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """What came of it, as the command tells it. From here on whatever fails is a warning."""
        self.ended = True
        interrupts.published = self.publication
        outcome = {
            "status": manifest["status"],
            "exit_code": 0,
            "run_id": self.run_id,
            "as_of": manifest["as_of"],
            "dates": manifest["dates"],
            "known_at": manifest["known_at"],
            "policy_version": manifest["policy_version"],
            "publication": str(self.publication),
            "waits_for_signature": self.waits,
            **({"next_step": self.waits_told(manifest)} if self.waits else {}),
            "loaded": self.loaded,
            "marts": manifest["marts"],
            "warnings": self.warnings,
        }
        completed.append(outcome)
        lineage.published(self, manifest)
        return outcome


@contextmanager
def opened(run: Run, command: str, wait: float) -> Iterator[None]:
    """Hold HOME, keep the run's log, and write a failure into the audit pack."""
    with (
        hold(run.home, run.run_id, command, wait),
        interrupts.watched(lambda: run.record_failure(interrupts.Interrupted())),
    ):
        write_log_to(run.home.audit / run.run_id / "run.log")
        settings.leave_out("DBT_")  # a worker's shell has them too
        if settings.left_out:
            log.info("Settings of the environment left out: %s", ", ".join(dict.fromkeys(settings.left_out)))
        lineage.started(run)
        try:
            look_at_what_stands(run)
            yield
        except BaseException as error:
            run.record_failure(error)
            # a library may have told it in words of its own, and what is published is known now
            if interrupts.received:
                raise interrupts.Interrupted from error
            raise


def look_at_what_stands(run: Run) -> None:
    """What a run before left half done is cleared or written down; what is not known is left, and told."""
    erase.finish(run.home)
    try:
        finish(run.home, run.run_id)
    except (OSError, ValueError, KeyError) as error:
        run.warn(f"A publication before this one could not be written down in the audit pack: {error}. {run.mends}")
    if faults := chain.read(run.home).faults:
        run.warn(chain.told(run.home, faults))
    if strangers := clear_leftovers(run.home):
        run.warn(
            f"Left alone in {run.home.published}, because no manifest says that they are publications: "
            f"{', '.join(strangers)}. Remove them if you know that nobody needs them."
        )


def newest_date(home: Home, landing: Path | None, upto: Delivery | None) -> date | None:
    """The date of the last delivery that a night will know: loaded and not withdrawn, or new in LANDING."""
    loaded = home.loaded()
    new = [d for d in deliveries_in(landing) if d not in loaded] if landing else []
    known = [*knowledge(home, upto).deliveries, *(d for d in new if upto is None or d <= upto)]
    return max(known).date if known else None


def refuse_going_back(home: Home, as_of: date, switch: bool, back: bool) -> None:
    """A night of an earlier date than what readers see would take days away from them, and nobody would know."""
    standing = (current_manifest(home) or {}).get("as_of")
    if switch and not back and standing and str(as_of) < standing:
        raise UsageError(
            f"--as-of {as_of}: `current` is as of {standing}, and a night does not move it back by itself. Give --no-switch to "
            "publish beside it, or --back to move it back."
        )
