"""Publish: stage a candidate beside what is published, and, once the gate has passed it, switch in one atomic step.

Until the switch nothing that a reader sees has changed; after it nothing of the publication is ever written again.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from flows import chain, controls
from flows.build import Built
from flows.content_hash import content_hash
from flows.database import connect, identifier, quote, quote_path
from flows.earlier import forget_figures, keep_figures
from flows.errors import UsageError
from flows.evidence.reperform import recompute_left_out, reperform
from flows.home import RUN_ID, Home, as_json, now_text, sync, sync_files, write_json
from flows.listing import list_files
from flows.pictures import draw
from flows.readers import let_read

# Names of what is half done, under published/; a killed run leaves it, and the next one removes it.
STAGING, ROTATED, NEXT = ".staging-", ".rotated-", ".current-"
SIGNED = "publication"  # the mart that says what a publication is, by which run, past which gates


@dataclass(frozen=True)
class Candidate:
    """A publication not yet validated: its folder, and its marts by name."""

    folder: Path
    as_of: date
    marts: list[str]

    @property
    def database(self) -> Path:
        """The marts, in the default schema: DuckDB calls the database after its file, so `marts.loan_aging` is one of them."""
        return self.folder / "marts.duckdb"

    @property
    def evidence(self) -> Path:
        """What the gate compares them with, for auditors."""
        return self.folder / "evidence.duckdb"


def stage(home: Home, built: Built, as_of: date, run_id: str, moves_current: bool = True) -> Candidate:
    """Copy the marts out of the working database into a candidate, and put the evidence that the gate compares them to beside them.
    `moves_current`: whether readers see it as soon as the gate has passed it."""
    folder = home.published / f"{STAGING}{run_id}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "parquet").mkdir(parents=True)
    found = Candidate(folder, as_of, [])
    candidate = connect(found.database)
    try:
        candidate.execute(f"attach {quote(str(built.database))} as work (read_only)")
        candidate.execute(f"attach {quote(str(found.evidence))} as evidence")
        marts = [
            name
            for (name,) in candidate.sql(
                "select table_name from duckdb_tables() where database_name = 'work' and schema_name = 'marts' order by 1"
            ).fetchall()
        ]
        candidate.begin()  # two thousand comments, one by one, would each be brought to disk
        for mart in marts:
            candidate.execute(f"create table marts.{mart} as select * from work.marts.{mart} order by all")
        _describe(candidate, built.dbt_target, marts)
        draw(candidate, marts)
        candidate.commit()
        _show_book_before(candidate, home)
        controls.record(candidate, home, built, run_id, moves_current)
        evidence = Path(__file__).parent / "evidence"
        for path in sorted(evidence.glob("_*.sql")):
            candidate.execute(path.read_text("utf-8"))
        recompute_left_out(candidate)
        for path in sorted(evidence.glob("[!_]*.sql")):
            candidate.execute(path.read_text("utf-8"))
        reperform(candidate)
        if before := (current_manifest(home) or {}).get("marts"):
            rows = ", ".join(f"({quote(mart)}, {facts['rows']})" for mart, facts in before.items())
            candidate.execute(f"insert into evidence.previous values {rows}")
        candidate.execute("detach work; checkpoint evidence; checkpoint marts; detach evidence")
    finally:
        candidate.close()
    return Candidate(folder, as_of, marts)


def _show_book_before(candidate: duckdb.DuckDBPyConnection, home: Home) -> None:
    """The loans of the last publication, at its last date, as `book_before`: the gate sees which of them are gone."""
    path = home.current / "parquet" / "loan_aging.parquet"
    columns = "loan_id, product_id, branch_id, as_of, policy_version"
    book = f"read_parquet({quote_path(path)})" if path.exists() else "marts.loan_aging limit 0"
    candidate.execute(
        f"""
        create temp table book_before as
        with book as (select {columns} from {book})
        select * from book where as_of = (select max(as_of) from book)
        """
    )


def _describe(candidate: duckdb.DuckDBPyConnection, target: Path, marts: list[str]) -> None:
    """Carry the descriptions of marts and columns into the database, where a BI tool shows them."""
    manifest = json.loads((target / "manifest.json").read_text("utf-8"))
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or node["schema"] != "marts" or node["name"] not in marts:
            continue
        mart = f"marts.{node['name']}"
        candidate.execute(f"comment on table {mart} is {quote(' '.join(node['description'].split()))}")
        for column in node["columns"].values():
            text = quote(" ".join(column["description"].split()))
            candidate.execute(f"comment on column {mart}.{identifier(column['name'])} is {text}")


def sign(candidate: Candidate, said: dict[str, Any]) -> dict[str, Any]:
    """Fill in the mart `publication` what is known only now that the gate has passed; its whole row."""
    with connect(candidate.database) as connection:
        columns = ", ".join(f"{column} = ?" for column in said)
        connection.execute(f"update {SIGNED} set {columns}", list(said.values()))
        connection.execute("checkpoint")
        relation = connection.sql(f"from {SIGNED}")
        return dict(zip(relation.columns, relation.fetchone(), strict=True))


def write_files(candidate: Candidate) -> dict[str, dict[str, Any]]:
    """parquet/<mart>.parquet, and for each mart its rows and content hash; `publication` differs from run to run and has none."""
    marts: dict[str, dict[str, Any]] = {}
    with connect(candidate.database, read_only=True) as connection:
        for mart in candidate.marts:
            path = candidate.folder / "parquet" / f"{mart}.parquet"
            connection.execute(f"copy (from marts.{mart}) to {quote(str(path))} (format parquet, compression zstd)")
            if mart != SIGNED:
                rows, digest = content_hash(connection, path)
                marts[mart] = {"rows": rows, "hash": digest}
    return marts


def publish(home: Home, candidate: Candidate, manifest: dict[str, Any], docs: Path, switch: bool) -> Path:
    """Complete the candidate and make it a publication; `current` moves to it last, in one rename.

    That is the commit: before it everything that fails leaves what stands, after it nothing does (`write_down`, `rotate`).
    """
    folder = candidate.folder
    shutil.copytree(docs, folder / "validation")
    for database in (candidate.database, candidate.evidence):
        database.chmod(0o440)
    write_json(folder / "manifest.json", manifest | {"files": list_files(folder)})
    let_read(home, folder)
    sync_files(folder)
    if switch or manifest.get("waits_for_signature"):  # a pack that is closed takes nothing in any more
        keep_figures(home, manifest["run_id"], folder)
    final = home.published / f"{manifest['as_of']}-{manifest['run_id']}"
    folder.rename(final)
    try:
        sync(home.published)
        if switch:
            move_current(home, final)
    except BaseException:
        if not (switch and home.current.resolve() == final.resolve()):
            final.rename(folder)  # nobody has seen it
            raise
    return final


def write_down(home: Home, publication: Path) -> None:
    """What a publication says of itself goes into the audit pack and the chain: once, after the commit."""
    sync(home.published)
    manifest = (publication / "manifest.json").read_bytes()
    chain.record(home, json.loads(manifest)["run_id"], manifest)


def finish(home: Home, at_work: str | None = None) -> None:
    """Write down what a run had published that was killed before it could, and each other run that was; not the one at work."""
    for folder, manifest in publications_of(home).items():
        committed = not manifest.get("switched", True) or folder.resolve() == home.current.resolve()
        if committed and not chain.is_recorded(home, manifest["run_id"]):
            write_down(home, folder)
    for pack in sorted(path for path in home.audit.glob("*") if RUN_ID.fullmatch(path.name)):
        if pack.name != at_work and not chain.is_recorded(home, pack.name):
            said = "It was killed before it could say how it ended."
            killed = {"run_id": pack.name, "status": "killed", "ended_at": now_text(), "message": said}
            chain.record(home, pack.name, as_json(killed | {"previous": chain.read(home).head}))
    chain.finish(home)


def move_current(home: Home, publication: Path) -> None:
    """Point `current` at a publication: a new link renamed over the old one, so that no reader finds none or half."""
    link = home.published / f"{NEXT}{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(publication.name, target_is_directory=True)
    link.rename(home.current)
    sync(home.published)


def rotate(home: Home, keep: int) -> None:
    """Remove the oldest publications, by their own manifests; the last two and the current one always stay."""
    current = home.current.resolve()
    found = sorted(publications_of(home).items(), key=lambda entry: entry[1]["run_id"])
    for old, manifest in found[: -max(2, keep)]:
        if old.resolve() != current:
            forget_figures(home, manifest)
            going = home.published / f"{ROTATED}{old.name}"  # one rename: a kill leaves no half of it
            old.rename(going)
            shutil.rmtree(going)


def publications_of(home: Home) -> dict[Path, dict[str, Any]]:
    """Each publication with its manifest: a folder that bears the name which its manifest says."""
    found = {}
    for path in sorted(home.published.glob("[0-9]*")):
        try:
            manifest = json.loads((path / "manifest.json").read_text("utf-8"))
            if not path.is_symlink() and path.name == f"{manifest['as_of']}-{manifest['run_id']}":
                found[path] = manifest
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def publication_of(home: Home, run: str) -> tuple[Path, dict[str, Any]]:
    """A publication that is kept, with its manifest: by its run, its folder's name, or `current`. Raises UsageError naming those kept."""
    kept = publications_of(home)
    name = home.current.resolve().name if run == "current" else Path(run).name
    for folder, manifest in kept.items():
        if name in (manifest["run_id"], folder.name):
            return folder, manifest
    names = ", ".join(f"{manifest['run_id']} (as of {manifest['as_of']})" for manifest in kept.values())
    raise UsageError(f"RUN {run}: no publication of this run is kept. Kept: {names or 'none'}.")


def clear_leftovers(home: Home) -> list[str]:
    """Remove what bears the name of something half done; whatever else is no publication is left, and named."""
    for path in [*home.published.iterdir()]:
        if path.name.startswith((STAGING, ROTATED)):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(NEXT) and path.is_symlink():
            path.unlink()
    known = {*publications_of(home), home.current}
    return sorted(path.name for path in home.published.iterdir() if path not in known)


def current_manifest(home: Home) -> dict[str, Any] | None:
    path = home.current / "manifest.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None
