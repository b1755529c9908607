"""A delivered file as records: hashed, read by its kind, its header found, and every record numbered.

Whatever the kind, a file becomes one table in the delivery's scratch database, with a row for each record:

    n             record number, the header being 1
    raw           the record as it came, for the quarantine
    fields        its fields as text, in the order of the header
    is_ragged     it has more or fewer fields than the header
    is_malformed  its quotes do not enclose whole fields
"""

from __future__ import annotations

import hashlib
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
    encoding: str | None = None
    delimiter: str | None = None
    header: list[str] = field(default_factory=list)
    rows: int = 0
    preamble: int = 0
    table: str = ""
    top: list[tuple[int, list[str]]] = field(default_factory=list)

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


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_if_empty(path: Path, delivery: str) -> None:
    if path.stat().st_size == 0:
        raise empty(path, delivery, "0 bytes")


def empty(path: Path, delivery: str, how: str) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {path} is empty ({how}). Nothing was loaded; deliver the file again. A ledger without "
        "new rows is a file with its header alone."
    )


def read_parquet(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, delivery: str, table: str, limits: Limits
) -> None:
    """Load a Parquet file's rows into `table`, each value as its text."""
    source = f"read_parquet({quote_path(file.path)}, file_row_number = true)"
    try:
        limits.check_parquet(connection, file.path, delivery)
        columns = connection.sql(f"select * exclude (file_row_number) from {source} limit 0").columns
        texts = ", ".join(f"{identifier(c)}::varchar" for c in columns)
        connection.execute(
            f"""
            create table {table} as
            select
                file_row_number + 2 as n,  -- as if a header stood before the rows
                to_json(columns_of_row)::varchar as raw,
                [{texts}] as fields,
                false as is_ragged,
                false as is_malformed
            from (select *, {{{", ".join(f"{quote(c)}: {identifier(c)}" for c in columns)}}} as columns_of_row from {source})
            """
        )
    except duckdb.Error as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {file.path} cannot be read as Parquet: it is damaged or was cut off. Nothing was "
            f"loaded; deliver the file again. ({first_line(error)})"
        ) from error
    file.encoding, file.header = "parquet", [tidy(c) for c in columns]
    file.rows = connection.sql(f"select count(*) from {table}").fetchone()[0]


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
