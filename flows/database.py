"""Connections to DuckDB, all made here: quiet, since a progress bar on stdout would spoil `--json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb


def connect(path: Path | None = None, read_only: bool = False, **config: Any) -> duckdb.DuckDBPyConnection:
    """Open a database file, or one in memory."""
    connection = duckdb.connect(str(path) if path else ":memory:", read_only=read_only, config=config)
    connection.execute("set enable_progress_bar = false")
    return connection
