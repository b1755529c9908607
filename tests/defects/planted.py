"""The gates' expectations as plain SQL: the queries that a gate runs, asked of a sound database with a defect in it.

A whole gate takes seconds for Great Expectations and its documents, a query milliseconds. That the two answer alike, row for
row, is proved on every expectation in `test_gate_defects.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from expectations.business import COUNT_COLUMN, Severity
from expectations.results import Suite

TABLES = re.compile(r"\b(?:marts|evidence|gate)\.\w+")


@dataclass(frozen=True)
class Failed:
    """An expectation that does not hold: how many rows fail, and samples of them."""

    table: str
    title: str
    severity: Severity
    failing: int
    samples: list[dict[str, Any]]


def failed(connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite], defect: str = "") -> list[Failed]:
    """Every expectation that fails with the defect planted, in the gate's order; the database is then as it was.

    In a sound database, what reads no table that the defect names cannot fail by it, and is not asked.
    """
    named = set(TABLES.findall(defect))
    found = []
    connection.execute("begin")
    try:
        connection.execute(defect or "select 1")
        for suite in suites:
            batch = suite.table if suite.query is None else f"({suite.query})"
            for expectation in suite.expectations:
                query = expectation.query.format(batch=batch)
                if named and suite.query is None and named.isdisjoint(TABLES.findall(query)):
                    continue
                relation = connection.execute(query)
                columns = [column for column, *_ in relation.description]
                rows = [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
                if rows:
                    count = rows[0][COUNT_COLUMN]
                    samples = [
                        {name: plain(value) for name, value in row.items() if name != COUNT_COLUMN} for row in rows
                    ]
                    found.append(Failed(suite.table, expectation.title, expectation.severity, count, samples))
    finally:
        connection.execute("rollback")
    return found


def plain(value: Any) -> Any:
    from expectations.unexpected import plain as as_json_holds_it

    return as_json_holds_it(value)
