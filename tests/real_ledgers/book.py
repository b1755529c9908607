"""A real ledger, landed by its mapping file alone. The data is read from beside the repository and never copied into it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import build_at, new_home, rows_of

from flows.home import Delivery, Home
from flows.land import commit, find_new_deliveries, prepare
from flows.policy import read_policy

HERE = Path(__file__).parent
DATA = HERE.parents[1].parent / "shared" / "data"


@dataclass(frozen=True)
class Book:
    """A landed ledger: its home, landing's record of the delivery, the gate's warnings, and what is expected of it."""

    home: Home
    record: dict[str, Any]
    warnings: dict[str, int]
    expected: dict[str, Any]

    def loans_at(self, as_of: date) -> list[dict[str, Any]]:
        """marts.loan_aging as of a date."""
        return rows_of(
            build_at(self.home, as_of, marts=("loan_aging",)).database, "from marts.loan_aging order by loan_id"
        )

    def rows(self, query: str) -> list[dict[str, Any]]:
        """A query over what was landed, `{ledger}.parquet` standing in the current folder."""
        raw = self.home.raw_of(self.home.loaded()[-1])
        relation = duckdb.sql(query.replace("raw/", f"{raw}/"))
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    def amount(self, ledger: str, what: str) -> Decimal:
        """The amount of a ledger that was read, loaded, …, over all files and entries."""
        totals = [total for file in self.record["files"] for total in file["ledgers"] if total["ledger"] == ledger]
        return sum((total[f"amount_{what}"] for total in totals), Decimal(0))

    def nothing_is_lost(self) -> None:
        """Every file and ledger: read is filtered, loaded, duplicate and quarantined; and the quarantine is within limits."""
        policy = read_policy()
        for file in self.record["files"]:
            for total in file["ledgers"]:
                for unit in ("rows", "amount"):
                    became = [total[f"{unit}_{o}"] for o in ("filtered", "loaded", "duplicate", "quarantined")]
                    assert total[f"{unit}_read"] == sum(became), (file["file"], total["ledger"])
        for name, total in self.record["ledgers"].items():
            assert total["quarantine_rate_rows"] <= policy.number("max_quarantine_rate"), name
            assert total["quarantine_rate_amount"] <= policy.number("max_quarantine_rate"), name


def land(
    name: str, delivery: str, folder: Path, files: dict[str, str] | None = None, mapping: str | None = None
) -> Book:
    """Land a data set as one delivery, with its committed mapping (or `mapping`); skips where the data is absent."""
    if not (DATA / name).is_dir():
        pytest.skip(f"real ledgers are not here: {DATA / name} (they are no part of the repository)")
    target = folder / "landing" / delivery
    target.mkdir(parents=True)
    for path in (DATA / name).glob("*.csv"):
        shutil.copyfile(path, target / path.name)
    for file, content in (files or {}).items():
        (target / file).write_text(content, "utf-8")
    (target / "mapping.yml").write_text(mapping or mapping_of(name), "utf-8")
    home = new_home(folder / "home")
    assert find_new_deliveries(target.parent, home) == [Delivery.parse(delivery)]
    prepared = prepare(target.parent, home, Delivery.parse(delivery), read_policy())
    commit(home, prepared)
    expected = json.loads((DATA / name / "expected.json").read_text("utf-8"))
    return Book(home, prepared.record, prepared.record["warnings"], expected)


def mapping_of(name: str) -> str:
    return (HERE / name / "mapping.yml").read_text("utf-8")
