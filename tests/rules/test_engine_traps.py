"""What the engine is known to break on is in no SQL of ours."""

from __future__ import annotations

import re

import pytest

from flows.policy import PROJECT

ROOMS = ("models", "macros", "tests/dbt", "flows", "expectations", "books", "benchmarks")
OVER_EVERYTHING = re.compile(
    r"(?<!row_number\(\) )\bover\s*\(\s*\)|\bas\s*\(\s*\)", re.IGNORECASE
)  # the second: a named window


def test_no_window_is_over_everything() -> None:
    """DuckDB 1.5.5 ends now and then on `count(*) over ()` of a few rows, and its database with it (decision 0063)."""
    files = [path for room in ROOMS for path in (PROJECT / room).rglob("*") if path.suffix in (".sql", ".py")]
    assert len(files) > 300
    assert {
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if OVER_EVERYTHING.search(line) and "`over ()`" not in line
    } == set()


@pytest.mark.parametrize("sql", ["count(*) over ()", "sum(x) OVER ( )", "window whole as ()"])
def test_the_trap_is_known(sql: str) -> None:
    assert OVER_EVERYTHING.search(sql)


def test_numbering_a_scan_is_allowed() -> None:
    assert not OVER_EVERYTHING.search("row_number() over () as line_no")
