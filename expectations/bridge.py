"""The bridge between Great Expectations and DuckDB: what it is for, and when it can go.

- duckdb-engine 0.17 with Great Expectations 1.24: the connection is closed before its result is fetched, and DuckDB then
  has none, so nearly every expectation answers `list index out of range` (great_expectations issue 11579; a native
  engine is its pull request 12084). Our dialect reads each result to its end as soon as it is there.
  `tests/expectations/test_gate_bridge.py` fails on the day the stock dialect works: then delete ours.
- DuckDB names a database after its file, so in `marts.duckdb` the name `marts.loan_aging` is ambiguous between the database
  and the schema `marts`. And it refuses two connections of one process to one file whose settings differ, where
  duckdb-engine adds a `custom_user_agent`. Our dialect attaches the file, read-only, under the name `candidate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import duckdb_engine
    from great_expectations.data_context import EphemeralDataContext
    from sqlalchemy import pool


@contextmanager
def data_source(context: EphemeralDataContext, database: Path) -> Iterator[Any]:
    """The DuckDB file as a data source, attached once and let go at the end: others may want to write it."""
    register_dialect()
    path = str(database)
    attach(path)
    try:
        yield context.data_sources.add_sql(
            name="duckdb", connection_string="duckdb+gate:///", kwargs={"connect_args": {"path": path}}
        )
    finally:
        detach(path)


_ATTACHED: dict[str, list[duckdb.DuckDBPyConnection]] = {}  # by path: who attached it, then the cursors given out


def attach(path: str) -> None:
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute("attach '{}' as candidate (read_only)".format(path.replace("'", "''")))
    except duckdb.Error:
        connection.close()
        raise
    _ATTACHED[path] = [connection]


def detach(path: str) -> None:
    # Great Expectations makes engines of its own and keeps them, so closing ours would leave the file open.
    for connection in reversed(_ATTACHED.pop(path)):
        connection.close()


@cache
def register_dialect() -> None:
    from sqlalchemy.dialects import registry

    registry.register("duckdb.gate", __name__, "_GateDialect")


def __getattr__(name: str) -> Any:
    """`_GateDialect`, built when SQLAlchemy asks for it by name, so that importing this module stays cheap."""
    if name == "_GateDialect":
        return _gate_dialect()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _gate_dialect() -> type:
    import duckdb_engine
    from sqlalchemy import pool
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    class BufferedContext(duckdb_engine.Dialect.execution_ctx_cls):
        """Reads a result to its end as soon as it is there, so that it outlives its connection."""

        def post_exec(self) -> None:
            super().post_exec()
            if self.cursor is not None and self.cursor.description:
                self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                    self.cursor, initial_buffer=self.cursor.fetchall()
                )

    class GateDialect(duckdb_engine.Dialect):
        """`duckdb+gate:///`, with the file in `connect_args={"path": …}`: any character of a path is then just that."""

        supports_statement_cache = False
        execution_ctx_cls = BufferedContext

        def connect(self, *_: Any, path: str, **__: Any) -> duckdb_engine.ConnectionWrapper:
            if path not in _ATTACHED:
                attach(path)
            cursor = _ATTACHED[path][0].cursor()
            cursor.execute("use candidate; set enable_progress_bar = false")
            _ATTACHED[path].append(cursor)
            return duckdb_engine.ConnectionWrapper(cursor)

        @classmethod
        def get_pool_class(cls, url: Any) -> type[pool.Pool]:
            return pool.QueuePool

    return GateDialect
