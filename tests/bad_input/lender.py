"""A lender with a tiny, sound book, whose deliveries each test alters in one way.

`lender.deliver(…)` writes a delivery, `lender.take(…)` loads it and proves on the way that nothing was lost,
`lender.refuse(…)` expects that it is refused as a whole and proves that nothing is half done.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.database import quote_path
from flows.errors import ArrearsError, DeliveryRefused, UsageError
from flows.home import Delivery, Home
from flows.land import Prepared, commit, find_new_deliveries, prepare
from flows.ledgers import ledgers
from flows.policy import Policy, read_policy

POLICY = read_policy()
FIRST, SECOND, THIRD = "2026-02-28", "2026-03-31", "2026-04-30"

# Two customers, a loan each. L1 pays in two installments, L2 at once.
BOOK = {
    "customers": "customer_id,segment\nC1,personal\nC2,corporate\n",
    "loans": (
        "loan_id,customer_id,disbursed_on,matures_on,principal,currency\n"
        "L1,C1,2026-01-05,2026-07-05,1000.00,CNY\n"
        "L2,C2,2026-01-05,2026-07-05,2500.50,CNY\n"
    ),
    "installments": (
        "loan_id,installment_no,due_on,principal_due\n"
        "L1,1,2026-02-05,400.00\n"
        "L1,2,2026-03-05,600.00\n"
        "L2,1,2026-04-05,2500.50\n"
    ),
    "repayments": "repayment_id,loan_id,paid_on,amount\nR1,L1,2026-02-05,400.00\nR2,L2,2026-01-20,100.25\n",
}
HEADERS = {name: text.splitlines(keepends=True)[0] for name, text in BOOK.items()}
NOTHING_NEW = {"repayments": HEADERS["repayments"]}


@dataclass(frozen=True)
class Taken:
    """What came of a delivery that was loaded."""

    folder: Path
    record: dict[str, Any]
    totals: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]
    closed: list[dict[str, Any]]
    warnings: list[tuple[str, str | None, str | None, str]]

    def rows(self, ledger: str) -> list[dict[str, Any]]:
        """What the delivery added to a ledger, by key."""
        return _rows(self.folder / f"{ledger}.parquet", "_key, _line")

    def row(self, ledger: str, key: str) -> dict[str, Any]:
        return next(row for row in self.rows(ledger) if row["_key"] == key)

    def keys(self, ledger: str) -> list[str]:
        return [row["_key"] for row in self.rows(ledger)]

    def counts(self, file: str, ledger: str | None = None) -> tuple[int, int, int, int, int]:
        """(read, filtered, loaded, duplicate, quarantined) rows of a file."""
        ledger = ledger or file.split(".")[0]
        found = next(t for t in self.totals if (t["file"], t["ledger"]) == (file, ledger))
        return tuple(found[f"rows_{what}"] for what in ("read", "filtered", "loaded", "duplicate", "quarantined"))

    def waiting(self, file: str | None = None) -> list[tuple[str, int, list[str]]]:
        """(file, line, reasons) of each row in quarantine, or of one file's."""
        return [(q["file"], q["line"], q["reasons"]) for q in self.quarantine if file in (None, q["file"])]

    def warned(self, rule: str) -> list[tuple[str | None, str | None, str]]:
        """(ledger, key, detail) of each warning of a rule."""
        return [warning[1:] for warning in self.warnings if warning[0] == rule]


class Lender:
    """Writes deliveries into a landing folder and takes them into a home."""

    def __init__(self, folder: Path) -> None:
        self.landing, self.home = folder / "landing", Home(folder / "home")
        self.landing.mkdir(exist_ok=True)
        self.home.create()
        self.policy = POLICY

    def deliver(
        self, name: str = FIRST, files: dict[str, str | bytes] | None = None, **changed: str | bytes | None
    ) -> Path:
        """Write a delivery: the first holds the sound book, a later one a repayments header; `changed` replaces a
        ledger's file (None leaves it out), `files` adds files under their own names."""
        folder = self.landing / name
        folder.mkdir()
        ledgers = BOOK if not self.home.loaded() and len(list(self.landing.iterdir())) == 1 else NOTHING_NEW
        contents = {f"{ledger}.csv": content for ledger, content in {**ledgers, **changed}.items()} | (files or {})
        for file, content in contents.items():
            if content is not None:
                (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    def take(self, name: str = FIRST, policy: Policy | None = None) -> Taken:
        """Load the next delivery, which must be `name`."""
        found = find_new_deliveries(self.landing, self.home)
        assert [d.name for d in found[:1]] == [name]
        prepared = prepare(self.landing, self.home, found[0], policy or self.policy)
        totals, warnings = _gate(prepared)
        commit(self.home, prepared)
        folder = self.home.raw_of(prepared.delivery)
        taken = Taken(
            folder=folder,
            record=prepared.record,
            totals=totals,
            quarantine=_rows(folder / "quarantine.parquet", "file, line, ledger"),
            closed=_rows(folder / "closed.parquet", "delivery, file, line, ledger"),
            warnings=warnings,
        )
        self._nothing_is_lost(name, taken)
        return taken

    def load(
        self, name: str = FIRST, files: dict[str, str | bytes] | None = None, **changed: str | bytes | None
    ) -> Taken:
        """Deliver and take."""
        self.deliver(name, files, **changed)
        return self.take(name)

    def refuse(
        self, name: str = FIRST, error: type[ArrearsError] = DeliveryRefused, policy: Policy | None = None
    ) -> str:
        """Try to load new deliveries up to `name`; it must be refused, without a trace. Returns the message."""
        before = self._known()
        with pytest.raises(error) as caught:
            self.prepare_all(policy)
        assert type(caught.value) is error
        assert caught.value.exit_code == {DeliveryRefused: 4, UsageError: 2}[error]
        assert self._known() == before, "what was loaded before has changed"
        assert not self.home.pending(Delivery.parse(name)).exists(), "something half done was left behind"
        message = str(caught.value)
        assert "\n" not in message
        assert message.endswith((".", "?", ")"))
        return message

    def prepare_all(self, policy: Policy | None = None) -> None:
        """Read new deliveries, and load none."""
        for delivery in find_new_deliveries(self.landing, self.home):
            prepare(self.landing, self.home, delivery, policy or self.policy)

    def withdraw(self, delivery: str, after: str) -> None:
        """Exclude a delivery from every knowledge beyond `after`."""
        line = {
            "delivery": delivery,
            "after": after,
            "reason": "wrong file",
            "withdrawn_at": "2026-06-01T00:00:00+00:00",
        }
        with open(self.home.raw / "withdrawals.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _known(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.home.raw)): p.read_bytes() for p in self.home.raw.rglob("*") if p.is_file()}

    def _nothing_is_lost(self, name: str, taken: Taken) -> None:
        """For each file and ledger, rows and amounts read are those filtered, loaded, duplicate and quarantined: by
        landing's own account, and by counting the files that came in and the rows that were written."""
        for total in taken.totals:
            for unit in ("rows", "amount"):
                became = [total[f"{unit}_{what}"] for what in ("filtered", "loaded", "duplicate", "quarantined")]
                assert total[f"{unit}_read"] == sum(became), (total["file"], total["ledger"], unit)
            came_in = _count_rows(self.landing / name / total["file"].split("#")[0])
            preamble = next(f["preamble"] for f in taken.record["files"] if f["file"] == total["file"])
            if came_in is not None:
                assert total["rows_read"] == came_in - preamble, total["file"]
            loaded = _of_file(_rows(taken.folder / f"{total['ledger']}.parquet"), name, total["file"])
            assert total["rows_loaded"] == len(loaded) or _feeds_twice(taken, total)
            amount = ledgers()[total["ledger"]].amount
            if amount and not _feeds_twice(taken, total):
                parts = [part.strip() for part in amount.split("+")]
                assert total["amount_loaded"] == sum((r[p] or Decimal(0) for r in loaded for p in parts), Decimal(0))
            waiting = [
                q
                for q in taken.quarantine
                if (q["file"], q["ledger"], q["entry"]) == (total["file"], total["ledger"], total["entry"])
            ]
            assert total["rows_quarantined"] == len(waiting)
            assert total["amount_quarantined"] == sum((q["amount"] for q in waiting), Decimal(0))
        for row in taken.quarantine:
            assert row["raw"]
            assert row["reasons"]
            assert row["line"] >= 2


def _feeds_twice(taken: Taken, total: dict[str, Any]) -> bool:
    return [(t["file"], t["ledger"]) for t in taken.totals].count((total["file"], total["ledger"])) > 1


def _of_file(rows: list[dict[str, Any]], delivery: str, file: str) -> list[dict[str, Any]]:
    return [row for row in rows if (row["_origin"], row["_file"]) == (delivery, file)]


def _count_rows(path: Path) -> int | None:
    """Rows below the header, counted by another reader than landing's; None where the file is not plain UTF-8 CSV or Parquet."""
    if path.name.endswith(".parquet"):
        return duckdb.sql(f"select count(*) from read_parquet({quote_path(path)})").fetchone()[0]
    if path.name.endswith(".xlsx"):
        return None
    content = path.read_bytes()
    try:
        text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    delimiter = max(",;|\t", key=text.splitlines()[0].count)
    return len([row for row in csv.reader(io.StringIO(text, newline=None), delimiter=delimiter) if row]) - 1


def _rows(path: Path, order: str | None = None) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    relation = duckdb.sql(f"select * from read_parquet({quote_path(path)})" + (f" order by {order}" if order else ""))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _gate(prepared: Prepared) -> tuple[list[dict[str, Any]], list[tuple[str, str | None, str | None, str]]]:
    with duckdb.connect(str(prepared.gate_database), read_only=True) as gate:
        relation = gate.sql("select * from file_totals order by entry")
        totals = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        warnings = gate.sql("select rule, ledger, key, detail from warnings order by all").fetchall()
    return totals, warnings


def with_settings(policy: Policy, **settings: str) -> Policy:
    return Policy(policy.seeds, {**policy.settings, **settings})
