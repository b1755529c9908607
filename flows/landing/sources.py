"""Sources: which file of a delivery feeds which ledger, and where each column's text comes from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from flows.errors import DeliveryRefused, UsageError
from flows.home import Delivery, Home, Knowledge, shown
from flows.landing import rows
from flows.landing.databases import READ_FROM
from flows.landing.encodings import Look, encodings_of
from flows.landing.files import (
    DATA_FILE,
    SourceFile,
    fingerprint,
    kind_of,
    ledger_named_by,
    not_read,
    read_parquet,
    refuse_if_empty,
    refuse_unless_plain,
)
from flows.landing.headers import (
    as_shown,
    column_of,
    likely_header,
    names_of,
    nearest,
    place_of,
    spellings,
    tidy,
    with_unit,
)
from flows.landing.limits import Limits
from flows.landing.mapping import ColumnSource, Entry, glob_of, mapping_of, read_mapping
from flows.landing.text import look_at, read_text
from flows.landing.workbook import Workbook
from flows.ledgers import Ledger, ledgers
from flows.listing import sha256_of

OWN_FILES = {"mapping.yml", "delivery.csv", READ_FROM}
MUST_HAVE = ("customers", "loans", "installments", "repayments")


def content_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and (p.name in OWN_FILES or DATA_FILE.fullmatch(p.name)))


TableKey = tuple[str, str | None, int]


@dataclass
class Sources:
    """The files of one delivery, the entries that feed ledgers from them, and what was noticed on the way."""

    delivery: Delivery
    folder: Path
    scratch: Path
    limits: Limits
    entries: list[Entry] = field(init=False)
    files: dict[TableKey, SourceFile] = field(default_factory=dict)
    looks: dict[Path, Look] = field(default_factory=dict)  # of all text files, once one of them is read
    encodings: dict[str, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)  # numbers of the entries that were taken
    headers: dict[int, dict[str, str]] = field(default_factory=dict)  # number of an entry -> column -> its header
    unmapped: dict[TableKey, list[str]] = field(default_factory=dict)
    rounded: dict[str, int] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entries = self._find_entries()

    def _find_entries(self) -> list[Entry]:
        """Mapping entries in order, then the files that are named after their ledger."""
        for path in sorted(self.folder.iterdir()):
            if DATA_FILE.fullmatch(path.name) or path.name in OWN_FILES:
                refuse_unless_plain(path, self.folder.parent, self.delivery.name)
            elif what_to_do := not_read(path.name):
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path} is of a kind that is not read: {what_to_do}. Nothing was loaded."
                )
        data = [p for p in content_files(self.folder) if p.name not in OWN_FILES]
        if not data:
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {self.folder} holds no data file (name.csv, name.csv.gz, name.xlsx or name.parquet). "
                "Deliver the files, or remove the folder."
            )
        mapping = mapping_of(self.folder)
        entries: list[Entry] = []
        mapped: set[str] = set()
        written = read_mapping(mapping) if mapping else []
        for entry in written:
            found = [path for path in data if glob_of(entry.file).fullmatch(path.name)]
            entries += [replace(entry, file=path.name) for path in found]
            mapped |= {path.name for path in found}
            if not found:
                self.absent.append(f"{entry.file} ({entry.ledger})")
        for path in data:
            if path.name in mapped:
                continue
            if ledger := ledger_named_by(path.name, ledgers().__contains__):
                entries.append(Entry(ledger=ledger, file=path.name, turn=len(written) + 1))
            else:
                self.ignored.append(path.name)
        known = {p.name for p in data} | OWN_FILES
        self.ignored += sorted(shown(p.name) for p in self.folder.iterdir() if p.name not in known and p.name[0] != ".")
        return entries

    def check_ledgers_present(self, known: Knowledge, home: Home, expected: list[str]) -> None:
        """Refuse a delivery without a ledger that the night needs."""
        delivered = {e.ledger for e in self.entries}
        before = {name for d in known.deliveries for name in home.record(d)["ledgers"]}
        dates = {d.date for d in known.deliveries}
        missing = [name for name in MUST_HAVE if name not in before | delivered]
        why = "must have been delivered at least once"
        if not missing and dates and self.delivery.date > min(dates):
            missing = [name for name in expected if name not in delivered]
            why = "must be in every delivery from the second delivery date on (policy setting expected_ledgers)"
        if missing:
            hints = [
                f" {name} looks like it: name it {near[0]}.csv (or .csv.gz, .xlsx, .parquet), or map it in mapping.yml."
                for name in self.ignored
                if (near := difflib.get_close_matches(name.split(".")[0].lower(), missing, 1, cutoff=0.7))
            ]
            if self.absent:
                hints.append(f" The mapping names files that are not there: {', '.join(self.absent)}.")
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {self.folder} holds no file for {', '.join(missing)}, which {why}. Nothing of "
                f"it was loaded; add the file (its header alone where there is nothing new).{''.join(hints)}"
            )

    def take(self, connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> tuple[list[rows.Texts], dict[int, str]]:
        """The records of every file that feeds a ledger, and which row `keep` chooses, by turn."""
        taken: list[rows.Texts] = []
        keeps: dict[int, str] = {}
        for number, entry in enumerate(self.entries, start=1):
            if entry.ledger != ledger.name:
                continue
            file = self._file(connection, entry, ledger)
            entry, sources = self._sources(entry, ledger, file)
            texts, rounded = rows.texts_of(connection, ledger, entry, number, file, self.delivery, sources)
            taken.append(texts)
            for column, count in rounded.items():
                if count:
                    what = f"{ledger.name}.{column} in {file.name}"
                    self.rounded[what] = self.rounded.get(what, 0) + count
            if entry.keep:
                keeps[entry.turn] = entry.keep[0]
            self.headers[number] = {c: "+".join(source.sources) for c, source in sources.items() if source.sources}
            self.done.add(number)
        return taken, keeps

    def refuse_if_changed(self) -> None:
        """The hash on record is that of the bytes that were loaded, or nothing is."""
        for file in self.files.values():
            if fingerprint(file.path) != file.fingerprint:
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {file.path} changed while it was read: somebody still writes to it. Nothing was "
                    "loaded; let the sender finish, and run the night again."
                )

    def let_go(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Drop the records of files that feed no ledger any more."""
        for source, file in self.files.items():
            if file.is_held and all(n in self.done for n, e in enumerate(self.entries, start=1) if e.source == source):
                file.let_go(connection)

    def _file(self, connection: duckdb.DuckDBPyConnection, entry: Entry, ledger: Ledger) -> SourceFile:
        """The records that an entry reads, as a table; entries that name the same ones share it."""
        if entry.source not in self.files:
            file = self._read(connection, entry, ledger, f"file_{len(self.files)}")
            self.files[entry.source] = file
            self.unmapped[entry.source] = list(file.header)
        return self.files[entry.source]

    def _read(self, connection: duckdb.DuckDBPyConnection, entry: Entry, ledger: Ledger, table: str) -> SourceFile:
        path, delivery = self.folder / entry.file, self.delivery.name
        refuse_if_empty(path, delivery)
        name = f"{path.name}#{entry.sheet}" if entry.sheet else path.name
        before = fingerprint(path)
        file = SourceFile(path, name, sha256_of(path), before, table=table)
        self._refuse_what_does_not_fit(entry, file)
        if file.kind == "parquet":
            read_parquet(connection, file, delivery, self.limits)
        elif file.kind == "workbook":
            book = Workbook(path, delivery, entry.sheet, entry.header_line, self.limits)
            book.load(connection, f"{table}_read")
            file.encoding, file.header, file.top = "workbook", book.header, book.top
            file.preamble = entry.header_line - 1
            self.limits.check_columns(path, len(file.header), delivery)
            file.show_lists(connection)
        else:
            file.encoding = self._encoding(path.name)
            same = [e for e in self.entries if e.file == entry.file]
            names = set(names_of(ledger)) | {tidy(header) for s in entry.columns.values() if s for header in s.sources}
            read_text(
                connection,
                file,
                self.looks[path],
                delivery,
                self.scratch,
                self.limits,
                lambda header: sum(any(s in names for s in spellings(h)) for h in header),
                next((e.delimiter for e in same if e.delimiter), None),
                entry.header_line,
            )
        return file

    def _encoding(self, name: str) -> str:
        """One look at all text files of the delivery: those that could be read in two ways are read as the others are."""
        if not self.encodings:
            named = {e.file for e in self.entries}
            for path in (self.folder / n for n in sorted(named) if kind_of(Path(n)) == "text"):
                refuse_if_empty(path, self.delivery.name)
                self.looks[path] = look_at(path, self.delivery.name, self.limits)
            declared = {e.file: e.encoding for e in self.entries if e.encoding}
            self.encodings = encodings_of(self.looks, declared, self.delivery.name)
        return self.encodings[name]

    def _refuse_what_does_not_fit(self, entry: Entry, file: SourceFile) -> None:
        for option, given, kinds in (
            ("sheet", entry.sheet, ("workbook",)),
            ("encoding", entry.encoding, ("text",)),
            ("delimiter", entry.delimiter, ("text",)),
            ("header_line", entry.header_line > 1, ("text", "workbook")),
        ):
            if given and file.kind not in kinds:
                raise UsageError(
                    f"{entry.mapping}: `{option}:` for {entry.file}, which is a {file.kind} file. Allowed: "
                    f"`{option}:` for {' and '.join(f'{kind} files' for kind in kinds)} only."
                )

    def _sources(self, entry: Entry, ledger: Ledger, file: SourceFile) -> tuple[Entry, dict[str, ColumnSource]]:
        """The entry with headers as the file spells them, and column -> where its text comes from: as mapped, else the
        canonical or Chinese header."""
        path = self.folder / entry.file
        found: dict[str, str] = {}  # a name of the mapping -> the header that it stands for
        for wanted in _headers_wanted(entry):
            places = place_of(wanted, file.header)
            if len(places) != 1:
                near = nearest(wanted, file.header)
                said = "more than once in the header" if places else "not in the header"
                known = {*names_of(ledger), *map(tidy, _headers_wanted(entry))}
                header = as_shown(file.header, known)
                line = likely_header(file.top, known, [{tidy(wanted)}])
                raise UsageError(
                    f"{entry.mapping}, line {entry.lines[wanted]}: the column {wanted} is {said} of {path}. "
                    f"Allowed: {', '.join(h for h in header if header.count(h) == 1)}."
                    + (f" Did you mean {near}?" if near and near != wanted else "")
                    + (
                        f" Line {line} holds it: is the header there (`header_line: {line}`)?"
                        if line and line > entry.header_line
                        else ""
                    )
                )
            found[wanted] = file.header[places[0]]
        names = names_of(ledger)
        sources: dict[str, ColumnSource] = {}
        for header in file.header:
            column = column_of(header, names)
            if column is None or column in entry.columns:
                continue
            if column in sources:
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path}, line 1: {sources[column].sources[0]} and {header} both name the "
                    f"column {column}. Keep one of them, or say in mapping.yml which one counts."
                )
            sources[column] = ColumnSource(sources=(header,))
        for column, source in entry.columns.items():
            if source is not None:
                sources[column] = replace(source, sources=tuple(found[header] for header in source.sources))
        missing = [column for column in ledger.required if column not in sources]
        if missing:
            raise self._lacks(missing, entry, ledger, file)
        used = {header for s in sources.values() for header in s.sources} | set(found.values())
        self.unmapped[entry.source] = [h for h in self.unmapped[entry.source] if h not in used]
        where = tuple(replace(c, column=found[c.column]) for c in entry.where)
        keep = (entry.keep[0], found[entry.keep[1]]) if entry.keep else None
        return replace(entry, where=where, keep=keep), sources

    def unit_hint(self, source: TableKey, header: str) -> str:
        """What a header that was kept out may have meant, where it is a known one with a unit behind it."""
        for entry in self.entries:
            if entry.source == source and (found := with_unit(header, names_of(ledgers()[entry.ledger]))):
                return f"; {_unit_taken(header, *found)}"
        return ""

    def _lacks(self, missing: list[str], entry: Entry, ledger: Ledger, file: SourceFile) -> DeliveryRefused:
        """A required column that nothing names: what the header has, and what it may have meant."""
        chinese = {c: "/".join(ledger.columns[c].zh) for c in missing}
        return DeliveryRefused(
            f"Delivery {self.delivery}: {self.folder / entry.file}, line {entry.header_line}: the {ledger.name} ledger needs "
            f"the column{'s' * (len(missing) > 1)} {', '.join(f'{c} ({chinese[c]})' for c in missing)}; the header has "
            f"{', '.join(map(repr, as_shown(file.header, names_of(ledger))[:40]))}. Nothing was loaded; deliver the file with "
            f"{'these columns' if len(missing) > 1 else 'this column'}, or map its own headers in mapping.yml."
            + "".join(f" {hint}" for hint in self._hints(missing, entry, ledger, file))
        )

    def _hints(self, missing: list[str], entry: Entry, ledger: Ledger, file: SourceFile) -> list[str]:
        names = names_of(ledger)
        required = [
            {n for n, column in names.items() if column == r} for r in ledger.required if r not in entry.columns
        ]
        line = likely_header(file.top, names, required)
        if line and line > entry.header_line:
            return [f"Line {line} looks like the header: say `header_line: {line}` for this file in mapping.yml."]
        if len(file.header) == 1 and file.kind == "text":
            return ["The header is a single name: is the delimiter one of comma, tab, ; and |?"]
        hints = [
            _unit_taken(header, *found) + "."
            for header in file.header
            if (found := with_unit(header, names)) and found[0] in missing
        ]
        for column in missing:
            spelled = {n: column for n, of in names.items() if of == column}
            near = [h for n in spelled if (h := nearest(n, [f for f in file.header if not column_of(f, names)]))]
            if near and not any(f"{near[0]!r}" in hint for hint in hints):
                hints.append(f"{near[0]!r} looks like {column}: `{column}: {near[0]}` takes it.")
        return hints


def _unit_taken(header: str, column: str, unit: str, scale: Decimal | None) -> str:
    taken = header if scale in (None, 1) else f"{{source: {header}, scale: {scale.normalize():f}}}"
    return f"{header!r} looks like {column} in units of {unit}: `{column}: {taken}` takes it"


def _headers_wanted(entry: Entry) -> list[str]:
    """Every header of the file that a mapping entry names."""
    wanted = [c.column for c in entry.where] + ([entry.keep[1]] if entry.keep else [])
    return wanted + [header for s in entry.columns.values() if s for header in s.sources]
