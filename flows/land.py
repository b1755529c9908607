"""Land: take new deliveries from LANDING, type and judge every row, and keep what stands as immutable history.

A delivery is prepared in HOME/warehouse/pending/<delivery>; only when the landing gate has passed it does one rename
make it part of HOME/warehouse/raw. Until then it may be corrected in place, and a kill leaves nothing half loaded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows.database import connect
from flows.errors import DeliveryRefused, UsageError
from flows.history import attach_history, attach_open_quarantine
from flows.home import (
    REFUSED,
    Delivery,
    Home,
    is_text,
    knowledge,
    may,
    now_text,
    shown,
    sync,
    sync_files,
    today,
    write_json,
)
from flows.landing import databases, rows
from flows.landing.control import check_amounts, read_control
from flows.landing.files import fingerprint
from flows.landing.gate import Rows, write_gate_database
from flows.landing.limits import Limits
from flows.landing.sources import Sources, content_files
from flows.ledgers import Ledger, ledgers
from flows.listing import list_files, sha256_of
from flows.policy import Policy

GATE_DATABASE = "landing_gate.duckdb"


@dataclass(frozen=True)
class Prepared:
    """A delivery ready for the landing gate: its folder under pending/ and the gate's database in it."""

    delivery: Delivery
    folder: Path
    record: dict[str, Any]

    @property
    def gate_database(self) -> Path:
        return self.folder / GATE_DATABASE


def find_new_deliveries(
    landing: Path, home: Home, upto: Delivery | None = None, future: bool = False
) -> list[Delivery]:
    """Deliveries in LANDING that are not loaded yet, in order; refuses what changed, comes too late, or is dated after
    tomorrow and not meant so."""
    found = deliveries_in(existing(landing))
    loaded, standing = home.loaded(), knowledge(home).deliveries
    for delivery in found:
        if delivery in loaded:
            _refuse_if_changed(landing / delivery.name, home, delivery, _free_name(standing or loaded, found))
    new = [d for d in found if d not in loaded and (upto is None or d <= upto)]
    if new and standing and new[0] < standing[-1]:
        raise DeliveryRefused(
            f"Delivery {new[0]}: it sorts before {standing[-1]}, which is loaded already, and knowledge only grows. "
            f"Nothing of it was loaded; deliver it as {_free_name(standing, found)} or under a later date. If {standing[-1]} "
            f"bears a wrong date, withdraw it (arrears withdraw {standing[-1]} --reason …): then it stands in nobody's way."
        )
    tomorrow = today() + timedelta(days=1)
    if not future and (late := [d for d in new if d.date > tomorrow]):
        raise DeliveryRefused(
            f"Delivery {late[0]}: it is dated after tomorrow ({tomorrow}), and once it is loaded every delivery "
            "of an earlier date would be refused. Nothing was loaded; give the folder its right date, or --future if it is meant."
        )
    return new


def open_delivery(landing: Path, home: Home, day: date) -> None:
    """A lender that delivers nothing but a database: the night of a day opens the folder that its rows are read into."""
    loaded, standing = home.loaded(), knowledge(home).deliveries
    waiting = [d for d in deliveries_in(landing) if d not in loaded]
    if databases.readings_of(landing / str(day)) and not any(d.date >= day for d in (*standing, *waiting)):
        delivery = Delivery(day)
        while delivery in loaded:  # and withdrawn since
            delivery = delivery.next
        (landing / delivery.name).mkdir()


def existing(landing: Path | None) -> Path:
    """LANDING, if it is a folder."""
    said = None
    try:
        if landing is None or not landing.is_dir():
            said = "not given" if landing is None else "not a folder" if landing.exists() else "there is no such folder"
        elif not is_text(landing):
            said = "its name is not UTF-8"
        elif not may(landing, os.R_OK | os.X_OK):
            said = "cannot be read"
    except OSError as error:
        said = f"cannot be used ({error.strerror})"
    if said:
        raise UsageError(
            f"--landing{f' {shown(landing)}' if landing else ''}: {said}. Give the folder that holds the deliveries "
            "(folders named 2026-11-22, 2026-11-22.2, …)."
        )
    return landing


def deliveries_in(landing: Path) -> list[Delivery]:
    """Every delivery in LANDING, in the order of knowledge; names only, nothing is read."""
    return sorted(d for d in (_delivery_of(p) for p in landing.iterdir()) if d)


def _free_name(loaded: Sequence[Delivery], found: list[Delivery]) -> Delivery:
    """The first name that is taken by nothing and sorts after all that is loaded."""
    return max(d for d in [*loaded, *found] if d.date == loaded[-1].date).next


def unknown_folders(landing: Path) -> list[str]:
    """Folders in LANDING whose names are no delivery's; they are left alone and named in the log."""
    return sorted(shown(p.name) for p in landing.iterdir() if p.is_dir() and not _delivery_of(p) and p.name[0] != ".")


def _delivery_of(folder: Path) -> Delivery | None:
    """The delivery that a folder holds; `2026-11-22.1` is no name of one, since `2026-11-22` is."""
    delivery = Delivery.parse(folder.name)
    return delivery if delivery and delivery.name == folder.name and folder.is_dir() else None


def _refuse_if_changed(folder: Path, home: Home, delivery: Delivery, free: Delivery) -> None:
    record = home.record(delivery)
    then = {f["file"]: f for f in record["content"]}
    now = {p.name: p for p in content_files(folder)}
    said = [f"{name} was removed" for name in sorted(then.keys() - now.keys())]
    said += [f"{name} was added" for name in sorted(now.keys() - then.keys())]
    for name in sorted(then.keys() & now.keys()):
        same = all(then[name][key] == value for key, value in fingerprint(now[name]).items())
        if not same and sha256_of(now[name]) != then[name]["sha256"]:
            said.append(f"{name} was changed")
    if said:
        raise DeliveryRefused(
            f"Delivery {delivery}: {', '.join(said)} in {folder} after it was loaded on {record['loaded_at']}; what was "
            f"loaded stands. Restore the folder as it was, and deliver the correction as {free} or under a later date "
            f"(or withdraw the delivery: arrears withdraw {delivery} --reason …)."
        )


def prepare(landing: Path, home: Home, delivery: Delivery, policy: Policy) -> Prepared:
    """Read, type and judge one delivery into pending/; refuses what cannot be taken as a whole."""
    account = databases.read(delivery, landing / delivery.name, home)
    pending = home.pending(delivery)
    shutil.rmtree(pending, ignore_errors=True)
    scratch = pending / "scratch"
    scratch.mkdir(parents=True)
    connection = connect(temp_directory=str(scratch / "spill"))
    try:
        record = _read(
            connection, Sources(delivery, landing / delivery.name, scratch, Limits.of(policy)), home, policy, pending
        )
    except BaseException:
        connection.close()
        shutil.rmtree(pending, ignore_errors=True)
        raise
    connection.close()
    shutil.rmtree(scratch)
    return Prepared(delivery, pending, record | {"databases": account})


def _read(
    connection: duckdb.DuckDBPyConnection, sources: Sources, home: Home, policy: Policy, pending: Path
) -> dict[str, Any]:
    """One delivery on its way; every step leaves tables in the scratch database. Returns the delivery's record."""
    delivery, known = sources.delivery, knowledge(home)
    connection.execute("set TimeZone = 'Asia/Shanghai'")
    connection.execute((Path(rows.__file__).parent / "typing.sql").read_text("utf-8"))
    control = read_control(sources.folder, delivery, policy.flag("control_file_required"))
    sources.check_ledgers_present(known, home, policy.expected_ledgers)
    for name, ledger in ledgers().items():
        attach_history(connection, home, ledger, known.deliveries, f"history_{name}", bool(known.withdrawn))
    attach_open_quarantine(connection, home, known.deliveries)
    touched = _touched(connection, {e.ledger for e in sources.entries})
    rows.create_accounts(connection)
    for name, ledger in ledgers().items():
        if name not in touched:
            rows.show_untouched(connection, ledger)
            continue
        texts, keeps = sources.take(connection, ledger)
        if known.deliveries and (waiting := rows.waiting_texts(connection, ledger)):
            texts.append(waiting)
        rows.type_rows(connection, ledger, policy, rows.show_texts(connection, ledger, texts))
        if control:
            check_amounts(connection, sources, control, name)
        rows.judge_rows(connection, ledger, keeps)
        rows.write_rows(connection, ledger, delivery, pending)
        rows.account_for(connection, ledger, sources.headers)
        sources.let_go(connection)
    sources.refuse_if_changed()
    rows.write_quarantine(connection, delivery, pending)
    rate = policy.number("max_quarantine_rate")
    totals, by_ledger, warned = write_gate_database(connection, pending / GATE_DATABASE, sources, touched, rate)
    return _record(sources, totals, by_ledger, warned) | _tried_again(connection, touched)


def _touched(connection: duckdb.DuckDBPyConnection, delivered: set[str]) -> dict[str, Ledger]:
    """Ledgers that have something to judge: what is delivered, and what waits for a parent; parents first."""
    waiting = {
        name
        for (name,) in connection.sql(
            "select distinct ledger from open_quarantine where only_orphan(reasons)"
        ).fetchall()
    }
    return {name: ledger for name, ledger in ledgers().items() if name in delivered | waiting}


def _tried_again(connection: duckdb.DuckDBPyConnection, touched: dict[str, Ledger]) -> dict[str, Any]:
    """What became of rows that waited in quarantine for a parent."""
    loaded = {
        name: connection.sql(
            f"select count(*) from row_{name} where _entry = 0 and _outcome in ('loaded', 'duplicate')"
        ).fetchone()[0]
        for name in touched
    }
    return {
        "loaded_from_quarantine": {name: count for name, count in loaded.items() if count},
        "quarantine_entries_closed": connection.sql("select count(*) from closed").fetchone()[0],
    }


def _record(sources: Sources, totals: Rows, by_ledger: Rows, warnings: dict[str, int]) -> dict[str, Any]:
    """What is written down about a delivery: its files, hashes and counts."""
    hashed = {file.path.name: file.sha256 for file in sources.files.values()}
    content = [
        {
            "file": p.name,
            "sha256": hashed.get(p.name) or sha256_of(p),
            **fingerprint(p),
        }
        for p in content_files(sources.folder)
    ]
    return {
        "delivery": sources.delivery.name,
        "content": content,
        "files": [
            {
                "file": file.name,
                "sha256": file.sha256,
                "rows": file.rows,
                "encoding": file.encoding,
                "delimiter": file.delimiter,
                "preamble": file.preamble,
                "unmapped_columns": sources.unmapped[source],
                "ledgers": [{k: v for k, v in t.items() if k != "file"} for t in totals if t["file"] == file.name],
            }
            for source, file in sources.files.items()
        ],
        "ledgers": {t["ledger"]: {k: v for k, v in t.items() if k != "ledger"} for t in by_ledger},
        "ignored_files": sources.ignored,
        "rounded": sources.rounded,
        "warnings": warnings,
    }


def refuse(prepared: Prepared) -> None:
    """The gate has not passed it: nothing is loaded, and its rows in quarantine stay to be looked at until it comes again."""
    write_json(prepared.folder / REFUSED, {"delivery": prepared.delivery.name, "refused_at": now_text()})


def commit(home: Home, prepared: Prepared) -> None:
    """The gate has passed: one rename, and the delivery is loaded."""
    prepared.gate_database.unlink(missing_ok=True)
    prepared.record["loaded_at"] = now_text()
    prepared.record["kept"] = list_files(
        prepared.folder
    )  # the rows as they were judged; nothing of them changes any more
    write_json(prepared.folder / "delivery.json", prepared.record)
    sync_files(prepared.folder)
    prepared.folder.rename(home.raw_of(prepared.delivery))
    sync(home.raw)
