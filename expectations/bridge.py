"""The bridge between Great Expectations and DuckDB: what it is for, and when it can go.

- duckdb-engine 0.17 with Great Expectations 1.24: the connection is closed before its result is fetched, and DuckDB then
  has none, so nearly every expectation answers `list index out of range` (great_expectations issue 11579; a native
  engine is its pull request 12084). Our dialect reads each result to its end as soon as it is there.
  `tests/expectations/test_gate_bridge.py` fails on the day the stock dialect works: then delete ours.
- A gate looks at more than one file, and DuckDB refuses two connections of one process to one file whose settings differ,
  where duckdb-engine adds a `custom_user_agent`. Our dialect attaches the files, read-only, to a database in memory, where
  a schema of views stands for each: Great Expectations finds columns in schemas of one database only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
def data_source(context: EphemeralDataContext, databases: Mapping[str, Path]) -> Iterator[Any]:
    """The DuckDB files as one data source, attached once and let go at the end: others may want to write them."""
    register_dialect()
    paths = {name: str(path) for name, path in databases.items()}
    attach(paths)
    try:
        yield context.data_sources.add_sql(
            name="duckdb", connection_string="duckdb+gate:///", kwargs={"connect_args": {"databases": paths}}
        )
    finally:
        detach(paths)


# by name and path of the files: who attached them, then the cursors given out
_ATTACHED: dict[tuple[tuple[str, str], ...], list[duckdb.DuckDBPyConnection]] = {}


def attach(databases: Mapping[str, str]) -> None:
    import duckdb

    connection = duckdb.connect()
    try:
        for name, path in databases.items():
            connection.execute("attach '{}' as {}_file (read_only)".format(path.replace("'", "''"), name))
            connection.execute(f"create schema {name}")
            names = "select table_name from information_schema.tables where table_catalog = ?"
            for (table,) in connection.execute(names, [f"{name}_file"]).fetchall():
                connection.execute(f'create view {name}."{table}" as from {name}_file."{table}"')
    except duckdb.Error:
        connection.close()
        raise
    _ATTACHED[_key(databases)] = [connection]


def detach(databases: Mapping[str, str]) -> None:
    # Great Expectations makes engines of its own and keeps them, so closing ours would leave the files open.
    for connection in reversed(_ATTACHED.pop(_key(databases))):
        connection.close()


def _key(databases: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(databases.items()))


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
        """`duckdb+gate:///`, with the files in `connect_args={"databases": …}`: any character of a path is then just that."""

        supports_statement_cache = False
        execution_ctx_cls = BufferedContext

        def connect(self, *_: Any, databases: Mapping[str, str], **__: Any) -> duckdb_engine.ConnectionWrapper:
            if _key(databases) not in _ATTACHED:
                attach(databases)
            cursor = _ATTACHED[_key(databases)][0].cursor()
            cursor.execute("set enable_progress_bar = false")
            _ATTACHED[_key(databases)].append(cursor)
            return duckdb_engine.ConnectionWrapper(cursor)

        @classmethod
        def get_pool_class(cls, url: Any) -> type[pool.Pool]:
            return pool.QueuePool

    return GateDialect
