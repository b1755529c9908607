"""dbt reads the project once per installation: its parse serves new homes, older knowledge and another policy's seeds."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner
from support import new_home, rows_of

from flows.dbt_project import close_connections, project_folder, run_dbt
from flows.policy import Policy, read_policy


@pytest.fixture(scope="module", autouse=True)
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An installation of its own, whose parse the first home makes; the suite's may have been made under another policy."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        run_dbt(project_in(tmp_path_factory.mktemp("first"), read_policy()), ["parse"])
        yield


def project_in(folder: Path, policy: Policy, database: str = "arrears.duckdb") -> Path:
    home = new_home(folder / "home")
    (home.warehouse / database).parent.mkdir(exist_ok=True)
    return project_folder(home, policy, home.warehouse / database)


def read_anew(project: Path) -> set[str]:
    """The files that dbt reads in a folder rather than take them from a parse."""
    said: list[str] = []
    options = ["--project-dir", str(project), "--profiles-dir", str(project), "--log-level", "none"]
    with contextlib.chdir(project):
        assert dbtRunner(callbacks=[lambda event: said.append(event.info.msg)]).invoke(["parse", *options]).success
    close_connections()
    assert not [line for line in said if line.startswith("Unable to do partial parsing")]
    lines = [line for line in said if line.startswith("Partial parsing: ")]
    return set(re.findall(r"arrears://(\S+)", " ".join(lines)))


@pytest.mark.parametrize("database", ["arrears.duckdb", "scratch/arrears.duckdb"])
def test_a_new_home_reads_nothing_anew(tmp_path: Path, database: str) -> None:
    assert read_anew(project_in(tmp_path, read_policy(), database)) == set()


def test_of_a_policy_only_its_seeds_are_read_and_they_are_what_counts(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "policy.csv").write_text("setting,value\nfpd_days,31\n", "utf-8")
    policy = read_policy(tmp_path / "policy")
    assert read_anew(project_in(tmp_path / "read", policy)) == {"seeds/policy.csv"}
    project = project_in(tmp_path / "seeded", policy)
    assert run_dbt(project, ["seed"]).success
    query = "select value from policy.policy where setting = 'fpd_days'"
    assert rows_of(project.parent / "arrears.duckdb", query) == [{"value": "31"}]
