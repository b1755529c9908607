"""Land: take new deliveries from LANDING, type and judge every row, and keep what stands as immutable history.

A delivery is prepared in HOME/warehouse/pending/<delivery>; only when the landing gate has passed it does one rename
make it part of HOME/warehouse/raw. Until then it may be corrected in place, and a kill leaves nothing half loaded.
"""

from __future__ import annotations

import csv
import difflib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb

from flows.errors import DeliveryRefused, UsageError
from flows.home import Delivery, Home, knowledge, now_text, write_json
from flows.landing import rows
from flows.landing.files import DATA_FILE, SourceFile, first_line, open_file, quote, read_records, sha256_of
from flows.landing.mapping import ColumnSource, Entry, glob_of, read_mapping
from flows.ledgers import Ledger, ledgers
from flows.policy import Policy

MUST_HAVE = ("customers", "loans", "installments", "repayments")


@dataclass(frozen=True)
class Prepared:
    """A delivery ready for the landing gate: its folder under pending/ and the gate's database in it."""

    delivery: Delivery
    folder: Path
    record: dict[str, Any]

    @property
    def gate_database(self) -> Path:
        return self.folder / "landing_gate.duckdb"


def find_new_deliveries(landing: Path, home: Home, upto: Delivery | None = None) -> list[Delivery]:
    """Deliveries in LANDING that are not loaded yet, in order; refuses what changed or comes too late."""
    if not landing.is_dir():
        raise UsageError(
            f"--landing {landing}: there is no such folder. Give the folder that holds the deliveries "
            "(folders named 2026-11-22, 2026-11-22.2, …)."
        )
    found = sorted(d for d in (Delivery.parse(p.name) for p in landing.iterdir() if p.is_dir()) if d)
    loaded = home.loaded()
    for delivery in found:
        if delivery in loaded:
            _refuse_if_changed(landing / delivery.name, home, delivery)
    new = [d for d in found if d not in loaded and (upto is None or d <= upto)]
    if new and loaded and new[0] < loaded[-1]:
        free = max(d for d in [*loaded, *found] if d.date == loaded[-1].date).next
        raise DeliveryRefused(
            f"Delivery {new[0]}: it sorts before {loaded[-1]}, which is loaded already, and knowledge only grows. "
            f"Nothing of it was loaded; deliver it as {free} or under a later date."
        )
    return new


def unknown_folders(landing: Path) -> list[str]:
    """Folders in LANDING whose names are no delivery's; they are left alone and named in the log."""
    return sorted(p.name for p in landing.iterdir() if p.is_dir() and not Delivery.parse(p.name) and p.name[0] != ".")


def _fingerprint(path: Path) -> dict[str, Any]:
    """What tells at once that a file is untouched (its content hash decides where this differs)."""
    facts = path.stat()
    return {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "ctime_ns": facts.st_ctime_ns, "inode": facts.st_ino}


def _content_files(folder: Path) -> list[Path]:
    own = {"mapping.yml", "delivery.csv"}
    return sorted(p for p in folder.iterdir() if p.is_file() and (p.name in own or DATA_FILE.fullmatch(p.name)))


def _refuse_if_changed(folder: Path, home: Home, delivery: Delivery) -> None:
    then = {f["file"]: f for f in home.record(delivery)["content"]}
    now = {p.name: p for p in _content_files(folder)}
    changed = sorted(then.keys() ^ now.keys())
    for name in then.keys() & now.keys():
        same = all(then[name][key] == value for key, value in _fingerprint(now[name]).items())
        if not same and sha256_of(now[name]) != then[name]["sha256"]:
            changed.append(name)
    if changed:
        raise DeliveryRefused(
            f"Delivery {delivery}: {', '.join(changed)} changed after the delivery was loaded on "
            f"{home.record(delivery)['loaded_at']}. Restore the files, and deliver the correction as "
            f"{max(d for d in [*home.loaded(), delivery] if d.date == delivery.date).next} (or withdraw this delivery)."
        )


def prepare(landing: Path, home: Home, delivery: Delivery, policy: Policy) -> Prepared:
    """Read, type and judge one delivery into pending/; refuses what cannot be taken as a whole."""
    folder = home.pending(delivery)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "scratch").mkdir(parents=True)
    work = _Landing(landing / delivery.name, home, delivery, policy, folder)
    try:
        record = work.run()
    finally:
        work.connection.close()
        shutil.rmtree(folder / "scratch", ignore_errors=True)
    return Prepared(delivery, folder, record)


def commit(home: Home, prepared: Prepared) -> None:
    """The gate has passed: one rename, and the delivery is loaded."""
    prepared.gate_database.unlink(missing_ok=True)
    prepared.record["loaded_at"] = now_text()
    write_json(prepared.folder / "delivery.json", prepared.record)
    prepared.folder.rename(home.raw_of(prepared.delivery))


class _Landing:
    """One delivery on its way; every step leaves tables in the scratch database."""

    def __init__(self, folder: Path, home: Home, delivery: Delivery, policy: Policy, pending: Path) -> None:
        self.folder, self.home, self.delivery, self.policy, self.pending = folder, home, delivery, policy, pending
        self.known = knowledge(home)
        self.connection = duckdb.connect(str(pending / "scratch" / "landing.duckdb"))
        self.connection.execute("set TimeZone = 'Asia/Shanghai'")
        self.connection.execute((Path(rows.__file__).parent / "typing.sql").read_text("utf-8"))
        self.files: dict[str, SourceFile] = {}
        self.unmapped: dict[str, list[str]] = {}
        self.rounded: dict[str, int] = {}
        self.ignored: list[str] = []

    def run(self) -> dict[str, Any]:
        entries = self._entries()
        control = self._control()
        self._check_ledgers_present({e.ledger for e in entries})
        keeps: dict[str, dict[int, str]] = {name: {} for name in ledgers()}
        for ledger in ledgers().values():
            rows.create_text_table(self.connection, ledger)
        for number, entry in enumerate(entries, start=1):
            self._take(number, entry)
            if entry.keep:
                keeps[entry.ledger][number] = entry.keep[0]
        self._attach_history()
        for name, ledger in ledgers().items():
            if self.known.deliveries:
                rows.insert_retried(self.connection, ledger)
            rows.type_rows(self.connection, ledger, self.policy)
            if control and name in {e.ledger for e in entries}:
                self._check_amounts(control, entries, name)
            rows.judge_rows(self.connection, ledger, keeps[name])
            rows.write_rows(self.connection, ledger, self.delivery.name, self.delivery.order, self.pending)
        rows.write_quarantine(
            self.connection, ledgers().values(), self.delivery.name, self.delivery.order, self.pending
        )
        self._write_gate_database(entries)
        return self._record(entries)

    # which file feeds which ledger ------------------------------------------------------------------------------

    def _entries(self) -> list[Entry]:
        """Mapping entries in order, then the files that are named after their ledger."""
        data = [p for p in sorted(self.folder.iterdir()) if p.is_file() and DATA_FILE.fullmatch(p.name)]
        data = [p for p in data if p.name != "delivery.csv"]
        mapping = next(
            (m for m in (self.folder / "mapping.yml", self.folder.parent / "mapping.yml") if m.exists()), None
        )
        entries: list[Entry] = []
        mapped: set[str] = set()
        for entry in read_mapping(mapping) if mapping else []:
            for path in data:
                if glob_of(entry.file).fullmatch(path.name):
                    entries.append(Entry(**{**entry.__dict__, "file": path.name}))
                    mapped.add(path.name)
        for path in data:
            ledger = path.name.split(".")[0]
            if path.name in mapped:
                continue
            if ledger in ledgers():
                entries.append(Entry(ledger=ledger, file=path.name))
            else:
                self.ignored.append(path.name)
        return entries

    def _check_ledgers_present(self, delivered: set[str]) -> None:
        before = {name for d in self.known.deliveries for name in self.home.record(d)["ledgers"]}
        first_dates = {d.date for d in self.known.deliveries}
        missing = [name for name in MUST_HAVE if name not in before | delivered]
        why = "must have been delivered at least once"
        if not missing and first_dates and self.delivery.date > min(first_dates):
            missing = [name for name in self.policy.expected_ledgers if name not in delivered]
            why = "must be in every delivery from the second delivery date on (policy setting expected_ledgers)"
        if missing:
            hints = [
                f"{name} looks like it: name it {near[0]}{''.join(Path(name).suffixes)} or map it in mapping.yml."
                for name in self.ignored
                if (near := difflib.get_close_matches(name.split(".")[0], missing, 1))
            ]
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing in "
                f"{self.folder}; {why}. A ledger with nothing new is a file with its header alone. {' '.join(hints)}".rstrip()
            )

    # one file into one ledger -----------------------------------------------------------------------------------

    def _take(self, number: int, entry: Entry) -> None:
        ledger = ledgers()[entry.ledger]
        file = self._file(entry, ledger)
        sources = self._sources(entry, ledger, file)
        for column, count in rows.insert_texts(
            self.connection, ledger, entry, number, file, self.delivery.name, sources
        ).items():
            if count:
                self.rounded[f"{ledger.name}.{column} in {file.name}"] = count

    def _file(self, entry: Entry, ledger: Ledger) -> SourceFile:
        if entry.file not in self.files:
            path = self.folder / entry.file
            file = open_file(path, self.delivery.name, self.pending / "scratch", entry.encoding)
            names = set(_headers(ledger)) | {s.source for s in entry.columns.values() if s and s.source}
            read_records(
                self.connection,
                file,
                self.delivery.name,
                f"file_{len(self.files)}",
                lambda header: sum(h in names for h in header),
                entry.delimiter,
            )
            self.files[entry.file] = file
            self.unmapped[entry.file] = list(file.header)
        return self.files[entry.file]

    def _sources(self, entry: Entry, ledger: Ledger, file: SourceFile) -> dict[str, ColumnSource]:
        """Column -> where its text comes from: as mapped, else the canonical or Chinese header."""
        path = self.folder / entry.file
        wanted = [c.column for c in entry.where] + ([entry.keep[1]] if entry.keep else [])
        wanted += [s.source for s in entry.columns.values() if s and s.source]
        for header in wanted:
            if header not in file.header:
                raise UsageError(
                    f"mapping.yml for {path}: column {header} is not in the file. Allowed: {', '.join(file.header)}."
                )
        headers = _headers(ledger)
        sources: dict[str, ColumnSource] = {}
        for header in file.header:
            column = headers.get(header) or headers.get(header.lower())
            if column is None or column in entry.columns:
                continue
            if column in sources:
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path}, line 1: {sources[column].source} and {header} both name the "
                    f"column {column}. Keep one of them, or say in mapping.yml which one counts."
                )
            sources[column] = ColumnSource(source=header)
        sources |= {column: source for column, source in entry.columns.items() if source is not None}
        missing = [column for column in ledger.required if column not in sources]
        if missing:
            chinese = {c: "/".join(ledger.columns[c].zh) for c in missing}
            raise DeliveryRefused(
                f"Delivery {self.delivery}: {path}, line 1: the {ledger.name} ledger needs "
                + ", ".join(f"{c} ({chinese[c]})" for c in missing)
                + f"; the header has {', '.join(repr(h) for h in file.header[:40])}. Deliver the file with these columns, "
                "or map its own headers in mapping.yml."
            )
        used = {s.source for s in sources.values()} | set(wanted)
        self.unmapped[file.name] = [h for h in self.unmapped[file.name] if h not in used]
        return sources

    # what was known before --------------------------------------------------------------------------------------

    def _attach_history(self) -> None:
        for name, ledger in ledgers().items():
            attach_history(
                self.connection, self.home, ledger, self.known.deliveries, f"history_{name}", bool(self.known.withdrawn)
            )
        attach_open_quarantine(self.connection, self.home, self.known.deliveries)

    # control file -----------------------------------------------------------------------------------------------

    def _control(self) -> dict[str, dict[str, str]]:
        """delivery.csv by file name; its row counts and hashes are checked here, its amounts once rows are typed."""
        path = self.folder / "delivery.csv"
        if not path.exists():
            if self.policy.flag("control_file_required"):
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path} is missing, and the policy setting control_file_required is true."
                )
            return {}
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            listed = {row.get("file") or "": row for row in reader}
            header = reader.fieldnames or []
        if "file" not in header or "rows" not in header:
            raise DeliveryRefused(f"Delivery {self.delivery}: {path}, line 1: needs the columns file and rows.")
        present = {p.name for p in _content_files(self.folder)} - {"mapping.yml", "delivery.csv"}
        for name in sorted(listed.keys() ^ present):
            said = "is listed but was not delivered" if name in listed else "was delivered but is not listed"
            raise DeliveryRefused(f"Delivery {self.delivery}: control file {path}: {name} {said}. Nothing was loaded.")
        for line, (name, row) in enumerate(listed.items(), start=2):
            expected = (row.get("sha256") or "").strip().lower()
            found = sha256_of(self.folder / name)
            if expected and expected != found:
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: control file {path}, line {line}: {name} should have sha256 {expected}, "
                    f"but has {found}. Nothing was loaded; deliver the file again."
                )
        return listed

    def _check_amounts(self, control: dict[str, dict[str, str]], entries: list[Entry], ledger: str) -> None:
        """Rows and amounts against delivery.csv, for the files whose first ledger this is."""
        path = self.folder / "delivery.csv"
        lines = {name: line for line, name in enumerate(control, start=2)}
        first = {entry.file: (number, entry.ledger) for number, entry in reversed(list(enumerate(entries, start=1)))}
        for name, (number, of) in first.items():
            if of != ledger:
                continue
            said_rows, said_amount = (control[name].get(c) or "" for c in ("rows", "amount_total"))
            where = f"Delivery {self.delivery}: control file {path}, line {lines[name]}"
            try:
                rows_expected = int(said_rows)
                amount_expected = Decimal(said_amount.replace(",", "")) if said_amount.strip() else None
            except (ValueError, InvalidOperation):
                raise DeliveryRefused(
                    f"{where}: {said_rows!r} and {said_amount!r} are not a count and an amount."
                ) from None
            found_rows, found_amount = self.connection.sql(
                f"select count(*), coalesce(sum(_amount), 0) from typed_{ledger} where _entry = {number}"
            ).fetchone()
            if found_rows != rows_expected:
                raise DeliveryRefused(
                    f"{where}: {name} should have {rows_expected} rows, but has {found_rows}. Nothing was loaded."
                )
            if amount_expected is not None and amount_expected != found_amount:
                raise DeliveryRefused(
                    f"{where}: the amounts of {name} should add up to {amount_expected}, but add up to {found_amount} "
                    f"(difference {found_amount - amount_expected}). Nothing was loaded."
                )

    # what the gate looks at -------------------------------------------------------------------------------------

    def _write_gate_database(self, entries: list[Entry]) -> None:
        """landing_gate.duckdb, schema gate: totals per file and ledger, warnings, quarantine; the landing gate reads it."""
        c = self.connection
        c.execute(f"attach {quote(str(self.pending / 'landing_gate.duckdb'))} as gates; create schema gates.gate;")
        delivery = quote(self.delivery.name)
        outcomes = ("filtered", "loaded", "duplicate", "quarantined")
        counted = ", ".join(f"count(*) filter (where _outcome = '{o}') as rows_{o}" for o in outcomes)
        summed = ", ".join(
            f"coalesce(sum(_amount) filter (where _outcome = '{o}'), 0)::decimal(38, 2) as amount_{o}" for o in outcomes
        )
        # what was read is counted apart from what became of it, so that a lost row shows
        read = " union all ".join(
            f"select _entry as entry, _file as file, {quote(name)} as ledger, count(*) as rows_read, "
            f"sum(_amount)::decimal(38, 2) as amount_read from typed_{name} where _entry > 0 group by all"
            for name in ledgers()
        )
        became = " union all ".join(
            f"select _entry as entry, _file as file, {quote(name)} as ledger, {counted}, {summed} "
            f"from row_{name} where _entry > 0 group by all"
            for name in ledgers()
        )
        listed = ", ".join(
            f"({n}, {quote(e.file)}, {quote(e.ledger)}, {self.files[e.file].rows})" for n, e in enumerate(entries, 1)
        )
        c.execute(
            f"""
            create table gates.gate.file_totals as
            with entries (entry, file, ledger, rows_in_file) as (values {listed}),
            read as ({read}),
            became as ({became})
            select
                {delivery} as delivery, entry, file, ledger,
                rows_in_file::bigint as rows_read,
                {", ".join(f"coalesce(rows_{o}, 0)::bigint as rows_{o}" for o in outcomes)},
                coalesce(amount_read, 0)::decimal(38, 2) as amount_read,
                {", ".join(f"coalesce(amount_{o}, 0)::decimal(38, 2) as amount_{o}" for o in outcomes)}
            from entries
            left join read using (entry, file, ledger)  -- a miss: a header alone
            left join became using (entry, file, ledger)
            order by entry
            """
        )
        rate = self.policy.number("max_quarantine_rate")
        c.execute(
            f"""
            create table gates.gate.ledger_totals as
            select
                delivery, ledger,
                sum(rows_read)::bigint as rows_read, sum(rows_loaded)::bigint as rows_loaded,
                sum(rows_duplicate)::bigint as rows_duplicate, sum(rows_filtered)::bigint as rows_filtered,
                sum(rows_quarantined)::bigint as rows_quarantined,
                sum(amount_read)::decimal(38, 2) as amount_read,
                sum(amount_quarantined)::decimal(38, 2) as amount_quarantined,
                case when sum(rows_read) = 0 then 0 else sum(rows_quarantined)::double / sum(rows_read) end::decimal(9, 6)
                    as quarantine_rate_rows,
                case
                    when sum(amount_read) = 0 then 0 else least(1, greatest(0, sum(amount_quarantined)::double / sum(amount_read)))
                end::decimal(9, 6) as quarantine_rate_amount,
                {rate}::decimal(9, 6) as max_quarantine_rate
            from gates.gate.file_totals
            group by delivery, ledger;

            create table gates.gate.quarantine as
            select {delivery} as delivery, ledger, file, line, array_to_string(reasons, ', ') as reasons, key from quarantine;

            create table gates.gate.required_ledgers as
            select {delivery} as delivery, ledger, true as delivered from gates.gate.ledger_totals;

            create table gates.gate.warnings (delivery varchar, ledger varchar, rule varchar, key varchar, detail varchar);
            """
        )
        for query in self._warnings():
            c.execute(f"insert into gates.gate.warnings select {delivery}, * from ({query})")
        c.execute("detach gates")

    def _warnings(self) -> Iterator[str]:
        """Queries for (ledger, rule, key, detail): rows that are loaded, and that somebody should look at."""
        for name, ledger in ledgers().items():
            if ledger.happened:
                yield (
                    f"select '{name}', 'dated_after_delivery', _key, '{ledger.happened} ' || {ledger.happened}::varchar "
                    f"from row_{name} where _outcome = 'loaded' and {ledger.happened}::date > date '{self.delivery.date}'"
                )
        loans = """
            select loan_id, arg_max(principal, _delivery_no) as principal, arg_max(disbursed_on, _delivery_no) as disbursed_on
            from (
                select loan_id, principal, disbursed_on, _delivery_no from history_loans
                union all
                select loan_id, principal, disbursed_on, 99999999999999 from row_loans where _outcome = 'loaded'
            )
            group by loan_id
        """
        yield f"""
            select 'repayments', 'before_disbursement', r._key, 'paid_on ' || r.paid_on || ', loan ' || loan_id || ' disbursed on ' || l.disbursed_on
            from row_repayments as r inner join ({loans}) as l using (loan_id)
            where r._outcome = 'loaded' and r.paid_on < l.disbursed_on
        """
        yield """
            select 'loans', 'no_installments', _key, 'owes its principal on ' || coalesce(matures_on::varchar, 'no date')
            from row_loans
            where _outcome = 'loaded' and loan_id not in (
                select loan_id from history_installments
                union all
                select loan_id from row_installments where _outcome = 'loaded'
            )
        """
        yield f"""
            with touched as (select distinct loan_id from row_installments where _outcome = 'loaded' and plan_no = 1),
            newest as (
                select loan_id, installment_no, arg_max(principal_due, _delivery_no) as principal_due
                from (
                    select loan_id, installment_no, principal_due, _delivery_no from history_installments
                    where plan_no = 1 and loan_id in (select loan_id from touched)
                    union all
                    select loan_id, installment_no, principal_due, 99999999999999 from row_installments
                    where _outcome = 'loaded' and plan_no = 1
                )
                group by loan_id, installment_no
            ),
            summed as (select loan_id, sum(principal_due) as planned from newest group by loan_id)
            select 'installments', 'installments_do_not_add_up', loan_id, 'installments ' || planned || ', principal ' || l.principal
            from summed inner join ({loans}) as l using (loan_id)
            where planned <> l.principal
        """
        for file, headers in self.unmapped.items():
            for header in headers:
                yield f"select null, 'unmapped_column', {quote(file)}, {quote('column ' + header + ' was kept out')}"
        for file in self.ignored:
            yield f"select null, 'ignored_file', {quote(file)}, 'not named after a ledger and not mapped'"
        for what, count in self.rounded.items():
            yield f"select null, 'rounded', {quote(what)}, '{count} amounts rounded half up to 2 decimals'"

    # what is written down ---------------------------------------------------------------------------------------

    def _record(self, entries: list[Entry]) -> dict[str, Any]:
        gate = duckdb.connect(str(self.pending / "landing_gate.duckdb"), read_only=True)
        try:
            totals = _dicts(gate.sql("select * exclude (delivery) from gate.file_totals order by entry"))
            by_ledger = _dicts(gate.sql("select * exclude (delivery, max_quarantine_rate) from gate.ledger_totals"))
            warnings = dict(gate.sql("select rule, count(*) from gate.warnings group by rule order by rule").fetchall())
        finally:
            gate.close()
        tried_again = {
            name: self.connection.sql(
                f"select count(*) from row_{name} where _entry = 0 and _outcome in ('loaded', 'duplicate')"
            ).fetchone()[0]
            for name in ledgers()
        }
        closed = self.connection.sql("select count(*) from closed").fetchone()[0]
        content = [
            {
                "file": p.name,
                "sha256": self.files[p.name].sha256 if p.name in self.files else sha256_of(p),
                **_fingerprint(p),
            }
            for p in _content_files(self.folder)
        ]
        return {
            "delivery": self.delivery.name,
            "content": content,
            "files": [
                {
                    "file": file.name,
                    "sha256": file.sha256,
                    "rows": file.rows,
                    "encoding": file.encoding,
                    "delimiter": file.delimiter,
                    "unmapped_columns": self.unmapped[file.name],
                    "ledgers": [{k: v for k, v in t.items() if k != "file"} for t in totals if t["file"] == file.name],
                }
                for file in self.files.values()
            ],
            "ledgers": {t["ledger"]: {k: v for k, v in t.items() if k != "ledger"} for t in by_ledger},
            "ignored_files": self.ignored,
            "rounded": self.rounded,
            "warnings": warnings,
            "loaded_from_quarantine": {name: count for name, count in tried_again.items() if count},
            "quarantine_entries_closed": closed,
        }


def attach_history(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    ledger: Ledger,
    deliveries: tuple[Delivery, ...],
    view: str,
    with_duplicates: bool,
) -> None:
    """A view over what `deliveries` loaded of a ledger, all versions.

    Where a delivery was withdrawn, rows that later deliveries repeated stand for themselves again: their duplicates are
    part of the view (they equal what they repeat, so nothing else changes).
    """
    suffixes = ["", ".duplicate"] if with_duplicates else [""]
    files = [home.raw_of(d) / f"{ledger.name}{suffix}.parquet" for d in deliveries for suffix in suffixes]
    files = [f for f in files if f.exists()]
    columns = {c.name: c.sql_type for c in ledger.columns.values()} | {
        "_delivery": "varchar",
        "_delivery_no": "bigint",
        "_origin": "varchar",
        "_file": "varchar",
        "_line": "bigint",
        "_key": "varchar",
        "_hash": "varchar",
    }
    if files:
        listed = ", ".join(quote(str(f)) for f in files)
        connection.execute(
            f"create or replace view {view} as select {', '.join(columns)} from read_parquet([{listed}])"
        )
    else:
        empty = ", ".join(f"null::{kind} as {name}" for name, kind in columns.items())
        connection.execute(f"create or replace view {view} as select {empty} where false")


def attach_open_quarantine(
    connection: duckdb.DuckDBPyConnection, home: Home, deliveries: tuple[Delivery, ...], view: str = "open_quarantine"
) -> None:
    """A view of the quarantine entries of `deliveries` that no later one of them closed, and `is_open` false for the rest."""
    empty = (
        "select null::varchar as ledger, null::varchar as delivery, null::varchar as file, null::bigint as line, "
        "null::integer as entry, null::varchar[] as reasons, null::varchar as key, null::varchar as customer_id, "
        "null::varchar as loan_id, null::decimal(38, 2) as amount, null::varchar as texts, null::varchar as raw, "
        "null::varchar as _delivery, null::bigint as _delivery_no where false"
    )
    no_closings = (
        "select null::varchar as ledger, null::varchar as delivery, null::varchar as file, null::bigint as line, "
        "null::integer as entry, null::varchar as how where false"
    )
    entries, closings = empty, no_closings
    if deliveries:
        folders = [home.raw_of(d) for d in deliveries]
        entries = f"select * from read_parquet([{', '.join(quote(str(f / 'quarantine.parquet')) for f in folders)}])"
        closings = f"select * from read_parquet([{', '.join(quote(str(f / 'closed.parquet')) for f in folders)}])"
    connection.execute(
        f"""
        create or replace view all_quarantine as
        select q.*, c.ledger is null as is_open, c.how as closed_how
        from ({entries}) as q
        left join ({closings}) as c using (ledger, delivery, file, line, entry);  -- a miss: still open
        create or replace view {view} as select * exclude (is_open, closed_how) from all_quarantine where is_open;
        """
    )


def _headers(ledger: Ledger) -> dict[str, str]:
    """Every header the contract knows for a ledger -> its column."""
    known = {name: name for name in ledger.columns}
    for column in ledger.columns.values():
        for zh in column.zh:
            known.setdefault(zh, column.name)
    return known


def _dicts(relation: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


__all__ = [
    "Prepared",
    "attach_history",
    "attach_open_quarantine",
    "commit",
    "find_new_deliveries",
    "first_line",
    "prepare",
]
