"""Somebody else's shell, signals, and Prefect: what they change (nothing), and what they leave (nothing)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import httpx
import pytest
from end_to_end.nights import nightly
from prefect.states import State

from flows import chain, publish

ARREARS = Path(sys.executable).parent / "arrears"

FOREIGN = {
    "DBT_PROJECT_DIR": "/nowhere",
    "DBT_PROFILES_DIR": "/nowhere",
    "DBT_TARGET": "prod",
    "DBT_FULL_REFRESH": "maybe",
    "DBT_WARN_ERROR": "true",
    "PREFECT_PROFILE": "of somebody else",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
    "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK": "s3/nowhere",
    "PREFECT_LOGGING_LEVEL": "LOUD",
    "PREFECT_TASK_DEFAULT_RETRIES": "many",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql+asyncpg://nobody@localhost:1/none",
    "TZ": "America/New_York",
    "LANG": "en_US.ISO-8859-1",
    "PYTHONHASHSEED": "7",
}


def hashes(home: Path) -> dict[str, str]:
    manifest = json.loads((home / "published" / "current" / "manifest.json").read_text("utf-8"))
    return {mart: facts["hash"] for mart, facts in manifest["marts"].items()}


def chain_lines(home: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (home / "audit" / "chain.jsonl").read_text("utf-8").splitlines()]


def night(home: Path, *more: str) -> list[str]:
    return [str(ARREARS), *nightly(home, *more)]


def without_prefect() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}


def children_of_runs(home: Path) -> list[str]:
    """Processes whose working folder is this home's, or that belong to a run of it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "flows.prefect_server" in said and os.readlink(entry / "cwd").startswith(str(home)):
                found.append(said)
        except OSError:
            continue
    return found


def test_settings_of_another_shell_change_no_figure(home: Path, tmp_path: Path) -> None:
    before = hashes(home)
    (tmp_path / "profiles.toml").write_text("not [ toml")
    (tmp_path / "prefect.toml").write_text("not [ toml")
    (tmp_path / ".env").write_text("PREFECT_TASK_DEFAULT_RETRIES=many\n")
    foreign = {"PREFECT_HOME": str(tmp_path), "PREFECT_PROFILES_PATH": str(tmp_path / "profiles.toml"), **FOREIGN}
    ended = subprocess.run(
        night(home, "--json"), cwd=tmp_path, env=without_prefect() | foreign, capture_output=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert hashes(home) == before
    log = (home / "audit" / json.loads(ended.stdout)["run_id"] / "run.log").read_text("utf-8")
    said = log.split("Settings of the environment left out: ")[1].splitlines()[0].split(", ")
    assert {name for name in foreign if name.startswith(("DBT_", "PREFECT_"))} == set(said)
    assert children_of_runs(home) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/api", "localhost"])
def test_a_prefect_api_that_does_not_answer_is_named(demo: Path, url: str) -> None:
    ended = subprocess.run(
        night(demo), env=without_prefect() | {"PREFECT_API_URL": url}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert f"PREFECT_API_URL {url}: no Prefect server answers there" in ended.stderr


def prefect_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API goes away while a run is at work: it takes no end of it any more."""
    from prefect.flow_engine import FlowRunEngine

    takes = FlowRunEngine.set_state

    def gone(self: FlowRunEngine, state: State, force: bool = False) -> State:
        if state.is_final():
            raise httpx.ConnectError("All connection attempts failed")
        return takes(self, state, force)

    monkeypatch.setattr(FlowRunEngine, "set_state", gone)


def test_what_fails_after_the_commit_is_a_warning(home: Path, arrears, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    prefect_dies(monkeypatch)
    monkeypatch.setattr(publish, "rotate", full)
    monkeypatch.setattr(chain, "_append", full)
    before = chain_lines(home)
    ended = arrears(*night(home, "--json")[1:])
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert (home / "published" / "current").resolve() == Path(said["publication"])
    audit, rotation, api = [w for w in said["warnings"] if w.startswith("Published; but")]
    assert audit.startswith("Published; but the audit pack could not be written: [Errno 28] No space left on device.")
    assert rotation.startswith("Published; but older publications could not be removed: ")
    assert api.startswith("Published; but Prefect could not be told how the run ended: All connection attempts failed")
    assert chain_lines(home) == before
    monkeypatch.undo()
    # the next run, however it ends, writes down what this one could not
    assert arrears(*night(home, "--as-of", "2026-12-31")[1:]).code == 3
    runs = [(link["run_id"], link["status"]) for link in chain_lines(home)[len(before) :]]
    assert runs[0] == (said["run_id"], "published")
    assert [status for _, status in runs] == ["published", "validation_failed"]


def test_how_a_night_failed_is_told_whatever_prefect_makes_of_it(
    home: Path, arrears, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefect_dies(monkeypatch)
    ended = arrears(*night(home, "--as-of", "2026-12-31")[1:])
    assert ended.code == 3
    assert "No delivery dated 2026-12-31" in ended.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_run_that_is_ended_is_written_down_and_leaves_no_process(
    home: Path, number: signal.Signals, code: int
) -> None:
    known = {link["run_id"] for link in chain_lines(home)}
    standing = (home / "published" / "current").resolve()
    run = subprocess.Popen(
        night(home), env=without_prefect(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while run.poll() is None:
        logs = [path for path in (home / "audit").glob("*/run.log") if path.parent.name not in known]
        if any("Computing" in log.read_text("utf-8") for log in logs):
            break
        time.sleep(0.01)
    assert children_of_runs(home), "the run has no Prefect server of its own"
    run.send_signal(number)
    _, said = run.communicate(timeout=15)
    assert run.returncode == code
    assert (home / "published" / "current").resolve() == standing
    if number != signal.SIGKILL:
        assert f"Interrupted ({number.name}): this run published nothing" in said
        assert "Traceback" not in said
        assert chain_lines(home)[-1]["status"] == "interrupted"
    deadline = time.monotonic() + 5
    while children_of_runs(home) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert children_of_runs(home) == []


def test_current_goes_back_only_when_told_to(home: Path, arrears) -> None:
    standing = (home / "published" / "current").resolve()
    earlier = ["--as-of", "2026-09-30"]
    refused = arrears(*night(home, *earlier)[1:])
    assert refused.code == 2
    assert "--as-of 2026-09-30: `current` is as of 2026-10-31" in refused.err
    assert (home / "published" / "current").resolve() == standing
    assert arrears(*night(home, *earlier, "--back")[1:]).code == 0
    assert (home / "published" / "current").resolve().name.startswith("2026-09-30")


def ask(url: str, what: str, flow_run: str | None = None) -> list[dict]:
    """Of one run, or the newest: a server tells at most 200 of anything."""
    asked = {what: {"flow_run_id": {"any_": [flow_run]}}} if flow_run else {"sort": "START_TIME_DESC"}
    body = json.dumps(asked).encode()
    request = urllib.request.Request(f"{url}/{what}/filter", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_a_flow_of_plain_parameters_does_what_the_command_does(home: Path, prefect_server: str) -> None:
    """As Prefect runs it from its UI: parameters as JSON, the run named after its date, lines and artifacts on its page."""
    call = "import json, sys; from flows.nightly import nightly; nightly(**json.loads(sys.argv[1]))"

    def run(**parameters: object) -> subprocess.CompletedProcess:
        policy = str(home / "policy")
        given = json.dumps({"home": str(home), "landing": str(home / "landing"), "policy": policy, **parameters})
        environment = without_prefect() | {"PREFECT_API_URL": prefect_server}
        return subprocess.run([sys.executable, "-c", call, given], env=environment, capture_output=True, timeout=300)

    before = hashes(home)
    ended = run(as_of="2026-10-31", switch=True)
    assert ended.returncode == 0, ended.stderr.decode()
    assert hashes(home) == before
    (flow_run,) = (r for r in ask(prefect_server, "flow_runs") if r["parameters"].get("home") == str(home))
    assert (flow_run["name"], flow_run["state_type"]) == ("2026-10-31", "COMPLETED")
    lines = [line["message"] for line in ask(prefect_server, "logs", flow_run["id"])]
    assert any(line.startswith("✓ Validating the candidate") for line in lines)
    made = {a["key"] for a in ask(prefect_server, "artifacts", flow_run["id"])}
    assert made == {"gate-publication", "publication"}

    ended = run(as_of="2026-12-31")
    assert ended.returncode == 1
    assert chain_lines(home)[-1]["status"] == "validation_failed"
    assert (
        "No delivery dated 2026-12-31"
        in (home / "audit" / chain_lines(home)[-1]["run_id"] / "manifest.json").read_text()
    )
