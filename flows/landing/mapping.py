"""`mapping.yml`: how a lender's own files and headers become the contract's ledgers, without code.

Every mistake is named with file, line, what was given and what is allowed (exit 2).

    sources:                                    # databases, where entries read from one
      core: {kind: postgresql, url: "${CORE_URL}"}          # or mysql, sqlite; ${NAME} stands in the environment
    ledgers:
      repayments:
        - source: core                          # in place of `file:`
          table: ledger.payments                # or `query: select …`
          since: posted_at                      # only what is new by this column; the first time all
      loans:                                    # a ledger; its entries apply in order
        - file: transactions*.csv               # `*` is the only wildcard; a file may feed several ledgers
          encoding: gbk                         # only where it cannot be told from the bytes
          delimiter: ";"
          header_line: 3                        # what stands above it is counted as preamble
          sheet: 台账                           # of a workbook; the first one else
          where: {Status: ["1", "2"], Kind: {not: [test]}}      # all must hold; null stands for an empty field
          columns:
            loan_id: LoanId                     # a header of the file
            purpose: null                       # left out, even where the file has such a header
            currency: {const: UGX}
            disbursed_on: {source: Issued, date_format: "%m/%d/%Y"}
            security: {source: Kind, values: {信用: unsecured, null: guaranteed, 其他: null}}
            principal: {source: Value, round: half_up}
            annual_rate: {source: Rate, scale: 0.01}            # exact; 10000 for 万元. `4.35%` needs none
            matures_on: {source: Matures, date_format: excel_serial}
            product_id: {source: Product, plain_id: true}       # 10000.0 and ="10000" are 10000
            branch_id: [Region, Branch]         # headers joined by `-`; null where one of them is
          keep: last by PaidOnDate              # or `first by`; ordered as times, else as numbers, else as text

Headers that are a column's own name or its Chinese name need no entry. Where a key stands on several rows of an entry, and
`keep` is not given or does not decide between them, all of them go to quarantine.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import duckdb
import yaml

from flows.database import connect
from flows.errors import UsageError
from flows.ledgers import Ledger, ledgers

NULL_TAG = "tag:yaml.org,2002:null"
OF_FILES = ("encoding", "delimiter", "header_line", "sheet")
OF_DATABASES = ("table", "query", "since")
ENTRY_KEYS = ("file", "source", *OF_DATABASES, "where", "columns", "keep", *OF_FILES)
KINDS = ("postgresql", "mysql", "sqlite")
COLUMN_KEYS = ("source", "const", "date_format", "values", "scale", "round", "plain_id")
EXCEL_SERIAL = "excel_serial"
NUMBERS = ("amount", "positive", "signed", "rate")


@dataclass(frozen=True)
class ColumnSource:
    """Where a column's text comes from: a header of the file, several joined by `-`, or a constant."""

    sources: tuple[str, ...] = ()
    const: str | None = None
    date_format: str | None = None  # of strptime, or `excel_serial`
    values: Mapping[str | None, str | None] = field(default_factory=dict)  # None is null, on either side
    scale: Decimal | None = None
    round: str | None = None
    plain_id: bool = False  # without the `.0` or the `="…"` that a spreadsheet put around it


@dataclass(frozen=True)
class Condition:
    """Rows count only where the column's text is (or, `negated`, is not) one of `texts`; None is null."""

    column: str
    texts: tuple[str | None, ...]
    negated: bool = False


@dataclass(frozen=True)
class Database:
    """A database of the lender; `${NAME}` in its URL stands in the environment."""

    name: str
    kind: str
    url: str
    line: int


@dataclass(frozen=True)
class Reading:
    """What is read of a database into a file of the delivery: a table or a query, whole or what is new by `since`."""

    database: Database
    file: str
    table: str | None
    query: str | None
    since: str | None
    line: int = field(compare=False)


@dataclass(frozen=True)
class Entry:
    """One file feeding one ledger. Files that one mapping entry names share a turn; a later turn replaces an earlier one."""

    ledger: str
    file: str
    turn: int = 0
    mapping: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict)  # header of the file -> line of the mapping that names it
    columns: Mapping[str, ColumnSource | None] = field(default_factory=dict)
    where: tuple[Condition, ...] = ()
    keep: tuple[str, str] | None = None  # ("first" | "last", header to order by)
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int = 1
    sheet: str | None = None
    reading: Reading | None = None  # where the file comes from, if not from the lender

    @property
    def source(self) -> tuple[str, str | None, int]:
        """The table that the entry reads: entries that name the same one share its records."""
        return self.file, self.sheet, self.header_line


def read_mapping(path: Path) -> list[Entry]:
    """Read a mapping file into its entries, in order."""
    return _Reader(path).entries()


def mapping_of(delivery: Path) -> Path | None:
    """The mapping that a delivery is read by: its own, else that of the landing folder."""
    places = (delivery / "mapping.yml", delivery.parent / "mapping.yml")
    return next((path for path in places if os.path.lexists(path)), None)


def glob_of(pattern: str) -> re.Pattern[str]:
    """`loans*.csv` as a regular expression: `*` is the only wildcard."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))


def _is_date_format(text: str) -> bool:
    if text == EXCEL_SERIAL:
        return True
    try:
        with connect() as connection:
            connection.execute("select try_strptime('', ?)", [text])
    except duckdb.Error:
        return False
    return "%" in text


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.databases: dict[str, Database] = {}
        self.readings: dict[str, Reading] = {}
        if not path.is_file():
            raise UsageError(
                f"{path}: is not a plain file that can be read. Allowed: a text file in YAML, or no mapping.yml."
            )
        try:
            self.root = yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.SafeLoader)
        except RecursionError as error:
            raise UsageError(f"{path}: is nested too deeply. Allowed: the form that docs/ledgers.md shows.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise UsageError(
                f"{path}, line {line}: not readable as YAML ({getattr(error, 'problem', error)})."
            ) from error

    def entries(self) -> list[Entry]:
        top = self._mapping(self.root, "the file", ("sources", "ledgers"))
        if "ledgers" not in top:
            self._fail(self.root, "nothing under `ledgers:`", "`ledgers:` with the name of a ledger below it")
        if "sources" in top:
            self.databases = {
                name: self._database(name, node)
                for name, node in self._mapping(top["sources"], "sources", None).items()
            }
        found = []
        for name, node in self._mapping(top["ledgers"], "ledgers", tuple(ledgers())).items():
            ledger = ledgers()[name]
            for item in self._sequence(node, name):
                found.append(self._entry(ledger, item, turn=len(found) + 1))
        return found

    def _database(self, name: str, node: yaml.Node) -> Database:
        facts = self._mapping(node, name, ("kind", "url"))
        if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
            self._fail(node, f"sources: {name}", "a name of letters, digits and _")
        kind = self._one_of(facts.get("kind"), KINDS)
        url = self._text(facts["url"]) if "url" in facts else None
        if not kind or not url:
            self._fail(node, f"{name} without {'kind' if not kind else 'url'}", f"kind ({', '.join(KINDS)}) and url")
        return Database(name, kind, url, node.start_mark.line + 1)

    def _reading(self, ledger: Ledger, facts: dict[str, yaml.Node], node: yaml.Node, turn: int) -> Reading:
        """What an entry with `source:` reads; its file is named after the table, or after the ledger for a query."""
        name = self._text(facts["source"])
        if name not in self.databases:
            known = ", ".join(self.databases) or "none is named under `sources:`"
            self._fail(facts["source"], f"source: {name}", f"a name under `sources:` ({known})")
        if unfit := [key for key in OF_FILES if key in facts]:
            self._fail(facts[unfit[0]], f"{unfit[0]}: beside `source:`", f"`{unfit[0]}` for files only")
        if ("table" in facts) == ("query" in facts):
            self._fail(
                node, f"an entry of {ledger.name} with `source:`", "one of `table: NAME` and `query: SELECT …` with it"
            )
        said = {key: self._text(facts[key]) for key in OF_DATABASES if key in facts}
        if empty := [key for key, text in said.items() if not text]:
            self._fail(facts[empty[0]], f"{empty[0]}: nothing", f"`{empty[0]}` with a value, or left out")
        of = said.get("table") or f"{ledger.name}-{turn}"
        file = f"{name}.{re.sub('[^0-9A-Za-z_.一-鿿-]', '_', of)}.parquet"
        reading = Reading(
            self.databases[name],
            file,
            said.get("table"),
            said.get("query"),
            said.get("since"),
            facts["table" if "table" in facts else "query"].start_mark.line + 1,
        )
        if self.readings.setdefault(file, reading) != reading:
            self._fail(node, f"{of} read in two ways", "one `since` for a table, or a `query:` for one of them")
        return reading

    def _entry(self, ledger: Ledger, node: yaml.Node, turn: int) -> Entry:
        self.lines: dict[str, int] = {}
        facts = self._mapping(node, f"an entry of {ledger.name}", ENTRY_KEYS)
        if ("file" in facts) == ("source" in facts):
            said = "both `file:` and" if "file" in facts else "neither `file:` nor"
            allowed = "file: name.csv (`*` matches anything), or source: NAME with `table:` or `query:`"
            self._fail(node, f"an entry of {ledger.name} with {said} `source:`", allowed)
        if unfit := [key for key in OF_DATABASES if key in facts and "file" in facts]:
            self._fail(facts[unfit[0]], f"{unfit[0]}: beside `file:`", f"`{unfit[0]}` with `source:` only")
        columns = {}
        if "columns" in facts:
            for column, source in self._mapping(facts["columns"], "columns", tuple(ledger.columns)).items():
                columns[column] = self._column(ledger, column, source)
        where = ()
        if "where" in facts:
            conditions = self._mapping(facts["where"], "where", None)
            self.lines |= {header: texts.start_mark.line + 1 for header, texts in conditions.items()}
            where = tuple(self._condition(header, texts) for header, texts in conditions.items())
        keep = None
        if "keep" in facts:
            text = self._text(facts["keep"])
            match = re.fullmatch(r"(first|last) by (.+)", text or "")
            if not match:
                self._fail(facts["keep"], f"keep: {text}", "`first by HEADER` or `last by HEADER`")
            if ledger.is_event:
                self._fail(
                    facts["keep"], f"keep: on {ledger.name}", "`keep` on master ledgers only; events are never replaced"
                )
            keep = (match[1], match[2])
            self.lines[match[2]] = facts["keep"].start_mark.line + 1
        reading = self._reading(ledger, facts, node, turn) if "source" in facts else None
        file = reading.file if reading else self._text(facts["file"])
        if not file or "/" in file:
            self._fail(facts["file"], f"file: {file or 'nothing'}", "the name of a file in the delivery's folder")
        return Entry(
            ledger=ledger.name,
            file=file,
            turn=turn,
            mapping=self.path,
            lines=self.lines,
            columns=columns,
            where=where,
            keep=keep,
            encoding=self._one_of(facts.get("encoding"), ("utf-8", "gb18030", "gbk")),
            delimiter=self._one_of(facts.get("delimiter"), (",", "\t", ";", "|")),
            header_line=self._header_line(facts.get("header_line")),
            sheet=self._sheet(facts.get("sheet")),
            reading=reading,
        )

    def _header_line(self, node: yaml.Node | None) -> int:
        if node is None:
            return 1
        text = self._text(node) or ""
        if not re.fullmatch(r"[1-9][0-9]{0,3}", text):
            self._fail(node, f"header_line: {text}", "the number of the line that holds the header, 1 or more")
        return int(text)

    def _sheet(self, node: yaml.Node | None) -> str | None:
        if node is None:
            return None
        text = self._text(node)
        if not text:
            self._fail(node, "sheet: nothing", "the name of a sheet, as its tab shows it")
        return text

    def _column(self, ledger: Ledger, column: str, node: yaml.Node) -> ColumnSource | None:
        if isinstance(node, yaml.ScalarNode):
            return ColumnSource(sources=self._headers(column, node)) if self._text(node) is not None else None
        if isinstance(node, yaml.SequenceNode):
            return ColumnSource(sources=self._headers(column, node))
        facts = self._mapping(node, column, COLUMN_KEYS)
        if ("source" in facts) == ("const" in facts):
            self._fail(
                node, f"{column} with {' and '.join(facts) or 'nothing'}", "one of `source: HEADER` and `const: VALUE`"
            )
        if "const" in facts and len(facts) > 1:
            self._fail(node, f"{column} with {' and '.join(facts)}", "nothing beside `const: VALUE`")
        if "const" in facts and self._text(facts["const"]) is None:
            return None
        if "round" in facts and ledger.columns[column].type not in ("amount", "positive", "signed"):
            self._fail(facts["round"], f"round: on {column}", "`round` on amounts only")
        if "date_format" in facts and ledger.columns[column].type not in ("date", "timestamp"):
            self._fail(facts["date_format"], f"date_format: on {column}", "`date_format` on dates and timestamps only")
        date_format = self._text(facts["date_format"]) if "date_format" in facts else None
        if date_format is not None and not _is_date_format(date_format):
            self._fail(
                facts["date_format"],
                f"date_format: {date_format}",
                "a strptime format such as %Y-%m-%d %H:%M:%S, or excel_serial",
            )
        if "scale" in facts and ledger.columns[column].type not in NUMBERS:
            self._fail(facts["scale"], f"scale: on {column}", "`scale` on amounts and rates only")
        scale = self._scale(facts["scale"]) if "scale" in facts else None
        values: dict[str | None, str | None] = {}
        if "values" in facts:
            self._mapping(facts["values"], "values", None)
            values = {self._text(key): self._text(item) for key, item in facts["values"].value}
        return ColumnSource(
            sources=self._headers(column, facts["source"]) if "source" in facts else (),
            const=self._text(facts["const"]) if "const" in facts else None,
            date_format=date_format,
            values=values,
            scale=scale,
            round=self._one_of(facts.get("round"), ("half_up",)),
            plain_id=self._one_of(facts.get("plain_id"), ("true", "false")) == "true",
        )

    def _scale(self, node: yaml.Node) -> Decimal:
        text = self._text(node) or ""
        if not re.fullmatch(r"[0-9]{1,10}([.][0-9]{1,8})?", text) or not Decimal(text):
            self._fail(node, f"scale: {text}", "a number above 0, such as 10000 (for 万元) or 0.01 (for per cent)")
        return Decimal(text)

    def _headers(self, column: str, node: yaml.Node) -> tuple[str, ...]:
        """One header or a list of them; remembers the line of each."""
        found = []
        for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            header = self._text(item)
            if header is None:
                self._fail(item, f"source: null for {column}", "`source: HEADER`")
            self.lines[header] = item.start_mark.line + 1
            found.append(header)
        if not found:
            self._fail(node, f"{column} with no header", "`source: HEADER`, or a list of headers")
        return tuple(found)

    def _condition(self, column: str, node: yaml.Node) -> Condition:
        if isinstance(node, yaml.MappingNode):
            facts = self._mapping(node, f"where {column}", ("not",))
            return Condition(column, self._texts(facts["not"]), negated=True)
        return Condition(column, self._texts(node))

    def _texts(self, node: yaml.Node) -> tuple[str | None, ...]:
        if isinstance(node, yaml.ScalarNode):
            return (self._text(node),)
        return tuple(self._text(item) for item in self._sequence(node, "where"))

    def _text(self, node: yaml.Node) -> str | None:
        """A scalar as it is written (1.10 stays 1.10); null is None."""
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, "a list or mapping", "one value")
        return None if node.tag == NULL_TAG else node.value

    def _one_of(self, node: yaml.Node | None, allowed: tuple[str, ...]) -> str | None:
        if node is None:
            return None
        text = self._text(node)
        if text not in allowed:
            self._fail(node, str(text), " or ".join(repr(a) for a in allowed))
        return text

    def _mapping(self, node: yaml.Node | None, what: str, allowed: tuple[str, ...] | None) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} is not a mapping", "names with values, `name: value`")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fail(key, f"{what}: a name that is a list or mapping", "names with values, `name: value`")
            if allowed is not None and key.value not in allowed:
                near = difflib.get_close_matches(key.value, allowed, 1)
                hint = f" Did you mean {near[0]}?" if near else ""
                self._fail(key, f"{what}: {key.value}", f"one of {', '.join(allowed)}.{hint}")
            if key.value in found:
                self._fail(key, f"{key.value} twice in {what}", "each name once")
            found[key.value] = value
        return found

    def _sequence(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self._fail(node, f"{what} is not a list", "a list, each item starting with `- `")
        return node.value

    def _fail(self, node: yaml.Node | None, given: str, allowed: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        raise UsageError(f"{self.path}, line {line}: {given}. Allowed: {allowed.rstrip('.')}.")
