"""The content hash says what a mart says: order, file layout and compression do not count, a single value does."""

from __future__ import annotations

from pathlib import Path

import duckdb

from flows.content_hash import content_hash

ROWS = "select * from (values (1, 'a', 1.50::decimal(18, 2), date '2026-01-01', true), (2, null, 0.00, null, false)) as t(i, s, d, on_day, b)"


def hash_of(folder: Path, query: str, options: str = "") -> str:
    connection = duckdb.connect()
    path = folder / "mart.parquet"
    connection.execute(f"copy ({query}) to '{path}' (format parquet{options})")
    return content_hash(connection, path)[1]


def test_order_and_compression_do_not_count(tmp_path: Path) -> None:
    assert hash_of(tmp_path, ROWS) == hash_of(tmp_path, f"select * from ({ROWS}) order by i desc", ", compression zstd")


def test_every_value_counts(tmp_path: Path) -> None:
    changes = ["3 as i", "'b' as s", "1.51::decimal(18, 2) as d", "date '2026-01-02' as on_day", "b is null as b"]
    hashes = {hash_of(tmp_path, f"select * replace ({change}) from ({ROWS})") for change in changes}
    assert len(hashes | {hash_of(tmp_path, ROWS)}) == len(changes) + 1


def test_null_and_neighbours_are_told_apart(tmp_path: Path) -> None:
    pairs = [
        "select '' as a, 'x' as b",
        "select null as a, 'x' as b",
        "select 'x' as a, '' as b",
        "select '~' as a, 'x' as b",
    ]
    assert len({hash_of(tmp_path, f"select a::varchar as a, b from ({pair})") for pair in pairs}) == len(pairs)


def test_the_version_1_hash_of_a_known_row_stays(tmp_path: Path) -> None:
    """If this fails, published hashes can no longer be checked: give the new way a new HASH_VERSION."""
    import hashlib

    row = "1:1" + "1:a" + "4:1.50" + "10:2026-01-01" + "4:true"
    row_hash = hashlib.sha256(row.encode()).hexdigest()
    one = f"select * from ({ROWS}) where i = 1"
    assert hash_of(tmp_path, one) == hashlib.sha256(row_hash.encode()).hexdigest()
