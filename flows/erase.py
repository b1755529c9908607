"""`arrears erase`: what names a person is taken out of the raw history, on record, while every figure stays (decision 0130).

The columns that ledgers.yml calls personal become empty in the customer's rows, and rows in quarantine that are about them lose their
text. Files are written anew beside the history, then the erasure is written down (whose, why, each file's sha256 before and after,
linked into the chain), then they are renamed into place: a kill before the record leaves everything as it was, one after it is
finished by the next run. `arrears verify` knows the new files by the record.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from flows import chain
from flows.controls import who_runs
from flows.database import connect, identifier, quote, quote_path
from flows.errors import UsageError
from flows.home import REFUSED, Home, as_json, existing_home, hold, new_run_id, now_text, sync
from flows.ledgers import Ledger, ledgers
from flows.listing import sha256_of

ERASED = "erased"  # the status of an erasure's pack
MESSAGE = "message_text"  # what was said to somebody: breaches of wording are found in it, so it stays unless asked for
SHORTEST = 6  # characters of a value by which a row without the customer's id is known to be about them
LONGEST = 500  # characters of a reason
WRITTEN = "(format parquet, compression zstd, compression_level 1)"


@dataclass
class Person:
    """Whom a row may be about: the id, their loans, and what is kept of them."""

    customer: str
    loans: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)  # names, numbers, addresses

    @property
    def marks(self) -> list[str]:
        """Values that are nobody else's by chance."""
        return sorted(value for value in self.values if len(value) >= SHORTEST)


def erase(home: Path, customer: str, reason: str, messages: bool, wait: float) -> dict[str, Any]:
    """What `arrears erase` says; UsageError (exit 2) for a customer whom nothing names, or a reason that is none."""
    place = existing_home(home)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST or not reason.isprintable():
        raise UsageError(
            f"--reason: is empty, longer than {LONGEST} characters, or not printable. Say why, for whoever audits this, "
            "and without naming the person."
        )
    run_id = new_run_id()
    with hold(place, run_id, "arrears erase", wait):
        finish(place)
        staged = _staging(place) / run_id
        try:
            with connect() as connection:
                counts, left = _write_anew(connection, place, staged, customer, messages)
            if not counts:
                return _nothing_left(customer, left)
            files = {name: _hashes(place, staged, name) for name in _names(staged)}
            said = {
                "run_id": run_id,
                "status": ERASED,
                "ended_at": now_text(),
                "customer_id": customer,
                "reason": reason,
                "messages": messages,
                "rows": dict(counts),
                "messages_left": left,
                "files": files,
                "user": who_runs(),
                "previous": chain.read(place).head,
            }
            _sync_all(staged)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        chain.record(place, run_id, as_json(said))
        _put_in_place(place, staged)
    outcome = {"status": ERASED, "exit_code": 0, "run_id": run_id, "customer_id": customer, "rows": dict(counts)}
    return {**outcome, "messages_left": left, "files": len(files), "_text": _text(said)}


def finish(home: Home) -> None:
    """An erasure that a kill cut short: finished if it is on record, else as if it had never begun. HOME is held."""
    for staged in sorted(_staging(home).glob("*/")):
        if chain.manifest_in(home.audit / staged.name).get("status") == ERASED:
            _put_in_place(home, staged)
        else:
            shutil.rmtree(staged)


def is_unfinished(home: Home) -> bool:
    """Whether an erasure was cut short, or is at work."""
    return any(_staging(home).glob("*/"))


def erased_hashes(manifests: list[dict[str, Any]], delivery: str, kept: dict[str, str]) -> dict[str, str]:
    """The hashes that a delivery's files have after the erasures on record, oldest first; a record that does not fit changes none."""
    now = dict(kept)
    for said in manifests:
        for name, hashes in said["files"].items():
            folder, _, file = name.rpartition("/")
            if folder == f"raw/{delivery}" and now.get(file) == hashes["before"]:
                now[file] = hashes["after"]
    return now


def _staging(home: Home) -> Path:
    return home.warehouse / "erasing"


def _names(staged: Path) -> list[str]:
    return sorted(str(path.relative_to(staged)) for path in staged.rglob("*.parquet"))


def _hashes(home: Home, staged: Path, name: str) -> dict[str, str]:
    return {"before": sha256_of(home.warehouse / name), "after": sha256_of(staged / name)}


def _sync_all(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def _put_in_place(home: Home, staged: Path) -> None:
    """Rename what was written anew, then remove what was made of the rows before: the next run makes it again."""
    for name in _names(staged):
        (staged / name).replace(home.warehouse / name)
        sync((home.warehouse / name).parent)
    for made in sorted(
        home.warehouse.rglob("*.duckdb*"), reverse=True
    ):  # databases, their logs, what they had put aside
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    shutil.rmtree(staged)


def _folders(home: Home) -> list[Path]:
    """What was loaded, and what a refused delivery left to be looked at."""
    return [
        *map(home.raw_of, home.loaded()),
        *(path.parent for path in sorted(home.warehouse.glob(f"pending/*/{REFUSED}"))),
    ]


def _about(home: Home) -> Iterator[tuple[Path, Ledger]]:
    """Files of ledgers that hold personal columns."""
    for folder in _folders(home):
        for name, ledger in ledgers().items():
            if ledger.is_personal:
                for file in (f"{name}.parquet", f"{name}.duplicate.parquet"):
                    if (folder / file).exists():
                        yield folder / file, ledger


def _write_anew(
    connection: duckdb.DuckDBPyConnection, home: Home, staged: Path, customer: str, messages: bool
) -> tuple[Counter[str], int]:
    """The files that change, written below `staged`; how many rows lose something by ledger, and how many messages stay."""
    person, is_known, left = _who(connection, home, customer)
    counts: Counter[str] = Counter()
    for path, ledger in _about(home):
        columns = [c for c in _personal(connection, path, ledger) if messages or c != MESSAGE]
        mine = f"customer_id = {quote(customer)} and ({' or '.join(f'{identifier(c)} is not null' for c in columns)})"
        if columns and (rows := _count(connection, path, mine)):
            cut = ", ".join(
                f"case when customer_id = {quote(customer)} then null else {identifier(c)} end as {identifier(c)}"
                for c in columns
            )
            target = _target(home, staged, path)
            connection.execute(
                f"copy (select * replace ({cut}) from read_parquet({quote_path(path)})) to {quote_path(target)} {WRITTEN}"
            )
            _prove(connection, path, target, columns)
            counts[ledger.name] += rows
    for folder in _folders(home):
        if (folder / "quarantine.parquet").exists():
            rows, about = _quarantine_anew(connection, home, staged, folder / "quarantine.parquet", person)
            is_known = is_known or about
            counts["quarantine"] += rows
    if not is_known:
        raise UsageError(
            f"CUSTOMER {customer}: no row that was loaded or waits in quarantine is about this id. Give a customer_id as the "
            "ledgers have it."
        )
    return +counts, 0 if messages else left


def _who(connection: duckdb.DuckDBPyConnection, home: Home, customer: str) -> tuple[Person, bool, int]:
    """The person, whether any ledger that holds personal columns knows the id, and how many of their messages are kept."""
    person, is_known, texts = Person(customer), False, 0
    for path, ledger in _about(home):
        columns = _personal(connection, path, ledger)
        if not columns:
            continue
        rows = connection.execute(
            f"select {', '.join(map(identifier, columns))} from read_parquet({quote_path(path)}) where customer_id = ?",
            [customer],
        ).fetchall()
        is_known = is_known or bool(rows)
        for row in rows:
            for column, value in zip(columns, row, strict=True):
                if value and column == MESSAGE:
                    texts += 1
                elif value:
                    person.values.add(value)
    for folder in _folders(home):
        if (path := folder / "loans.parquet").exists():
            query = f"select loan_id from read_parquet({quote_path(path)}) where customer_id = ?"
            person.loans |= {loan for (loan,) in connection.execute(query, [customer]).fetchall()}
    person.values.discard(customer)
    return person, is_known, texts


def _personal(connection: duckdb.DuckDBPyConnection, path: Path, ledger: Ledger) -> list[str]:
    """Personal columns that a file has: an older version may have known fewer."""
    there = _columns(connection, path)
    return [name for name, column in ledger.columns.items() if column.personal and name in there]


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    return connection.sql(f"from read_parquet({quote_path(path)}) limit 0").columns


def _count(connection: duckdb.DuckDBPyConnection, path: Path, where: str) -> int:
    return connection.sql(f"select count(*) from read_parquet({quote_path(path)}) where {where}").fetchone()[0]


def _target(home: Home, staged: Path, path: Path) -> Path:
    target = staged / path.relative_to(home.warehouse)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target


def _prove(connection: duckdb.DuckDBPyConnection, before: Path, after: Path, columns: list[str]) -> None:
    """All else of the rows is what it was, in number and content: nothing is put in place that says otherwise."""
    rest = f"select * exclude ({', '.join(map(identifier, columns))}) from read_parquet"
    old, new = f"{rest}({quote_path(before)})", f"{rest}({quote_path(after)})"
    lost = connection.sql(
        f"select count(*) from (({old} except all {new}) union all ({new} except all {old}))"
    ).fetchone()
    assert lost == (0,), f"{before.name}: written anew it says something else"


def _quarantine_anew(
    connection: duckdb.DuckDBPyConnection, home: Home, staged: Path, path: Path, person: Person
) -> tuple[int, bool]:
    """Rows in quarantine about a person lose their raw text and each value that is personal or the person's; how many did, and whether
    any is about them."""
    source = f"read_parquet({quote_path(path)}, file_row_number = true)"
    there = _columns(connection, path)
    asked = ", ".join(
        c if c in there else f"null::varchar as {c}" for c in ("key", "customer_id", "loan_id", "texts", "raw")
    )
    rows = connection.execute(
        f"""
        with rows as (select file_row_number, ledger, {asked} from {source})

        select * from rows
        where
            coalesce(customer_id = $customer, false)
            or coalesce(ledger = 'customers' and key = $customer, false)
            or coalesce(list_contains($loans, loan_id), false)
            or coalesce(regexp_matches(raw, '(^|[^\\w-])' || regexp_escape($customer) || '($|[^\\w-])'), false)
            or coalesce(len(list_filter($marks, lambda mark: contains(raw, mark) or contains(texts, mark))) > 0, false)
        """,
        {"customer": person.customer, "loans": sorted(person.loans), "marks": person.marks},
    ).fetchall()
    connection.execute(
        "create or replace temp table cut (n bigint, key varchar, customer_id varchar, loan_id varchar, texts varchar, raw varchar)"
    )
    changed = 0
    for n, name, key, customer, loan, texts, raw in rows:
        kept = [None if value in person.values else value for value in (key, customer, loan)]
        is_theirs = customer == person.customer or loan in person.loans or key == person.customer
        said = _without(person, name, texts, is_theirs)
        if raw is not None or said != texts or kept != [key, customer, loan]:
            connection.execute("insert into cut values (?, ?, ?, ?, ?, null)", [n, *kept, said])
            changed += 1
    if changed:
        columns = [c for c in ("key", "customer_id", "loan_id", "texts", "raw") if c in there]
        cut = ", ".join(f"case when cut.n is not null then cut.{c} else rows.{c} end as {c}" for c in columns)
        target = _target(home, staged, path)
        connection.execute(
            f"""
            copy (
                select rows.* exclude (file_row_number) replace ({cut})
                from {source} as rows
                left join cut on cut.n = rows.file_row_number  -- a miss: about somebody else
                order by rows.file_row_number
            ) to {quote_path(target)} {WRITTEN}
            """
        )
        _prove(connection, path, target, columns)
    return changed, bool(rows)


def _without(person: Person, ledger: str, texts: str | None, is_theirs: bool) -> str | None:
    """The values of a row in quarantine without those that are the person's, wherever they slid; where the row is theirs, without any
    that is personal by its column."""
    if texts is None:
        return None
    columns = ledgers()[ledger].columns if ledger in ledgers() else {}

    def goes(name: str, value: str | None) -> bool:
        if value is None:
            return False
        personal = is_theirs and name in columns and columns[name].personal
        return personal or value in person.values or any(mark in value for mark in person.marks)

    said = {name: None if goes(name, value) else value for name, value in json.loads(texts).items()}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _nothing_left(customer: str, left: int) -> dict[str, Any]:
    text = f"Of {customer} nothing is left to erase. Nothing was changed."
    outcome = {"status": "ok", "exit_code": 0, "customer_id": customer, "rows": {}, "messages_left": left, "files": 0}
    return {**outcome, "_text": text + _of_messages(left)}


def _of_messages(left: int) -> str:
    if not left:
        return ""
    return (
        f"\n{left:,} messages to this customer stay, as evidence of what was said; --messages erases their text too, and breaches of "
        "wording that rest on it are then no longer found."
    )


def _text(said: dict[str, Any]) -> str:
    rows = ", ".join(f"{count:,} of {ledger}" for ledger, count in said["rows"].items())
    text = f"Erased what names {said['customer_id']} in {len(said['files'])} files (rows: {rows}), on record as {said['run_id']}."
    text += _of_messages(said["messages_left"])
    return text + (
        "\nFigures stay; the next run computes everything once. LANDING and backups are yours: take deliveries that are loaded out of "
        "LANDING whole (one that is changed there is refused). A later delivery that says it again brings it back."
    )
