"""Night after night in one home, with everything that lenders do to their deliveries: `make soak` for sixty, a few here.

After each night what was carried from delivery to delivery says what one pass over all of them says, and the home is no larger than
its publications and its history.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import duckdb
from end_to_end.conftest import Command
from end_to_end.nights import nightly
from support import build_at, load, new_home, sized

from books import generate
from flows.home import Home

NIGHTS = sized(3, 60, "ARREARS_NIGHTS")
FIRST = date(2026, 8, 3)
KINDS = ("late", "withdrawn", "reversed", "refused", "plain", "duplicate", "corrected", "empty", "drifted")
OF_THE_HOME = ("publication", "restatements")  # what it is, and what it says against what was published before
Rows = list[dict[str, str]]


@dataclass
class Lender:
    """Delivers a generated book day by day, each day with one more trouble."""

    source: Path
    landing: Path
    chance: random.Random
    held_back: Rows = field(default_factory=list)

    def rows(self, day: date, ledger: str) -> Rows:
        with open(self.source / str(day) / f"{ledger}.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def header(self, day: date, ledger: str) -> list[str]:
        with open(self.source / str(day) / f"{ledger}.csv", encoding="utf-8", newline="") as file:
            return next(csv.reader(file))

    def deliver(self, day: date, before: date | None, kind: str) -> None:
        ledgers = {path.stem: self.rows(day, path.stem) for path in (self.source / str(day)).iterdir()}
        del ledgers["gl_balances"]  # of the book as it was meant
        ledgers["repayments"] += self.held_back
        self.held_back = []
        if kind == "late":
            half = len(ledgers["repayments"]) // 2
            self.held_back, ledgers["repayments"] = ledgers["repayments"][:half], ledgers["repayments"][half:]
        if kind == "duplicate" and before:
            ledgers["repayments"] += self.rows(before, "repayments")
        if kind == "corrected":
            for loan in self.chance.sample(self.rows(FIRST, "loans"), 3):
                moved = date.fromisoformat(loan["matures_on"]) + timedelta(days=self.chance.randrange(1, 90))
                ledgers["loans"] = [row for row in ledgers["loans"] if row["loan_id"] != loan["loan_id"]]
                ledgers["loans"].append(loan | {"matures_on": str(moved)})
        if kind == "reversed":
            paid = [row for row in self.rows(FIRST, "repayments") if row["kind"] == "payment"]
            for n, row in enumerate(self.chance.sample(paid, 3)):
                ledgers["repayments"].append(
                    row | {"repayment_id": f"RV-{day}-{n}", "kind": "reversal", "reverses_id": row["repayment_id"], "paid_on": str(day)}
                )  # fmt: skip
        if kind == "empty":
            self.held_back = ledgers["repayments"]
            ledgers = {ledger: [] for ledger in ledgers}
        folder = self.landing / str(day)
        folder.mkdir()
        for ledger, rows in ledgers.items():
            self.write(folder / f"{ledger}.csv", self.header(day, ledger), rows, drifted=kind == "drifted")
        if kind == "refused":
            (folder / "delivery.csv").write_text("file,rows\nloans.csv,1000000\n", "utf-8")
        if kind == "withdrawn":
            wrong = self.landing / f"{day}.2"
            wrong.mkdir()
            twice = [row | {"repayment_id": "W-" + row["repayment_id"]} for row in self.rows(FIRST, "repayments")[:50]]
            self.write(wrong / "repayments.csv", self.header(day, "repayments"), twice)

    def write(self, path: Path, header: list[str], rows: Rows, drifted: bool = False) -> None:
        """Drifted: other columns first, and compressed from today on."""
        columns = self.chance.sample(header, len(header)) if drifted else header
        opened = (
            gzip.open(f"{path}.gz", "wt", encoding="utf-8", newline="")
            if drifted
            else open(path, "w", encoding="utf-8", newline="")
        )
        with opened as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


def kinds(chance: random.Random) -> Iterator[str]:
    """Each once, then in another order again and again."""
    return chain(KINDS, *(chance.sample(KINDS, len(KINDS)) for _ in range(NIGHTS)))


def test_night_after_night(arrears: Command, tmp_path: Path) -> None:
    chance = random.Random(7)
    days = [FIRST + timedelta(days=n) for n in range(NIGHTS)]
    generate(tmp_path / "source", loans=60, seed=3, deliveries=days, dirty_rows=0)
    home = new_home(tmp_path / "home").root
    (home / "landing").mkdir(exist_ok=True)
    lender = Lender(tmp_path / "source", home / "landing", chance)
    whole = new_home(tmp_path / "whole")
    sizes = []
    for n, (day, before, kind) in enumerate(zip(days, [None, *days], kinds(chance), strict=False)):
        lender.deliver(day, before, kind)
        began = time.monotonic()
        if kind == "refused":
            standing = (home / "published" / "current").resolve()
            refused = arrears(*nightly(home, "--as-of", str(day)))
            assert refused.code == 4, refused.err
            assert (home / "published" / "current").resolve() == standing
            (home / "landing" / str(day) / "delivery.csv").unlink()
        if kind == "withdrawn":
            load(home / "landing", whole)
            assert arrears(*nightly(home, "--as-of", str(day))).code == 0
            for one in (home, whole.root):
                gone = arrears("withdraw", f"{day}.2", "--reason", "of somebody else", "--home", one)
                assert gone.code == 0, gone.err
        ended = arrears(*nightly(home, "--as-of", str(day)))
        assert ended.code == 0, (day, kind, ended.err)
        took = time.monotonic() - began
        sizes.append(sum(f.stat().st_size for f in (home / "warehouse").rglob("*") if f.is_file()))
        assert not list((home / "published").glob(".*")), "nothing half done"
        assert len([f for f in (home / "published").iterdir() if not f.is_symlink()]) <= 7
        print(f"{n + 1:3} {day} {kind:<10} {took:6.1f} s  {sizes[-1] / 1e6:6.1f} MB")
        if len(KINDS) < NIGHTS or day == days[-1]:
            load(home / "landing", whole)
            assert not different(home, whole, day), (day, kind)
    quarantined = json.loads((home / "published" / "current" / "manifest.json").read_text("utf-8"))["deliveries"]
    assert sum(one["rows_quarantined"] for one in quarantined) == 0


def different(home: Path, whole: Home, day: date) -> list[str]:
    """The marts whose rows are not those of one pass over everything."""
    (whole.root / "warehouse" / "arrears.duckdb").unlink(missing_ok=True)
    built = build_at(whole, day)
    assert built.full_refresh
    found = []
    with duckdb.connect(str(built.database), read_only=True) as connection:
        for parquet in sorted((home / "published" / "current" / "parquet").iterdir()):
            if parquet.stem in OF_THE_HOME:
                continue
            both = (f"from '{parquet}'", f"from marts.{parquet.stem}")
            if any(connection.sql(f"{one} except all {other} limit 1").fetchone() for one, other in (both, both[::-1])):
                found.append(parquet.stem)
    return found
