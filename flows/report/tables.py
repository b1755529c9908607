"""The report's tables: read from marts.duckdb as sections.yml asks, each cell with the place it comes from.

A cell is one value of one query, `select <of> from <from> where <where> and <where of its row> and <where of its column>`, and the
page carries those four beside it. Here a table takes one query, or two where it is a matrix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from flows.case import thousands_apart
from flows.database import quote
from flows.report.numbers import NONE, UNITS, Scale, Text, ratio, same, write

Row = dict[str, Any]
SHADES = 5  # steps of a heat map
STAGE = re.compile(r"[A-Z]\d\+?")  # a code that readers know


@dataclass(frozen=True)
class Told:
    """What the publication is, as far as tables need it."""

    as_of: date
    currency: str  # ALL, or the only one that the headline has
    main: str  # the reporting currency
    scale: Scale = UNITS

    def fill(self, sql: str) -> str:
        return (
            sql.replace("{as_of}", f"date '{self.as_of}'")
            .replace("{currency}", self.currency)
            .replace("{main}", self.main)
        )


@dataclass
class Cell:
    text: Text
    value: Any = None
    shade: int | None = None  # of a heat map
    bar: Decimal | None = None  # of a bar inside the cell, in per cent
    is_text: bool = False


@dataclass
class Place:
    """What a row or a column adds to the query of its cells."""

    where: str = ""
    of: str = ""
    kind: str = ""


@dataclass
class Column:
    head: Text
    place: Place
    css: str = ""
    code: str = ""
    abbreviates: Text | None = None


@dataclass
class Line:
    heads: list[Text]
    place: Place
    cells: list[Cell]
    key: tuple[Any, ...] = ()


@dataclass
class Table:
    spec: dict[str, Any]
    where: str
    heads: list[Text]
    columns: list[Column]
    lines: list[Line]
    figures: list[str]
    since: date | None
    kinds: set[str]
    currencies: list[str]  # of its rows, where each is in its own

    @property
    def id(self) -> str:
        return self.spec["id"]


def names_in(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """What a publication holds: marts and pictures by their name, evidence by `evidence.` and its name."""
    query = """
        select database_name, table_name from duckdb_tables()
        union all
        select database_name, view_name from duckdb_views() where not internal
    """
    found = connection.sql(query).fetchall()
    return {name if database == "marts" else f"{database}.{name}" for database, name in found}


def is_there(names: set[str], source: str) -> bool:
    """Whether a table can be read: a publication of an earlier version may lack a mart."""
    return names.issuperset(re.findall(r"(?:^|join |from )([\w.]+)", source))


def read(connection: duckdb.DuckDBPyConnection, spec: dict[str, Any], figures: dict[str, Any], told: Told) -> Table:
    """One table of sections.yml."""
    where = told.fill(spec["where"])
    asked = f"from {spec['from']} where {where}"
    since = connection.sql(f"select {spec['since']} {asked} limit 1").fetchone() if "since" in spec else None
    keys = list(spec.get("keys", []))
    columns = [_column(column, figures) for column in spec.get("columns", [])]
    rows = _rows(connection, spec, keys, columns, asked)
    currencies = sorted({str(row["currency"]) for row in rows if "currency" in row})
    keys = [key for key in keys if key.get("single") != "hide" or len({row[key["key"]] for row in rows}) > 1]
    used = [column["figure"] for column in columns if "figure" in column]

    shown = [Column(column["head"], Place(of=column["of"], kind=column["kind"]), _css(column)) for column in columns]
    lines = []
    for row in rows:
        names = [key["key"] for key in spec.get("keys", [])]
        where_it_is = " and ".join(_equals(name, row[name]) for name in names)
        cells = [_cell(column, row[f"f{n}"], told.scale) for n, column in enumerate(columns)]
        lines.append(
            Line([_label(key, row) for key in keys], Place(where_it_is), cells, tuple(row[name] for name in names))
        )
    if across := spec.get("across"):
        column = _column(across, figures)
        used.append(column["figure"])
        shown += _spread(connection, spec, across, column, asked, lines, told.scale)
    if spec.get("transpose"):
        shown, lines = _turned(shown, lines)
        keys = [{"head": ["项目", "Item"]}]
    _shade(spec, lines, len(columns))
    kinds = {column.place.kind for column in shown} | {line.place.kind for line in lines}
    heads = [Text(*key["head"]) for key in keys]
    return Table(spec, where, heads, shown, lines, used, since[0] if since else None, kinds - {""}, currencies)


def _column(asked: str | dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """A column as sections.yml has it, with what figures.yml says of its figure."""
    column = {"figure": asked} if isinstance(asked, str) else dict(asked)
    if "text" in column:
        return column | {"of": column["text"][0], "kind": "text", "head": Text(*column["head"])}
    figure = figures[column["figure"]]
    kind = "exact" if column.get("exact") else figure["kind"]
    if kind == "rate" and column.get("heat"):
        kind = "rate1"  # cells of a matrix are small, and its unit says per cent
    return {"of": column["figure"], **column, "kind": kind, "head": Text(*column.get("head", figure["label"]))}


def _css(column: dict[str, Any]) -> str:
    return "" if column["kind"] != "text" else "long" if column.get("long") else "words"


def _rows(
    connection: duckdb.DuckDBPyConnection, spec: dict[str, Any], keys: list[Row], columns: list[Row], asked: str
) -> list[Row]:
    """Rows by key and order, with the columns as f0, f1, …"""
    selected = ["currency"] if any(column["of"] == "currency" for column in columns) else []
    for key in keys:
        selected += [key["key"], *key.get("label", []), *([key["order"]] if "order" in key else [])]
    for n, column in enumerate(columns):
        selected += [f"{part} as f{n}{end}" for part, end in _parts(column)]
    if not columns:
        selected += ["1 as found"]
    grouped = not columns or any("(" in column["of"] for column in columns)
    query = f"select {', '.join(dict.fromkeys(selected))} {asked}" + (" group by all" if grouped and keys else "")
    order = spec.get("sort") or ", ".join(key.get("order", key["key"]) for key in keys)
    query += (f" order by {order}" if order else "") + (f" limit {spec['limit']}" if "limit" in spec else "")
    rows = _dicts(connection.sql(query))
    for row in rows:
        for n, column in enumerate(columns):
            row[f"f{n}"] = _value(column, row, f"f{n}")
    return rows


def _parts(column: Row) -> list[tuple[str, str]]:
    """What is selected for a column: its figure, numerator and denominator, or a text in both languages."""
    if "text" in column:
        return [(column["text"][0], ""), (column["text"][1], "en")]
    part, _, whole = column["of"].partition(" / ")
    return [(part, ""), (whole, "whole")] if whole else [(part, "")]


def _value(column: Row, row: Row, name: str) -> Any:
    if "text" in column:
        return Text(*(thousands_apart(str(row[name + end] or "")) for end in ("", "en")))
    if " / " in column["of"]:
        return ratio(row[name], row[name + "whole"], 6 if column["kind"].startswith("rate") else 2)
    return row[name]


def _cell(column: Row, value: Any, scale: Scale) -> Cell:
    if isinstance(value, Text):
        return Cell(value, is_text=True)
    bar = max(min(value, Decimal(1)), Decimal(0)) * 100 if column.get("bar") and value is not None else None
    return Cell(write(column["kind"], value, scale), value, bar=bar)


def _spread(
    connection: duckdb.DuckDBPyConnection,
    spec: Row,
    across: Row,
    column: Row,
    asked: str,
    lines: list[Line],
    scale: Scale,
) -> list[Column]:
    """The columns of a matrix; their cells are added to the lines."""
    names = [key["key"] for key in spec["keys"]]
    labels = across.get("label", [])
    selected = [*names, across["key"], *labels, across["order"]]
    values = ", ".join(f"{part} as f{end}" for part, end in _parts(column))
    query = f"select {', '.join(dict.fromkeys(selected))}, {values} {asked}"
    rows = _dicts(connection.sql(query + (" group by all" if "(" in column["of"] else "")))
    spread = {row[across["key"]]: row for row in sorted(rows, key=lambda row: row[across["order"]])}
    cells = {(*(row[name] for name in names), row[across["key"]]): _value(column, row, "f") for row in rows}
    for line in lines:
        line.cells += [_cell(column, cells.get((*line.key, code)), scale) for code in spread]
    shown = []
    for code, row in spread.items():
        label = Text(*(str(row[name]) for name in labels)) if labels else same(code)
        if "unit" in across:
            label = Text(f"{code}{across['unit'][0]}", f"{code} {across['unit'][1]}")
        is_code = across.get("codes") and STAGE.fullmatch(str(code))
        place = Place(_equals(across["key"], code), column["of"], column["kind"])
        shown.append(
            Column(same(code) if is_code else label, place, code=str(code), abbreviates=label if is_code else None)
        )
    return shown


def _turned(columns: list[Column], lines: list[Line]) -> tuple[list[Column], list[Line]]:
    """A table of one row stands upright: its columns become rows."""
    turned = [Line([column.head], column.place, [line.cells[n] for line in lines]) for n, column in enumerate(columns)]
    return [Column(Text("数值", "Figure"), Place())], turned if lines else []


def _shade(spec: Row, lines: list[Line], plain: int) -> None:
    """The depth of each cell of a heat map: rates by themselves, amounts by the largest."""
    if not spec.get("across", {}).get("heat"):
        return
    cells = [cell for line in lines for cell in line.cells[plain:] if cell.value]
    largest = max((cell.value for cell in cells), default=1)
    for cell in cells:
        cell.shade = max(1, int((cell.value * SHADES / largest).to_integral_value(rounding="ROUND_CEILING")))


def _label(key: Row, row: Row) -> Text:
    code = row[key["key"]]
    if key.get("month"):
        return write("month", code)
    if "label" not in key:
        return same(NONE if code is None else code)
    label = Text(*(NONE if row[name] is None else str(row[name]) for name in key["label"]))
    return Text(*(f"{code} {one}" for one in label)) if key.get("code") and STAGE.fullmatch(str(code)) else label


def _equals(column: str, value: Any) -> str:
    """A predicate that a reader can paste into SQL."""
    if value is None:
        return f"{column} is null"
    if isinstance(value, date):
        return f"{column} = date '{value}'"
    return f"{column} = {quote(value) if isinstance(value, str) else value}"


def _dicts(relation: duckdb.DuckDBPyRelation) -> list[Row]:
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
