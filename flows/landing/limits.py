"""How large a delivered file may become once it is unpacked, so that a small one cannot fill memory and disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.database import identifier, quote_path
from flows.errors import DeliveryRefused
from flows.policy import Policy

ALWAYS_ALLOWED = 64 << 20  # bytes: below it nobody cares how well a file was compressed


@dataclass(frozen=True)
class Limits:
    """`expansion`: times its own size that a compressed file may unpack to; `columns` and `rows` of a file; `cell` in bytes."""

    expansion: int
    columns: int
    cell: int
    rows: int

    @classmethod
    def of(cls, policy: Policy) -> Limits:
        return cls(*(int(policy.number(f"max_file_{what}")) for what in ("expansion", "columns", "cell", "rows")))

    def allowed(self, path: Path) -> int:
        return max(ALWAYS_ALLOWED, self.expansion * path.stat().st_size)

    def check_unpacked(self, path: Path, size: int, delivery: str) -> None:
        if size > self.allowed(path):
            raise DeliveryRefused(
                f"Delivery {delivery}: {path} has {path.stat().st_size:,} bytes and unpacks to {size:,} or more; allowed are "
                f"{self.allowed(path):,} (policy setting max_file_expansion, {self.expansion} times its size). Nothing was "
                "loaded; deliver it as it is without compression, or raise the limit if it is meant."
            )

    def check_columns(self, path: Path, columns: int, delivery: str) -> None:
        if columns > self.columns:
            raise DeliveryRefused(
                f"Delivery {delivery}: {path} has {columns:,} columns; allowed are {self.columns:,} (policy setting "
                "max_file_columns). Nothing was loaded; is the delimiter or a line end wrong?"
            )

    def check_rows(self, path: Path, rows: int, delivery: str) -> None:
        """`rows`: of a text, its lines."""
        if rows > self.rows:
            raise DeliveryRefused(
                f"Delivery {delivery}: {path} has {rows:,} rows or more; allowed are {self.rows:,} (policy setting "
                "max_file_rows). Nothing was loaded; deliver it in parts (loans-part-1.csv, loans-part-2.csv), or raise the "
                "limit if it is meant."
            )

    def check_parquet(self, connection: duckdb.DuckDBPyConnection, path: Path, delivery: str) -> None:
        """Rows times columns and the length of texts: both cost a Parquet file next to nothing where they repeat."""
        source = f"read_parquet({quote_path(path)})"
        columns = connection.sql(f"describe from {source}").fetchall()
        self.check_columns(path, len(columns), delivery)
        (rows,) = connection.sql(f"select sum(num_rows) from parquet_file_metadata({quote_path(path)})").fetchone()
        self.check_rows(path, int(rows), delivery)
        self.check_unpacked(path, int(rows) * len(columns), delivery)
        in_bytes = {"VARCHAR": "strlen", "BLOB": "octet_length"}
        texts = [f"{in_bytes[kind]}({identifier(name)})" for name, kind, *_ in columns if kind in in_bytes]
        if not texts:
            return
        total, longest = connection.sql(
            f"select {' + '.join(f'coalesce(sum({t}), 0)' for t in texts)}, "
            f"greatest({', '.join(f'coalesce(max({t}), 0)' for t in texts)}) from {source}"
        ).fetchone()
        self.check_unpacked(path, int(total), delivery)
        if longest > self.cell:
            raise DeliveryRefused(
                f"Delivery {delivery}: {path} holds a text of {longest:,} bytes; allowed are {self.cell:,} (policy setting "
                "max_file_cell). Nothing was loaded; is it a document in the place of a value?"
            )
