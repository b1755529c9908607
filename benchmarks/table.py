"""The results of `make bench` as the tables of docs/performance.md: times, ratios, memory, and how each grows with the book.

Usage:  python benchmarks/table.py benchmarks/results/2026-11-27-*.json

A growth exponent is the slope of the logarithm of seconds between two sizes: 1 is proportional, below it the fixed cost shows.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

SHORTEST, FIRST, AFTER, ONE_DATE, MONTHS, GATE = (
    "a duckdb",
    "e night, first load",
    "f night, 1 % changed",
    "d loan_aging, kept state",
    "g 36 month-ends",
    "i publish gate",
)


def seconds(run: dict[str, Any], name: str) -> float | None:
    return run["results"].get(name, {}).get("seconds")


def shown(number: float | None) -> str:
    return "–" if number is None else f"{number:,.1f}"


def ratio(run: dict[str, Any], name: str, other: str) -> str:
    one, two = seconds(run, name), seconds(run, other)
    return f"{one / two:,.2f}" if one is not None and two else "–"


def transformation(run: dict[str, Any]) -> float:
    """Seconds of the first night's compute step, as the run prints them."""
    (line,) = [step for step in run["results"][FIRST]["steps"] if step.startswith("✓ Computing")]
    return float(line.rsplit("  ", 2)[-2].split()[0])


def rows(runs: list[dict[str, Any]]) -> list[list[str]]:
    found = []
    for name, outcome in runs[0]["results"].items():
        if "seconds" in outcome:
            found.append([f"({name[0]}) {name[2:]}, s", *(shown(seconds(run, name)) for run in runs)])
        if "peak_mb" in outcome:
            peaks = [run["results"].get(name, {}).get("peak_mb") for run in runs]
            found.append(["peak memory, GB", *(shown(peak and peak / 1000) for peak in peaks)])
    found.append(["(d) / (a)", *(ratio(run, ONE_DATE, SHORTEST) for run in runs)])
    found.append(["(e) / (c)", *(ratio(run, FIRST, "c pandas") for run in runs)])
    found.append(["(f) / (e)", *(ratio(run, AFTER, FIRST) for run in runs)])
    found.append(["(g) / (a)", *(ratio(run, MONTHS, SHORTEST) for run in runs)])
    found.append(["(i) / compute", *(f"{(seconds(run, GATE) or 0) / transformation(run):,.2f}" for run in runs)])
    slowest = [f"{max(run['results'].get('h readers, ms', {'': 0}).values()):,.0f}" for run in runs]
    found.append(["(h) slowest mart, ms", *slowest])
    found.append(
        ["disk: delivery, home, MB", *(", ".join(map(str, run["results"]["disk, mb"].values())) for run in runs)]
    )
    return found


def exponents(small: dict[str, Any], large: dict[str, Any]) -> list[list[str]]:
    times = math.log(large["loans"] / small["loans"])
    found = []
    for name in small["results"]:
        one, two = seconds(small, name), seconds(large, name)
        if one and two:
            found.append([f"({name[0]}) {name[2:]}", f"{math.log(two / one) / times:,.2f}"])
    return found


def table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    runs = sorted((json.loads(Path(path).read_text("utf-8")) for path in sys.argv[1:]), key=lambda run: run["loans"])
    if not runs:
        raise SystemExit(__doc__)
    print(table(["", *(f"{run['loans']:,} loans" for run in runs)], rows(runs)))
    for small, large in pairwise(runs):
        head = ["growth exponent", f"{small['loans']:,} to {large['loans']:,}"]
        print("\n" + table(head, exponents(small, large)))


if __name__ == "__main__":
    main()
