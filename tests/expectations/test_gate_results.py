"""What a gate answers: counts, samples, what could not run, and that it fits into JSON."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from expectations.business import rows
from expectations.gate import run_gate
from expectations.results import GateResult, Suite


@pytest.fixture
def gate(tmp_path: Path):
    database = tmp_path / "loans.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            """
            create table loans as
            select
                'L-' || lpad(i::varchar, 4, '0') as loan_id,
                i * 0.01::decimal(18, 2) as amount,
                if(i < 5, 'Zhang San', i::varchar) as words,
                '100%' as rate
            from range(1, 1001) r(i)
            """
        )

    def run(*expectations, table: str = "gate.loans", query: str | None = None) -> GateResult:
        suite = Suite(table, expectations, query=query)
        return run_gate("test", {"gate": database}, [suite], tmp_path / "docs", title="Test")

    return run


def test_all_failing_rows_are_counted_and_twenty_shown_in_order(gate):
    (found,) = gate(
        rows(title="t", sql="select loan_id, amount from {batch} where amount > 1 order by amount desc")
    ).results
    assert (found.outcome, found.failing, found.message) == ("failed", 900, "900 failing rows")
    assert found.samples[0] == {"loan_id": "L-0101", "amount": "1.01"}
    assert [sample["loan_id"] for sample in found.samples] == [f"L-{number:04}" for number in range(101, 121)]


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_only_a_critical_failure_closes_the_gate(gate, severity):
    result = gate(rows(title="t", sql="select loan_id from {batch} where loan_id = 'L-0001'", severity=severity))
    assert result.success is (severity != "critical")
    assert len(result.failed) == (severity == "critical")
    assert (len(result.warnings), len(result.notes)) == (severity == "warning", severity == "info")


@pytest.mark.parametrize(
    ("expectation", "table", "message"),
    [
        ("select loan_id from {batch}", "gate.absent", "Table gate.absent is missing."),
        ("select loan_id from {batch}", "nowhere.absent", "Table nowhere.absent is missing."),
        (
            "select a.loan_id from {batch} as a join gate.absent using (loan_id)",
            "gate.loans",
            "Table gate.absent is missing.",
        ),
        ("select nought from {batch}", "gate.loans", "Column nought is missing"),
        ("select a.nought from {batch} as a", "gate.loans", "Column nought is missing from a"),
        (
            "select * from {batch} where words::integer > 5",
            "gate.loans",
            "Conversion Error: Could not convert string '…' to INT32",
        ),
    ],
)
def test_what_cannot_run_is_told_apart_and_closes_the_gate(gate, expectation, table, message):
    result = gate(
        rows(title="cannot", sql=expectation, severity="info"),
        rows(title="can", sql="select 1 from {batch} limit 0"),
        table=table,
    )
    cannot, can = result.results
    assert cannot.outcome == "could_not_run"
    assert cannot.message.startswith(message)
    assert cannot.failing is None
    assert can.outcome == ("passed" if table == "gate.loans" else "could_not_run")
    assert not result.success
    assert result.failed == []
    assert "Zhang" not in result.to_json()
    pages = "".join(page.read_text() for page in Path(result.docs).parent.rglob("*.html"))
    assert "Zhang" not in pages
    assert "Traceback" not in pages


def test_a_query_may_stand_for_a_table(gate):
    (found,) = gate(
        rows(title="t", sql="select loan_id from {batch} where amount > 9.99"),
        table="large loans",
        query="select * from gate.loans where amount > 5",
    ).results
    assert found.samples == [{"loan_id": "L-1000"}]
    (found,) = gate(rows(title="t", sql="select 1 from {batch}"), table="q", query="select * from gate.absent").results
    assert found.message == "Table gate.absent is missing."


def test_signs_that_mean_something_elsewhere(gate):
    sql = "select loan_id, '%s %(x)s {{}} $1 \\' as signs from {batch} where rate like '1%' and loan_id = 'L-0001' and 7 % 2 = 1"
    (found,) = gate(rows(title="100% $ <b>", sql=sql)).results
    assert found.samples == [{"loan_id": "L-0001", "signs": "%s %(x)s {} $1 \\"}]


def test_a_result_is_json(gate):
    result = gate(
        rows(
            title="t",
            sql="select loan_id, date '2026-10-31' as d, [1, null] as l from {batch} where loan_id < 'L-0002'",
        )
    )
    again = json.loads(result.to_json())
    assert again["success"] is False
    assert again["results"][0]["samples"] == [{"loan_id": "L-0001", "d": "2026-10-31", "l": [1, None]}]


def test_a_database_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no database to look at"):
        run_gate("test", {"gate": tmp_path / "absent.duckdb"}, [], tmp_path, title="Test")
