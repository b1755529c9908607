"""Break one thing, see exactly that expectation fail.

Each defect is planted where nothing else depends on it: in the evidence rather than in the mart, or in a written-off loan,
which neither the book nor the distribution holds. An expectation without a planted defect fails `test_all_are_tried`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from defects import PUBLICATION
from defects import landing as of_landing
from defects.planted import Failed, failed

from expectations import landing, publication
from expectations.business import rows
from expectations.results import Suite

LANDING = of_landing.DEFECTS
DEFECTS = [("landing", *key, sql) for key, sql in LANDING.items()]
DEFECTS += [("publication", *key, sql) for key, sql in PUBLICATION.items()]


def suites_of(gate: str) -> list[Suite]:
    return landing.suites() if gate == "landing" else publication.suites(publication.MARTS)


@pytest.fixture(scope="module")
def connections(sound: dict[str, dict[str, Path]]) -> dict[str, duckdb.DuckDBPyConnection]:
    """The tables of each gate in memory, in schemas named as its databases are: a transaction writes to one database only."""
    made = {gate: duckdb.connect() for gate in sound}
    for gate, connection in made.items():
        for name, path in sound[gate].items():
            connection.execute(f"attach '{path}' as sound (read_only); create schema memory.{name}")
            tables = connection.sql("select table_name from duckdb_tables() where database_name = 'sound'").fetchall()
            for (table,) in tables:
                connection.execute(f"create table memory.{name}.{table} as from sound.{table}")
            connection.execute("detach sound")
    return made


@pytest.fixture
def failing(connections: dict[str, duckdb.DuckDBPyConnection]) -> Callable[..., list[Failed]]:
    """`failing("publication", defect_sql)`: the expectations that fail when the defect is planted."""
    return lambda gate, defect="": failed(connections[gate], suites_of(gate), defect)


@pytest.mark.parametrize("gate", ["landing", "publication"])
def test_sound_data_passes(run_with, gate):
    result = run_with(gate)
    assert [finding for finding in result.results if finding.outcome != "passed"] == []
    assert result.success


@pytest.mark.parametrize(
    ("gate", "table", "title", "defect"), DEFECTS, ids=lambda value: value[:60] if isinstance(value, str) else None
)
def test_exactly_that_one_fails(failing, gate, table, title, defect):
    (found,) = failing(gate, defect)
    assert (found.table, found.title) == (table, title)
    assert len(found.samples) == min(found.failing, 20)


@pytest.mark.parametrize(("gate", "planted"), [("landing", LANDING), ("publication", PUBLICATION)])
def test_the_gate_answers_as_its_queries_do(run_with, failing, gate, planted):
    """All defects at once, then those that another one hid, until a whole gate has seen every expectation fail."""
    unseen = dict(planted)
    while unseen:
        said = failing(gate, together := ";".join(unseen.values()))
        result = run_with(gate, together)
        assert [
            Failed(finding.table, finding.title, finding.severity, finding.failing, finding.samples)
            for finding in result.results
            if finding.outcome != "passed"
        ] == said
        assert result.success is not any(found.severity == "critical" for found in said)
        hidden = {key: sql for key, sql in unseen.items() if key not in {(found.table, found.title) for found in said}}
        assert len(hidden) < len(unseen), f"these hide each other: {hidden}"
        unseen = hidden


def test_all_are_tried():
    for planted, suites in ((LANDING, landing.suites()), (PUBLICATION, publication.suites(publication.MARTS))):
        wanted = {(suite.table, expectation.title) for suite in suites for expectation in suite.expectations}
        assert wanted == set(planted)
        assert sum(len(suite.expectations) for suite in suites) == len(wanted), "two of one title in one suite"


def test_a_written_off_loan_is_not_of_the_book(failing):
    found = failing("publication", "update marts.loan_aging set is_written_off = true where loan_id = 'L-1'")
    assert ("No loan of the book is absent from loan_aging", "critical") in [(one.title, one.severity) for one in found]


def test_a_currency_that_a_scheme_lacks_is_missed(failing):
    defect = "delete from marts.aging_distribution where scheme = 'NINETY' and currency = 'USD'"
    found = [one for one in failing("publication", defect) if one.severity == "critical"]
    assert len(found) == 4
    assert found[0].samples == [
        {"as_of": "2026-10-31", "scheme": "NINETY", "currency": "USD", "in_buckets": 0, "in_book": 2, "difference": -2}
    ]


def test_a_distribution_without_a_row_is_missed(failing):
    found = failing("publication", "delete from marts.aging_distribution")
    assert len([one for one in found if one.severity == "critical"]) == 4


def test_a_backfill_of_several_dates_passes(failing):
    later = "as_of + 1 as as_of, oldest_unpaid_due_on + 1 as oldest_unpaid_due_on"
    found = failing(
        "publication",
        f"""
        insert into evidence.run select * replace (as_of + 1 as as_of) from evidence.run;
        insert into evidence.book select * replace (as_of + 1 as as_of) from evidence.book;
        insert into marts.loan_aging select * replace ({later}) from marts.loan_aging;
        insert into marts.aging_distribution select * replace (as_of + 1 as as_of) from marts.aging_distribution;
        update marts.aging_trend set as_of = as_of + 1;
        update marts.roll_rates set as_of = as_of + 1, from_as_of = from_as_of + 1;
        update marts.headline set as_of = as_of + 1, previous_as_of = previous_as_of + 1;
        update evidence.items_at set as_of = as_of + 1;
        update marts.roll_forward set as_of = as_of + 1, from_as_of = from_as_of + 1;
        update evidence.moved set as_of = as_of + 1;
        update marts.class_migration set as_of = as_of + 1, from_as_of = from_as_of + 1;
        update marts.class_migration_rates set as_of = as_of + 1, from_as_of = from_as_of + 1;
        update marts.publication set as_of = as_of + 1;
        update marts.bi_aging_over_time set as_of = as_of + 1;
        """,
    )
    assert found == []


def test_a_publication_without_a_date_is_refused(failing):
    found = failing("publication", "delete from evidence.run")
    stated = ("The publication states its date, its knowledge and its policy", "critical")
    assert stated in [(one.title, one.severity) for one in found]


def test_a_mart_that_vanished_is_drift(failing):
    found = failing("publication", "insert into evidence.previous values ('unheard_of', 3)")
    assert [(one.severity, one.samples) for one in found] == [
        ("warning", [{"mart": "unheard_of", "rows_before": 3, "rows_now": 0}])
    ]


def test_a_mart_without_a_suite_of_its_own_is_looked_at():
    (suite,) = (suite for suite in publication.suites({"unheard_of"}) if suite.table == "marts.unheard_of")
    assert suite.title == "Unheard of"
    assert [expectation.title for expectation in suite.expectations] == [
        "Every row is of a date that was asked for",
        "Every row names the policy it was computed under",
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"title": "x", "sql": "select 1"}, "must name its table as {batch}"),
        ({"title": "x", "sql": "select {column} from {batch}"}, "no other field"),
        ({"title": " ", "sql": "select 1 from {batch}"}, "needs a title"),
        ({"title": "x", "sql": "select 1 from {batch}", "severity": "bad"}, "allowed: critical, warning, info"),
    ],
)
def test_an_expectation_that_cannot_be_meant_is_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        rows(**arguments)


def test_two_suites_of_one_table_are_refused(run_with, sound, tmp_path):
    from expectations.gate import run_gate

    with pytest.raises(ValueError, match=r"more than one suite for gate_warnings"):
        run_gate("x", sound["landing"], [Suite("gate.warnings", []), Suite("gate.warnings", [])], tmp_path, title="x")
