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
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A landing gate database and a candidate publication without a defect."""
    folder = tmp_path_factory.mktemp("sound")
    made = {}
    for name in ("landing", "publication"):
        made[name] = folder / f"{name}.duckdb"
        with duckdb.connect(str(made[name])) as connection:
            for path in sorted((HERE / "sound" / name).glob("*.sql")):  # _run.sql is first
                connection.execute(path.read_text(encoding="utf-8"))
    return made


@pytest.fixture
def run_with(sound: dict[str, Path], tmp_path: Path) -> Callable[..., GateResult]:
    """`run_with("publication", defect_sql)`: the gate's result on a copy into which the defect was planted."""

    def run(name: str, defect: str = "") -> GateResult:
        database = tmp_path / "candidate.duckdb"
        shutil.copyfile(sound[name], database)
        if defect:
            with duckdb.connect(str(database)) as connection:
                connection.execute(defect)
        suites = landing.suites() if name == "landing" else publication.suites(publication.MARTS)
        return run_gate(name, database, suites, tmp_path / "docs", title=f"{name.capitalize()} 2026-10-31")

    return run
