"""The night beside the shortest ways to its central figures, on one simple book, in turn, in one run.

Usage:  make bench  (or: python benchmarks/run.py [--loans 100000] [--format parquet|csv] [--runs 3] [--keep FOLDER])

(a) DuckDB, hand-written; (b) Polars, lazy and streaming; (c) pandas; (d) our loan_aging at one date, from kept state;
(e) the whole night, first load; (f) the whole night after 1 % of the loans changed; (g) 36 month-ends at once, from kept state;
(h) each mart as a BI tool opens it; (i) the publish gate alone. (a) to (d) must agree. Medians of --runs where a run leaves
nothing behind; results with machine and versions go to benchmarks/results/. Polars and pandas: pip install -e ".[bench]".
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import simple_book  # noqa: E402

ARREARS = [sys.executable, "-m", "flows.command"]
DAY, NEXT_DAY = simple_book.DAY, simple_book.NEXT_DAY
FIGURES = "loan_id, days_past_due, overdue_amount::decimal(18, 2) as overdue_amount, oldest_unpaid_due_on::date as oldest_unpaid_due_on"


def timed(command: list[str], **environment: str) -> dict[str, Any]:
    """Seconds, processor seconds and peak memory of a command and its children."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{err.decode()[-2000:]}")
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
        "said": out.decode(),
        "steps": [line.split("  /")[0] for line in err.decode().splitlines() if line.startswith("✓")],  # without paths
    }


def contestant(way: str, delivery: Path, result: Path, runs: int) -> dict[str, Any]:
    """Seconds within the process, imports included."""
    command = [sys.executable, str(ROOT / "benchmarks" / "contestants.py"), way, str(delivery), str(DAY), str(result)]
    took = [json.loads(timed(command)["said"].splitlines()[-1]) for _ in range(runs)]
    return {"seconds": statistics.median(t["seconds"] for t in took), "peak_mb": max(t["peak_mb"] for t in took)}


def night(home: Path, landing: Path) -> dict[str, Any]:
    took = timed([*ARREARS, "nightly", "--home", str(home), "--landing", str(landing), "--future", "--json"])
    took.pop("said")
    return took


def from_kept_state(home: Path, dates: list[date], result: Path | None = None) -> dict[str, Any]:
    """`loan_aging` at these dates, with nothing new to load: once to have the state for it, once more, measured."""
    script = f"""
import json, sys, time
from datetime import date
from pathlib import Path
from flows.build import build
from flows.dates import Dates
from flows.home import Home, knowledge
from flows.policy import read_policy
home, dates = Home(Path({str(home)!r})), [date.fromisoformat(d) for d in {[str(d) for d in dates]!r}]
for _ in range(2):
    began = time.perf_counter()
    built = build(home, knowledge(home), read_policy(), Dates.backfill(dates), marts=["loan_aging"])
    took = time.perf_counter() - began
print(json.dumps({{"seconds": round(took, 2), "of_which_nodes": round(sum(n["seconds"] for n in built.nodes), 2),
                  "from_kept_state": not built.full_refresh}}))
"""
    took = json.loads(timed([sys.executable, "-c", script])["said"].splitlines()[-1])
    if result is not None:
        figures_of(home / "warehouse" / "arrears.duckdb", "marts.loan_aging", result)
    return took


def figures_of(database: Path, mart: str, result: Path) -> None:
    """What is compared, of the loans of the day, from a database of ours."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"copy (select {FIGURES} from {mart} where as_of = '{DAY}') to '{result}'")


def readers(publication: Path, runs: int) -> dict[str, float]:
    """Milliseconds to open the file, count a mart by date and fetch its first hundred rows."""
    with duckdb.connect(str(publication / "marts.duckdb"), read_only=True) as connection:
        names = "select table_name from duckdb_tables() order by 1"
        marts = [mart for (mart,) in connection.sql(names).fetchall()]
    found = {}
    for mart in marts:
        took = []
        for _ in range(runs):
            began = time.perf_counter()
            with duckdb.connect(str(publication / "marts.duckdb"), read_only=True) as connection:
                connection.sql(f"select as_of, count(*) from marts.{mart} group by as_of").fetchall()
                connection.sql(f"from marts.{mart} limit 100").fetchall()
            took.append(1000 * (time.perf_counter() - began))
        found[mart] = round(statistics.median(took), 1)
    return found


def gate(publication: Path, folder: Path) -> dict[str, Any]:
    """The publish gate on what was published, without the imports."""
    script = f"""
import json, time
from pathlib import Path
from expectations import publication
from expectations.gate import preload, run_gate
preload()
folder = Path({str(publication)!r})
databases = {{name: folder / f"{{name}}.duckdb" for name in ("marts", "evidence")}}
began = time.perf_counter()
result = run_gate("publication", databases, publication.suites(list(publication.MARTS)), Path({str(folder / "docs")!r}), title="bench")
print(json.dumps({{"seconds": round(time.perf_counter() - began, 2), "success": result.success}}))
"""
    return json.loads(timed([sys.executable, "-c", script])["said"].splitlines()[-1])


def differences(one: Path, other: Path) -> int:
    """Loans on whose figures two results differ."""
    both = [f"select {FIGURES} from '{path}'" for path in (one, other)]
    query = f"select count(*) from (({both[0]} except {both[1]}) union all ({both[1]} except {both[0]}))"
    return duckdb.sql(query).fetchone()[0]


def month_ends(count: int) -> list[date]:
    from flows.dates import month_ends_up_to

    return month_ends_up_to(DAY, count)


def machine() -> dict[str, Any]:
    def package(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    packages = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "prefect", "polars", "pandas", "pyarrow")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: package(name) for name in packages},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loans", type=int, default=100_000)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="abcdefghi", help="Letters of the ways to run; (e) always is.")
    parser.add_argument("--keep", type=Path, help="Work in this folder and leave it there.")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="arrears-bench-"))
    landing, home = folder / "landing", folder / "home"
    found: dict[str, Any] = {}

    def say(name: str, outcome: Any) -> None:
        found[name] = outcome
        print(f"{name:<28} {json.dumps(outcome, ensure_ascii=False)}", flush=True)

    delivery = simple_book.write(landing, given.loans, given.format)
    for name, way in (("a duckdb", "duckdb"), ("b polars", "polars"), ("c pandas", "pandas")):
        if name[0] in given.only and machine()["packages"][way]:
            say(name, contestant(way, delivery, folder / f"{way}.parquet", given.runs))
    say("e night, first load", night(home, landing))
    publication = (home / "published" / "current").resolve()
    if "h" in given.only:
        say("h readers, ms", readers(publication, given.runs))
    if "i" in given.only:
        say("i publish gate", gate(publication, folder))
    say(
        "disk, mb",
        {p.name: round(sum(f.stat().st_size for f in p.rglob("*") if f.is_file()) / 2**20) for p in (delivery, home)},
    )
    if "f" in given.only:
        simple_book.change(landing, given.loans, 0.01, given.format)
        say("f night, 1 % changed", night(home, landing))
        shutil.rmtree(landing / str(NEXT_DAY))
    if "d" in given.only:
        say("d loan_aging, kept state", from_kept_state(home, [DAY], folder / "ours.parquet"))
    else:
        figures_of(publication / "marts.duckdb", "loan_aging", folder / "ours.parquet")
    if "g" in given.only:
        say("g 36 month-ends", from_kept_state(home, month_ends(36)))
    others = [p for p in ("duckdb", "polars", "pandas", "ours") if (folder / f"{p}.parquet").exists()]
    differ = {other: differences(folder / f"{others[0]}.parquet", folder / f"{other}.parquet") for other in others[1:]}
    say(f"loans that differ from {others[0]}", differ)

    results = ROOT / "benchmarks" / "results"
    results.mkdir(exist_ok=True)
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "loans": given.loans,
        "format": given.format,
        "runs": given.runs,
    }
    path = results / f"{about['at'][:10]}-{given.loans}-{given.format}.json"
    path.write_text(
        json.dumps({**about, "machine": machine(), "results": found}, indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    print(f"\n{path}")
    if given.keep is None:
        shutil.rmtree(folder)
    if any(differ.values()):
        raise SystemExit("The ways do not agree.")


if __name__ == "__main__":
    main()
