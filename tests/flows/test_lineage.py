"""OpenLineage events of runs at a receiver on loopback, against the shape that the specification (2-0-2) asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from support import new_home

from flows.dates import Dates
from flows.errors import ValidationFailed
from flows.run import Run, opened

SPEC = "https://openlineage.io/spec"


def facets(**known: dict[str, str]) -> dict[str, Any]:
    """What stands under the name of each facet that we send, by the definition that it names; no other is sent."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {
                "type": "object",
                "required": ["_producer", "_schemaURL", *asked],
                "properties": {
                    "_producer": URI,
                    "_schemaURL": DEFINITION,
                    **{field: KINDS[kind] for field, kind in asked.items()},
                },
            }
            for name, asked in known.items()
        },
    }


TEXT = {"type": "string"}
URI = {"type": "string", "format": "uri"}
DEFINITION = {"type": "string", "pattern": rf"^{SPEC}/facets/\d-\d-\d/\w+\.json#/\$defs/\w+$"}
KINDS = {"text": TEXT, "number": {"type": "integer"}, "time": {"type": "string", "format": "date-time"}}
NAMED = {"type": "object", "required": ["namespace", "name"], "properties": {"namespace": TEXT, "name": TEXT}}
OUTPUT = NAMED | {"properties": NAMED["properties"] | {"outputFacets": facets(outputStatistics={"rowCount": "number"})}}
RUN_FACETS = facets(
    nominalTime={"nominalStartTime": "time"}, errorMessage={"message": "text", "programmingLanguage": "text"}
)
# What the specification, version 2-0-2, asks of a RunEvent and of the facets that we send, in our own words; the types of its published
# client, which are generated from it, are the second opinion below.
EVENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": KINDS["time"],
        "producer": URI,
        "schemaURL": {"const": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": RUN_FACETS},
        },
        "job": NAMED,
        "inputs": {"type": "array", "items": NAMED},
        "outputs": {"type": "array", "items": OUTPUT},
    },
}
FORMATS = jsonschema.FormatChecker(formats=["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def is_time(text: str) -> bool:
    return "T" in text and datetime.fromisoformat(text).tzinfo is not None


@FORMATS.checks("uri")
def is_uri(text: str) -> bool:
    return bool(urlsplit(text).scheme)


def check(event: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(EVENT, format_checker=FORMATS).validate(event)


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a receiver was sent, to the address and with the key of the environment."""
    events: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert (self.path, self.headers["authorization"]) == ("/api/v1/lineage", "Bearer key")
            events.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key")
    yield events
    server.shutdown()


def run_at(folder: Path) -> Run:
    return Run(new_home(folder / "home"), dates=Dates((date(2026, 10, 31),), ()))


def manifest(run: Run) -> dict[str, Any]:
    return {
        "status": "published",
        "as_of": "2026-10-31",
        "dates": ["2026-10-31"],
        "known_at": "2026-10-31",
        "policy_version": "p",
        "marts": {"loan_aging": {"rows": 3, "hash": "h"}},
        "deliveries": [{"delivery": "2026-10-31"}],
    }


def test_a_run_that_published_says_from_which_deliveries_which_marts_came(
    tmp_path: Path, came: list[dict[str, Any]]
) -> None:
    run = run_at(tmp_path)
    with opened(run, "arrears nightly", 0):
        run.published(manifest(run))
    for event in came:
        check(event)
    first, last = came
    assert (first["eventType"], last["eventType"]) == ("START", "COMPLETE")
    assert first["run"]["runId"] == last["run"]["runId"]
    assert last["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-10-31T00:00:00+08:00"
    assert [d["name"] for d in last["inputs"]] == ["delivery.2026-10-31"]
    assert [(d["name"], d["outputFacets"]["outputStatistics"]["rowCount"]) for d in last["outputs"]] == [
        ("marts.loan_aging", 3)
    ]


def test_a_run_that_failed_says_its_kind_and_no_row(tmp_path: Path, came: list[dict[str, Any]]) -> None:
    run = run_at(tmp_path)
    with pytest.raises(ValidationFailed), opened(run, "arrears nightly", 0):
        raise ValidationFailed("The gate failed: customer_id=C-000001")
    check(came[-1])
    assert came[-1]["eventType"] == "FAIL"
    assert came[-1]["run"]["facets"]["errorMessage"]["message"] == "validation_failed"
    assert "C-000001" not in json.dumps(came)
    assert str(tmp_path) not in json.dumps(came)


def test_a_receiver_that_is_away_is_a_line_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9/")
    run = run_at(tmp_path)
    with opened(run, "arrears nightly", 0):
        run.published(manifest(run))
    log = (run.home.audit / run.run_id / "run.log").read_text("utf-8")
    assert "OPENLINEAGE_URL: the event COMPLETE could not be sent (URLError)" in log


def typed(event: dict[str, Any]) -> Any:
    """The event as the published client has it, which is generated from the specification: no field unknown, none missing, and each
    facet of the version that its `_schemaURL` names."""
    client = pytest.importorskip(
        "openlineage.client", reason="The published client of OpenLineage: `pip install openlineage-python`"
    )
    from openlineage.client.generated import base, error_message_run, nominal_time_run, output_statistics_output_dataset

    assert client
    kinds = [
        error_message_run.ErrorMessageRunFacet,
        nominal_time_run.NominalTimeRunFacet,
        output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
        base.RunEvent,
    ]
    by_url = {kind._get_schema(): kind for kind in kinds}

    def facets_of(said: dict[str, Any]) -> dict[str, Any]:
        return {
            name: by_url[facet["_schemaURL"]](
                producer=facet["_producer"], **{k: v for k, v in facet.items() if k[0] != "_"}
            )
            for name, facet in said.items()
        }

    said = dict(event)
    assert by_url[said.pop("schemaURL")] is base.RunEvent
    said["eventType"] = base.EventType(said["eventType"])
    said["run"] = base.Run(**said["run"] | {"facets": facets_of(said["run"]["facets"])})
    said["job"] = base.Job(**said["job"])
    said["inputs"] = [base.InputDataset(**one) for one in said["inputs"]]
    said["outputs"] = [
        base.OutputDataset(**one | {"outputFacets": facets_of(one["outputFacets"])}) for one in said["outputs"]
    ]
    return base.RunEvent(**said)


def test_the_published_client_takes_each_event_for_its_own(tmp_path: Path, came: list[dict[str, Any]]) -> None:
    run = run_at(tmp_path)
    with opened(run, "arrears nightly", 0):
        run.published(manifest(run))
    with pytest.raises(ValidationFailed), opened(run_at(tmp_path / "failed"), "arrears nightly", 0):
        raise ValidationFailed("The gate failed.")
    assert [event["eventType"] for event in came] == ["START", "COMPLETE", "START", "FAIL"]
    for event in came:
        assert typed(event).run.runId == event["run"]["runId"]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("eventTime",), "yesterday"),
        (("producer",), "arrears"),
        (("schemaURL",), "https://openlineage.io/spec/2-0-2/OpenLineage.json"),
        (("run", "runId"), "20261031T020000-0001"),
        (("run", "facets", "nominalTime", "nominalStartTime"), "2026-10-31"),
        (("run", "facets", "nominalTime", "_schemaURL"), f"{SPEC}/facets/1-0-1/NominalTimeRunFacet.json"),
        (("job",), {"name": "arrears"}),
        (("outputs", 0, "outputFacets", "outputStatistics", "rowCount"), "3"),
    ],
)
def test_the_check_of_events_sees_what_is_wrong(
    place: tuple[Any, ...], wrong: Any, tmp_path: Path, came: list[dict[str, Any]]
) -> None:
    run = run_at(tmp_path)
    with opened(run, "arrears nightly", 0):
        run.published(manifest(run))
    check(came[-1])
    inside = came[-1]
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = wrong
    with pytest.raises(jsonschema.ValidationError):
        check(came[-1])
