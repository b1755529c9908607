"""Our own expectations: a plain sentence, and the SQL that returns the keys of the rows that break it.

    rows(
        title="Every loan of the book is in loan_aging",
        sql="select loan_id from {batch} anti join marts.loan_aging using (loan_id)",
    )

The expectation holds when the SQL returns nothing. `{batch}` stands for the table (or the query) of the suite that
the expectation is in; other tables are named in full. Select keys and the figures that disagree, never a column that
may hold personal data: what is selected is shown in the report. A literal brace is doubled, as in `{{`.

The number of failing rows is always the whole number: it is counted over everything that the SQL returns, in the same
query that hands over the samples. Only the samples are capped, and they are sorted, so a run repeated shows the same.

Nothing here imports Great Expectations, which takes seconds; `gate.run_gate` turns `Rows` into its expectations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from textwrap import dedent
from typing import Literal

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
SAMPLES = 20
COUNT_COLUMN = "failing_rows_in_all"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One expectation: no row may be returned by `sql`."""

    title: str
    sql: str
    severity: Severity = "critical"
    description: str = ""
    samples: int = SAMPLES

    @property
    def query(self) -> str:
        """The SQL that is run: at most `samples` failing rows, in a fixed order, each with the number of them all.

        Not counted by `over ()`, which breaks DuckDB 1.5.5 now and then on a few rows (decision 0063).
        """
        return (
            f"with failing as materialized (\n{self.sql}\n)\n"
            f"select *, (select count(*) from failing) as {COUNT_COLUMN}\n"
            f"from failing\n"
            f"order by all\n"
            f"limit {self.samples}"
        )


def rows(
    *, title: str, sql: str, severity: Severity = "critical", description: str = "", samples: int = SAMPLES
) -> Rows:
    """An expectation that `sql` returns no rows. A `critical` one closes the gate, a `warning` or `info` is reported.

    Raises ValueError for a severity that does not exist, an empty title, or SQL without `{batch}`.
    """
    if not title.strip():
        raise ValueError(f"an expectation needs a title; its SQL begins: {sql.strip()[:60]!r}")
    if severity not in SEVERITIES:
        raise ValueError(f"{title!r}: severity is {severity!r}; allowed: {', '.join(SEVERITIES)}")
    fields = {field for _, field, _, _ in Formatter().parse(sql) if field is not None}
    if fields != {"batch"}:
        raise ValueError(
            f"{title!r}: the SQL must name its table as {{batch}}, and no other field; it has {sorted(fields)}"
        )
    sql = dedent(sql).strip().rstrip(";")
    return Rows(title=title, sql=sql, severity=severity, description=" ".join(description.split()), samples=samples)


def slug(table: str) -> str:
    """The name of a table or a query as Great Expectations and file names can hold it."""
    return re.sub(r"\W+", "_", table)


def sentence(error: str, query: str = "") -> str:
    """DuckDB's message as a sentence for a reader who doesn't know the query, which it may name in part only."""
    error = re.sub(r"^\(_?duckdb\.\w+\) ", "", error)
    if error.startswith(("Conversion Error", "Invalid Input Error")):
        error = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", error)  # what could not be converted may be personal data
    if found := re.search(r"(?:Table|View) with name (\S+) does not exist", error):
        full = re.search(rf"\b\w+\.{re.escape(found[1])}\b", query)
        return f"Table {full[0] if full else found[1]} is missing."
    if found := re.search(r'Schema with name "?(\S+?)"? does not exist', error):
        return f"Schema {found[1]} is missing."
    if found := re.search(r'Referenced column "([^"]+)" (?:was )?not found', error):
        return f"Column {found[1]} is missing{_candidates(error)}."
    if found := re.search(r'(?:Table|alias|Values list) "([^"]+)" does not have a column named "([^"]+)"', error):
        return f"Column {found[2]} is missing from {found[1]}{_candidates(error)}."
    return next((line.strip() for line in error.splitlines() if line.strip()), "no reason given")


def _candidates(error: str) -> str:
    found = re.search(r"Candidate bindings:\s*(.+)", error)
    names = re.findall(r'"([^"]+)"', found[1])[:3] if found else []
    return f"; there is {', '.join(names)}" if names else ""
