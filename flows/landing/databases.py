"""A lender's databases: what the mapping names of them, read once and in one snapshot into the delivery, as Parquet.

Every value comes as its text, so that no amount passes through a binary float, and from there on the delivery is one like any
other. Beside the files stands `databases.json`: what was read, with its query, its time and its rows. A delivery that is not
loaded yet is read again by the next night, as files may be corrected until then.

PostgreSQL runs its queries itself, in one transaction that is read-only and repeatable; over tables of MySQL and SQLite the
engine runs them, in one transaction too: a query is in the SQL of PostgreSQL there, and of DuckDB here. Passwords are handed
over apart from every text that a message could quote.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import duckdb

from flows.database import connect, identifier, quote
from flows.errors import DeliveryRefused, UsageError
from flows.home import Delivery, Home, knowledge, now_text, write_json
from flows.landing.mapping import Database, Reading, mapping_of, read_mapping
from flows.settings import from_environment

READ_FROM = "databases.json"
EXTENSIONS = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}
SETTINGS = {
    "mysql": {
        "mysql_session_time_zone": "'+08:00'",
        "mysql_tinyint1_as_boolean": "false",  # 2 is no boolean; the ledger's own type decides
        "mysql_query_timeout_enabled": "false",
        "mysql_aggregate_pushdown_enabled": "false",  # fails in the engine's planner
    },
    "sqlite": {"sqlite_all_varchar": "true"},  # a column may hold values of any type
}
SECONDS_TO_ANSWER = 20


def readings_of(folder: Path) -> list[Reading]:
    """What the mapping of a delivery's folder, which need not be there yet, reads of databases."""
    mapping = mapping_of(folder)
    entries = read_mapping(mapping) if mapping else []
    return list(dict.fromkeys(entry.reading for entry in entries if entry.reading))


def read(delivery: Delivery, folder: Path, home: Home) -> dict[str, Any]:
    """Put what the delivery's mapping names of databases into its folder, all of it or nothing; returns the account of it.

    Raises UsageError for a mapping that the database does not understand, DeliveryRefused where it cannot be read.
    """
    mapping, readings = mapping_of(folder), readings_of(folder)
    if not mapping or not readings:
        return {}
    scratch = folder / ".reading"
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        took = []
        for database in dict.fromkeys(reading.database for reading in readings):
            with _opened(database, mapping, delivery) as source:
                asked = [_ask(source, reading) for reading in readings if reading.database == database]
                took += [_take(source, one, known_upto(home, database.name, one), scratch) for one in asked]
        account = {"read_at": now_text(), "readings": took}
        _put(folder, scratch, account)
        return account
    except OSError as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {folder} must be writable, since what is read of a database is put there ({error.strerror}). "
            "Nothing was loaded."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put(folder: Path, scratch: Path, account: dict[str, Any]) -> None:
    """The files first, the account of them last; those of an earlier reading that was not loaded go."""
    with suppress(OSError, ValueError, KeyError, TypeError):  # none, or not ours
        before = json.loads((folder / READ_FROM).read_text("utf-8"))
        (folder / READ_FROM).unlink()
        for reading in before["readings"]:
            (folder / Path(reading["file"]).name).unlink(missing_ok=True)
    for reading in account["readings"]:
        (scratch / reading["file"]).replace(folder / reading["file"])
    write_json(folder / READ_FROM, account)


@dataclass(frozen=True)
class Asked:
    """A reading that the database understands: its query and the columns that it gives."""

    file: str
    query: str
    columns: list[str]
    since: str | None


def known_upto(home: Home, database: str, asked: Asked) -> str | None:
    """Up to where the rows of this very query are known without a gap: a delivery that was withdrawn is read again, and what
    came after it; so is everything once the query or its column is another."""
    upto = None
    for delivery in knowledge(home).deliveries:
        for reading in home.record(delivery).get("databases", {}).get("readings", []):
            since = reading["since"]
            if (reading["source"], reading["query"]) == (database, asked.query) and since and since["to"] is not None:
                follows = since["from"] is None or (upto is not None and not _after(since["from"], upto))
                if since["column"] == asked.since and follows:
                    upto = since["to"] if upto is None or _after(since["to"], upto) else upto
    return upto


def _after(one: str, other: str) -> bool:
    """By value where both are numbers; dates and times as a database writes them follow each other as texts."""
    with suppress(InvalidOperation):
        return Decimal(one) > Decimal(other)
    return one > other


@dataclass(frozen=True)
class Source:
    """A database that is open, in a transaction."""

    connection: duckdb.DuckDBPyConnection
    database: Database
    mapping: Path
    delivery: Delivery
    secrets: tuple[str, ...]

    @property
    def runs_itself(self) -> bool:
        return self.database.kind == "postgresql"

    def asked(self, sql: str) -> str:
        """A query as something to select from."""
        return f"postgres_query('source', {quote(sql)})" if self.runs_itself else f"({sql})"

    def text_of(self, column: str) -> str:
        name = identifier(column)
        return f"cast({name} as {'text' if self.runs_itself else 'varchar'}) as {name}"

    def ordered(self, value: str) -> str:
        """A value as `since` compares it. SQLite's are all text here: numbers by their value, before everything else."""
        if self.database.kind != "sqlite":
            return value
        number = f"try_cast({value} as hugeint)"
        return f"struct_pack(is_text := {number} is null, number := {number}, text := {value})"

    def newest(self, asked: Asked) -> str | None:
        """The newest value of the column that `since` names, as text."""
        column = identifier(asked.since or "")
        last = f"max({column})"
        if self.database.kind == "sqlite":
            last = f"arg_max({column}, {self.ordered(column)})"
        last = f"select cast({last} as {'text' if self.runs_itself else 'varchar'}) as newest from ({asked.query}) as source"
        (found,) = self.connection.sql(f"select newest from {self.asked(last)}").fetchone() or (None,)
        return found

    def told(self, error: duckdb.Error) -> str:
        """The database's own words, without the secrets."""
        said = next(line for line in str(error).strip().splitlines() if line.strip())
        for secret in self.secrets:
            said = said.replace(secret, "***")
        said = re.sub(r'^.*?(ERROR:\s+|(Postgres at|with parameters) ".*?": )', "", said)
        return said[:300].rstrip(".")

    def refused(self, error: duckdb.Error) -> DeliveryRefused:
        variables = ", ".join(re.findall(r"\$\{(\w+)\}", self.database.url))
        return DeliveryRefused(
            f"Delivery {self.delivery}: the database {self.database.name} ({self.mapping}, line {self.database.line}) cannot be "
            f"read: {self.told(error)}. Nothing was loaded. See that it answers, and that the address, the user and the "
            f"password{f' in {variables}' if variables else ''} are right; then run the night again."
        )

    def wrong(self, reading: Reading, said: str, allowed: str) -> UsageError:
        return UsageError(f"{self.mapping}, line {reading.line}: {said}. Allowed: {allowed}.")


@contextmanager
def _opened(database: Database, mapping: Path, delivery: Delivery) -> Iterator[Source]:
    url = _resolved(database, mapping)
    with connect() as connection:
        connection.execute(f"set TimeZone = 'Asia/Shanghai'; load {quote(extension_of(database.kind))}")
        for name, value in SETTINGS.get(database.kind, {}).items():
            connection.execute(f"set {name} = {value}")
        secrets: tuple[str, ...] = (url,)
        try:
            attach, schema = _sqlite(url, database, mapping), "main"
            if database.kind != "sqlite":
                parts, password = _address(url, database, mapping)
                secrets += tuple(text for text in (password, url.rpartition("@")[0]) if text)
                attach, schema = _server(connection, database, parts), parts["database"]
            source = Source(connection, database, mapping, delivery, secrets)
            connection.execute(f"attach {attach}")
            if not source.runs_itself:
                connection.execute(f"use source.{identifier(schema)}")
            connection.begin()
        except duckdb.Error as error:
            raise Source(connection, database, mapping, delivery, secrets).refused(error) from None
        try:
            yield source
        finally:
            with suppress(duckdb.Error):
                connection.rollback()  # by hand: at the connection's end, one that was lost would end the process


def _resolved(database: Database, mapping: Path) -> str:
    def value(match: re.Match[str]) -> str:
        if found := from_environment(match[1]):
            return found
        raise UsageError(
            f"{mapping}, line {database.line}: {database.name} has its address in {match[1]}, which is not set in the environment. "
            f"Allowed: {match[1]} with a URL such as {_example(database.kind)}."
        )

    return re.sub(r"\$\{(\w+)\}", value, database.url)


def _example(kind: str) -> str:
    return "/data/core.db" if kind == "sqlite" else f"{kind}://user:password@host/database"


def _sqlite(url: str, database: Database, mapping: Path) -> str:
    if database.kind != "sqlite":
        return ""
    path = mapping.parent / re.sub(r"^sqlite:(//)?(?=/)", "", url)
    if not path.is_file():
        raise UsageError(
            f"{mapping}, line {database.line}: {path} is no file. Allowed: a SQLite database, as {_example('sqlite')} or by its "
            "path from the mapping's folder."
        )
    return f"{quote(str(path))} as source (type sqlite, read_only)"


def _address(url: str, database: Database, mapping: Path) -> tuple[dict[str, Any], str | None]:
    """Host, port, user, password, database and options of a URL."""
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port
    except ValueError:
        split, host, port = urlsplit(""), None, None
    name = unquote(split.path.strip("/"))
    schemes = {"postgresql": ("postgresql", "postgres"), "mysql": ("mysql", "mariadb")}[database.kind]
    if split.scheme not in schemes or not host or not name:
        raise UsageError(
            f"{mapping}, line {database.line}: the address of {database.name} is no URL of a {database.kind} database (it is not "
            f"shown, since it may hold a password). Allowed: {_example(database.kind)}, with special characters of the user and "
            "the password as %40 and the like."
        )
    password = unquote(split.password) if split.password is not None else None
    parts = {
        "host": unquote(host),
        "port": port,
        "user": unquote(split.username) if split.username else None,
        "password": password,
        "database": name,
    }
    return {**parts, "options": dict(parse_qsl(split.query))}, password


def _server(connection: duckdb.DuckDBPyConnection, database: Database, parts: dict[str, Any]) -> str:
    """What follows `attach`; address and password are in a secret of the connection, which no error message quotes."""
    type_ = EXTENSIONS[database.kind]
    named = ("host", "port", "user", "password", "database")
    said = ", ".join(f"{name} {quote(str(parts[name]))}" for name in named if parts[name] is not None)
    connection.execute(f"create secret source (type {type_}, {said})")
    options = dict(parts["options"])
    if database.kind == "postgresql":
        options = {
            "connect_timeout": str(SECONDS_TO_ANSWER),
            "application_name": "arrears",
            "options": "-c TimeZone=Asia/Shanghai -c DateStyle=ISO",
            **options,
        }
        options = {name: "'" + re.sub(r"(['\\])", r"\\\1", value) + "'" for name, value in options.items()}
    words = " ".join(f"{name}={value}" for name, value in options.items())
    return f"{quote(words)} as source (type {type_}, secret source, read_only)"


def extension_of(kind: str) -> str:
    package = f"duckdb_extension_{EXTENSIONS[kind]}_scanner"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.rglob("*.duckdb_extension")) if found and found.origin else []
    if not files:
        raise UsageError(
            f"kind: {kind}: the package {package.replace('_', '-')} is not installed, and a {kind} database is read with it. "
            "Install it: pip install 'arrears[databases]'."
        )
    return str(files[-1])


def _ask(source: Source, reading: Reading) -> Asked:
    """Have the database look at a table or a query, before any row is read."""
    query = (reading.query or "").strip().rstrip(";")
    if reading.table:
        query = f"select * from {'.'.join(map(identifier, reading.table.split('.')))}"
    try:
        columns = source.connection.sql(f"select * from {source.asked(query)} limit 0").columns
    except duckdb.Error as error:
        raise source.wrong(
            reading,
            f"{source.database.name} does not understand {'the table' if reading.table else 'the query'} ({source.told(error)})",
            "a table that it holds and its user may read, or a query, SELECT … or WITH …, in its SQL",
        ) from None
    if reading.since and reading.since not in columns:
        raise source.wrong(reading, f"since: {reading.since}: there is no such column", ", ".join(columns))
    return Asked(reading.file, query, columns, reading.since)


def _take(source: Source, asked: Asked, known: str | None, folder: Path) -> dict[str, Any]:
    """Read what was asked for into its file, all of it or what is not known yet; the account of it."""
    path = folder / asked.file
    rows = f"({asked.query}) as rows_of_source"
    texts = f"select {', '.join(map(source.text_of, asked.columns))} from {rows}"
    newest = None
    if asked.since and known is not None:
        column = identifier(asked.since)
        texts += f" where {source.ordered(column)} >= {source.ordered(quote(known))} or {column} is null"
    try:
        if asked.since:
            newest = source.newest(asked)
        source.connection.execute(
            f"copy (select * from {source.asked(texts)}) to {quote(str(path))} (format parquet, kv_metadata "
            f"{{source: {quote(source.database.name)}, query: {quote(asked.query)}, read_at: {quote(now_text())}}})"
        )
        (count,) = source.connection.execute(f"select count(*) from read_parquet({quote(str(path))})").fetchone() or (
            0,
        )
    except duckdb.Error as error:
        raise source.refused(error) from None
    return {
        "file": asked.file,
        "source": source.database.name,
        "kind": source.database.kind,
        "query": asked.query,
        "rows": count,
        "since": {"column": asked.since, "from": known, "to": newest} if asked.since else None,
    }
