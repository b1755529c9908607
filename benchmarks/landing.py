"""Landing beside plain DuckDB, which reads the same files and writes them as Parquet, judging nothing.

Usage:  python benchmarks/landing.py [--loans 30000] [--times 3]

The book is the generator's, without dirty rows, first as CSV and then as Parquet. Processor seconds of this process, so that what
else runs counts little; the median of the ratios of each pair.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import load, new_home  # noqa: E402

from books import generate  # noqa: E402

DAY = date(2026, 10, 31)


def seconds(what: Callable[[], object]) -> float:
    start = time.process_time()
    what()
    return time.process_time() - start


def by_hand(files: Path, out: Path) -> None:
    with duckdb.connect() as connection:
        for path in sorted(files.iterdir()):
            reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
            connection.execute(f"copy (from {reader}('{path}')) to '{out / path.stem}.parquet' (format parquet)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loans", type=int, default=30_000)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    print("| files | landing | DuckDB by hand | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "out").mkdir()
        for kind in ("csv", "parquet"):
            generate(work / kind, loans=given.loans, seed=1, deliveries=[DAY], file_format=kind, dirty_rows=0)
            pairs = []
            for turn in range(given.times):
                home = new_home(work / f"{kind}-{turn}")
                ours = seconds(lambda home=home, kind=kind: load(work / kind, home))
                pairs.append((ours, seconds(lambda kind=kind: by_hand(work / kind / str(DAY), work / "out"))))
                shutil.rmtree(work / f"{kind}-{turn}")
            ours, theirs = (median(pair[n] for pair in pairs) for n in (0, 1))
            print(f"| {kind} | {ours:.1f} s | {theirs:.1f} s | {median(a / b for a, b in pairs):.1f} × |", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n{given.loans:,} loans, {given.times} times; peak of the process {peak:.1f} GB")


if __name__ == "__main__":
    main()
