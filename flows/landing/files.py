"""A delivered file as records: decoded, hashed, its dialect found, and every record numbered.

DuckDB reads whole lines, so that the raw text and the record number of each row survive, and the fields are split in
SQL. Python only streams bytes: to hash, to decompress, and to prove that they decode.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from flows.database import identifier, quote, quote_path
from flows.errors import DeliveryRefused

CHUNK = 8 << 20
DELIMITERS = (",", "\t", ";", "|")
# Line separators for DuckDB's reader that no text file holds; the first one absent from the file is used.
LINE_FIELD_MARKS = ("\x1f", "\x1e", "\x1d", "\x1c", "\x02", "\x03")
DATA_FILE = re.compile(r".+\.(csv|csv\.gz|parquet)")


@dataclass
class SourceFile:
    """One data file of a delivery. `table` holds its records: n (header = 1), raw, fields (list of text)."""

    path: Path
    name: str
    sha256: str
    size: int
    encoding: str | None = None
    delimiter: str | None = None
    header: list[str] = field(default_factory=list)
    rows: int = 0
    table: str = ""
    text: Path | None = None  # the UTF-8 text that DuckDB reads
    mark: str = ""

    @property
    def is_parquet(self) -> bool:
        return self.name.endswith(".parquet")


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_file(path: Path, delivery: str, scratch: Path, encoding: str | None = None) -> SourceFile:
    """Hash and decode one file; what cannot be read refuses the delivery."""
    found = SourceFile(path, path.name, sha256_of(path), path.stat().st_size)
    if found.size == 0:
        raise _empty(found, delivery, "0 bytes")
    if not found.is_parquet:
        _decode(found, delivery, scratch, encoding)
    return found


def _chunks(file: SourceFile, delivery: str) -> Iterator[bytes]:
    opened = gzip.open(file.path, "rb") if file.name.endswith(".gz") else open(file.path, "rb")
    try:
        with opened as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {file.path} cannot be decompressed ({error}): it is damaged or was cut off. "
            "Nothing was loaded; deliver the file again."
        ) from error


def _decode(file: SourceFile, delivery: str, scratch: Path, declared: str | None) -> None:
    """Find the encoding by proof (all of the file decodes), and leave UTF-8 text with LF lines for DuckDB."""
    first = next(_chunks(file, delivery), b"")
    if not first:
        raise _empty(file, delivery, "0 bytes once decompressed")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        raise _not_text(file, delivery, "it starts with the byte order mark of UTF-16 or UTF-32")
    has_bom = first.startswith(codecs.BOM_UTF8)
    if declared in ("gbk", "gb18030"):
        file.encoding = "gb18030"
    else:
        fault = _first_fault(file, delivery, "utf-8")
        file.encoding = "utf-8" if fault is None else "gb18030"
        if fault is not None and (declared == "utf-8" or has_bom or _is_damaged_utf8(file, delivery)):
            raise _undecodable(file, delivery, "UTF-8", fault)
    if file.encoding == "gb18030":
        fault = _first_fault(file, delivery, "gb18030")
        if fault is not None:
            raise _undecodable(file, delivery, "UTF-8 nor as GB18030", fault)
    seen: set[str] = set()
    needs_copy = has_bom or file.encoding != "utf-8" or file.name.endswith(".gz")
    lines = 1
    for chunk in _chunks(file, delivery):
        if b"\x00" in chunk:
            line = lines + chunk[: chunk.index(b"\x00")].count(b"\n")
            raise _not_text(file, delivery, f"line {line} holds NUL bytes (UTF-16, or a damaged disk, perhaps)")
        lines += chunk.count(b"\n")
        needs_copy = needs_copy or b"\r" in chunk
        seen |= {mark for mark in LINE_FIELD_MARKS if mark.encode() in chunk}
    marks = [mark for mark in LINE_FIELD_MARKS if mark not in seen]
    if not marks:
        raise DeliveryRefused(f"Delivery {delivery}: {file.path} holds control characters throughout; it is not CSV.")
    file.mark = marks[0]
    file.text = file.path
    if needs_copy:
        file.text = scratch / (file.name + ".utf8")
        _copy_as_utf8(file, delivery, file.text)


def _copy_as_utf8(file: SourceFile, delivery: str, target: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if file.encoding == "utf-8" else file.encoding)()
    newlines = _Newlines()
    with open(target, "wb") as out:
        for chunk in _chunks(file, delivery):
            out.write(newlines(decoder.decode(chunk)).encode())
        out.write(newlines(decoder.decode(b"", final=True), final=True).encode())


class _Newlines:
    """CR LF and CR become LF, also where a chunk ends between the two."""

    def __init__(self) -> None:
        self.held = ""

    def __call__(self, text: str, final: bool = False) -> str:
        text = self.held + text
        self.held = ""
        if text.endswith("\r") and not final:
            text, self.held = text[:-1], "\r"
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _first_fault(file: SourceFile, delivery: str, encoding: str) -> tuple[int, bytes] | None:
    """(line, offending bytes) of the first place that does not decode, or None."""
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    try:
        for chunk in _chunks(file, delivery):
            decoder.decode(chunk)
            lines += chunk.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return lines + error.object[: error.start].count(b"\n"), error.object[error.start : error.end][:4]
    return None


def _is_damaged_utf8(file: SourceFile, delivery: str) -> bool:
    """Text that decodes as UTF-8 but for a few places is damaged UTF-8, not GBK (which would hardly decode at all)."""
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for chunk in _chunks(file, delivery):
        text = decoder.decode(chunk)
        bad += text.count("�")
        good += len(text) - len(text.encode("ascii", "ignore")) - text.count("�")
    return good > bad


def _empty(file: SourceFile, delivery: str, how: str) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {file.path} is empty ({how}). Nothing was loaded; deliver the file again. A ledger without "
        "new rows is a file with its header alone."
    )


def _not_text(file: SourceFile, delivery: str, why: str) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {file.path} is no text in UTF-8 or GB18030: {why}. Nothing was loaded. Save it as UTF-8 "
        "and deliver it again."
    )


def _undecodable(file: SourceFile, delivery: str, tried: str, fault: tuple[int, bytes]) -> DeliveryRefused:
    line, found = fault
    return DeliveryRefused(
        f"Delivery {delivery}: {file.path}, line {line}: the bytes {found.hex(' ')} do not decode as {tried}. "
        "Allowed: UTF-8 (with or without BOM), GB18030 or GBK. Nothing was loaded; deliver the file again."
    )


def read_records(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    delivery: str,
    table: str,
    known_names: Callable[[list[str]], int],
    delimiter: str | None = None,
) -> None:
    """Load a file's records into `table` (n, raw, fields, is_ragged, is_malformed) and find its header.

    n: record number, the header being 1. `known_names` counts the headers that somebody knows; it chooses the delimiter.
    """
    file.table = table
    if file.is_parquet:
        _read_parquet(connection, file, delivery, table)
    else:
        _read_csv(connection, file, delivery, table, known_names, delimiter)


def _read_parquet(connection: duckdb.DuckDBPyConnection, file: SourceFile, delivery: str, table: str) -> None:
    source = f"read_parquet({quote_path(file.path)}, file_row_number = true)"
    try:
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
    file.encoding, file.header = "parquet", [c.strip() for c in columns]
    file.rows = connection.sql(f"select count(*) from {table}").fetchone()[0]


def _read_csv(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    delivery: str,
    table: str,
    known_names: Callable[[list[str]], int],
    delimiter: str | None,
) -> None:
    try:
        connection.execute(
            f"""
            create temp table lines as
            select row_number() over () as line_no, coalesce(line, '') as line
            from read_csv(
                {quote_path(file.text)}, columns = {{'line': 'varchar'}}, delim = {quote(file.mark)}, quote = '',
                escape = '', header = false, auto_detect = false, new_line = '\\n', max_line_size = 8388608
            )
            """
        )
    except duckdb.Error as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {file.path} cannot be read as lines of text ({first_line(error)})."
        ) from error
    try:
        _join_quoted_lines(connection, file, delivery)
        header = connection.sql("select raw from records where n = 1").fetchone()
        if header is None:
            raise DeliveryRefused(
                f"Delivery {delivery}: {file.path} holds blank lines only. Nothing was loaded; deliver the file again, "
                "with its header at least."
            )
        candidates = {d: [h.strip() for h in next(csv.reader([header[0]], delimiter=d))] for d in DELIMITERS}
        file.delimiter = delimiter or max(candidates, key=lambda d: (known_names(candidates[d]), len(candidates[d])))
        file.header = candidates[file.delimiter]
        d = re.escape(file.delimiter)
        field_pattern = f'(?:^|{d})("(?:[^"]|"")*"|[^{d}]*)'
        record_pattern = f'("(?:[^"]|"")*"|([^"{d}][^{d}]*)?)({d}("(?:[^"]|"")*"|([^"{d}][^{d}]*)?))*'
        connection.execute(
            f"""
            create table {table} as
            with split as (
                select
                    n,
                    raw,
                    is_joined,
                    contains(raw, '"') and not regexp_full_match(raw, {quote(record_pattern)}, 's') as is_malformed,
                    case
                        when contains(raw, '"')
                            then list_transform(regexp_extract_all(raw, {quote(field_pattern)}, 1, 's'), lambda x: unquoted(x))
                        else string_split(raw, {quote(file.delimiter)})
                    end as fields
                from records
                where n > 1
            )
            select n, raw, fields, len(fields) <> {len(file.header)} as is_ragged, is_malformed, is_joined from split
            """
        )
        broken = connection.sql(
            f"select n from {table} where is_joined and (is_malformed or is_ragged) order by n limit 1"
        ).fetchone()
        if broken:
            raise _unclosed(file, delivery, broken[0])
        file.rows = connection.sql(f"select count(*) from {table}").fetchone()[0]
    finally:
        connection.execute("drop table if exists lines; drop table if exists records")


def _join_quoted_lines(connection: duckdb.DuckDBPyConnection, file: SourceFile, delivery: str) -> None:
    """Number the records: a line for each, unless quoted fields hold line ends."""
    odd = "(len(line) - len(replace(line, '\"', ''))) % 2 = 1"
    if not connection.sql(f"select count(*) from lines where {odd}").fetchone()[0]:
        connection.execute(
            """
            create temp table records as
            select row_number() over (order by line_no) as n, line as raw, false as is_joined from lines where line <> ''
            """
        )
        return
    connection.execute(
        f"""
        create temp table records as
        with toggled as (
            select line_no, line, sum(case when {odd} then 1 else 0 end) over (order by line_no) as toggles, {odd} as is_odd
            from lines
        ),
        started as (
            select
                line_no, line, toggles,
                case when is_odd then (toggles - 1) % 2 = 0 else toggles % 2 = 0 end as starts_record
            from toggled
        ),
        numbered as (
            select line_no, line, toggles, sum(case when starts_record then 1 else 0 end) over (order by line_no) as record
            from started
        )
        select
            row_number() over (order by record) as n,
            string_agg(line, chr(10) order by line_no) as raw,
            count(*) > 1 as is_joined,
            last(toggles order by line_no) % 2 = 1 as is_open
        from numbered
        group by record
        having count(*) > 1 or max(line) <> ''
        """
    )
    still_open = connection.sql("select n from records where is_open order by n limit 1").fetchone()
    if still_open:
        raise _unclosed(file, delivery, still_open[0])


def _unclosed(file: SourceFile, delivery: str, n: int) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {file.path}, line {n}: a quoted field that starts here is not closed, so what follows "
        "cannot be told apart. Nothing was loaded; close the quote (a quote inside a field is written twice) and deliver "
        "the file again."
    )


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
