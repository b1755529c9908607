"""OpenLineage events of runs at a receiver on loopback, against the shape that the specification (2-0-2) asks for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support import new_home

from flows.dates import Dates
from flows.errors import ValidationFailed
from flows.run import Run, opened

FACET = {
    "type": "object",
    "required": ["_producer", "_schemaURL"],
    "properties": {
        "_producer": {"format": "uri"},
        "_schemaURL": {"format": "uri", "pattern": r"^https://openlineage\.io/spec/"},
    },
}
FACETS = {"type": "object", "additionalProperties": FACET}
DATASETS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["namespace", "name"],
        "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}, "outputFacets": FACETS},
    },
}
EVENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"type": "string", "pattern": r"#/\$defs/RunEvent$"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {
                "runId": {"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"},
                "facets": FACETS,
            },
        },
        "job": {"type": "object", "required": ["namespace", "name"]},
        "inputs": DATASETS,
        "outputs": DATASETS,
    },
}


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
        jsonschema.validate(event, EVENT)
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
    jsonschema.validate(came[-1], EVENT)
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
