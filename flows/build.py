"""Build: show dbt's models what is known, and let them compute. State is kept by loan touched.

The statements are dbt's: it runs them itself the first time, and the engine runs what dbt compiled from then on
(`compiled.py`), until a model, a macro or a version changes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from flows import compiled, dbt_project
from flows.database import connect, quote
from flows.dates import Dates
from flows.earlier import Earlier, earlier_publications
from flows.errors import ValidationFailed
from flows.history import attach_history, attach_open_quarantine
from flows.home import Home, Knowledge
from flows.ledgers import ledgers
from flows.policy import PROJECT, Policy


@dataclass(frozen=True)
class Built:
    """What a build leaves: the working database, and dbt's own account of the run."""

    database: Path
    dbt_target: Path
    nodes: list[dict[str, Any]]
    full_refresh: bool
    compared: list[str]
    policy: Policy


def code_version() -> str:
    """sha256 over the models, macros and the input contract: state computed by other code is not continued."""
    files = [p for name in dbt_project.FOLDERS for p in (PROJECT / name).rglob("*.sql")]
    return dbt_project.digest_of([*files, PROJECT / "flows" / "ledgers.yml"]).hexdigest()[:12]


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
    folder = dbt_project.project_folder(home, policy, database)
    statements = compiled.kept(continues=kept is not None)
    policy_stands = kept is not None
    if kept is None:
        for path in (database, database.with_name(database.name + ".wal")):
            path.unlink(missing_ok=True)
        policy_stands = bool(statements) and compiled.begin(database, folder, statements, policy.version)
    _show_knowledge(home, database, knowledge, policy, dates, earlier, kept)
    if statements:
        statements = compiled.needed(statements, marts, keys_inside, kept is not None, policy_stands)
        nodes = compiled.run(database, folder, statements, _largest(database))
        dbt_project.refuse_failed(nodes)
    else:
        nodes = _compile(folder, database, marts, continues=kept is not None)
    with connect(database) as connection:
        connection.execute("create or replace table raw.state as select ? as state", [json.dumps(here)])
    return Built(database, folder / "target", nodes, kept is None, [e.run_id for e in earlier], policy)


def _compile(folder: Path, database: Path, marts: Sequence[str], continues: bool) -> list[dict[str, Any]]:
    """Let dbt run the build; what it runs of a whole one is kept for the next."""
    arguments = ["build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure"]
    arguments += ["--exclude-resource-type", "seed"] if continues else ["--full-refresh"]
    if marts:
        arguments += ["--indirect-selection", "cautious", "--select", "resource_type:seed"]
        arguments += [f"+{mart}" for mart in marts]
    nodes = dbt_project.build(folder, arguments)
    if not marts:
        compiled.keep(database, folder / "target", continues)
    return nodes


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
        connection.execute(
            "insert into dates values "
            + ", ".join(
                f"('{day}', {day in dates.asked}, {day in dates.history}, {day in computed})"
                for day in sorted({*dates.computed, *(e.as_of for e in earlier)})
            )
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
                    "the later deliveries that speak of them too.",
                    {
                        "reason": f"Rows of {name} point to {parent} that no delivery holds any more"
                    },  # no key: notices say it
                )


def _largest(database: Path) -> int:
    """Rows of the largest ledger."""
    counts = " union all ".join(f"select count(*) as n from raw.{name}" for name in ledgers())
    with connect(database) as connection:
        (most,) = connection.execute(f"select max(n) from ({counts})").fetchone() or (0,)
    return most


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


def keep_artifacts(built: Built, policy: Policy, folder: Path) -> None:
    """dbt's own account of the run and the seeds as resolved, for the audit pack: who reads it needs no policy beside it."""
    (folder / "seeds").mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in policy.content().items():
        (folder / "seeds" / f"{name}.csv").write_bytes(content)
    for name in ("run_results.json", "manifest.json"):
        if (built.dbt_target / name).exists():
            shutil.copyfile(built.dbt_target / name, folder / f"dbt_{name}")
