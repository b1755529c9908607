"""What is published, in a PostgreSQL for BI tools: tables of a run in `marts_<run>`, views on them in `marts`, moved in one transaction.

The views are what people and tools name: they stay when a run comes or goes, and so do views that somebody has built on them. Of
earlier runs the one before is kept, for `--rollback`. A role for readers sees the views and nothing else; where the policy's
`bi_access` has rows, a reader sees the rows of the branches and segments that it grants to a role of theirs, and no others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from flows.database import connect, identifier, quote
from flows.errors import ArrearsError, UsageError
from flows.home import existing_home
from flows.landing.databases import extension_of
from flows.policy import read_policy
from flows.publish import publication_of
from flows.sign import refuse_unsigned

VIEWS = "marts"
LOCK = 7_260_042  # one publication at a time in a database
# All views are locked, or none: who holds one and waits for the next stands in a deadlock with a reader of both who took them in another
# order. So they are tried in one order after another, and a try is given up long before PostgreSQL looks for deadlocks (1 s): it is never
# the reader whom that hits.
LOCK_ALL = f"""
do $$ begin
    for attempt in 1..300 loop
        begin
            set local lock_timeout = '100ms';
            execute (
                select 'lock table ' || string_agg(format('{VIEWS}.%I', viewname), ', ' order by random()) || ' in access exclusive mode'
                from pg_views where schemaname = '{VIEWS}'
            );
            set local lock_timeout = '30s';
            return;
        exception when lock_not_available then
            perform pg_sleep(random() * 0.1);
        end;
    end loop;
    raise exception 'readers have held its views for half a minute';
end $$"""
ANY = "*"
COLUMN_OF = {
    "branch": "branch_id",
    "segment": "segment",
}  # what bi_access limits, and the column of the marts that says it
TYPES = {"VARCHAR": "text", "TIMESTAMP": "timestamp", "DOUBLE": "double precision", "HUGEINT": "numeric(38, 0)"}


class NotPublished(ArrearsError):
    """The database did not take it: what stood there stands."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    is_required: bool
    comment: str | None


@dataclass(frozen=True)
class Table:
    """A mart or picture as PostgreSQL is to have it."""

    name: str
    comment: str | None
    columns: list[Column]


def publish_to(
    home: Path, url: str, run: str | None, rollback: bool, reader: str, policy: Path | None
) -> dict[str, Any]:
    """`arrears publish --to URL`: the current publication, or RUN's; with `rollback` the views go back to the run before."""
    if rollback and run:
        raise UsageError(f"RUN {run} and --rollback: give one of the two.")
    access = read_policy(policy).seeds["bi_access"].rows
    with opened(url) as target:
        if rollback:
            schema = target.before()
        else:
            place = existing_home(home)
            publication, manifest = publication_of(place, run or "current")
            refuse_unsigned(place, manifest)
            schema = schema_of(manifest["run_id"])
            if schema not in target.runs():
                target.load(publication / "marts.duckdb", schema)
        target.point_views_at(schema, reader, access)
        gone = target.forget(schema)
        tables = len(target.tables_of(schema))
    told = f"{target.shown}: the {tables} views of schema {VIEWS} now show {schema}."
    kept = f" Removed: {', '.join(gone)}." if gone else ""
    return {"status": "ok", "exit_code": 0, "schema": schema, "views": tables, "removed": gone, "_text": told + kept}


def schema_of(run_id: str) -> str:
    return "marts_" + re.sub(r"\W", "_", run_id).lower()


@dataclass
class Target:
    """A database in a transaction of ours, with the lock that only one publication holds."""

    connection: duckdb.DuckDBPyConnection
    shown: str  # the address, without secrets

    def run(self, *statements: str) -> None:
        """Statements in PostgreSQL's own SQL."""
        if statements:
            self.connection.execute("call postgres_execute('target', ?)", [";\n".join(statements)])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute("from postgres_query('target', ?)", [query]).fetchall()

    def runs(self) -> list[str]:
        """Schemas of runs, oldest first."""
        found = self.rows(
            "select nspname::text from pg_namespace where nspname ~ '^marts_[0-9]{8}t[0-9]{6}_' order by 1"
        )
        return [name for (name,) in found]

    def shown_now(self) -> str | None:
        """The schema that the views show."""
        query = f"""
            select distinct used.table_schema::text from information_schema.view_table_usage as used
            where used.view_schema = '{VIEWS}' and used.table_schema like 'marts\\_%'"""
        return next((name for (name,) in self.rows(query)), None)

    def before(self) -> str:
        runs, now = self.runs(), self.shown_now()
        if now not in runs or runs.index(now) == 0:
            raise UsageError(
                f"--rollback: {self.shown} keeps no run before {now or 'the first'}. Kept: {', '.join(runs) or 'none'}. "
                "`arrears publish RUN` brings any publication that HOME keeps."
            )
        return runs[runs.index(now) - 1]

    def load(self, database: Path, schema: str) -> None:
        """Typed tables with comments, and their rows."""
        self.connection.execute(f"attach {quote(str(database))} as published (read_only)")
        tables = tables_in(self.connection)
        self.run(f"create schema {identifier(schema)}", *(ddl for table in tables for ddl in definition(table, schema)))
        self.connection.execute(
            "call pg_clear_cache()"
        )  # it was read with the marts' own catalog, before these were there
        for table in tables:
            self.connection.execute(
                f"insert into target.{identifier(schema)}.{identifier(table.name)} by name from published.{identifier(table.name)}"
            )

    def tables_of(self, schema: str) -> dict[str, list[tuple[str, str]]]:
        """Each table or view of a schema with its columns and their types, in order."""
        query = f"""
            select relname::text, attname::text, format_type(atttypid, atttypmod)
            from pg_class
            inner join pg_namespace on pg_namespace.oid = relnamespace
            inner join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
            where nspname = '{schema}' and relkind in ('r', 'v')
            order by relname, attnum"""
        found: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in self.rows(query):
            found.setdefault(table, []).append((column, kind))
        return found

    def point_views_at(self, schema: str, reader: str, access: Sequence[dict[str, str]]) -> None:
        """Every view of `marts`, and who may read it."""
        self._make_roles(reader, access)
        self.run(f"create schema if not exists {VIEWS}")
        tables, views = self.tables_of(schema), self.tables_of(VIEWS)
        readers = ", ".join(identifier(role) for role in dict.fromkeys([reader, *(row["role"] for row in access)]))
        if views:
            self.run(LOCK_ALL)
        statements = [f"drop view {VIEWS}.{identifier(gone)}" for gone in views.keys() - tables.keys()]
        for name, columns in tables.items():
            ordered, stays = in_order(columns, views.get(name, []))
            if name in views and not stays:
                statements.append(f"drop view {VIEWS}.{identifier(name)}")
            statements += [self._view(schema, name, ordered, access), *self._comments(schema, name, ordered)]
        statements += [
            f"revoke all on schema {identifier(schema)} from public",
            f"grant usage on schema {VIEWS} to {readers}",
            f"grant select on all tables in schema {VIEWS} to {readers}",
        ]
        self.run(*statements)

    def _view(self, schema: str, name: str, columns: list[str], access: Sequence[dict[str, str]]) -> str:
        listed = ", ".join(f"shown.{identifier(column)}" for column in columns)
        view = f"create or replace view {VIEWS}.{identifier(name)} with (security_barrier = {str(bool(access)).lower()}) as"
        return (
            f"{view} select {listed} from {identifier(schema)}.{identifier(name)} as shown {limited(columns, access)}"
        )

    def _comments(self, schema: str, name: str, columns: list[str]) -> Iterator[str]:
        query = f"""
            select coalesce(attname::text, ''), description from pg_description
            left join pg_attribute on attrelid = objoid and attnum = objsubid and objsubid > 0
            where objoid = '{identifier(schema)}.{identifier(name)}'::regclass and classoid = 'pg_class'::regclass"""
        for column, said in self.rows(query):
            if not column:
                yield f"comment on view {VIEWS}.{identifier(name)} is {quote(said)}"
            elif column in columns:
                yield f"comment on column {VIEWS}.{identifier(name)}.{identifier(column)} is {quote(said)}"

    def _make_roles(self, reader: str, access: Sequence[dict[str, str]]) -> None:
        there = {name for (name,) in self.rows("select rolname::text from pg_roles")}
        if reader not in there:
            ((may,),) = self.rows("select rolcreaterole or rolsuper from pg_roles where rolname = current_user")
            if not may:
                raise UsageError(
                    f"--reader {reader}: {self.shown} has no such role, and this user may not create one. "
                    f"`create role {reader} nologin` by an administrator makes it."
                )
            self.run(f"create role {identifier(reader)} nologin")
        for line, row in enumerate(access, start=2):
            if row["role"] not in there:
                raise UsageError(
                    f"bi_access.csv, line {line}, role: {self.shown} has no role {row['role']}. Allowed: a role of that database."
                )

    def forget(self, schema: str) -> list[str]:
        """Of the runs before the one that is shown all but the last go."""
        runs = self.runs()
        gone = runs[: max(0, runs.index(schema) - 1)]
        self.run(*(f"drop schema {identifier(old)} cascade" for old in gone))
        return gone


def tables_in(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    """Marts and pictures of an attached `published`."""
    columns = connection.sql(
        """
        select table_name, column_name, data_type, not is_nullable, comment
        from duckdb_columns() where database_name = 'published' and schema_name = 'main' and not internal order by table_name, column_index
        """
    ).fetchall()
    comments = dict(
        connection.sql(
            """
            select table_name, comment from duckdb_tables() where database_name = 'published'
            union all
            select view_name, comment from duckdb_views() where database_name = 'published' and not internal
            """
        ).fetchall()
    )
    found: dict[str, Table] = {}
    for table, name, kind, is_required, comment in columns:
        if table in comments:
            of = found.setdefault(table, Table(table, comments[table], []))
            of.columns.append(Column(name, TYPES.get(kind, kind.lower()), is_required, comment))
    return list(found.values())


def definition(table: Table, schema: str) -> Iterator[str]:
    name = f"{identifier(schema)}.{identifier(table.name)}"
    columns = (f"{identifier(c.name)} {c.type}{' not null' * c.is_required}" for c in table.columns)
    yield f"create table {name} ({', '.join(columns)})"
    if table.comment:
        yield f"comment on table {name} is {quote(table.comment)}"
    for column in table.columns:
        if column.comment:
            yield f"comment on column {name}.{identifier(column.name)} is {quote(column.comment)}"


def in_order(columns: list[tuple[str, str]], shown: list[tuple[str, str]]) -> tuple[list[str], bool]:
    """The columns in the order in which a view shows them, new ones last; and whether that view can stay, with what hangs on it."""
    stays = set(shown) <= set(columns)
    known = [name for name, _ in shown] if stays else []
    return [*known, *(name for name, _ in columns if name not in known)], stays


def limited(columns: Sequence[str], access: Sequence[dict[str, str]]) -> str:
    """Only rows of a branch and segment that are granted to a role of who asks. What says no branch, or no segment, is for those
    who see all of them."""
    if not access:
        return ""
    granted = []
    for row in access:
        held = [f"pg_has_role(current_user, {quote(row['role'])}, 'member')"]
        for what, column in COLUMN_OF.items():
            if row[what] != ANY:
                held.append(f"shown.{identifier(column)} = {quote(row[what])}" if column in columns else "false")
        granted.append(f"({' and '.join(held)})")
    return f"where {' or '.join(granted)}"


@contextmanager
def opened(url: str) -> Iterator[Target]:
    """A transaction in the database of a URL: all of it happens, or nothing."""
    split = urlsplit(url)
    shown = f"{split.scheme}://{split.hostname or ''}{split.path}"
    if split.scheme not in ("postgresql", "postgres"):
        raise UsageError(f"--to {split.scheme or 'that'}: not the address of a PostgreSQL. Allowed: {EXAMPLE}.")
    if split.password is not None:
        raise UsageError(
            f"--to {shown}: the address holds a password, which the list of processes and the shell's history would show. "
            f"Allowed: {EXAMPLE}, with the password in PGPASSWORD, in the file that PGPASSFILE names, or in a service (PGSERVICE)."
        )
    with connect() as connection:
        connection.execute(f"load {quote(extension_of('postgresql'))}")
        try:
            # whoever comes second sees what the first has made once the lock is his
            connection.execute(f"attach {quote(url)} as target (type postgres, isolation_level 'READ COMMITTED')")
            connection.begin()
            target = Target(connection, shown)
            target.run(f"select pg_advisory_xact_lock({LOCK})")
        except duckdb.Error as error:
            raise UsageError(
                f"--to {shown}: {_told(error)}. Nothing was changed. See that it answers, and that user, database and password "
                "(PGPASSWORD, PGPASSFILE or PGSERVICE) are right."
            ) from None
        try:
            yield target
            connection.commit()
        except duckdb.Error as error:
            raise NotPublished(
                f"{shown} did not take the publication: {_told(error)}. Nothing was changed there: what it showed it shows still."
            ) from None
        finally:
            with suppress(duckdb.Error):
                connection.rollback()  # of a connection that was lost, by hand: else the process would end with it


EXAMPLE = "postgresql://user@host/database"


def _told(error: duckdb.Error) -> str:
    """The database's own words, in a line, without the address."""
    said = " ".join(line.strip() for line in str(error).strip().splitlines() if line.strip())
    for secret in (os.environ.get("PGPASSWORD"),):
        if secret:
            said = said.replace(secret, "***")
    said = re.sub(r'(Unable to connect to Postgres at|with parameters) ".*?": ', "", said)
    return re.sub(r"^.*?(ERROR|FATAL):\s+", "", said)[:300].rstrip(". ")
