"""Believable, wholly invented lender ledgers: any size, any number of deliveries, the same bytes for the same arguments.

Usage:  python -m books LANDING --loans 1000 --seed 1 --delivery 2026-09-30 --delivery 2026-10-31

`world.sql` decides what happens between the lender and its customers, `ledgers.sql` cuts that into the 16 ledgers of each
delivery, `names.sql` has the words. All of it is set-based SQL; this file only runs it, writes files, and plants bad rows.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

import duckdb

FileFormat = Literal["csv", "csv.gz", "parquet"]

LEDGERS = (
    "customers", "products", "loans", "installments", "repayments", "charges", "pauses", "advances", "advance_repayments", "collateral",
    "underwriting", "financials", "contact_points", "contact_attempts", "gl_balances", "fx_rates",
)  # fmt: skip
DEFAULT_DELIVERIES = (date(2026, 9, 30), date(2026, 10, 31))
BEFORE_ALL = date(1900, 1, 1)

SMALL = {"principal_due": "10.00", "interest_due": "0.00", "fee_due": "0.00"}  # the gate's limit is on amounts too
# Ledger, reason, and what a sound row of the file is changed to; `{n}` makes a new key. `None` as a column is one field too many.
SPOILS: tuple[tuple[str, str, dict[str | None, str]], ...] = (
    ("repayments", "too many decimals", {"repayment_id": "R-BAD-{n}", "amount": "10.005"}),
    ("installments", "impossible date", {"installment_no": "90{n}", "due_on": "2026-02-30", **SMALL}),
    ("loans", "unknown code", {"loan_id": "L-BAD-{n}", "principal": "100.00", "security": "handshake"}),
    ("customers", "ragged row", {"customer_id": "C-BAD-{n}", None: "one field too many"}),
    ("repayments", "orphan", {"repayment_id": "R-BAD-{n}", "loan_id": "L-NOWHERE", "amount": "10.00"}),
    ("repayments", "negative amount", {"repayment_id": "R-BAD-{n}", "amount": "-10.00"}),
    ("contact_attempts", "unknown code", {"attempt_id": "CA-BAD-{n}", "outcome": "shrugged"}),
    ("installments", "untypeable amount", {"installment_no": "90{n}", **SMALL, "principal_due": "ten"}),
)  # fmt: skip
TYPED = {"unknown code", "orphan", "negative amount"}  # what a typed file can hold as well
ROOM = 0.004  # of a ledger's rows in one delivery may be bad; the landing gate fails above 0.005
# Rows that never change: delivered again, they are duplicates.
IMMUTABLE = ("installments", "repayments", "underwriting", "fx_rates")
COPY_OPTIONS = {
    "csv": "format csv, header",
    "csv.gz": "format csv, header, compression gzip",
    "parquet": "format parquet",
}
AGAIN = 3  # rows of each that a delivery repeats
TOUCHED = sorted({*IMMUTABLE, *(ledger for ledger, _, _ in SPOILS)})

# What the lender has on record about the agencies of the book: the first keeps every rule, the second fell off the list and was evaluated
# too long ago, the third was never listed.
AGENCIES = """\
agency_id,fact,valid_from,valid_to,evidence,citation
AG-01,listed,2024-01-01,,K,invented
AG-01,evaluated,2025-06-10,,K,invented
AG-01,evaluated,2026-06-10,,K,invented
AG-01,inspected,2025-03-15,,K,invented
AG-01,inspected,2026-03-12,,K,invented
AG-02,listed,2024-01-01,2026-06-30,K,invented
AG-02,evaluated,2025-03-20,,K,invented
AG-02,inspected,2025-11-05,,K,invented
AG-03,evaluated,2026-02-02,,K,invented
"""

Row = dict[str | None, str]
Sound = dict[tuple[date, str], list[Row]]  # the first rows of each ledger of each delivery


@dataclass(frozen=True)
class Dirty:
    """One planted row that the landing must quarantine."""

    delivery: date
    ledger: str
    file: Path
    reason: str


@dataclass
class Book:
    """What was written. `rows` counts every row of a ledger's files, bad and repeated ones too."""

    landing: Path
    paths: dict[date, dict[str, list[Path]]] = field(default_factory=dict)
    rows: dict[date, dict[str, int]] = field(default_factory=dict)
    duplicates: dict[date, dict[str, int]] = field(default_factory=dict)
    dirty: list[Dirty] = field(default_factory=list)


ADJUSTED = (
    "adjustment_id",
    "loan_id",
    "risk_class",
    "reason",
    "prepared_by",
    "approved_by",
    "valid_from",
    "valid_until",
)


def write_policy(folder: Path) -> None:
    """What of a lender's own policy belongs to the book: a folder for `--policy`."""
    folder.mkdir(parents=True)
    (folder / "collection_agency.csv").write_text(AGENCIES, "utf-8")
    digest = hashlib.sha256(AGENCIES.encode()).hexdigest()
    approved = f"collection_agency,{digest},demo,2026-09-30,the agencies of the demo\n"
    (folder / "policy_approval.csv").write_text("seed,sha256,approved_by,approved_on,reason\n" + approved, "utf-8")


def write_adjustments(book: Book, day: date) -> Path:
    """Two overrides of a class in delivery `day`, each prepared by one person and approved by another; as many as there are loans.

    One is in force on the day and until the end of its year: of the smallest loan in CNY that was charged a penalty in the delivery
    and paid nothing. One has run out in the middle of the month: of the smallest that paid and was charged none.
    """
    path = book.landing / str(day) / "adjustments.csv"
    first, news = next(iter(book.paths.values())), book.paths[day]
    with duckdb.connect() as con:

        def read(*paths: Path) -> str:
            listed = ", ".join(f"'{_quoted(one)}'" for one in paths)
            return f"read_csv([{listed}], union_by_name = true, all_varchar = true)"

        query = f"""
            with charged as (select distinct loan_id from {read(news["charges"][0])}),
            paid as (select distinct loan_id from {read(news["repayments"][0])}),
            gone as (select loan_id from {read(news["loans"][0])}),
            running as (
                select loan_id, min(try_cast(principal as decimal(18, 2))) as principal
                from {read(first["loans"][0])}
                where currency = 'CNY' and closed_on is null and written_off_on is null and restructured_on is null
                group by loan_id
            )
            select loan_id, loan_id in (from charged) as is_charged
            from running
            where loan_id not in (from gone) and (loan_id in (from charged)) <> (loan_id in (from paid))
            qualify row_number() over (partition by is_charged order by principal, loan_id) = 1
            order by is_charged desc
        """
        ids = [loan_id for loan_id, _ in con.sql(query).fetchall()]
    month = f"{day:%Y-%m}"
    overrides = [
        ("ADJ-1", "3", "employer insolvent; wages stopped", "Wu Min", "Li Wei", f"{month}-12", f"{day.year}-12-31"),
        ("ADJ-2", "3", "wages late; paid since", "Wu Min", "Zhao Lin", f"{month}-01", f"{month}-15"),
    ]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ADJUSTED)
        writer.writerows([one[0], loan_id, *one[1:]] for one, loan_id in zip(overrides, ids, strict=False))
    return path


def generate(
    landing: Path,
    *,
    loans: int = 1000,
    seed: int = 1,
    deliveries: Sequence[date] = DEFAULT_DELIVERIES,
    file_format: FileFormat = "csv",
    dirty_rows: int = 6,
) -> Book:
    """Write `LANDING/YYYY-MM-DD/<ledger>.<file_format>` for each delivery and say what was written.

    `loans` are those disbursed up to the last delivery. The first delivery holds everything up to its date, each later one
    what is new or changed. `dirty_rows` bad rows are spread over ledgers and deliveries as far as there is room for them
    under the landing gate's limit, and a few rows are then delivered twice; 0 gives ledgers without a flaw.

    Raises ValueError for impossible arguments and FileExistsError when a delivery folder is not empty.
    """
    days = list(deliveries)
    if not days or any(later <= earlier for earlier, later in pairwise(days)):
        given = ", ".join(map(str, days)) or "none"
        raise ValueError(f"deliveries must be one or more dates, each later than the one before: {given}")
    if loans < 0 or dirty_rows < 0:
        raise ValueError(f"loans and dirty_rows must not be negative: {loans=}, {dirty_rows=}")
    if file_format not in COPY_OPTIONS:
        raise ValueError(f"file_format must be one of {', '.join(COPY_OPTIONS)}: {file_format!r}")
    for day in days:
        if (folder := landing / str(day)).exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty: give another landing folder, or remove it")

    book = Book(landing)
    with (
        tempfile.TemporaryDirectory() as spill,
        duckdb.connect(config={"temp_directory": spill, "memory_limit": "6GB"}) as con,
    ):
        con.execute("set enable_progress_bar = false")
        con.execute(f"set variable seed = {seed}; set variable loans = {loans}")
        con.execute(f"set variable first_on = date '{days[0]}'; set variable last_on = date '{days[-1]}'")
        for script in ("names", "world", "ledgers"):
            con.execute((Path(__file__).parent / f"{script}.sql").read_text(encoding="utf-8"))
        for since, upto in zip([BEFORE_ALL, *days], days, strict=False):
            _deliver(con, book, since, upto, file_format)
        if dirty_rows:
            mains = {(day, ledger): book.paths[day][ledger][0] for day in days for ledger in TOUCHED}
            sound = {key: _first_rows(con, path, AGAIN) for key, path in mains.items()}
            _repeat(con, book, sound)
            _spoil(con, book, sound, dirty_rows)
    return book


def _deliver(con: duckdb.DuckDBPyConnection, book: Book, since: date, upto: date, file_format: FileFormat) -> None:
    folder = book.landing / str(upto)
    folder.mkdir(parents=True, exist_ok=True)
    book.paths[upto], book.rows[upto], book.duplicates[upto] = {}, {}, {}
    for ledger in LEDGERS:
        path = folder / f"{ledger}.{file_format}"
        news = f"from {ledger}(date '{since}', date '{upto}')"
        written = con.execute(f"copy ({news}) to '{_quoted(path)}' ({COPY_OPTIONS[file_format]})").fetchone()
        book.paths[upto][ledger], book.rows[upto][ledger] = [path], written[0] if written else 0


def _repeat(con: duckdb.DuckDBPyConnection, book: Book, sound: Sound) -> None:
    """Deliver some rows twice: in the first delivery within one file, in a later one rows of the delivery before."""
    days = list(book.paths)
    for before, day in zip([days[0], *days], days, strict=False):
        for ledger in IMMUTABLE:
            if rows := sound[before, ledger]:
                _append(con, book, day, ledger, rows)
                book.duplicates[day][ledger] = len(rows)


def _spoil(con: duckdb.DuckDBPyConnection, book: Book, sound: Sound, dirty_rows: int) -> None:
    """Plant bad rows one by one, going round the deliveries and passing over those whose ledger has no room for one."""
    days = list(book.paths)
    room = {(day, ledger): int(rows * ROOM) for day in days for ledger, rows in book.rows[day].items()}
    for n in range(dirty_rows):
        ledger, reason, changes = SPOILS[n % len(SPOILS)]
        turns = [*days[n % len(days) :], *days[: n % len(days)]]
        day = next((day for day in turns if room[day, ledger] > 0), None)
        if day is None or (book.paths[day][ledger][0].suffix == ".parquet" and reason not in TYPED):
            continue
        room[day, ledger] -= 1
        row = sound[day, ledger][0] | {column: value.format(n=n) for column, value in changes.items()}
        book.dirty.append(Dirty(day, ledger, _append(con, book, day, ledger, [row]), reason))


def _first_rows(con: duckdb.DuckDBPyConnection, path: Path, count: int) -> list[Row]:
    name = _quoted(path)
    source = (
        f"read_parquet('{name}')"
        if path.suffix == ".parquet"
        else f"read_csv('{name}', header = true, delim = ',', quote = '\"', all_varchar = true)"
    )
    found = con.execute(f"select columns(*)::varchar from {source} limit {count}")
    names = [column[0] for column in found.description]
    return [
        dict(zip(names, ("" if value is None else value for value in row), strict=True)) for row in found.fetchall()
    ]


def _append(con: duckdb.DuckDBPyConnection, book: Book, day: date, ledger: str, rows: list[Row]) -> Path:
    """Add rows to the end of a ledger's CSV; a Parquet file can't grow, so there they go to a further part."""
    main = book.paths[day][ledger][0]
    book.rows[day][ledger] += len(rows)
    if main.suffix == ".parquet":
        part = main.with_name(f"{ledger}.part{len(book.paths[day][ledger]) + 1}.parquet")
        con.execute(f"create or replace temp table extra as from read_parquet('{_quoted(main)}') limit 0")
        for row in rows:
            con.execute(
                f"insert into extra values ({', '.join('?' * len(row))})", [value or None for value in row.values()]
            )
        con.execute(f"copy extra to '{_quoted(part)}' (format parquet)")
        book.paths[day][ledger].append(part)
        return part
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row.values() for row in rows)
    raw = text.getvalue().encode()
    with main.open("ab") as file:
        file.write(gzip.compress(raw, mtime=0) if main.suffix == ".gz" else raw)
    return main


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
