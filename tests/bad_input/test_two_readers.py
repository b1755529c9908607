"""What is read the short way is what the long way gives: CSV by the engine's own reader, and values of Parquet that are no text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import FULL

from flows.errors import DeliveryRefused
from flows.landing import rows, text
from flows.landing.encodings import encodings_of
from flows.landing.files import SourceFile
from flows.landing.limits import Limits
from flows.ledgers import Column
from flows.policy import read_policy

CELLS = [
    "",
    " ",
    "NA",
    "NULL",
    "\\N",
    "a",
    "张三",
    "1.50",
    " x",
    "x ",
    "\u3000x",
    "x\u00a0",
    "a b",
    "\tq",
    "-",
    "'",
    "2026-01-01",
    "#",
    "\\",
]
DAY = "2026-01-31"
LIMITS = Limits(expansion=1000, columns=1000, cell=1 << 20, rows=1 << 20)


def random_file(dice: random.Random) -> bytes:
    delimiter = dice.choice(",\t;|")
    width = dice.randint(1, 5)
    lines = [""] * dice.choice([0, 0, 0, 1, 2]) + [delimiter.join(f"h{n}" for n in range(width))]
    dirt = dice.choice([0, 0, 0, 0.05])
    for _ in range(dice.choice([0, 1, 5, 40])):
        cells = [dice.choice(CELLS).replace(delimiter, "") for _ in range(width)]
        if dice.random() < dirt:
            cells = dice.choice([cells[:-1], [*cells, ""], [*cells, "x"], [""], [' "a" '], ['"a', 'b"']])
        lines.append(delimiter.join(cells))
    end = dice.choice(["\n", "\n", "\r\n"])
    whole = end.join(lines) + dice.choice([end, end, end + end, ""])
    return whole.encode(dice.choice(["utf-8", "utf-8", "utf-8-sig", "gb18030"]), "replace")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Asia/Shanghai'; set threads = 1")
        connection.execute((Path(rows.__file__).parent / "typing.sql").read_text("utf-8"))
        yield connection


def read(connection: duckdb.DuckDBPyConnection, path: Path, header_line: int) -> Any:
    """All that a reader says of a file: its records, or why it refuses it."""
    file = SourceFile(path, path.name, "", table="f")
    try:
        looks = {path: text.look_at(path, DAY, LIMITS)}
        file.encoding = encodings_of(looks, {}, DAY)[path.name]
        text.read_text(connection, file, looks[path], DAY, path.parent, LIMITS, len, None, header_line)
    except DeliveryRefused as refused:
        connection.execute("drop table if exists f_read")
        return str(refused)
    names = ["n", "raw", "is_ragged", "is_malformed", *(f"c{n + 1}" for n in range(len(file.header)))]
    records = connection.sql(f"select {', '.join(names)} from f").fetchall()
    file.let_go(connection)
    return file.header, file.delimiter, file.top, file.rows, records


@pytest.mark.parametrize("seed", range(200 if FULL else 2))
def test_both_readers_give_the_same_records(
    connection, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    plain, taken = text._read_plain, []
    for number in range(250):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(random_file(dice))
        header_line = dice.choice([1, 1, 1, 2])
        monkeypatch.setattr(text, "_read_plain", lambda *given: taken.append(plain(*given)) or taken[-1])
        fast = read(connection, path, header_line)
        monkeypatch.setattr(text, "_read_plain", lambda *given: False)
        assert fast == read(connection, path, header_line), path.read_bytes()
    assert sum(taken) > 60


COLUMNS = [
    Column(name="x", type=kind, required=required)
    for kind in ("date", "timestamp", "amount", "positive", "signed", "rate", "integer", "boolean")
    for required in (True, False)
]
MOMENTS = [
    "1900-01-01",
    "1986-07-01 12:00:00",
    "1991-09-15 03:00:00",
    "2026-01-05",
    "2026-01-05 08:30:00.123456",
    "0001-01-01",
    "0044-03-15 (BC)",
    "9999-12-31 23:59:59",
    "12026-01-01",
    "infinity",
    "-infinity",
]
NUMBERS = [
    "0",
    "-0.0",
    "1",
    "-1",
    "0.005",
    "1.005",
    "0.1",
    "4.35",
    "123456.78",
    "1234567.891",
    "-99999.99",
    "0.30000000000000004",
    "999999999",
    "1e9",
    "1e13",
    "123456789012.34",
    "9007199254740993",
    "1e15",
    "1e300",
    "nan",
    "inf",
]
TYPES = {
    **dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"), MOMENTS),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE"), NUMBERS),
    **dict.fromkeys(("DECIMAL(4,2)", "DECIMAL(18,2)", "DECIMAL(18,0)", "DECIMAL(18,4)", "DECIMAL(20,10)", "DECIMAL(38,2)"), NUMBERS),
    "BOOLEAN": ["true", "false"],
}  # fmt: skip


def test_values_of_parquet_are_judged_as_their_texts_are(connection) -> None:
    policy, taken = read_policy(), set()
    for kind, given in TYPES.items():
        values = ", ".join(f"(try_cast('{value}' as {kind}))" for value in given)
        connection.execute(
            f"create or replace temp table t as select v::{kind} as v from (values {values}, (null)) as t (v)"
        )
        for column in COLUMNS:
            own = rows._taken(column, kind, "v")
            if own is None:
                continue
            taken.add((column.type, kind))
            value = rows._value(column, "t", policy)
            short = f"select v::varchar, {own}, {rows._problem(column, 'v', own) or 'null'}, typeof({own}) from t"
            long = f"select t, {value}, {rows._problem(column, 't', value) or 'null'}, typeof({value}) from (select cell(v::varchar) as t from t)"
            assert connection.sql(short).fetchall() == connection.sql(long).fetchall(), (column, kind)
    assert len(taken) > 25
