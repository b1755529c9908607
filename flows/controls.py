"""Controls: what an auditor asks of a run, which checks should have answered, which did, and with what result (decision 0111).

`record` lays what the run has on record beside the marts, for the gate to look at; `prove` adds up, control by control, once the
gate has judged. Which checks stand for a control is the seed `control_check`, and said nowhere else.
"""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from flows.database import connect, literal, quote, quote_path
from flows.home import Delivery, Home, today
from flows.policy import read_policy

if TYPE_CHECKING:
    from expectations.results import GateResult
    from flows.build import Built
    from flows.publish import Candidate

WHAT = ("read", "filtered", "loaded", "duplicate", "quarantined")
ADDED_UP = Path(__file__).parent / "controls.sql"


def who_runs() -> str:
    """The operating-system user of this process; not what a variable of the shell says. Of a user without a name, the number."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def record(candidate: duckdb.DuckDBPyConnection, home: Home, built: Built, run_id: str, moves_current: bool) -> None:
    """Temporary tables `recorded_…`: what landing wrote down, the seeds in force, dbt's tests, the run; controls.sql reads them."""
    amounts = ", ".join(f"amount_{what} decimal(38, 2)" for what in WHAT)
    counts = ", ".join(f"rows_{what} bigint" for what in WHAT)
    candidate.execute(
        f"""
        create temp table recorded_files (delivery varchar, file varchar, ledger varchar, {counts}, {amounts});
        create temp table recorded_history (delivery varchar, ledger varchar, rows_in_history bigint);
        create temp table recorded_seeds (seed varchar, sha256 varchar, is_shipped boolean);
        create temp table recorded_tests (kind varchar, check_name varchar, outcome varchar, failing bigint);
        create temp table recorded_run (run_id varchar, run_by varchar, moves_current boolean, validated_on date);
        """
    )
    (state,) = candidate.sql("select state from work.raw.state").fetchone() or ("{}",)
    _record_deliveries(candidate, home, [d for d in map(Delivery.parse, json.loads(state)["deliveries"]) if d])
    shipped = read_policy().hashes()
    seeds = [(seed, digest, shipped.get(seed) == digest) for seed, digest in built.policy.hashes().items()]
    _insert(candidate, "recorded_seeds", [row for row in seeds if row[0] != "policy_approval"])
    tests = [
        ("dbt_test", node["node"].split(".")[2], "passed" if node["status"] == "pass" else "failed", node["failures"])
        for node in built.nodes
        if node["node"].startswith("test.")
    ]
    _insert(candidate, "recorded_tests", tests)
    _insert(candidate, "recorded_run", [(run_id, who_runs(), moves_current, today())])


def _record_deliveries(candidate: duckdb.DuckDBPyConnection, home: Home, deliveries: list[Delivery]) -> None:
    """What landing wrote down of each file, and how many rows its Parquet holds now, by the footers of all in one look."""
    files, places = [], {}
    for delivery in deliveries:
        for file in home.record(delivery)["files"]:
            for e in file["ledgers"]:
                said = (*(e[f"rows_{w}"] for w in WHAT), *(e[f"amount_{w}"] for w in WHAT))
                files.append((delivery.name, file["file"], e["ledger"], *said))
                path = home.raw_of(delivery) / f"{e['ledger']}.parquet"
                if path.exists():
                    places[str(path)] = (delivery.name, e["ledger"])
    _insert(candidate, "recorded_files", files)
    if places:
        listed = ", ".join(quote_path(Path(path)) for path in places)
        footers = candidate.sql(f"select file_name, num_rows from parquet_file_metadata([{listed}])").fetchall()
        _insert(candidate, "recorded_history", [(*places[path], rows) for path, rows in footers])


def _insert(candidate: duckdb.DuckDBPyConnection, table: str, found: list[tuple[Any, ...]]) -> None:
    if found:
        rows = ", ".join(f"({', '.join(map(literal, row))})" for row in found)
        candidate.execute(f"insert into {table} values {rows}")


def prove(candidate: Candidate, gate: GateResult) -> list[dict[str, Any]]:
    """Fill evidence.checks_run and evidence.controls of a candidate that its gate has judged; the rows of `controls`, by control."""
    ran = [
        ("expectation", finding.title, finding.table, finding.outcome, finding.failing or 0)
        for finding in gate.results
        if finding.outcome != "could_not_run"
    ]
    with connect(candidate.evidence) as connection:
        connection.execute(f"attach {quote(str(candidate.database))} as marts_now (read_only)")
        _insert(connection, "checks_run", ran)
        connection.execute("create table rows_of (looks_at varchar, rows_looked_at bigint)")
        for (table,) in connection.sql("select distinct looks_at from control_check").fetchall():
            schema, _, name = table.partition(".")
            place = f"marts_now.main.{name}" if schema == "marts" else f"main.{name}"
            try:
                (rows,) = connection.sql(f"select count(*) from {place}").fetchone() or (0,)
            except duckdb.CatalogException:
                continue  # then its checks could not run either
            _insert(connection, "rows_of", [(table, rows)])
        connection.execute(ADDED_UP.read_text("utf-8"))
        relation = connection.sql("from controls order by control_id")
        found = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        connection.execute("drop table rows_of; detach marts_now; checkpoint")
    return found


def told_not_run(controls: list[dict[str, Any]]) -> str:
    """The controls that were skipped, a line each; empty where none was."""
    return "".join(
        f"\n  ✗ {one['control_id']} {one['auditor_question']}: {one['checks_run']} of {one['checks_expected']} checks ran; missing: "
        f"{one['not_run']}"
        for one in controls
        if one["result"] == "not_run"
    )
