"""A delivered file as records: hashed, read by its kind, its header found, and every record numbered.

Whatever the kind, a file becomes one view in the delivery's scratch database, over a table of what was read, with a row for
each record:

    n             record number, the header being 1
    raw           the record as it came, for the quarantine
    is_ragged     it has more or fewer fields than the header
    is_malformed  its quotes do not enclose whole fields
    c1, c2, …     its cells as text, in the order of the header: without blanks around them, and null where empty
    v1, v2, …     the same as the file's own types hold them, where it has types
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from flows.database import identifier, quote, quote_path
from flows.errors import DeliveryRefused
from flows.home import is_text, shown
from flows.landing.headers import tidy
from flows.landing.limits import Limits

DATA_FILE = re.compile(r".+\.(csv|csv\.gz|parquet|xlsx)", re.IGNORECASE)
NAMED_AFTER = re.compile(r"(?P<ledger>[a-z_]+?)(?:[ _-]*+(?:part|p|no)?+[ _-]*+\(?\d[\d_-]*+\)?)*+", re.IGNORECASE)
# What lenders deliver and nobody can read as a table, and what to do about it.
NOT_READ = {
    **dict.fromkeys(
        ("zip", "rar", "7z", "tar", "tgz", "tar.gz", "tar.bz2", "bz2", "xz", "zst"), "unpack it into the folder"
    ),
    **dict.fromkeys(("xls", "xlsb", "xlsm", "et", "ods"), "save it as an .xlsx workbook without macros, or as CSV"),
}


@dataclass
class SourceFile:
    """One table of a data file: `table` holds its records, `top` the first lines of the file with their numbers."""

    path: Path
    name: str
    sha256: str
    fingerprint: dict[str, int] = field(default_factory=dict)  # before it was hashed and read
    encoding: str | None = None
    delimiter: str | None = None
    header: list[str] = field(default_factory=list)
    rows: int = 0
    preamble: int = 0
    table: str = ""
    top: list[tuple[int, list[str]]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)  # of the columns, where the file itself has types
    is_held: bool = False

    def place(self, header: str) -> int:
        """Which column of the file, from 1 on, bears a header."""
        return len(self.header) - self.header[::-1].index(header)

    def type_of(self, header: str) -> str | None:
        return self.types[self.place(header) - 1] if self.types else None

    def show(self, connection: duckdb.DuckDBPyConnection, select: str) -> None:
        """The view over what was read: `select` names n, raw, is_ragged, is_malformed and the cells."""
        connection.execute(f"create view {self.table} as {select} from {self.table}_read")
        self.rows = connection.sql(f"select count(*) from {self.table}_read").fetchone()[0]
        self.is_held = True

    def show_lists(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The same over records whose fields are lists of text."""
        cells = [f"cell(fields[{n}]) as c{n}" for n in range(1, len(self.header) + 1)]
        self.show(connection, f"select n, raw, is_ragged, is_malformed, {', '.join(cells)}")

    def let_go(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(f"drop view {self.table}; drop table {self.table}_read")
        self.is_held = False

    @property
    def kind(self) -> str:
        return kind_of(self.path)


def kind_of(path: Path) -> str:
    """`text`, `parquet` or `workbook`, by the file's name."""
    return {".parquet": "parquet", ".xlsx": "workbook"}.get(path.suffix.lower(), "text")


def ledger_named_by(name: str, ledgers: Callable[[str], bool]) -> str | None:
    """The ledger that a file is named after: loans.csv, loans.part2.csv, loans_20261031.csv, Loans-part-3.csv.gz."""
    match = NAMED_AFTER.fullmatch(name.split(".")[0])
    found = match["ledger"].rstrip("_").lower() if match else ""
    return found if ledgers(found) else None


def not_read(name: str) -> str | None:
    """What to do about a file of a kind that holds tables and is not read; None for any other file."""
    ends = name.lower().split(".")
    return NOT_READ.get(".".join(ends[-2:])) or NOT_READ.get(ends[-1]) if len(ends) > 1 else None


def refuse_unless_plain(path: Path, landing: Path, delivery: str) -> None:
    """Only plain files inside the landing folder are read: no pipe, device or folder, and no link that leads out of it."""
    if not is_text(path):
        raise DeliveryRefused(
            f"Delivery {delivery}: the name of {shown(path)} is not UTF-8. Nothing was loaded; give the file a name of a "
            "ledger, such as loans.csv, or one that mapping.yml names."
        )
    if path.is_symlink() and not path.exists():
        why = "is a link that leads nowhere"
    elif path.is_symlink() and not path.resolve().is_relative_to(landing.resolve()):
        why = "is a link out of the landing folder"
    elif not stat.S_ISREG(path.stat().st_mode):
        why = "is a folder" if path.is_dir() else "is a pipe, a socket or a device"
    else:
        return
    raise DeliveryRefused(
        f"Delivery {delivery}: {path} {why}, and only plain files are read. Nothing was loaded; put the file itself in its place."
    )


def fingerprint(path: Path) -> dict[str, int]:
    """What tells at once that a file is untouched (its content hash decides where this differs)."""
    facts = path.stat()
    return {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "ctime_ns": facts.st_ctime_ns, "inode": facts.st_ino}


def refuse_if_empty(path: Path, delivery: str) -> None:
    if path.stat().st_size == 0:
        raise empty(path, delivery, "0 bytes")


def empty(path: Path, delivery: str, how: str) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {path} is empty ({how}). Nothing was loaded; deliver the file again. A ledger without "
        "new rows is a file with its header alone."
    )


def read_parquet(connection: duckdb.DuckDBPyConnection, file: SourceFile, delivery: str, limits: Limits) -> None:
    """Load a Parquet file's rows into `file.table`, each value as it is and as its text."""
    source = f"read_parquet({quote_path(file.path)})"
    try:
        limits.check_parquet(connection, file.path, delivery)
        columns = connection.sql(f"describe from {source}").fetchall()
        values = [f"{identifier(name)} as v{n}" for n, (name, *_) in enumerate(columns, start=1)]
        connection.execute(f"create table {file.table}_read as select {', '.join(values)} from {source}")
    except duckdb.Error as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {file.path} cannot be read as Parquet: it is damaged or was cut off. Nothing was "
            f"loaded; deliver the file again. ({first_line(error)})"
        ) from error
    file.encoding, file.header, file.types = (
        "parquet",
        [tidy(name) for name, *_ in columns],
        [kind for _, kind, *_ in columns],
    )
    cells = ", ".join(f"v{n}, cell(v{n}::varchar) as c{n}" for n in range(1, len(columns) + 1))
    raw = ", ".join(f"{quote(name)}: v{n}" for n, (name, *_) in enumerate(columns, start=1))
    file.show(
        connection,
        # as if a header stood before the rows
        f"select rowid + 2 as n, to_json({{{raw}}})::varchar as raw, false as is_ragged, false as is_malformed, {cells}",
    )


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
