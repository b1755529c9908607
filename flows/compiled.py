"""What dbt compiled, kept once per installation, and run by the engine alone.

For a small book dbt's own handling of its nodes takes four times what the engine takes, every night, and arrives at the same
statements: they depend on the code, on its versions, and on whether kept state is continued; dates, policy and ledgers are
tables. So the first build of an installation is dbt's, and the first that continues one; what each node ran is kept for this
user, under a name made of all that it depends on. Builds after that run these statements, each after those it rests on and in a
transaction of its own. What policy alone decides, seeds and the calendar, is computed once for a policy, kept beside them, and
copied into each new database. That both ways leave the same warehouse is proved in tests/flows/test_compiled.py.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from flows.database import connect, identifier, quote
from flows.dbt_project import ENGINE, FOLDERS, digest_of, refuse_failed
from flows.policy import PROJECT
from flows.settings import cache_folder, dbt_every_time

KEPT = 4  # versions of the code whose statements are kept, and of each the policies
IN_USE = 3600.0  # seconds since its last use in which a version goes on being kept beyond these: a build may be at work with it
ROW_GROUP = 122_880  # rows of a table that one thread of the engine reads
AT_ONCE = 4  # statements of a small book that run beside each other, where there are as many processors
# Of a larger one two: each takes every processor, and leaves some idle where it ends; of one still larger each alone, for memory.
LARGE = 5_000_000  # rows of its largest ledger
# A checkpoint looks at every table there is: one at the end, when the database closes, and not one each 16 MB.
CHECKPOINT = "1GB"
FAILED = ("error", "fail")
RUN_RESULTS = "https://schemas.getdbt.com/dbt/run-results/v6.json"


@dataclass(frozen=True)
class Node:
    """One of dbt's nodes: its unique_id, `seed`, `test` or how it is materialized, its file, its parents, its query, and
    the statement that it ran with it."""

    name: str
    kind: str
    path: str
    relation: str
    parents: list[str]
    query: str
    statement: str

    @property
    def is_key_inside(self) -> bool:
        """A key of a table that nobody reads from outside: the suite proves it, a night does not count every row again."""
        return self.kind == "test" and self.path.startswith("models/intermediate")


@cache
def _folder() -> Path:
    """Named after all that the statements depend on: models and macros, tests, types of seeds, packages."""
    files = [p for name in FOLDERS for p in (PROJECT / name).rglob("*.*")]
    files += [*(PROJECT / "tests" / "dbt").rglob("*.sql"), *(PROJECT / "seeds").glob("*/_*.yml")]
    files += [PROJECT / "dbt_project.yml", Path(__file__)]
    digest = digest_of(files)
    for package in ("dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb"):
        digest.update(f"{package} {version(package)}\0".encode())
    return cache_folder() / f"compiled-{digest.hexdigest()[:16]}"


def _file(continues: bool) -> Path:
    return _folder() / ("continue.json" if continues else "afresh.json")


def is_kept() -> bool:
    """Whether dbt has nothing left to do here."""
    return not dbt_every_time() and all(_file(continues).exists() for continues in (False, True))


def kept(continues: bool) -> list[Node] | None:
    """The nodes of a build that continues kept state, or of one from nothing, in dbt's order; None if dbt has not run one."""
    if dbt_every_time():
        return None
    try:
        os.utime(_folder())
        return [Node(**node) for node in json.loads(_file(continues).read_text("utf-8"))]
    except (OSError, ValueError):
        return None


def keep(database: Path, target: Path, continues: bool) -> None:
    """Keep what dbt has just run, from its artifacts. A folder that cannot be written costs time and nothing else."""
    manifest = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    results = json.loads((target / "run_results.json").read_text("utf-8"))["results"]
    with connect(database, read_only=True) as connection:
        nodes = [_node(manifest[r["unique_id"]], r, target, connection) for r in results]
    path = _file(continues)
    mine = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(target / "manifest.json", mine)
        mine.replace(path.parent / "manifest.json")
        mine.write_text(json.dumps([asdict(node) for node in nodes]), "utf-8")
        mine.replace(path)
        others = sorted(path.parent.parent.glob("compiled-*"), key=lambda folder: folder.stat().st_mtime)
        for old in others[:-KEPT]:
            if old.stat().st_mtime < time.time() - IN_USE:
                shutil.rmtree(old, ignore_errors=True)
    except OSError:
        mine.unlink(missing_ok=True)


def _node(node: dict[str, Any], result: dict[str, Any], target: Path, connection: duckdb.DuckDBPyConnection) -> Node:
    kind, relation, statement = node["resource_type"], node["relation_name"] or "", ""
    if kind == "seed":
        columns = connection.execute(f"describe {relation}").fetchall()
        typed = ", ".join(f"{identifier(name)} {type_}" for name, type_, *_ in columns)
        statement = f"create or replace table {relation} ({typed})"
    elif kind == "model":
        kind = node["config"]["materialized"]
        statement = (target / "run" / node["package_name"] / node["original_file_path"]).read_text("utf-8")
    parents = node.get("depends_on", {}).get("nodes", [])
    query = result["compiled_code"] or ""
    return Node(result["unique_id"], kind, node["original_file_path"], relation, parents, query, statement)


def of_policy(nodes: list[Node]) -> list[Node]:
    """Seeds, which a build that continues has not among its nodes, and what rests on them alone: no ledger and no date reaches it."""
    found: dict[str, Node] = {}
    for node in nodes:  # dbt's order: parents come first
        if node.kind != "test" and all(p in found or p.startswith("seed.") for p in node.parents):
            found[node.name] = node
    return list(found.values())


def begin(database: Path, folder: Path, nodes: list[Node], policy_version: str) -> bool:
    """Make a new database that holds what policy alone decides, from the copy that is kept. False where none can be kept."""
    kept = _folder() / f"policy-{policy_version}.duckdb"
    try:
        if not kept.exists():
            with TemporaryDirectory(dir=_folder()) as mine:
                made = Path(mine) / database.name  # the statements name the database after its file
                refuse_failed(run(made, folder, of_policy(nodes)))
                made.replace(kept)
        os.utime(kept)
        shutil.copyfile(kept, database)
        others = sorted(kept.parent.glob("policy-*.duckdb"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:  # costs time and nothing else
        database.unlink(missing_ok=True)
        return False
    return True


def needed(
    nodes: list[Node], marts: Sequence[str], keys_inside: bool, continues: bool, policy_stands: bool
) -> list[Node]:
    """Those of a build: of all marts or of these with what they rest on. What stands there already is not made again: the
    views of a night that continues, and what policy alone decides."""
    named = {node.name: node for node in nodes}
    standing = {node.name for node in of_policy(nodes) if policy_stands}
    standing |= {node.name for node in nodes if continues and node.kind == "view"}
    wanted = {node.name for node in nodes if not marts or node.kind == "seed"}
    for node in reversed(nodes):  # dbt's order: parents come first
        if node.kind != "test" and (node.name in wanted or node.name.split(".")[-1] in marts):
            wanted |= {node.name, *(parent for parent in node.parents if parent in named)}
    if marts:
        wanted |= {n.name for n in nodes if n.kind == "test" and wanted.issuperset(p for p in n.parents if p in named)}
    chosen = []
    behind: dict[str, list[str]] = {}  # what is left out -> those it rests on, for whoever rests on it waits for them
    for node in nodes:
        parents = list(dict.fromkeys(one for parent in node.parents for one in behind.get(parent, [parent])))
        if node.name in wanted and node.name not in standing and (keys_inside or not node.is_key_inside):
            chosen.append(replace(node, parents=parents))
        else:
            behind[node.name] = parents
    return chosen


def run(database: Path, folder: Path, nodes: list[Node], rows: int = 0) -> list[dict[str, Any]]:
    """Run the nodes in the project's folder; each with its time, up to the first that fails. Leaves dbt's artifacts.
    `rows`: of the largest ledger that they read."""
    began = time.monotonic()
    with connect(database) as connection:
        for setting, value in {**ENGINE, "checkpoint_threshold": CHECKPOINT}.items():
            connection.execute(f"set {setting} = {quote(str(value))}")
        for schema in sorted({n.relation.split(".")[1] for n in nodes if n.kind != "test"}):
            connection.execute(f"create schema if not exists {schema}")
        most = 2 if rows <= LARGE else 1
        if rows <= ROW_GROUP:  # a second thread would have nothing to read in one statement: it takes another
            connection.execute("set threads = 1")
            most = AT_ONCE
        ran = _run_beside(connection, folder, nodes, most)
    _write_results(folder / "target", nodes, ran, time.monotonic() - began)
    shutil.copyfile(_folder() / "manifest.json", folder / "target" / "manifest.json")
    return ran


def _run_beside(
    connection: duckdb.DuckDBPyConnection, folder: Path, nodes: list[Node], most: int
) -> list[dict[str, Any]]:
    """A few at once, each node after its parents; told in dbt's order. After a failure none begins."""
    at_once = min(most, os.cpu_count() or 1)
    free = [connection.cursor() for _ in range(at_once)]
    of = {node.name: place for place, node in enumerate(nodes)}
    waits_for = {place: {of[p] for p in node.parents if p in of} for place, node in enumerate(nodes)}
    ran: dict[int, dict[str, Any]] = {}
    at_work: dict[Future[dict[str, Any]], tuple[int, duckdb.DuckDBPyConnection]] = {}
    with ThreadPoolExecutor(at_once) as threads:
        while True:
            failed = any(one["status"] in FAILED for one in ran.values())
            ready = [place for place, parents in waits_for.items() if parents <= ran.keys()]
            for place in [] if failed else ready[: len(free)]:
                del waits_for[place]
                cursor = free.pop()
                at_work[threads.submit(_run, cursor, folder, nodes[place])] = (place, cursor)
            if not at_work:
                return [ran[place] for place in sorted(ran)]
            for done in wait(at_work, return_when=FIRST_COMPLETED).done:
                place, cursor = at_work.pop(done)
                ran[place] = done.result()
                free.append(cursor)


def _run(connection: duckdb.DuckDBPyConnection, folder: Path, node: Node) -> dict[str, Any]:
    began = time.monotonic()
    said: dict[str, Any] = {"status": "success", "message": "OK", "failures": None}
    connection.begin()
    try:
        if node.kind == "test":
            (failures,) = connection.execute(f"select count(*) from (\n{node.query}\n)").fetchone() or (0,)
            said = {"status": "pass", "message": None, "failures": failures}
            if failures:
                said |= {
                    "status": "fail",
                    "message": f"Got {failures} result{'s' * (failures != 1)}, configured to fail if != 0",
                }
        else:
            connection.execute(node.statement)
            if node.kind == "seed":
                rows = folder / "seeds" / Path(node.path).name
                connection.execute(
                    f"copy {node.relation} from {quote(str(rows))} (format csv, header true, delimiter ',')"
                )
        connection.commit()
    except duckdb.Error as error:
        with suppress(duckdb.Error):  # a full disk ends the transaction, and the connection, by itself
            connection.rollback()
        said = {"status": "error", "message": str(error), "failures": None}
    return {"node": node.name, **said, "seconds": round(time.monotonic() - began, 3), "query": node.query}


def _write_results(target: Path, nodes: list[Node], ran: list[dict[str, Any]], seconds: float) -> None:
    """run_results.json in dbt's own form, for the audit pack and for tools that read it."""
    of = {node.name: node for node in nodes}
    results = [
        {
            "status": one["status"],
            "timing": [],
            "thread_id": "arrears",
            "execution_time": one["seconds"],
            "adapter_response": {},
            "message": one["message"],
            "failures": one["failures"],
            "unique_id": one["node"],
            "compiled": True,
            "compiled_code": one["query"],
            "relation_name": of[one["node"]].relation or None,
            "batch_results": None,
        }
        for one in ran
    ]
    metadata = {
        "dbt_schema_version": RUN_RESULTS,
        "dbt_version": version("dbt-core"),
        "generated_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "invocation_id": str(uuid.uuid4()),
        "env": {},
    }
    written = {"metadata": metadata, "results": results, "elapsed_time": seconds, "args": {"which": "build"}}
    target.mkdir(exist_ok=True)
    (target / "run_results.json").write_text(json.dumps(written), "utf-8")
