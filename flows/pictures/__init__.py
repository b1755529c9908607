"""Pictures: the views `bi_<picture>` of marts.duckdb, for tools that add up what they are given.

Each has one grain, one scheme, one basis and labels, and a row of zeros where a bucket is empty; where `ALL` stands among the
currencies it is the only one. A file holds the view, after the marts or views that it reads and what it is; `{stages}`,
`{exits}`, `{classes}`, `{durations}` and `{severities}` stand for the codes of the policy in force, with order and labels, `{share: part / whole}` for a rate as
marts have it. A column that no comment names has that of the mart.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import duckdb

from flows.database import identifier, quote

CODES = {
    "stages": """
        select bucket, bucket_order, label_zh, label_en from work.intermediate.int_aging__buckets
        where scheme = 'CN_M_STAGE' and as_of = (select as_of from work.raw.run) order by bucket_order""",
    "exits": """
        select code, if(code = 'closed', 100, 101), label_zh, label_en from work.policy.label
        where code_set = 'exit' and code in ('closed', 'written_off') order by code""",
    "durations": """
        select bucket, bucket_order, label_zh, label_en from work.policy.advance_bucket
        where (select as_of from work.raw.run) between coalesce(valid_from, '0001-01-01') and coalesce(valid_to, '9999-12-31')
        order by bucket_order""",
    "severities": "select severity, severity_order, label_zh, label_en from work.policy.watch_severity order by severity_order",
    "classes": "select risk_class::varchar, risk_class, label_zh, label_en from work.policy.risk_class order by risk_class",
}


def draw(candidate: duckdb.DuckDBPyConnection, marts: Collection[str]) -> None:
    """Create the views whose marts are there. Runs inside the candidate, with the working database attached as `work`."""
    views = {path.stem: _parts(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("*.sql"))}
    there = set(marts)
    drawn: dict[str, list[str]] = {}
    for view, (reads, said, sql) in sorted(views.items(), key=lambda one: not views.keys().isdisjoint(one[1][0])):
        if not set(reads) <= there:
            continue
        for name in CODES:
            if f"{{{name}}}" in sql:
                sql = sql.replace(f"{{{name}}}", _values(candidate, name))
        candidate.execute(SHARE.sub(_exact_share, sql))
        candidate.execute(f"comment on view {view} is {quote(said)}")
        drawn[view] = reads
        there.add(view)
    _inherit_comments(candidate, drawn)


SHARE = re.compile(r"\{share: (.+?) / (.+?)\}")


def _exact_share(found: re.Match[str]) -> str:
    """A fraction as decimal(9, 6), half up by whole numbers of cents; null of nothing. The models' macro `share`, in plain SQL."""
    part, whole = (f"({amount} * 100)::hugeint" for amount in found.groups())
    return f"((2 * 1000000 * {part} + {whole}) // nullif(2 * {whole}, 0))::decimal(38, 0) * 0.000001::decimal(9, 6)"


def _parts(text: str) -> tuple[list[str], str, str]:
    """The marts that a view reads, what it is, and its SQL."""
    lines = text.splitlines()
    count = next(n for n, line in enumerate(lines) if not line.startswith("--"))
    head = [line.removeprefix("-- ") for line in lines[:count]]
    return re.findall(r"\w+", head[0].removeprefix("reads:")), " ".join(head[1:]), "\n".join(lines[count:])


def _values(candidate: duckdb.DuckDBPyConnection, name: str) -> str:
    rows = candidate.sql(CODES[name]).fetchall()
    listed = ", ".join(f"({quote(code)}, {order}, {quote(zh)}, {quote(en)})" for code, order, zh, en in rows)
    return f"(select * from (values {listed}) as codes (code, code_order, label_zh, label_en))"


def _inherit_comments(candidate: duckdb.DuckDBPyConnection, drawn: dict[str, list[str]]) -> None:
    """What no comment names has that of the first mart or view that it reads and that has one; `drawn`: in the order drawn."""
    known: dict[str, dict[str, str | None]] = {}
    query = "select table_name, column_name, comment from duckdb_columns() where database_name = 'marts'"
    for table, column, comment in candidate.sql(query).fetchall():
        known.setdefault(table, {})[column] = comment
    for view, reads in drawn.items():
        for column, comment in known[view].items():
            inherited = next((known[read][column] for read in reads if known[read].get(column)), None)
            if comment is None and inherited:
                known[view][column] = inherited
                candidate.execute(f"comment on column {view}.{identifier(column)} is {quote(inherited)}")
