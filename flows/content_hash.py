"""The content hash of a mart: what it says, apart from how the file was written.

Version 1: per row sha256 over its columns in contract order, each as `<bytes in UTF-8>:<text>` or `~` for null; the row
hashes (hex) sorted and put one after the other; sha256 of that. Text is canonical: decimals with the scale of their type,
dates as 2026-11-22, timestamps in UTC as 2026-11-22 09:30:00.000000, booleans true and false, integers plain. One
implementation, over the published Parquet, whatever engine computed the mart.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

HASH_VERSION = 1


def content_hash(connection: duckdb.DuckDBPyConnection, parquet: Path) -> tuple[int, str]:
    """(rows, hash) of one Parquet file."""
    source = "read_parquet('" + str(parquet).replace("'", "''") + "')"
    columns = connection.sql(f"select * from {source} limit 0")
    parts = []
    for name, kind in zip(columns.columns, columns.types, strict=True):
        column = '"' + name.replace('"', '""') + '"'
        text = (
            f"strftime({column}, '%Y-%m-%d %H:%M:%S.%f')" if str(kind).startswith("TIMESTAMP") else f"{column}::varchar"
        )
        parts.append(f"coalesce(strlen({text})::varchar || ':' || {text}, '~')")
    rows = connection.sql(f"select sha256(concat({', '.join(parts)})) as row_hash from {source} order by row_hash")
    digest, count = hashlib.sha256(), 0
    while batch := rows.fetchmany(100_000):
        digest.update("".join(row[0] for row in batch).encode())
        count += len(batch)
    return count, digest.hexdigest()
