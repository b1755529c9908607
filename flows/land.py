"""Land: take new deliveries from LANDING, type and judge every row, and keep what stands as immutable history.

A delivery is prepared in HOME/warehouse/pending/<delivery>; only when the landing gate has passed it does one rename
make it part of HOME/warehouse/raw. Until then it may be corrected in place, and a kill leaves nothing half loaded.
"""

from __future__ import annotations

import csv
import difflib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from flows.database import connect
from flows.errors import DeliveryRefused, UsageError
from flows.home import Delivery, Home, knowledge, now_text, sync, sync_files, write_json
from flows.landing import rows
from flows.landing.files import DATA_FILE, SourceFile, open_file, quote, quote_path, read_records, sha256_of
from flows.landing.mapping import ColumnSource, Entry, glob_of, read_mapping
from flows.ledgers import Ledger, ledgers
from flows.policy import Policy

OWN_FILES = {"mapping.yml", "delivery.csv"}
CONTROL_COLUMNS = ("file", "rows", "amount_total", "sha256")
Rows = list[dict[str, Any]]
# A row whose fields shifted may hold a name where its key should be: its key is not shown outside the warehouse.
SHIFTED = ("ragged_row", "malformed_quotes")
WITH_PERSONAL_DATA = tuple(
    name for name, ledger in ledgers().items() if any(c.personal for c in ledger.columns.values())
)
SHOWN_KEY = (
    f"case when ledger in {WITH_PERSONAL_DATA} and list_has_any(reasons, {list(SHIFTED)}) then null else key end"
)

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
            f"--landing {landing}: {'this is no folder' if landing.exists() else 'there is no such folder'}. Give the folder that holds the deliveries "
            "(folders named 2026-11-22, 2026-11-22.2, …)."
        )
    found = sorted(d for d in (_delivery_of(p) for p in landing.iterdir()) if d)
    loaded = home.loaded()
    for delivery in found:
        if delivery in loaded:
            _refuse_if_changed(landing / delivery.name, home, delivery, _free_name(loaded, found))
    new = [d for d in found if d not in loaded and (upto is None or d <= upto)]
    if new and loaded and new[0] < loaded[-1]:
        raise DeliveryRefused(
            f"Delivery {new[0]}: it sorts before {loaded[-1]}, which is loaded already, and knowledge only grows. "
            f"Nothing of it was loaded; deliver it as {_free_name(loaded, found)} or under a later date."
        )
    return new


def _free_name(loaded: list[Delivery], found: list[Delivery]) -> Delivery:
    """The first name that is taken by nothing and sorts after all that is loaded."""
    return max(d for d in [*loaded, *found] if d.date == loaded[-1].date).next


def unknown_folders(landing: Path) -> list[str]:
    """Folders in LANDING whose names are no delivery's; they are left alone and named in the log."""
    return sorted(p.name for p in landing.iterdir() if p.is_dir() and not _delivery_of(p) and p.name[0] != ".")


def _delivery_of(folder: Path) -> Delivery | None:
    """The delivery that a folder holds; `2026-11-22.1` is no name of one, since `2026-11-22` is."""
    delivery = Delivery.parse(folder.name)
    return delivery if delivery and delivery.name == folder.name and folder.is_dir() else None


def _fingerprint(path: Path) -> dict[str, Any]:
    """What tells at once that a file is untouched (its content hash decides where this differs)."""
    facts = path.stat()
    return {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "ctime_ns": facts.st_ctime_ns, "inode": facts.st_ino}


def _content_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and (p.name in OWN_FILES or DATA_FILE.fullmatch(p.name)))


def _refuse_if_changed(folder: Path, home: Home, delivery: Delivery, free: Delivery) -> None:
    record = home.record(delivery)
    then = {f["file"]: f for f in record["content"]}
    now = {p.name: p for p in _content_files(folder)}
    said = [f"{name} was removed" for name in sorted(then.keys() - now.keys())]
    said += [f"{name} was added" for name in sorted(now.keys() - then.keys())]
    for name in sorted(then.keys() & now.keys()):
        same = all(then[name][key] == value for key, value in _fingerprint(now[name]).items())
        if not same and sha256_of(now[name]) != then[name]["sha256"]:
            said.append(f"{name} was changed")
    if said:
        raise DeliveryRefused(
            f"Delivery {delivery}: {', '.join(said)} in {folder} after it was loaded on {record['loaded_at']}; what was "
            f"loaded stands. Restore the folder as it was, and deliver the correction as {free} or under a later date "
            f"(or withdraw the delivery: arrears withdraw {delivery} --reason …)."
        )


def prepare(landing: Path, home: Home, delivery: Delivery, policy: Policy) -> Prepared:
    """Read, type and judge one delivery into pending/; refuses what cannot be taken as a whole."""
    folder = home.pending(delivery)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "scratch").mkdir(parents=True)
    work = _Landing(landing / delivery.name, home, delivery, policy, folder)
    try:
        record = work.run()
    except BaseException:
        work.connection.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    work.connection.close()
    shutil.rmtree(folder / "scratch")
    return Prepared(delivery, folder, record)


def commit(home: Home, prepared: Prepared) -> None:
    """The gate has passed: one rename, and the delivery is loaded."""
    prepared.gate_database.unlink(missing_ok=True)
    prepared.record["loaded_at"] = now_text()
    write_json(prepared.folder / "delivery.json", prepared.record)
    sync_files(prepared.folder)
    prepared.folder.rename(home.raw_of(prepared.delivery))
    sync(home.raw)


class _Landing:
    """One delivery on its way; every step leaves tables in the scratch database."""

    def __init__(self, folder: Path, home: Home, delivery: Delivery, policy: Policy, pending: Path) -> None:
        self.folder, self.home, self.delivery, self.policy, self.pending = folder, home, delivery, policy, pending
        self.known = knowledge(home)
        self.connection = connect(temp_directory=str(pending / "scratch" / "spill"))
        self.connection.execute("set TimeZone = 'Asia/Shanghai'")
        self.connection.execute((Path(rows.__file__).parent / "typing.sql").read_text("utf-8"))
        self.touched: dict[str, Ledger] = {}
        self.files: dict[str, SourceFile] = {}
        self.done: set[int] = set()  # numbers of the entries that were taken
        self.unmapped: dict[str, list[str]] = {}
        self.rounded: dict[str, int] = {}
        self.ignored: list[str] = []
        self.absent: list[str] = []

    def run(self) -> dict[str, Any]:
        entries = self._entries()
        control = self._control()
        self._check_ledgers_present({e.ledger for e in entries})
        self._attach_history()
        self._find_touched({e.ledger for e in entries})
        rows.create_accounts(self.connection)
        for name, ledger in ledgers().items():
            if name not in self.touched:
                rows.show_untouched(self.connection, ledger)
                continue
            rows.create_text_table(self.connection, ledger)
            keeps = self._take(ledger, entries)
            if self.known.deliveries:
                rows.insert_retried(self.connection, ledger)
            rows.type_rows(self.connection, ledger, self.policy)
            if control:
                self._check_amounts(control, entries, name)
            rows.judge_rows(self.connection, ledger, keeps)
            rows.write_rows(self.connection, ledger, self.delivery, self.pending)
            rows.account_for(self.connection, ledger)
        rows.write_quarantine(self.connection, self.delivery, self.pending)
        return self._record(*self._write_gate_database(entries))

    # which file feeds which ledger ------------------------------------------------------------------------------

    def _entries(self) -> list[Entry]:
        """Mapping entries in order, then the files that are named after their ledger."""
        for path in sorted(self.folder.iterdir()):
            if DATA_FILE.fullmatch(path.name) and not path.is_file():
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path} is a folder or a link that leads nowhere. Nothing was loaded; put the "
                    "file in its place."
                )
        data = [p for p in _content_files(self.folder) if p.name not in OWN_FILES]
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

    def _find_touched(self, delivered: set[str]) -> None:
        """Ledgers that have something to judge: what is delivered, and what waits for a parent; parents first."""
        waiting = {
            name
            for (name,) in self.connection.sql(
                "select distinct ledger from open_quarantine where only_orphan(reasons)"
            ).fetchall()
        }
        self.touched = {name: ledger for name, ledger in ledgers().items() if name in delivered | waiting}

    def _check_ledgers_present(self, delivered: set[str]) -> None:
        before = {name for d in self.known.deliveries for name in self.home.record(d)["ledgers"]}
        dates = {d.date for d in self.known.deliveries}
        missing = [name for name in MUST_HAVE if name not in before | delivered]
        why = "must have been delivered at least once"
        if not missing and dates and self.delivery.date > min(dates):
            missing = [name for name in self.policy.expected_ledgers if name not in delivered]
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

    # one file into one ledger -----------------------------------------------------------------------------------

    def _take(self, ledger: Ledger, entries: list[Entry]) -> dict[int, str]:
        """Take every file that feeds a ledger; returns which row `keep` chooses, by turn."""
        keeps: dict[int, str] = {}
        for number, entry in enumerate(entries, start=1):
            if entry.ledger != ledger.name:
                continue
            file = self._file(entry, ledger, entries)
            sources = self._sources(entry, ledger, file)
            rounded = rows.insert_texts(self.connection, ledger, entry, number, file, self.delivery, sources)
            for column, count in rounded.items():
                if count:
                    what = f"{ledger.name}.{column} in {file.name}"
                    self.rounded[what] = self.rounded.get(what, 0) + count
            if entry.keep:
                keeps[entry.turn] = entry.keep[0]
            self.done.add(number)
            if all(n in self.done for n, e in enumerate(entries, start=1) if e.file == entry.file):
                self.connection.execute(f"drop table {file.table}")
        return keeps

    def _file(self, entry: Entry, ledger: Ledger, entries: list[Entry]) -> SourceFile:
        if entry.file not in self.files:
            path = self.folder / entry.file
            same = [e for e in entries if e.file == entry.file]
            encoding = next((e.encoding for e in same if e.encoding), None)
            delimiter = next((e.delimiter for e in same if e.delimiter), None)
            file = open_file(path, self.delivery.name, self.pending / "scratch", encoding)
            names = set(_headers(ledger)) | {header for s in entry.columns.values() if s for header in s.sources}
            read_records(
                self.connection,
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
        headers = _headers(ledger)
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

    # what was known before --------------------------------------------------------------------------------------

    def _attach_history(self) -> None:
        for name, ledger in ledgers().items():
            attach_history(
                self.connection, self.home, ledger, self.known.deliveries, f"history_{name}", bool(self.known.withdrawn)
            )
        attach_open_quarantine(self.connection, self.home, self.known.deliveries)

    # control file -----------------------------------------------------------------------------------------------

    def _control(self) -> dict[str, dict[str, str]]:
        """delivery.csv by file name; its list and hashes are checked here, rows and amounts once they are typed."""
        path = self.folder / "delivery.csv"
        if not path.exists():
            if self.policy.flag("control_file_required"):
                raise DeliveryRefused(
                    f"Delivery {self.delivery}: {path} is missing, and the policy setting control_file_required is true."
                )
            return {}
        where = f"Delivery {self.delivery}: control file {path}"
        listed: dict[str, dict[str, str]] = {}
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                header = reader.fieldnames or []
                if missing := [c for c in ("file", "rows") if c not in header]:
                    raise DeliveryRefused(
                        f"{where}, line 1: the column {' and '.join(missing)} is missing. Needed: file, rows; optional: "
                        "amount_total, sha256. Nothing was loaded."
                    )
                for row in reader:
                    name = (row["file"] or "").strip()
                    if name in listed:
                        raise DeliveryRefused(
                            f"{where}, line {reader.line_num}: {name} is listed twice. Nothing was loaded."
                        )
                    listed[name] = {key: (value or "").strip() for key, value in row.items() if key in CONTROL_COLUMNS}
                    listed[name]["line"] = str(reader.line_num)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DeliveryRefused(f"{where}: not readable as CSV in UTF-8 ({error}). Nothing was loaded.") from error
        present = {p.name for p in _content_files(self.folder)} - OWN_FILES
        faults = [f"{name} is listed but was not delivered" for name in sorted(listed.keys() - present)]
        faults += [f"{name} was delivered but is not listed" for name in sorted(present - listed.keys())]
        if faults:
            raise DeliveryRefused(f"{where}: {'; '.join(faults)}. Nothing was loaded.")
        for name, row in listed.items():
            found = sha256_of(self.folder / name)
            expected = row.get("sha256", "").lower()
            if expected and expected != found:
                raise DeliveryRefused(
                    f"{where}, line {row['line']}: {name} should have sha256 {expected}, but has {found}: it is not the "
                    "file that was sent, or was cut off. Nothing was loaded; deliver the file again."
                )
        return listed

    def _check_amounts(self, control: dict[str, dict[str, str]], entries: list[Entry], ledger: str) -> None:
        """Rows and amounts against delivery.csv, for the files whose first ledger this is."""
        first = {entry.file: (number, entry.ledger) for number, entry in reversed(list(enumerate(entries, start=1)))}
        for name, (number, of) in first.items():
            if of != ledger:
                continue
            said = control[name]
            where = f"Delivery {self.delivery}: control file {self.folder / 'delivery.csv'}, line {said['line']}"
            if not re.fullmatch(r"\d{1,15}", said["rows"]):
                raise DeliveryRefused(f"{where}, rows: {said['rows']!r} is no number of rows. Nothing was loaded.")
            amount = said.get("amount_total", "").replace(",", "")
            if amount and not re.fullmatch(r"[+-]?\d{1,30}([.]\d+)?", amount):
                raise DeliveryRefused(
                    f"{where}, amount_total: {said['amount_total']!r} is no amount. Nothing was loaded."
                )
            found_rows, found_amount = self.connection.sql(
                f"select count(*), coalesce(sum(_amount), 0) from typed_{ledger} where _entry = {number}"
            ).fetchone()
            if found_rows != int(said["rows"]):
                raise DeliveryRefused(
                    f"{where}: {name} should have {said['rows']} rows, but has {found_rows}. Nothing was loaded; deliver "
                    "the file again, whole, or with the control file that belongs to it."
                )
            if amount and Decimal(amount) != found_amount:
                raise DeliveryRefused(
                    f"{where}: the amounts of {name} should add up to {amount}, but add up to {found_amount} "
                    f"(difference {found_amount - Decimal(amount)}; {ledgers()[ledger].amount or 'no amount'} of {ledger}, "
                    "untypeable ones as 0). Nothing was loaded; deliver the file again, or with its own control file."
                )

    # what the gate looks at -------------------------------------------------------------------------------------

    def _write_gate_database(self, entries: list[Entry]) -> tuple[Rows, Rows, dict[str, int]]:
        """landing_gate.duckdb, schema gate: totals per file and ledger, warnings, quarantine; the landing gate reads it.

        Returns what of it goes into the delivery's record: totals by file and by ledger, and the number of warnings by rule.
        """
        c = self.connection
        c.execute(f"attach {quote(str(self.pending / 'landing_gate.duckdb'))} as gates; create schema gates.gate;")
        delivery = quote(self.delivery.name)
        listed = ", ".join(
            f"({n}, {quote(e.file)}, {quote(e.ledger)}, {self.files[e.file].rows})" for n, e in enumerate(entries, 1)
        )
        c.execute(
            f"""
            create table gates.gate.file_totals as
            with entries (entry, file, ledger, rows_in_file) as (values {listed})
            select
                {delivery} as delivery, entry, file, ledger,
                rows_in_file::bigint as rows_read,
                {", ".join(f"coalesce(rows_{o}, 0)::bigint as rows_{o}" for o in rows.OUTCOMES)},
                coalesce(amount_read, 0)::decimal(38, 2) as amount_read,
                {", ".join(f"coalesce(amount_{o}, 0)::decimal(38, 2) as amount_{o}" for o in rows.OUTCOMES)}
            from entries
            left join account_read using (entry, ledger)  -- a miss: a header alone
            left join account_became using (entry, ledger)
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
            select {delivery} as delivery, ledger, file, line, array_to_string(reasons, ', ') as reasons, {SHOWN_KEY} as key
            from quarantine;

            create table gates.gate.required_ledgers as
            select {delivery} as delivery, ledger, true as delivered from gates.gate.ledger_totals;

            create table gates.gate.warnings (delivery varchar, ledger varchar, rule varchar, key varchar, detail varchar);
            """
        )
        for query in self._warnings():
            c.execute(f"insert into gates.gate.warnings select {delivery}, * from ({query})")
        totals = _dicts(c.sql("select * exclude (delivery) from gates.gate.file_totals order by entry"))
        by_ledger = _dicts(
            c.sql("select * exclude (delivery, max_quarantine_rate) from gates.gate.ledger_totals order by ledger")
        )
        warned = dict(c.sql("select rule, count(*) from gates.gate.warnings group by rule order by rule").fetchall())
        c.execute("detach gates")
        return totals, by_ledger, warned

    def _warnings(self) -> Iterator[str]:
        """Queries for (ledger, rule, key, detail): rows that are loaded, and that somebody should look at."""
        for name, ledger in self.touched.items():
            if ledger.happened:
                happened = ledger.happened
                if ledger.columns[happened].type == "timestamp":
                    happened = f"({happened} at time zone 'UTC')"  # as a time in Shanghai
                yield (
                    f"select '{name}', 'dated_after_delivery', _key, '{ledger.happened} ' || {happened}::varchar "
                    f"from row_{name} where _outcome = 'loaded' and {happened}::date > date '{self.delivery.date}'"
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
            with touched as (
                select loan_id from row_installments where _outcome = 'loaded' and plan_no = 1
                union
                select loan_id from row_loans where _outcome = 'loaded'
            ),
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

    def _record(self, totals: Rows, by_ledger: Rows, warnings: dict[str, int]) -> dict[str, Any]:
        tried_again = {
            name: self.connection.sql(
                f"select count(*) from row_{name} where _entry = 0 and _outcome in ('loaded', 'duplicate')"
            ).fetchone()[0]
            for name in self.touched
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
        listed = ", ".join(map(quote_path, files))
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
        entries = f"select * from read_parquet([{', '.join(quote_path(f / 'quarantine.parquet') for f in folders)}])"
        closings = f"select * from read_parquet([{', '.join(quote_path(f / 'closed.parquet') for f in folders)}])"
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


def _dicts(relation: duckdb.DuckDBPyRelation) -> Rows:
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
