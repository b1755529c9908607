"""DuckDB: connections, all made here and quiet (a progress bar on stdout would spoil `--json`), and quoting for its SQL."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from flows.settings import memory_limit


def connect(path: Path | None = None, read_only: bool = False, **config: Any) -> duckdb.DuckDBPyConnection:
    """Open a database file, or one in memory."""
    connection = duckdb.connect(str(path) if path else ":memory:", read_only=read_only, config=config)
    connection.execute(f"set enable_progress_bar = false; set memory_limit = '{memory_limit()}'")
    return connection


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: str | int | Decimal | date | None) -> str:
    """A value as a literal of SQL: rows that are few go into a statement so, for binding them costs a millisecond each."""
    if value is None or isinstance(value, bool | int | Decimal):
        return "null" if value is None else str(value)
    return quote(str(value))


def quote_path(path: Path) -> str:
    """A SQL string literal for a file to read; `*`, `?` and `[` in its name are no wildcards."""
    return quote(re.sub(r"[*?\[]", r"[\g<0>]", str(path)))


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
