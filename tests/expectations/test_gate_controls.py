"""Controls: for each a planted defect that makes exactly it fail; a check that did not run is never taken for one that held."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from defects import PUBLICATION
from defects.planted import failed

from expectations import publication
from expectations.results import Finding, GateResult
from flows.controls import prove, told_not_run
from flows.policy import PROJECT
from flows.publish import Candidate

SEEDS = PROJECT / "seeds" / "audit"
SUITES = publication.suites(publication.MARTS)
CHECKS = list(csv.DictReader((SEEDS / "control_check.csv").read_text("utf-8").splitlines()))
CONTROLS = sorted({check["control_id"] for check in CHECKS})

Prove = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def candidate(sound: dict[str, dict[str, Path]], tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    """The sound publication, with the seeds of the controls and the dbt tests that ran beside it."""
    folder = tmp_path_factory.mktemp("controls")
    for path in sound["publication"].values():
        shutil.copy(path, folder)
    made = Candidate(folder, date(2026, 10, 31), [])
    with duckdb.connect(str(made.evidence)) as connection:
        for seed in ("audit_control", "control_check"):
            connection.execute(f"create table {seed} as from read_csv('{SEEDS / seed}.csv', all_varchar = true)")
        connection.execute(
            "create table checks_run as select kind, check_name, checked, 'passed' as outcome, 0::bigint as failing "
            "from control_check where kind = 'dbt_test'"
        )
    return made


@pytest.fixture(scope="module")
def marts(candidate: Candidate) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("marts", "evidence"):
        connection.execute(
            f"attach '{candidate.folder}/{name}.duckdb' as sound (read_only); create schema memory.{name}"
        )
        for (table,) in connection.sql(
            "select table_name from duckdb_tables() where database_name = 'sound'"
        ).fetchall():
            connection.execute(f"create table memory.{name}.{table} as from sound.{table}")
        connection.execute("detach sound")
    return connection


@pytest.fixture
def proved(candidate: Candidate, marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> Prove:
    """`proved(defect, without=…)`: each control with the defect planted, and those expectations not run."""

    def run(defect: str = "", without: tuple[str, str] | None = None, empty: str = "") -> dict[str, dict[str, Any]]:
        found = {(one.table, one.title): one.failing for one in failed(marts, SUITES, defect)}
        results = []
        for suite in SUITES:
            for each in suite.expectations:
                key = (suite.table, each.title)
                outcome = "could_not_run" if key == without else "failed" if key in found else "passed"
                results.append(Finding("", *key, "", each.severity, outcome, found.get(key, 0)))
        copy = Candidate(tmp_path, candidate.as_of, [])
        for path in (candidate.database, candidate.evidence):
            shutil.copy(path, tmp_path)
        if empty:
            with duckdb.connect(str(copy.evidence)) as connection:
                connection.execute(f"delete from {empty}")
        return {one["control_id"]: one for one in prove(copy, GateResult("publication", "", True, results, "", 0))}

    return run


def results(controls: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["result"] for name, one in controls.items()}


def test_all_fifteen_hold_on_sound_data(proved: Prove) -> None:
    controls = proved()
    assert results(controls) == {f"C{n:02}": "held" for n in range(1, 16)}
    assert all(one["checks_run"] == one["checks_expected"] > 0 for one in controls.values())
    assert all(one["rows_looked_at"] > 0 == one["rows_failing"] for one in controls.values())
    assert told_not_run([*controls.values()]) == ""


@pytest.mark.parametrize("control", CONTROLS)
def test_a_planted_defect_makes_exactly_this_control_fail(proved: Prove, control: str) -> None:
    first = next(check for check in CHECKS if check["control_id"] == control)
    controls = proved(PUBLICATION[first["checked"], first["check_name"]])
    assert [name for name, one in controls.items() if one["result"] != "held"] == [control]
    assert controls[control]["result"] == "failed"
    assert controls[control]["rows_failing"] > 0


@pytest.mark.parametrize("control", CONTROLS)
def test_a_check_that_did_not_run_is_a_control_skipped(proved: Prove, control: str) -> None:
    last = next(c for c in reversed(CHECKS) if c["control_id"] == control and c["kind"] == "expectation")
    controls = proved(without=(last["checked"], last["check_name"]))
    assert [name for name, one in controls.items() if one["result"] != "held"] == [control]
    assert controls[control]["result"] == "not_run"
    assert last["check_name"] in told_not_run([*controls.values()])


def test_where_nothing_is_asked_for_a_control_does_not_apply(proved: Prove) -> None:
    assert results(proved(empty="sign_off"))["C13"] == "not_applicable"


def test_each_control_and_check_is_there_and_stands_for_one_control() -> None:
    controls = {
        row["control_id"] for row in csv.DictReader((SEEDS / "audit_control.csv").read_text("utf-8").splitlines())
    }
    assert controls == set(CONTROLS) == {f"C{n:02}" for n in range(1, 16)}
    there = {(suite.table, each.title) for suite in SUITES for each in suite.expectations}
    expectations = [(c["checked"], c["check_name"]) for c in CHECKS if c["kind"] == "expectation"]
    assert set(expectations) <= there
    assert len(set(expectations)) == len(expectations)
