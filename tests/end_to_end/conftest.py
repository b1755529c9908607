"""A Prefect server for each core that runs end-to-end tests, and one demo home; each test works on a copy of the home."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flows.command import main

ARREARS = Path(sys.executable).parent / "arrears"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server on loopback, its database in a folder of the tests."""
    folder = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    environment.pop("PREFECT_API_URL", None)
    command = [
        str(ARREARS.parent / "prefect"),
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ui",
    ]
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"{url}/admin/version", timeout=30):
                    break
            except OSError:
                assert server.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.5)
        else:
            pytest.fail("the Prefect server did not answer in two minutes:\n" + (folder / "server.log").read_text())
        yield url
        tell_the_rest()
    finally:
        server.terminate()
        server.wait(20)


def tell_the_rest() -> None:
    """What nights of this process still have to tell the server: without it, Prefect would try for half a minute at exit."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=10)


@pytest.fixture(scope="session")
def arrears(prefect_server: str) -> Command:
    """Run the command in this process, against the shared server: what it says, and how it ends."""

    def run(*arguments: Any, given: str | None = None) -> Ended:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        with pytest.MonkeyPatch.context() as environment, temporary_settings({PREFECT_API_URL: prefect_server}):
            environment.setenv("PREFECT_API_URL", prefect_server)
            ended = CliRunner().invoke(main, [*map(str, arguments)], input=given)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run


@pytest.fixture(scope="session")
def process(prefect_server: str) -> Command:
    """Run the command as a user would, in a process of its own."""

    def run(*arguments: Any) -> Ended:
        environment = os.environ | {"PREFECT_API_URL": prefect_server}
        command = [str(ARREARS), *map(str, arguments)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `arrears demo`, made without any Prefect server configured, as on a fresh machine."""
    home = tmp_path_factory.mktemp("demo") / "home"
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    environment["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect_home"))
    ended = subprocess.run(
        [str(ARREARS), "demo", "--home", str(home), "--loans", "600", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    (home / "demo.json").write_text(ended.stdout)
    (home / "demo.err").write_text(ended.stderr)
    return home


@pytest.fixture
def home(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo home that a test may change."""
    shutil.copytree(demo, tmp_path / "home", symlinks=True)
    return tmp_path / "home"
