"""Two small databases in which every expectation holds, and the means to break one thing in a copy of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from expectations import landing, publication
from expectations.gate import preload, run_gate
from expectations.results import GateResult

HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def _great_expectations() -> None:
    preload()


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """The databases of a landing gate and of a candidate publication, by their names, without a defect."""
    folder = tmp_path_factory.mktemp("sound")
    made: dict[str, dict[str, Path]] = {}
    for gate, names in (("landing", ("gate",)), ("publication", ("marts", "evidence"))):
        made[gate] = {name: folder / f"{name}.duckdb" for name in names}
        with duckdb.connect() as connection:
            attach(connection, made[gate])
            for path in sorted((HERE / "sound" / gate).glob("*.sql")):  # _run.sql is first
                connection.execute(path.read_text(encoding="utf-8"))
    return made


def attach(connection: duckdb.DuckDBPyConnection, databases: dict[str, Path]) -> None:
    for name, path in databases.items():
        connection.execute(f"attach '{path}' as {name}")


@pytest.fixture
def run_with(sound: dict[str, dict[str, Path]], tmp_path: Path) -> Callable[..., GateResult]:
    """`run_with("publication", defect_sql)`: the gate's result on a copy into which the defect was planted."""

    def run(name: str, defect: str = "") -> GateResult:
        databases = {each: Path(shutil.copy(path, tmp_path)) for each, path in sound[name].items()}
        with duckdb.connect() as connection:
            attach(connection, databases)
            connection.execute(defect or "select 1")
        suites = landing.suites() if name == "landing" else publication.suites(publication.MARTS)
        return run_gate(name, databases, suites, tmp_path / "docs", title=f"{name.capitalize()} 2026-10-31")

    return run
