"""Sources: which file of a delivery feeds which ledger, and where each column's text comes from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from flows.errors import DeliveryRefused, UsageError
from flows.home import Delivery, Home, Knowledge
from flows.landing import rows
from flows.landing.files import DATA_FILE, SourceFile, open_file, read_records
from flows.landing.mapping import ColumnSource, Entry, glob_of, read_mapping
from flows.ledgers import Ledger, ledgers

OWN_FILES = {"mapping.yml", "delivery.csv"}
MUST_HAVE = ("customers", "loans", "installments", "repayments")


def content_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and (p.name in OWN_FILES or DATA_FILE.fullmatch(p.name)))


@dataclass
class Sources:
    """The files of one delivery, the entries that feed ledgers from them, and what was noticed on the way."""

    delivery: Delivery
    folder: Path
    scratch: Path
    entries: list[Entry] = field(init=False)
    files: dict[str, SourceFile] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)  # numbers of the entries that were taken
    unmapped: dict[str, list[str]] = field(default_factory=dict)
    rounded: dict[str, int] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entries = self._find_entries()

    def _find_entries(self) -> list[Entry]:
        """Mapping entries in order, then the files that are named after their ledger."""
        for path in sorted(self.folder.iterdir()):
            if DATA_FILE.fullmatch(path.name) and not path.is_file():
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path} is a folder or a link that leads nowhere. Nothing was loaded; put the "
                    "file in its place."
                )
        data = [p for p in content_files(self.folder) if p.name not in OWN_FILES]
        if not data:
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {self.folder} holds no data file (name.csv, name.csv.gz or name.parquet). "
                "Deliver the files, or remove the folder."
            )
        mapping = next(
            (m for m in (self.folder / "mapping.yml", self.folder.parent / "mapping.yml") if m.exists()), None
        )
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
            ledger = path.name.split(".")[0]
            if path.name in mapped:
                continue
            if ledger in ledgers():
                entries.append(Entry(ledger=ledger, file=path.name, turn=len(written) + 1))
            else:
                self.ignored.append(path.name)
        known = {p.name for p in data} | OWN_FILES
        self.ignored += sorted(p.name for p in self.folder.iterdir() if p.name not in known and p.name[0] != ".")
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
                f" {name} looks like it: name it {near[0]}.csv (or .csv.gz, .parquet), or map it in mapping.yml."
                for name in self.ignored
                if (near := difflib.get_close_matches(name.split(".")[0].lower(), missing, 1, cutoff=0.7))
            ]
            if self.absent:
                hints.append(f" The mapping names files that are not there: {', '.join(self.absent)}.")
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {self.folder} holds no file for {', '.join(missing)}, which {why}. Nothing of "
                f"it was loaded; add the file (its header alone where there is nothing new).{''.join(hints)}"
            )

    def take(self, connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> dict[int, str]:
        """Take every file that feeds a ledger; returns which row `keep` chooses, by turn."""
        keeps: dict[int, str] = {}
        for number, entry in enumerate(self.entries, start=1):
            if entry.ledger != ledger.name:
                continue
            file = self._file(connection, entry, ledger)
            sources = self._sources(entry, ledger, file)
            rounded = rows.insert_texts(connection, ledger, entry, number, file, self.delivery, sources)
            for column, count in rounded.items():
                if count:
                    what = f"{ledger.name}.{column} in {file.name}"
                    self.rounded[what] = self.rounded.get(what, 0) + count
            if entry.keep:
                keeps[entry.turn] = entry.keep[0]
            self.done.add(number)
            if all(n in self.done for n, e in enumerate(self.entries, start=1) if e.file == entry.file):
                connection.execute(f"drop table {file.table}")
        return keeps

    def _file(self, connection: duckdb.DuckDBPyConnection, entry: Entry, ledger: Ledger) -> SourceFile:
        if entry.file not in self.files:
            path = self.folder / entry.file
            same = [e for e in self.entries if e.file == entry.file]
            encoding = next((e.encoding for e in same if e.encoding), None)
            delimiter = next((e.delimiter for e in same if e.delimiter), None)
            file = open_file(path, self.delivery.name, self.scratch, encoding)
            names = set(headers_of(ledger)) | {header for s in entry.columns.values() if s for header in s.sources}
            read_records(
                connection,
                file,
                self.delivery.name,
                f"file_{len(self.files)}",
                lambda header: sum(h in names or h.lower() in names for h in header),
                delimiter,
            )
            self.files[entry.file] = file
            self.unmapped[entry.file] = list(file.header)
        return self.files[entry.file]

    def _sources(self, entry: Entry, ledger: Ledger, file: SourceFile) -> dict[str, ColumnSource]:
        """Column -> where its text comes from: as mapped, else the canonical or Chinese header."""
        path = self.folder / entry.file
        wanted = [c.column for c in entry.where] + ([entry.keep[1]] if entry.keep else [])
        wanted += [header for s in entry.columns.values() if s for header in s.sources]
        for header in wanted:
            if file.header.count(header) != 1:
                near = difflib.get_close_matches(header, file.header, 1)
                said = "twice in the header" if header in file.header else "not in the header"
                raise UsageError(
                    f"{entry.mapping}, line {entry.lines[header]}: the column {header} is {said} of {path}. "
                    f"Allowed: {', '.join(h for h in file.header if file.header.count(h) == 1)}."
                    + (f" Did you mean {near[0]}?" if near and near[0] != header else "")
                )
        headers = headers_of(ledger)
        sources: dict[str, ColumnSource] = {}
        for header in file.header:
            column = headers.get(header) or headers.get(header.lower())
            if column is None or column in entry.columns:
                continue
            if column in sources:
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path}, line 1: {sources[column].sources[0]} and {header} both name the "
                    f"column {column}. Keep one of them, or say in mapping.yml which one counts."
                )
            sources[column] = ColumnSource(sources=(header,))
        sources |= {column: source for column, source in entry.columns.items() if source is not None}
        missing = [column for column in ledger.required if column not in sources]
        if missing:
            chinese = {c: "/".join(ledger.columns[c].zh) for c in missing}
            hint = ""
            if len(file.header) == 1 and not file.is_parquet:
                hint = " The header is a single name: is the delimiter one of comma, tab, ; and |?"
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {path}, line 1: the {ledger.name} ledger needs the column"
                f"{'s' * (len(missing) > 1)} {', '.join(f'{c} ({chinese[c]})' for c in missing)}; the header has "
                f"{', '.join(repr(h) for h in file.header[:40])}. Nothing was loaded; deliver the file with "
                f"{'these columns' if len(missing) > 1 else 'this column'}, or map its own headers in mapping.yml.{hint}"
            )
        used = {header for s in sources.values() for header in s.sources} | set(wanted)
        self.unmapped[file.name] = [h for h in self.unmapped[file.name] if h not in used]
        return sources


def headers_of(ledger: Ledger) -> dict[str, str]:
    """Every header the contract knows for a ledger -> its column."""
    known = {name: name for name in ledger.columns}
    for column in ledger.columns.values():
        for zh in column.zh:
            known.setdefault(zh, column.name)
    return known
