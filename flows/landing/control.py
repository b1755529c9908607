"""Control file: what the sender says was sent, against what came."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import duckdb

from flows.errors import DeliveryRefused
from flows.home import Delivery
from flows.landing.sources import OWN_FILES, Sources, content_files
from flows.ledgers import ledgers
from flows.listing import sha256_of

CONTROL_COLUMNS = ("file", "rows", "amount_total", "sha256")
Control = dict[str, dict[str, str]]


def read_control(folder: Path, delivery: Delivery, required: bool) -> Control:
    """delivery.csv by file name; its list and hashes are checked here, rows and amounts once they are typed."""
    path = folder / "delivery.csv"
    if not path.exists():
        if required:
            raise DeliveryRefused(
                f"Delivery {delivery}: {path} is missing, and the policy setting control_file_required is true."
            )
        return {}
    where = f"Delivery {delivery}: control file {path}"
    listed: dict[str, dict[str, str]] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or []
            if missing := [c for c in ("file", "rows") if c not in header]:
                raise DeliveryRefused(
                    f"{where}, line 1: the column {' and '.join(missing)} is missing. Needed: file, rows; optional: "
                    "amount_total, sha256. Nothing was loaded."
                )
            for row in reader:
                name = (row["file"] or "").strip()
                if name in listed:
                    raise DeliveryRefused(
                        f"{where}, line {reader.line_num}: {name} is listed twice. Nothing was loaded."
                    )
                listed[name] = {key: (value or "").strip() for key, value in row.items() if key in CONTROL_COLUMNS}
                listed[name]["line"] = str(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeliveryRefused(f"{where}: not readable as CSV in UTF-8 ({error}). Nothing was loaded.") from error
    present = {p.name for p in content_files(folder)} - OWN_FILES
    faults = [f"{name} is listed but was not delivered" for name in sorted(listed.keys() - present)]
    faults += [f"{name} was delivered but is not listed" for name in sorted(present - listed.keys())]
    if faults:
        raise DeliveryRefused(f"{where}: {'; '.join(faults)}. Nothing was loaded.")
    for name, row in listed.items():
        found = sha256_of(folder / name)
        expected = row.get("sha256", "").lower()
        if expected and expected != found:
            raise DeliveryRefused(
                f"{where}, line {row['line']}: {name} should have sha256 {expected}, but has {found}: it is not the "
                "file that was sent, or was cut off. Nothing was loaded; deliver the file again."
            )
    return listed


def check_amounts(connection: duckdb.DuckDBPyConnection, sources: Sources, control: Control, ledger: str) -> None:
    """Rows and amounts against delivery.csv, for the files whose first ledger this is."""
    first = {
        entry.file: (number, entry.ledger) for number, entry in reversed(list(enumerate(sources.entries, start=1)))
    }
    for name, (number, of) in first.items():
        if of != ledger:
            continue
        said = control[name]
        where = f"Delivery {sources.delivery}: control file {sources.folder / 'delivery.csv'}, line {said['line']}"
        if not re.fullmatch(r"\d{1,15}", said["rows"]):
            raise DeliveryRefused(f"{where}, rows: {said['rows']!r} is no number of rows. Nothing was loaded.")
        amount = said.get("amount_total", "").replace(",", "")
        if amount and not re.fullmatch(r"[+-]?\d{1,30}([.]\d+)?", amount):
            raise DeliveryRefused(f"{where}, amount_total: {said['amount_total']!r} is no amount. Nothing was loaded.")
        found_rows, found_amount = connection.sql(
            f"select count(*), coalesce(sum(_amount), 0) from typed_{ledger} where _entry = {number}"
        ).fetchone()
        if found_rows != int(said["rows"]):
            raise DeliveryRefused(
                f"{where}: {name} should have {said['rows']} rows, but has {found_rows}. Nothing was loaded; deliver "
                "the file again, whole, or with the control file that belongs to it."
            )
        if amount and Decimal(amount) != found_amount:
            raise DeliveryRefused(
                f"{where}: the amounts of {name} should add up to {amount}, but add up to {found_amount} "
                f"(difference {found_amount - Decimal(amount)}; {ledgers()[ledger].amount or 'no amount'} of {ledger}, "
                "untypeable ones as 0). Nothing was loaded; deliver the file again, or with its own control file."
            )
