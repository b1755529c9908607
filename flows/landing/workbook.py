"""A sheet of an Excel workbook as records, each cell as the text that a CSV export of it would hold.

A number is written with the fewest digits that give the cell's own value back, so 4.35 is 4.35; a date is a date, a formula is
the value that was stored with it, and an error such as #N/A stays as it is, to be judged like any other text.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import duckdb

from flows.errors import DeliveryRefused
from flows.landing.headers import LINES_LOOKED_AT, tidy
from flows.landing.limits import Limits

Cells = list[str | None]
OLD_OR_LOCKED = bytes.fromhex("d0cf11e0a1b11ae1")  # a compound file: an .xls, or an .xlsx behind a password
BATCH = 20_000


class Workbook:
    """One sheet of a workbook: `top` has its first rows by number, `header` its names, `rows` how many stand below."""

    def __init__(self, path: Path, delivery: str, sheet: str | None, header_line: int, limits: Limits) -> None:
        self.path, self.delivery, self.header_line, self.limits = path, delivery, header_line, limits
        self._refuse_what_is_no_plain_workbook()
        self.sheet = self._chosen(sheet)
        self.top: list[tuple[int, list[str]]] = []
        self.header: list[str] = []
        self.rows = 0

    def load(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Write the rows below the header into `table`, as files.read_records does."""
        connection.execute(
            f"create table {table} (n bigint, raw varchar, fields varchar[], is_ragged boolean, is_malformed boolean)"
        )
        batch: list[dict[str, Any]] = []
        for number, cells in self._rows():
            if len(self.top) < LINES_LOOKED_AT:
                self.top.append((number, [cell or "" for cell in cells]))
            if number < self.header_line or not any(cells):
                continue
            if not self.header:
                self.header = [tidy(cell or "") for cell in _without_tail(cells)]
                continue
            self.rows += 1
            batch.append(self._record(self.rows + 1, cells))
            if len(batch) == BATCH:
                self._insert(connection, table, batch)
        self._insert(connection, table, batch)
        if not self.header:
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {self.path}, sheet {self.sheet!r}: holds no header"
                + (f" at or below row {self.header_line}" if self.header_line > 1 else "")
                + f". The workbook has {_listed(self.names)}; say which one in mapping.yml (`sheet: NAME`). Nothing was loaded."
            )

    def _record(self, n: int, cells: Cells) -> dict[str, Any]:
        width = len(self.header)
        fields = cells[:width] + [None] * (width - len(cells))
        ragged = any(cells[width:])
        return {
            "n": n,
            "raw": json.dumps(_without_tail(cells), ensure_ascii=False),
            "fields": _without_tail(cells) if ragged else fields,
            "is_ragged": ragged,
            "is_malformed": False,
        }

    def _insert(self, connection: duckdb.DuckDBPyConnection, table: str, batch: list[dict[str, Any]]) -> None:
        if batch:
            import pyarrow as pa

            kinds = {"n": pa.int64(), "raw": pa.string(), "fields": pa.list_(pa.string())}
            schema = pa.schema({**kinds, "is_ragged": pa.bool_(), "is_malformed": pa.bool_()})
            rows = pa.Table.from_pylist(batch, schema=schema)  # noqa: F841  the engine reads it by its name
            connection.execute(f"insert into {table} select * from rows")
            batch.clear()

    def _rows(self) -> Iterator[tuple[int, Cells]]:
        """Each row with its number, as a spreadsheet shows it; a formula that was stored without a value stays a formula."""
        from openpyxl import load_workbook

        try:
            books = [self.book]
            if self._has_formulas():
                books.append(load_workbook(self.path, read_only=True, data_only=False))
            sheets = [book[self.sheet] for book in books]
            for sheet in sheets:
                sheet.reset_dimensions()
            for number, rows in enumerate(
                zip(*(sheet.iter_rows(values_only=True) for sheet in sheets), strict=True), start=1
            ):
                if len(rows) == 1:
                    yield number, [_text(value) for value in rows[0]]
                else:
                    yield number, [_text(f if v is None else v) for v, f in zip(*rows, strict=True)]
            for book in books:
                book.close()
        except (zipfile.BadZipFile, ParseError, KeyError, ValueError, IndexError, EOFError, OSError) as error:
            raise self._damaged(error) from error

    def _has_formulas(self) -> bool:
        with zipfile.ZipFile(self.path) as archive:
            for name in archive.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    with archive.open(name) as sheet:
                        tail = b""
                        while chunk := sheet.read(1 << 20):
                            if b"<f>" in tail + chunk or b"<f " in tail + chunk:
                                return True
                            tail = chunk[-3:]
        return False

    def _chosen(self, sheet: str | None) -> str:
        from openpyxl import load_workbook

        try:
            self.book = load_workbook(self.path, read_only=True, data_only=True)
            self.names = [one.title for one in self.book.worksheets]
        except (zipfile.BadZipFile, ParseError, KeyError, ValueError, IndexError, EOFError, OSError) as error:
            raise self._damaged(error) from error
        if not self.names:
            raise self._refused("holds no sheet with cells. Save the table on its first sheet")
        if sheet is not None and sheet not in self.names:
            raise self._refused(f"has no sheet {sheet!r}, which mapping.yml names. It has {_listed(self.names)}")
        return sheet or self.names[0]

    def _refuse_what_is_no_plain_workbook(self) -> None:
        with open(self.path, "rb") as file:
            start = file.read(8)
        if start == OLD_OR_LOCKED:
            raise self._refused(
                "is protected by a password, or is an old .xls under a new name. Save it as an .xlsx workbook without a password"
            )
        try:
            with zipfile.ZipFile(self.path) as archive:
                self.limits.check_unpacked(self.path, sum(one.file_size for one in archive.infolist()), self.delivery)
                names = archive.namelist()
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            raise self._damaged(error) from error
        if any(name == "xl/vbaProject.bin" or name.startswith("xl/macrosheets/") for name in names):
            raise self._refused("holds macros, which are not read. Save it as a workbook without macros (.xlsx)")

    def _damaged(self, error: Exception) -> DeliveryRefused:
        said = (str(error) or type(error).__name__).splitlines()[0][:200]
        return self._refused(
            f"cannot be read as an Excel workbook: it is damaged or was cut off ({said}). Deliver it again"
        )

    def _refused(self, why: str) -> DeliveryRefused:
        return DeliveryRefused(f"Delivery {self.delivery}: {self.path} {why}. Nothing was loaded.")


def _listed(names: list[str]) -> str:
    return f"the sheet{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"


def _without_tail(cells: Cells) -> Cells:
    """Cells up to the last one that holds something."""
    last = max((n for n, cell in enumerate(cells, start=1) if cell), default=0)
    return cells[:last]


def _text(value: Any) -> str | None:
    """A cell's value as text; a whole number has no point, a moment at midnight is a date."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(Decimal(repr(value)), "f")
    if isinstance(value, datetime):
        value = value.replace(microsecond=0)
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
