"""dbt: the project's folder under HOME, its parse kept once per installation, and commands run in this process.

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
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flows.errors import ArrearsError, ValidationFailed
from flows.home import Home
from flows.policy import PROJECT, Policy
from flows.settings import cache_folder, memory_limit

FOLDERS = ("models", "macros")
# What models may rely on in the engine, whoever runs them.
ENGINE = {"TimeZone": "Asia/Shanghai", "preserve_insertion_order": False}
PARSE = "partial_parse.msgpack"  # as dbt calls it


def digest_of(files: Iterable[Path]) -> hashlib._Hash:
    """sha256 over files of the project, their places and what they hold; more may be added to it."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest


class DbtFailed(ArrearsError):
    """A model or a test of our own code failed: a fault of ours, told with its node and message."""


def project_folder(home: Home, policy: Policy, database: Path) -> Path:
    """The dbt project of this home: links to models and macros, the resolved seeds, a profile for the database."""
    folder = database.parent / "dbt"
    (folder / "seeds").mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
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
    settings = "\n".join(f"        {name}: {json.dumps(value)}" for name, value in ENGINE.items())
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
        memory_limit: {memory_limit()}
        enable_progress_bar: false
{settings}
"""
    (folder / "profiles.yml").write_text(profile, "utf-8")
    kept, parse = kept_parse(), folder / "target" / PARSE
    if kept.exists() and not parse.exists():
        parse.parent.mkdir(exist_ok=True)
        shutil.copyfile(kept, parse)
    return folder


def kept_parse() -> Path:
    """Where this installation's parse is kept, named after its files and their times; dbt itself compares what they hold."""
    files = sorted(p for name in FOLDERS for p in (PROJECT / name).rglob("*.*"))
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
        raise DbtFailed(f"dbt could not run: {result.exception}")
    return result


def _read_seeds_from(folder: Path, manifest: Any) -> None:
    """A parse made for another folder names that folder, and dbt-duckdb would read the seeds there."""
    for node in manifest.nodes.values():
        if node.resource_type == "seed":
            node.root_path = str(folder)


def build(folder: Path, arguments: list[str]) -> list[dict[str, Any]]:
    """`dbt build`: each node that ran, with its time; a failing node raises with its name and first message."""
    result = run_dbt(folder, arguments)
    nodes = [
        {
            "node": r.node.unique_id,
            "status": str(r.status),
            "seconds": round(r.execution_time, 3),
            "message": r.message,
            "failures": r.failures,
            "query": getattr(r.node, "compiled_code", None) or "",
        }
        for r in getattr(result.result, "results", [])
    ]
    refuse_failed(nodes)
    if not result.success:
        raise DbtFailed("dbt failed without a node")
    return nodes


# what DuckDB says of a decimal that does not fit
TOO_LARGE = r"(Casting value .* to type DECIMAL.*out of range|[Oo]verflow in .*DECIMAL)"


def refuse_failed(nodes: list[dict[str, Any]]) -> None:
    """Raises with the first node that failed; a full disk, and sums that no amount can hold, are not faults of ours."""
    failed = [n for n in nodes if n["status"] in ("error", "fail", "runtime error")]
    if not failed:
        return
    first = failed[0]
    if "No space left" in str(first["message"]):
        raise OSError(errno.ENOSPC, "No space left on device", first["node"])
    if re.search(TOO_LARGE, str(first["message"])):
        raise ValidationFailed(
            f"A sum in {first['node'].split('.')[-1]} is beyond 9,999,999,999,999,999.99, the most that an amount can hold "
            f"({str(first['message']).splitlines()[0]}). Nothing was published, and what was published before still stands. "
            "Look for the largest amounts in the deliveries loaded last: one in the wrong unit is likely. `arrears withdraw` "
            "takes its delivery out."
        )
    raise DbtFailed(
        f"{len(failed)} dbt node{'s' * (len(failed) != 1)} failed, the first {first['node']}: {first['message']}"
    )


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
