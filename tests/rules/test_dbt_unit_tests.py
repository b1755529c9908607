"""Every dbt unit test, each under its own name.

They lie beside the models (models/**/unit_tests/*.yml, or in the YAML of a mart) and run all at once, in one invocation of
dbt. Those of one rule:  pytest tests/rules -k grace_pauses
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flows.build import Built
from flows.dbt_project import run_dbt

MODELS = Path(__file__).parents[2] / "models"


def written() -> list[str]:
    """model::name of every unit test in the YAML files."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(MODELS.rglob("*.yml"))]
    return [f"{test['model']}::{test['name']}" for file in files for test in file.get("unit_tests", [])]


@pytest.fixture(scope="module")
def results(built: Built) -> dict[str, str]:
    """model::name -> empty where it passed, else what dbt says: expected against actual."""
    outcome = run_dbt(built.dbt_target.parent, ["test", "--select", "test_type:unit"])
    found = {}
    for result in outcome.result.results:
        model, name = result.node.unique_id.split(".")[2:]
        found[f"{model}::{name}"] = "" if str(result.status) == "pass" else str(result.message)
    return found


@pytest.mark.parametrize("name", written(), ids=str)
def test_rule(name: str, results: dict[str, str]) -> None:
    assert name in results, "dbt did not run it"
    assert not results[name], results[name]


def test_every_rule_has_a_unit_test() -> None:
    """Each intermediate model and mart is one rule; renaming ledgers is none."""
    tested = {name.split("::")[0] for name in written()}
    untested = {path.stem for path in MODELS.rglob("*.sql") if path.parent.name != "staging"} - tested
    only_pick = {"int_aging__loans", "int_aging__installments", "int_aging__touched_payments"}
    assert untested == only_pick
