"""Build: show dbt what is known, and let its models compute. State is kept by loan touched.

dbt runs in a folder beside its database, under HOME, that links to the project's models and macros and holds the resolved
seeds, so the installed project is never written and `--policy` changes nothing but one run's seeds.

Reading the project takes dbt longer than computing a small book. It does so once per installation: its parse is kept for
this user and given to each new folder, where dbt reads again only what differs, such as the seeds of a `--policy`. That
needs a profile that is the same in every folder: the database is named relative to it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import yaml

from flows.database import connect, quote
from flows.dates import Dates
from flows.earlier import Earlier, earlier_publications
from flows.errors import ArrearsError, ValidationFailed
from flows.history import attach_history, attach_open_quarantine
from flows.home import Home, Knowledge
from flows.ledgers import ledgers
from flows.policy import PROJECT, Policy
from flows.settings import cache_folder, memory_limit

DBT_FOLDERS = ("models", "macros")
# Keys of tables that nobody reads from outside: the suite proves them, a night does not count every row again.
KEYS_INSIDE = "path:models/intermediate,resource_type:test"
PARSE = "partial_parse.msgpack"  # as dbt calls it


@dataclass(frozen=True)
class Built:
    """What a build leaves: the working database, and dbt's own account of the run."""

    database: Path
    dbt_target: Path
    nodes: list[dict[str, Any]]
    full_refresh: bool
    compared: list[str]


class BuildFailed(ArrearsError):
    """A model or a test of our own code failed: a fault of ours, told with its node and message."""


def project_folder(home: Home, policy: Policy, database: Path) -> Path:
    """The dbt project of this home: links to models and macros, the resolved seeds, a profile for the database."""
    folder = database.parent / "dbt"
    (folder / "seeds").mkdir(parents=True, exist_ok=True)
    for name in DBT_FOLDERS:
        _link(PROJECT / name, folder / name)
    (folder / "tests").mkdir(exist_ok=True)
    _link(PROJECT / "tests" / "dbt", folder / "tests" / "dbt")
    shutil.copyfile(PROJECT / "dbt_project.yml", folder / "dbt_project.yml")
    for path in (PROJECT / "seeds").glob("*/_*.yml"):
        copy = shutil.copyfile(path, folder / "seeds" / path.name)
        os.utime(copy, ns=(path.stat().st_mtime_ns,) * 2)  # dbt knows a file that it has read by its time
    for name, content in policy.content().items():
        path = folder / "seeds" / f"{name}.csv"
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    profile = f"""
arrears:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: ../{database.name}
      schema: main
      threads: 1
      keep_open: true
      settings:
        TimeZone: Asia/Shanghai
        preserve_insertion_order: false
        enable_progress_bar: false
        memory_limit: {memory_limit()}
"""
    (folder / "profiles.yml").write_text(profile, "utf-8")
    kept, parse = kept_parse(), folder / "target" / PARSE
    if kept.exists() and not parse.exists():
        parse.parent.mkdir(exist_ok=True)
        shutil.copyfile(kept, parse)
    return folder


def kept_parse() -> Path:
    """Where this installation's parse is kept, named after its files and their times; dbt itself compares what they hold."""
    files = sorted(p for name in DBT_FOLDERS for p in (PROJECT / name).rglob("*.*"))
    times = " ".join(f"{path.name} {path.stat().st_mtime_ns}" for path in files)
    packages = " ".join(version(package) for package in ("dbt-core", "dbt-duckdb"))
    project, state = (hashlib.sha256(text.encode()).hexdigest()[:12] for text in (str(PROJECT), times + packages))
    return cache_folder() / f"{project}-{state}.{PARSE}"


def _keep_parse(parse: Path) -> None:
    """Keep it for the next new folder. A cache that cannot be written costs time and nothing else."""
    kept = kept_parse()
    mine = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(parse, mine)
        mine.replace(kept)
        for other in kept.parent.glob(f"{kept.name.split('-')[0]}-*"):
            if other != kept:
                other.unlink(missing_ok=True)
    except OSError:
        mine.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    if target.is_symlink() and Path(os.readlink(target)) == source:
        return
    if target.is_symlink():
        target.unlink()
    target.symlink_to(source, target_is_directory=True)


def code_version() -> str:
    """sha256 over the models, macros and the input contract: state computed by other code is not continued."""
    digest = hashlib.sha256()
    files = [p for name in DBT_FOLDERS for p in (PROJECT / name).rglob("*.sql")]
    for path in sorted([*files, PROJECT / "flows" / "ledgers.yml"]):
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def build(
    home: Home,
    knowledge: Knowledge,
    policy: Policy,
    dates: Dates,
    *,
    marts: Sequence[str] = (),
    keys_inside: bool = False,
) -> Built:
    """Compute the marts as of the dates, as known, into the working database (or a scratch one for older knowledge).

    `marts`: these and what they rest on, in place of all; `keys_inside`: prove the keys of intermediate models too.
    """
    database = working_database(home, knowledge)
    state = _kept_state(database)
    here = {
        "deliveries": [d.name for d in knowledge.deliveries],
        "withdrawn": [d.name for d in knowledge.withdrawn],
        "policy_version": policy.version,
        "code_version": code_version(),
        "marts": sorted(marts),
    }
    kept = state if state and _continues(state, here) else None
    earlier = earlier_publications(home, knowledge, policy.version, dates)
    _show_knowledge(home, database, knowledge, policy, dates, earlier, kept)
    folder = project_folder(home, policy, database)
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if marts:
        arguments += ["--indirect-selection", "cautious", "--select", "resource_type:seed"]
        arguments += [f"+{mart}" for mart in marts]
    if not keys_inside:
        arguments += ["--exclude", KEYS_INSIDE]
    if kept is None:
        arguments += ["--full-refresh"]
    else:
        arguments += ["--exclude-resource-type", "seed"]
    nodes = compute(folder, arguments)
    with connect(database) as connection:
        connection.execute("create or replace table raw.state as select ? as state", [json.dumps(here)])
    return Built(database, folder / "target", nodes, kept is None, [e.run_id for e in earlier])


def working_database(home: Home, knowledge: Knowledge) -> Path:
    """The kept working database; a scratch one where an older point of knowledge is asked for."""
    newest = home.loaded()
    if knowledge.upto is not None and newest and knowledge.upto < newest[-1]:
        scratch = home.warehouse / "scratch" / home.working_database.name  # dbt's names hold the file's
        scratch.parent.mkdir(exist_ok=True)
        for path in (scratch, scratch.with_name(scratch.name + ".wal")):
            path.unlink(missing_ok=True)
        return scratch
    return home.working_database


def _kept_state(database: Path) -> dict[str, Any] | None:
    if not database.exists():
        return None
    try:
        with connect(database) as connection:
            row = connection.sql("select state from raw.state").fetchone()
    except duckdb.Error:
        return None  # never finished, or damaged: everything in it can be computed again
    return json.loads(row[0]) if row else None


def _continues(state: dict[str, Any], here: dict[str, Any]) -> bool:
    """Whether the kept state is the same warehouse a few deliveries ago: nothing withdrawn, no rule changed."""
    same = all(state.get(k) == here[k] for k in ("withdrawn", "policy_version", "code_version", "marts"))
    return same and here["deliveries"][: len(state["deliveries"])] == state["deliveries"]


def _show_knowledge(
    home: Home,
    database: Path,
    knowledge: Knowledge,
    policy: Policy,
    dates: Dates,
    earlier: list[Earlier],
    kept: dict[str, Any] | None,
) -> None:
    """Schema raw: views over the known Parquet, the one row that is the models' clock, the dates, and what was said before."""
    if kept is None:
        for path in (database, database.with_name(database.name + ".wal")):
            path.unlink(missing_ok=True)
    state_no = 0
    if kept and kept["deliveries"]:
        state_no = next(d.order for d in knowledge.deliveries if d.name == kept["deliveries"][-1])
    with connect(database) as connection:
        connection.execute("create schema if not exists raw; use raw")
        for name, ledger in ledgers().items():
            attach_history(connection, home, ledger, knowledge.deliveries, name, bool(knowledge.withdrawn))
        attach_open_quarantine(connection, home, knowledge.deliveries)
        connection.execute("create or replace view quarantine as select * exclude (raw, texts) from all_quarantine")
        connection.execute(
            f"""
            create or replace table run as select
                date '{dates.as_of}' as as_of,
                {quote(knowledge.known_at or "")} as known_at,
                {quote(policy.version)} as policy_version,
                {state_no}::bigint as state_delivery_no,
                {", ".join(f"{value} as {name}" for name, value in policy.in_sql().items())}
            """
        )
        connection.execute(
            "create or replace table dates (as_of date, is_asked boolean, is_history boolean, is_whole boolean)"
        )
        computed = set(dates.computed)
        connection.executemany(
            "insert into dates values (?, ?, ?, ?)",
            [
                (day, day in dates.asked, day in dates.history, day in computed)
                for day in sorted({*dates.computed, *(e.as_of for e in earlier)})
            ],
        )
        _show_earlier(connection, earlier)
        if knowledge.withdrawn:
            _refuse_rows_without_parents(connection, knowledge)


def _refuse_rows_without_parents(connection: duckdb.DuckDBPyConnection, knowledge: Knowledge) -> None:
    """A withdrawal must not take away what later rows point to: they would drop out of every figure, and nobody would know."""
    for name, ledger in ledgers().items():
        for column, parent in ledger.parents.items():
            found, first = connection.execute(
                f"""
                select count(distinct {column}), min({column}) from {name}
                where {column} is not null and {column} not in (select {column} from {parent})
                """
            ).fetchone()
            if found:
                gone = ", ".join(d.name for d in knowledge.withdrawn)
                raise ValidationFailed(
                    f"Rows of {name} point to {found:,} {parent} that no delivery holds any more (the first is {column} "
                    f"{first}): they came with a delivery that was withdrawn ({gone}). Nothing was published, and what was "
                    f"published before still stands. Deliver these {parent} again, under a new number or date, or withdraw "
                    "the later deliveries that speak of them too."
                )


@cache
def _loan_columns() -> dict[str, str]:
    """The columns of loan_aging and their types, from its contract."""
    contract = (PROJECT / "models" / "marts" / "aging" / "loan_aging.yml").read_text("utf-8")
    (model,) = yaml.load(contract, Loader=yaml.CSafeLoader)["models"]
    return {column["name"]: column["data_type"] for column in model["columns"]}


def _show_earlier(connection: duckdb.DuckDBPyConnection, earlier: list[Earlier]) -> None:
    """`published`: earlier publications, one row a date; `published_loans`: what they said of each loan."""
    connection.execute(
        "create or replace table published (as_of date, run_id varchar, known_no bigint, withdrawn_since varchar)"
    )
    said = []
    for e in earlier:
        connection.execute(
            "insert into published values (?, ?, ?, ?)",
            [e.as_of, e.run_id, e.known_at.order, ", ".join(e.withdrawn_since) or None],
        )
        said.append(f"select * from read_parquet({quote(str(e.figures))}) where as_of = date '{e.as_of}'")
    if not said:
        said = [f"select {', '.join(f'null::{kind} as {name}' for name, kind in _loan_columns().items())} where false"]
    connection.execute(f"create or replace view published_loans as {' union all by name '.join(said)}")


def run_dbt(folder: Path, arguments: list[str]) -> Any:
    """dbt's results of a command, run in this process, quietly, on the project parsed once; what fails is for the caller."""
    from dbt.cli.main import dbtRunner

    options = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    options += ["--log-level", "none", "--log-path", str(folder / "logs")]
    with _in_folder(folder):
        try:
            parsed = dbtRunner().invoke(["parse", "--no-write-json", *options])
            if parsed.exception is None and not kept_parse().exists():
                _keep_parse(folder / "target" / PARSE)
            if parsed.exception is None:
                _read_seeds_from(folder, parsed.result)
                result = dbtRunner(parsed.result).invoke([*arguments, *options])
            else:
                result = parsed
        finally:
            close_connections()
    if result.exception is not None:
        raise BuildFailed(f"dbt could not run: {result.exception}")
    return result


def _read_seeds_from(folder: Path, manifest: Any) -> None:
    """A parse made for another folder names that folder, and dbt-duckdb would read the seeds there."""
    for node in manifest.nodes.values():
        if node.resource_type == "seed":
            node.root_path = str(folder)


def compute(folder: Path, arguments: list[str]) -> list[dict[str, Any]]:
    """Each node that dbt ran, with its time; a failing node raises with its name and first message."""
    result = run_dbt(folder, arguments)
    nodes = [
        {
            "node": r.node.unique_id,
            "status": str(r.status),
            "seconds": round(r.execution_time, 3),
            "message": r.message,
            "failures": r.failures,
        }
        for r in getattr(result.result, "results", [])
    ]
    failed = [n for n in nodes if n["status"] in ("error", "fail", "runtime error")]
    if failed or not result.success:
        first = failed[0] if failed else {"node": "dbt", "message": "failed without a node"}
        if "No space left" in str(first["message"]):
            raise OSError(errno.ENOSPC, "No space left on device", first["node"])
        raise BuildFailed(
            f"{len(failed)} dbt node{'s' * (len(failed) != 1)} failed, the first {first['node']}: {first['message']}"
        )
    return nodes


def close_connections() -> None:
    """Let go of the database: dbt holds it beyond its invocation, and opening it anew for each node takes half of the time."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


@contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """dbt resolves some paths against the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def keep_artifacts(built: Built, folder: Path) -> None:
    """dbt's own account of the run, for the audit pack."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("run_results.json", "manifest.json"):
        if (built.dbt_target / name).exists():
            shutil.copyfile(built.dbt_target / name, folder / f"dbt_{name}")
