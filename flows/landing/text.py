"""A CSV file as records; Python only streams bytes: to decompress, and to prove that they decode.

Where no quote is in a file and each line has as many fields as the header, DuckDB's own reader splits it: `plain`. Otherwise
DuckDB reads whole lines, so that the raw text and the number of each record survive, and the fields are split in SQL.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from flows.database import quote, quote_path
from flows.errors import DeliveryRefused
from flows.landing.encodings import CHUNK, Look, chunks, copy_as_utf8
from flows.landing.files import SourceFile, empty, first_line
from flows.landing.headers import LINES_LOOKED_AT, tidy
from flows.landing.limits import Limits

DELIMITERS = (",", "\t", ";", "|")
# Line separators for DuckDB's reader that no text file holds; the first one absent from the file is used.
LINE_FIELD_MARKS = ("\x1f", "\x1e", "\x1d", "\x1c", "\x02", "\x03")
MAX_LINE = 8 << 20


def look_at(path: Path, delivery: str, limits: Limits) -> Look:
    """One pass over a file's bytes; refuses nothing at all, UTF-16, NUL bytes, and what unpacks to more than it may."""
    start = next(chunks(path, delivery), b"")
    if not start:
        raise empty(path, delivery, "0 bytes once decompressed")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        raise _no_text(path, delivery, "it starts with the byte order mark of UTF-16 or UTF-32")
    is_packed = path.name.lower().endswith(".gz")
    is_ascii, has_cr, has_quotes, marks = True, False, False, list(LINE_FIELD_MARKS)
    lines, size, last = 0, 0, b""
    for chunk in chunks(path, delivery):
        size += len(chunk)
        if is_packed:
            limits.check_unpacked(path, size, delivery)
        if b"\x00" in chunk:
            line = lines + 1 + chunk[: chunk.index(b"\x00")].count(b"\n")
            raise _no_text(path, delivery, f"line {line} holds NUL bytes (UTF-16, or a damaged disk, perhaps)")
        lines += chunk.count(b"\n")
        is_ascii = is_ascii and chunk.isascii()
        if b"\r" in chunk or last == b"\r":
            has_cr = True
            lines += (last + chunk[:-1]).count(b"\r") - (last + chunk).count(
                b"\r\n"
            )  # those that end a line by themselves
        limits.check_rows(path, lines, delivery)
        has_quotes = has_quotes or b'"' in chunk
        marks = [mark for mark in marks if mark.encode() not in chunk]
        last = chunk[-1:]
    lines += last != b"\n"
    if not marks:
        raise DeliveryRefused(f"Delivery {delivery}: {path} holds control characters throughout; it is not CSV.")
    return Look(is_ascii, start.startswith(codecs.BOM_UTF8), has_cr, has_quotes, lines, marks[0])


def read_text(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    look: Look,
    delivery: str,
    scratch: Path,
    limits: Limits,
    known_names: Callable[[list[str]], int],
    delimiter: str | None,
    header_line: int,
) -> None:
    """Load a text file's records into `file.table`. `known_names` counts the headers that somebody knows: it chooses the delimiter."""
    text = _as_lines(file, look, delivery, scratch)
    file.preamble = header_line - 1

    def understand(header: str, top: list[tuple[int, str]]) -> None:
        candidates = {d: [tidy(h) for h in split(header, d)] for d in DELIMITERS}
        file.delimiter = delimiter or max(candidates, key=lambda d: (known_names(candidates[d]), len(candidates[d])))
        file.header = candidates[file.delimiter]
        file.top = [(n, max((split(line, d) for d in DELIMITERS), key=len)) for n, line in top]
        limits.check_columns(file.path, len(file.header), delivery)

    if not look.has_quotes:
        header, top, line = _top(text, header_line)
        if header:
            understand(header, top)
            if _read_plain(connection, file, text, line, look):
                return
    try:
        _read_lines(connection, file, delivery, text, look, header_line)
        _join_quoted_lines(connection, file, delivery)
        first = connection.sql("select raw from records where n = 1").fetchone()
        if first is None:
            raise DeliveryRefused(
                f"Delivery {delivery}: {file.path} holds blank lines only"
                + (f" from line {header_line} on" if header_line > 1 else "")
                + ". Nothing was loaded; deliver the file again, with its header at least."
            )
        top = connection.sql(f"select line_no, line from lines where line_no <= {LINES_LOOKED_AT} order by line_no")
        understand(first[0], top.fetchall())
        _split_records(connection, file)
        broken = connection.sql(
            f"select n from {file.table}_read where is_joined and (is_malformed or is_ragged) order by n limit 1"
        ).fetchone()
        if broken:
            raise _unclosed(file, delivery, broken[0])
        file.show_lists(connection)
    finally:
        connection.execute("drop view if exists body; drop table if exists lines; drop table if exists records")


def _top(text: Path, header_line: int) -> tuple[str, list[tuple[int, str]], int]:
    """The header of a file without quotes, its first lines with their numbers, and the number of the header's line."""
    top: list[tuple[int, str]] = []
    with open(text, encoding="utf-8", newline="\n") as lines:
        for number in itertools.count(1):
            line = lines.readline(MAX_LINE)
            if not line or len(line) == MAX_LINE:
                return "", top, number
            line = line.rstrip("\n")
            if number <= LINES_LOOKED_AT:
                top.append((number, line))
            if number >= header_line and line:
                break
        for n in range(number + 1, LINES_LOOKED_AT + 1):
            if after := lines.readline(MAX_LINE):
                top.append((n, after.rstrip("\n")))
    return line, top, number


def _read_plain(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, text: Path, header_at: int, look: Look
) -> bool:
    """Whether the engine alone can split the file, and then its view; no quote is in it."""
    if len(file.header) < 2:
        return False  # a blank line would be a record
    columns = ", ".join(f"'t{n}': 'varchar'" for n in range(1, len(file.header) + 1))
    try:
        connection.execute(
            f"""
            create table {file.table}_read as
            from read_csv(
                {quote_path(text)}, columns = {{{columns}}}, delim = {quote(file.delimiter)}, quote = '', escape = '', comment = '',
                header = false, skip = {header_at}, auto_detect = false, new_line = '\\n', max_line_size = {MAX_LINE}
            )
            """
        )
        records = connection.sql(f"select count(*) from {file.table}_read").fetchone()[0]
        delimiters = _count(text, file.delimiter, header_at)  # the engine says nothing of one too many at a line's end
        if (records, delimiters) == (look.lines - header_at, records * (len(file.header) - 1)):
            places = range(1, len(file.header) + 1)
            raw = f"concat_ws({quote(file.delimiter)}, " + ", ".join(f"coalesce(t{n}, '')" for n in places) + ")"
            cells = ", ".join(f"cell(t{n}) as c{n}" for n in places)
            file.show(
                connection, f"select rowid + 2 as n, {raw} as raw, false as is_ragged, false as is_malformed, {cells}"
            )
            return True
    except duckdb.Error:
        pass  # a ragged line, most often; read line by line, it is told apart
    connection.execute(f"drop table if exists {file.table}_read")
    return False


def _count(text: Path, delimiter: str, header_at: int) -> int:
    """How often a delimiter stands below the header."""
    with open(text, "rb") as lines:
        for _ in range(header_at):
            lines.readline()
        return sum(chunk.count(delimiter.encode()) for chunk in iter(lambda: lines.read(CHUNK), b""))


def split(line: str, delimiter: str) -> list[str]:
    """The cells of one record; none where it is too long to be a header."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _as_lines(file: SourceFile, look: Look, delivery: str, scratch: Path) -> Path:
    """The file as UTF-8 with LF lines: itself, where it is that already."""
    is_packed = file.path.name.lower().endswith(".gz")
    if not (look.has_bom or look.has_cr or is_packed or file.encoding != "utf-8"):
        return file.path
    copy = scratch / (file.path.name + ".utf8")
    copy_as_utf8(file.path, delivery, file.encoding, copy)
    return copy


def _read_lines(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, delivery: str, text: Path, look: Look, header_line: int
) -> None:
    """Lines of the file into `lines`; those above the header are no records."""
    try:
        connection.execute(
            f"""
            create temp table lines as
            select row_number() over () as line_no, coalesce(line, '') as line
            from read_csv(
                {quote_path(text)}, columns = {{'line': 'varchar'}}, delim = {quote(look.mark)}, quote = '',
                escape = '', header = false, auto_detect = false, new_line = '\\n', max_line_size = {MAX_LINE}
            )
            """
        )
    except duckdb.Error as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {file.path} cannot be read as lines of text ({first_line(error)}). A line may have "
            f"{MAX_LINE:,} bytes. Nothing was loaded; is a quote or a line end missing?"
        ) from error
    (count,) = connection.sql("select count(*) from lines").fetchone()
    if count != look.lines:  # the engine leaves out what does not end, and says nothing
        raise DeliveryRefused(
            f"Delivery {delivery}: {file.path} has {look.lines:,} lines, and {count:,} of them can be read. A line may have "
            f"{MAX_LINE:,} bytes. Nothing was loaded; is a quote or a line end missing?"
        )
    connection.execute(f"create temp view body as select line_no, line from lines where line_no >= {header_line}")


def _split_records(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> None:
    d = re.escape(file.delimiter)
    field_pattern = f'(?:^|{d})("(?:[^"]|"")*"|[^{d}]*)'
    record_pattern = f'("(?:[^"]|"")*"|([^"{d}][^{d}]*)?)({d}("(?:[^"]|"")*"|([^"{d}][^{d}]*)?))*'
    connection.execute(
        f"""
        create table {file.table}_read as
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


def _join_quoted_lines(connection: duckdb.DuckDBPyConnection, file: SourceFile, delivery: str) -> None:
    """Number the records: a line for each, unless quoted fields hold line ends."""
    odd = "(len(line) - len(replace(line, '\"', ''))) % 2 = 1"
    if not connection.sql(f"select count(*) from body where {odd}").fetchone()[0]:
        connection.execute(
            """
            create temp table records as
            select row_number() over (order by line_no) as n, line as raw, false as is_joined from body where line <> ''
            """
        )
        return
    connection.execute(
        f"""
        create temp table records as
        with toggled as (
            select line_no, line, sum(case when {odd} then 1 else 0 end) over (order by line_no) as toggles, {odd} as is_odd
            from body
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


def _no_text(path: Path, delivery: str, why: str) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {path} is no text in UTF-8 or GB18030: {why}. Nothing was loaded. Save it as UTF-8 "
        "and deliver it again."
    )


def _unclosed(file: SourceFile, delivery: str, n: int) -> DeliveryRefused:
    return DeliveryRefused(
        f"Delivery {delivery}: {file.path}, line {n}: a quoted field that starts here is not closed, so what follows "
        "cannot be told apart. Nothing was loaded; close the quote (a quote inside a field is written twice) and deliver "
        "the file again."
    )
