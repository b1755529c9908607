"""Two states of a mart, row by row: what was added, what is gone, which columns differ in how many rows. In SQL, by the mart's key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from flows.database import identifier, quote_path
from flows.policy import PROJECT

KEY = re.compile(r"^    data_tests:\n(?:.*\n)*?      - unique_combination: \{columns: \[([^\]]+)\]\}", re.M)


SHOWN = 8  # columns that a sentence names


@dataclass(frozen=True)
class Compared:
    """`columns`: in how many rows of the same key each differs; `missing`: columns that one side alone has."""

    rows: tuple[int, int]
    added: int
    removed: int
    changed: int
    columns: dict[str, int]
    missing: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not (self.added or self.removed or self.changed or self.missing)

    @property
    def told(self) -> str:
        worst = sorted(self.columns.items(), key=lambda one: (-one[1], one[0]))
        said = [f"{self.added:,} rows added"] * bool(self.added) + [f"{self.removed:,} removed"] * bool(self.removed)
        if self.changed:
            more = f" and {len(worst) - SHOWN} columns more" if len(worst) > SHOWN else ""
            said.append(
                f"{self.changed:,} changed ({', '.join(f'{name} in {n:,}' for name, n in worst[:SHOWN])}{more})"
            )
        said += [f"columns on one side only: {', '.join(self.missing)}"] * bool(self.missing)
        return ", ".join(said) or "the same"


@cache
def keys() -> dict[str, list[str]]:
    """The key of each mart, as its contract proves it every night."""
    found = {}
    for path in (PROJECT / "models" / "marts").glob("*/*.yml"):
        if match := KEY.search(path.read_text("utf-8")):
            found[path.stem] = [column.strip() for column in match[1].split(",")]
    return found


def compare(
    connection: duckdb.DuckDBPyConnection, before: Path, after: Path, key: list[str], aside: tuple[str, ...] = ()
) -> Compared:
    """Two Parquet files of one mart; leaves the pairs of rows as the temporary view `pairs` (a: before, b: after).

    `aside` are columns that differ by their nature, as the as-of date of two nights; in a key they do not count either.
    """
    sides = {}
    for name, path in (("before", before), ("after", after)):
        sides[name] = connection.sql(f"select * from read_parquet({quote_path(path)}) limit 0").columns
        connection.execute(f"create or replace temp view {name} as select * from read_parquet({quote_path(path)})")
    common = [c for c in sides["after"] if c in sides["before"] and c not in aside]
    missing = tuple(sorted({*sides["before"]} ^ {*sides["after"]}))
    on = " and ".join(f"a.{identifier(c)} is not distinct from b.{identifier(c)}" for c in key if c in common) or "true"
    connection.execute(
        f"""
        create or replace temp view pairs as
        select a, b
        from (select *, true as _there from before) as a
        full join (select *, true as _there from after) as b on {on}
        """
    )
    figures = [c for c in common if c not in key]
    differs = {c: f"a.{identifier(c)} is distinct from b.{identifier(c)}" for c in figures}
    both = "a._there and b._there"
    counts = [
        "count(*) filter (where a._there)",
        "count(*) filter (where b._there)",
        "count(*) filter (where a._there is null)",
        "count(*) filter (where b._there is null)",
        f"count(*) filter (where {both} and ({' or '.join(differs.values()) or 'false'}))",
        *(f"count(*) filter (where {both} and {test})" for test in differs.values()),
    ]
    found: tuple[Any, ...] = connection.execute(f"select {', '.join(counts)} from pairs").fetchone() or ()
    columns = {c: n for c, n in zip(figures, found[5:], strict=True) if n}
    return Compared((found[0], found[1]), found[2], found[3], found[4], columns, missing)
