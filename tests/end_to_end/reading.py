"""The report's page as a reader has it: its elements, and each number with the place that the page names for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

import duckdb

from flows.case import thousands_apart
from flows.report.numbers import NONE, Scale, write

VOID = {"meta", "link", "input", "br", "img"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                if child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def text(self, lang: str) -> str:
        """What is read in a language; what has no language of its own is read in both."""
        if self.attributes.get("lang", lang) != lang and self.tag != "html":
            return ""
        return "".join(child if isinstance(child, str) else child.text(lang) for child in self.children)

    def up(self, attribute: str) -> str:
        """The attribute where it stands next, here or above."""
        here: Element | None = self
        while here is not None:
            if attribute in here.attributes:
                return here.attributes[attribute]
            here = here.parent
        return ""


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.here = self.root = Element("page", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> ends <{self.here.tag}>"
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


def read(page: str) -> Element:
    reader = Reader()
    reader.feed(page)
    assert reader.here is reader.root
    return reader.root


@dataclass(frozen=True)
class Number:
    """One number of the page: where it is from, and what is shown."""

    of: str
    source: str
    where: str
    kind: str
    shown: tuple[str, str]

    @property
    def query(self) -> str:
        return f"from {self.source} where {self.where}"


def numbers(page: Element) -> Iterator[Number]:
    """Every cell of every table that is from a mart, and every number outside of them."""
    for table in page.all("table"):
        if "data-from" not in table.attributes:  # of the validation page: from the manifest
            continue
        head = next(table.all("thead"))
        columns = list(head.all("th"))
        for row in next(table.all("tbody")).all("tr"):
            cells = list(row.all("td"))
            for cell, column in zip(cells, columns[-len(cells) :], strict=True):
                named = column if "data-of" in column.attributes else row
                where = [one.attributes.get("data-where") for one in (table, row, column)]
                yield Number(
                    named.attributes["data-of"],
                    table.attributes["data-from"],
                    " and ".join(f"({one})" for one in where if one),
                    named.attributes["data-kind"],
                    (cell.text("zh-CN"), cell.text("en")),
                )
    for figure in page.all("b"):
        yield Number(
            figure.attributes["data-of"],
            figure.up("data-from"),
            figure.up("data-where"),
            figure.attributes["data-kind"],
            (figure.text("zh-CN"), figure.text("en")),
        )


def expected(connection: duckdb.DuckDBPyConnection, number: Number, scale: Scale) -> tuple[str, str]:
    """What the mart has in that place, as the page would show it. A place of several rows is none."""
    if number.kind == "text":
        both = [number.of, re.sub("_zh$", "_en", number.of)]
        rows = connection.sql(f"select {', '.join(both)} {number.query}").fetchall()
        assert len(rows) == 1, number
        return tuple(thousands_apart(str(text or "")) for text in rows[0])
    part, _, whole = number.of.partition(" / ")
    rows = connection.sql(f"select {part}, {whole or 'null'} {number.query}").fetchall()
    assert len(rows) <= 1, f"{len(rows)} rows: {number}"
    if not rows:
        return (NONE, NONE)
    value: Any = rows[0][0]
    if whole and value is not None:
        value = half_up(Fraction(value) / Fraction(rows[0][1])) if rows[0][1] else None
    return tuple(write(number.kind, value, scale))


def half_up(exact: Fraction) -> Decimal:
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.000001"), ROUND_HALF_UP)


class Marts:
    """What the marts have, each source read once into memory: a picture computed for each cell would take its time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, scale: Scale) -> None:
        self.connection, self.scale = connection, scale
        self.copies: dict[str, str] = {}
        self.known: dict[Number, tuple[str, str]] = {}

    def say(self, number: Number) -> tuple[str, str]:
        place = replace(number, shown=("", ""))
        if place not in self.known:
            if number.source not in self.copies:
                self.copies[number.source] = f"copy_{len(self.copies)}"
                self.connection.execute(f"create temp table {self.copies[number.source]} as from {number.source}")
            self.known[place] = expected(
                self.connection, replace(number, source=self.copies[number.source]), self.scale
            )
        return self.known[place]


def differing(marts: Marts, page: Element) -> list[str]:
    """The numbers that are not their mart's."""
    told = ((number, marts.say(number)) for number in numbers(page))
    return [f"{number}: the mart has {mart}" for number, mart in told if number.shown != mart]
