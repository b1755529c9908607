"""Validate: the two gates to the outside. A gate that fails ends the run with what failed, how often, which rows, where."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from expectations import landing, publication
from flows import artifacts, controls, gatekeeper, land, quarantine
from flows.errors import ValidationFailed
from flows.home import Home, write_json
from flows.publish import Candidate

if TYPE_CHECKING:
    from expectations.results import GateResult


def docs_of(home: Home, run_id: str) -> Path:
    """Data docs of a run, in its audit pack; a publication gets a copy."""
    return home.audit / run_id / "validation"


def check_landing(home: Home, run_id: str, prepared: land.Prepared) -> GateResult:
    """The landing gate on one prepared delivery; a failure leaves the delivery to be corrected in place."""
    gate = _run(
        home,
        run_id,
        f"landing-{prepared.delivery}",
        {"gate": prepared.gate_database},
        landing.suites(),
        f"Delivery {prepared.delivery}",
    )
    if not gate.success:
        land.refuse(prepared)
        waiting = quarantine.by_reason(prepared.folder / "quarantine.parquet")
        raise ValidationFailed(
            _told(gate)
            + quarantine.told_by_reason(
                waiting, f"arrears quarantine --home {shlex.quote(str(home.root))} --delivery {prepared.delivery}"
            )
            + f"\nNothing of delivery {prepared.delivery} was loaded, and what was published before still stands. "
            "Correct the delivery in place (or raise max_quarantine_rate in the policy) and run again.",
            {"quarantine": waiting, **_first(gate)},
        )
    return gate


def check_publication(home: Home, run_id: str, candidate: Candidate) -> GateResult:
    """The publish gate on a candidate, and what it says of each control; a failure, or a control that was skipped, removes the candidate."""
    gate = _run(
        home,
        run_id,
        "publication",
        {"marts": candidate.database, "evidence": candidate.evidence},
        publication.suites(set(candidate.marts)),
        f"Publication as of {candidate.as_of}",
    )
    proved = controls.prove(candidate, gate)
    write_json(docs_of(home, run_id) / "publication" / "controls.json", proved)
    skipped = controls.told_not_run(proved)
    if not gate.success or skipped:
        shutil.rmtree(candidate.folder, ignore_errors=True)
        said = [_told(gate)] * (not gate.success)
        said += [f"Controls were skipped (every check of the seed control_check has to run):{skipped}"] * bool(skipped)
        said += ["Nothing was published, and what was published before still stands."]
        raise ValidationFailed("\n".join(said), _first(gate))
    return gate


def _run(home: Home, run_id: str, name: str, databases: dict[str, Path], suites: list, title: str) -> GateResult:
    docs = docs_of(home, run_id) / name
    docs.mkdir(mode=0o700, parents=True, exist_ok=True)
    gate = gatekeeper.judge(name, databases, suites, docs, title=title)
    write_json(docs / "result.json", gate.to_json_dict())
    artifacts.show_gate(gate)
    return gate


def _told(gate: GateResult) -> str:
    """The failed expectations as a tired person wants them: which, how many rows, which ones, where the report is."""
    lines = [f"The {gate.name} gate failed ({gate.title})."]
    for finding in [*gate.failed, *gate.could_not_run]:
        count = f": {finding.failing:,} row{'s' * (finding.failing != 1)}" if finding.failing is not None else ""
        lines.append(
            f"  ✗ {finding.title}{count}" + (f" — {finding.message}" if finding.outcome == "could_not_run" else "")
        )
        lines += [f"      {', '.join(f'{k}={v}' for k, v in sample.items())}" for sample in finding.samples[:3]]
        if len(finding.samples) > 3:
            lines.append("      …")
    lines.append(f"Report: {gate.docs}")
    return "\n".join(lines)


def _first(gate: GateResult) -> dict[str, str]:
    """The gate and what failed first, in the words of its expectation: no rows, no keys."""
    failed = (one.title for one in [*gate.failed, *gate.could_not_run])
    return {"gate": gate.title, "reason": next(failed, "Controls were skipped")}
