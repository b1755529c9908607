"""OpenLineage events of a run, where OPENLINEAGE_URL says who takes them: which deliveries it knew, which marts it published.

Names and numbers of rows, no values. A receiver that is away, or refuses, is a line in the log.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from flows.progress import log
from flows.settings import lineage

if TYPE_CHECKING:
    from flows.run import Run

PRODUCER = "urn:arrears"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets/"
NAMESPACE = uuid.UUID("0c6a3c3e-8f0b-5b0e-9d55-3b7c1b6a9a10")
PATIENCE = 2  # seconds; a run that was interrupted has 3.5 in all


def started(run: Run) -> None:
    _send(run, "START")


def published(run: Run, manifest: dict[str, Any]) -> None:
    _send(run, "COMPLETE", manifest)


def ended(run: Run, interrupted: bool, reason: str) -> None:
    """`reason` is a kind of fault or the name of an expectation, never a row."""
    facet = _facet("1-0-1", "ErrorMessageRunFacet", message=reason, programmingLanguage="Python")
    _send(run, "ABORT" if interrupted else "FAIL", facets={"errorMessage": facet})


def event_of(
    run: Run, kind: str, manifest: dict[str, Any] | None = None, facets: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One event as the specification has it; deliveries and marts are datasets of the home."""
    namespace = f"arrears://{run.home.root.name}"
    facets = dict(facets or {})
    if run.as_of:
        day = f"{run.as_of}T00:00:00+08:00"
        facets["nominalTime"] = _facet("1-0-1", "NominalTimeRunFacet", nominalStartTime=day)
    inputs, outputs = [], []
    if manifest:
        inputs = [{"namespace": namespace, "name": f"delivery.{d['delivery']}"} for d in manifest["deliveries"]]
        outputs = [
            {
                "namespace": namespace,
                "name": f"marts.{mart}",
                "outputFacets": {
                    "outputStatistics": _facet("1-0-2", "OutputStatisticsOutputDatasetFacet", rowCount=facts["rows"])
                },
            }
            for mart, facts in manifest["marts"].items()
        ]
    return {
        "eventType": kind,
        "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": {"runId": str(uuid.uuid5(NAMESPACE, run.run_id)), "facets": facets},
        "job": {"namespace": namespace, "name": "arrears"},
        "inputs": inputs,
        "outputs": outputs,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
    }


def _facet(version: str, name: str, **said: Any) -> dict[str, Any]:
    """A facet, which names the definition that it follows, in the file of that version."""
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}{version}/{name}.json#/$defs/{name}", **said}


def _send(run: Run, kind: str, manifest: dict[str, Any] | None = None, facets: dict[str, Any] | None = None) -> None:
    if (to := lineage()) is None:
        return
    url, key = to
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        body = json.dumps(event_of(run, kind, manifest, facets)).encode()
        asked = Request(f"{url}/api/v1/lineage", body, headers)
        with urlopen(asked, timeout=PATIENCE):
            pass
    except Exception as error:
        log.warning("OPENLINEAGE_URL: the event %s could not be sent (%s)", kind, type(error).__name__)
