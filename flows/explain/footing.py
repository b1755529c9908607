"""What an explanation stands on: a publication where one is kept, its policy, and rows of the raw history with where they stand."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from flows.chain import manifest_in
from flows.database import connect, identifier, quote, quote_path
from flows.dates import day_of
from flows.errors import UsageError
from flows.evidence.calendars import PolicyCalendar
from flows.evidence.recompute import BucketScheme, Calendar, Ledgers, Row, Terms, delivery_of, loan_aging, terms_of
from flows.history import attach_history, attach_open_quarantine
from flows.home import Home, Knowledge, existing_home, knowledge, parse_known_at
from flows.ledgers import ledgers
from flows.policy import Policy, read_policy

# Free text of a ledger, which no figure follows from and in which a name may stand.
FREE_TEXT = ("purpose", "reason", "product_name")
# What of it a rule asks for is read as a code alone.
CODED = {"pauses": ("case when reason = 'technical' then reason end as reason",)}
PLACE = ("_delivery", "_origin", "_file", "_line", "_hash")


@dataclass
class Footing:
    """One as-of date and one point of knowledge, the policy that counts, and every row that was read so far."""

    home: Home
    as_of: date
    known: Knowledge
    policy: Policy
    publication: Path | None
    manifest: dict[str, Any] | None
    notes: list[str] = field(default_factory=list)  # codes of what to know, see words.py
    rows: list[dict[str, Any]] = field(default_factory=list)  # shown: number, ledger, place, values
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return connect()

    def read(self, ledger: str, **where: Any) -> list[Row]:
        """Rows of a ledger as known, oldest knowledge first, each with its number among the rows shown (`_no`)."""
        about = ledgers()[ledger]
        columns = [c.name for c in about.columns.values() if not c.personal and c.name not in FREE_TEXT]
        selected = [*map(identifier, columns), *CODED.get(ledger, ()), *PLACE]
        self._ask(ledger, where)
        found = self.connection.sql(f"select {', '.join(selected)} from asked order by _delivery_no, _file, _line")
        names = found.columns
        return [self._show(ledger, dict(zip(names, row, strict=True))) for row in found.fetchall()]

    def ids(self, ledger: str, key: str, **where: Any) -> set[str]:
        """Keys of rows of a ledger; the rows are not shown."""
        self._ask(ledger, where)
        return {found for (found,) in self.connection.sql(f"select distinct {identifier(key)} from asked").fetchall()}

    def _ask(self, ledger: str, where: Mapping[str, Any]) -> None:
        """The view `asked`: all that is known of these rows."""
        tests = " and ".join(
            f"{identifier(column)} in ({', '.join(map(quote, _texts(value)))})" for column, value in where.items()
        )
        known = self.known
        attach_history(
            self.connection, self.home, ledgers()[ledger], known.deliveries, "asked", bool(known.withdrawn), where=tests
        )

    def _show(self, ledger: str, row: Row) -> Row:
        place = (ledger, row["_delivery"], row["_file"], row["_line"])
        if place not in self._numbers:
            self._numbers[place] = len(self.rows) + 1
            values = {name: value for name, value in row.items() if name not in PLACE and value is not None}
            where = {name[1:]: row[name] for name in PLACE}
            self.rows.append({"no": self._numbers[place], "ledger": ledger, **where, "values": values})
        return {**row, "_no": self._numbers[place]}

    def files(self) -> dict[tuple[str, str], str]:
        """(delivery, file) -> sha256 of the file as it was delivered, of the files that rows shown stand in."""
        found = {}
        for delivery in sorted({row["origin"] for row in self.rows}):
            page = self.home.raw / delivery / "delivery.json"
            if page.exists():
                import json

                for file in json.loads(page.read_bytes())["files"]:
                    found[delivery, file["file"]] = file["sha256"]
        return found

    def mart(self, name: str, **where: Any) -> list[Row]:
        """Rows of a published mart; none where nothing is published for this date and knowledge."""
        path = self.publication / "parquet" / f"{name}.parquet" if self.publication else None
        if path is None or not path.exists():
            return []
        # no parameters: to bind them, DuckDB imports pandas, which takes longer than all the rest
        tests = " and ".join(f"{identifier(column)} = {quote(str(value))}" for column, value in where.items())
        found = self.connection.execute(f"select * from read_parquet({quote_path(path)}) where {tests} order by all")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def waiting(self, **where: str) -> list[Row]:
        """Rows in quarantine: where they stand and why, never what they say."""
        attach_open_quarantine(self.connection, self.home, self.known.deliveries)
        tests = " and ".join(f"{identifier(column)} = {quote(value)}" for column, value in where.items())
        found = self.connection.execute(
            f"select ledger, delivery, file, line, reasons from open_quarantine where {tests} order by all"
        )
        names = ("ledger", "delivery", "file", "line", "reasons")
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def loans(self, ledgers: Ledgers, day: date | None = None) -> dict[str, Row]:
        """`loan_aging` of these rows under this policy, by loan; as of a day, or of what is asked for."""
        return loan_aging(
            ledgers,
            day or self.as_of,
            calendar=self.calendar,
            attribute_lag_days=self.lag_days,
            fpd_days=int(self.policy.settings["fpd_days"]),
            bucket_schemes=self.bucket_schemes,
            defaults=self.house_terms,
        )

    # The policy

    def seed(self, name: str, **where: str) -> list[dict[str, Any]]:
        """Rows of a seed with the line on which they stand in its file."""
        return [
            {**row, "_line": line}
            for line, row in enumerate(self.policy.seeds[name].rows, start=2)
            if all(row[column] == value for column, value in where.items())
        ]

    def is_in_force(self, row: Mapping[str, str]) -> bool:
        first, last = row.get("valid_from") or "0001-01-01", row.get("valid_to") or "9999-12-31"
        return first <= str(self.as_of) <= last

    @property
    def lag_days(self) -> int:
        return int(self.policy.settings["attribute_lag_days"])

    @cached_property
    def house_terms(self) -> Terms:
        (row,) = self.seed("convention_default")
        types = {name: type(getattr(Terms(), name)) for name in Terms.__dataclass_fields__}
        given = {n: (row[n] == "true" if kind is bool else kind(row[n])) for n, kind in types.items() if row.get(n)}
        return terms_of(given, Terms())

    @cached_property
    def day_names(self) -> dict[str, dict[date, dict[str, str]]]:
        """Days that the calendars name: country -> day -> its row of the seed."""
        found: dict[str, dict[date, dict[str, str]]] = defaultdict(dict)
        with open(self.policy.seeds["calendar_day"].path, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                found[row["calendar"]][date.fromisoformat(row["day"])] = row
        return found

    @cached_property
    def calendar(self) -> Calendar:
        kinds = {country: {day: row["kind"] for day, row in days.items()} for country, days in self.day_names.items()}
        return PolicyCalendar(kinds)

    def days(self, country: str, first: date, last: date) -> list[dict[str, Any]]:
        """Each day of a span, whether anybody works on it, and why not (or why, on a weekend)."""
        calendar = self.calendar.of(Terms(calendar=country))
        found = []
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            named = self.day_names[country].get(day, {})
            found.append(
                {
                    "day": day,
                    "weekday": day.isoweekday(),
                    "is_working_day": calendar.is_working_day(day),
                    "name_zh": named.get("name_zh"),
                    "name_en": named.get("name_en"),
                }
            )
        return found

    @cached_property
    def bucket_schemes(self) -> dict[str, BucketScheme]:
        """As `reperform` reads them: those in force on the day; one that begins at 1 day has `current` before it."""
        schemes: dict[str, list[tuple[str, int, int | None]]] = defaultdict(list)
        for row in self.seed("bucket_scheme"):
            if self.is_in_force(row):
                last = int(row["upper_days"]) if row["upper_days"] else None
                schemes[row["scheme"]].append((row["bucket"], int(row["lower_days"]), last))
        for name, rows in schemes.items():
            rows.sort(key=lambda one: one[1])
            schemes[name] = [("current", 0, 0), *rows] if rows[0][1] > 0 else rows
        return schemes

    def ledgers_of(self, **rows: list[Row]) -> Ledgers:
        """Rows as the recomputation takes them."""
        return {
            name: [{**row, "_delivery": delivery_of(row["_delivery"])} for row in found] for name, found in rows.items()
        }


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | set | tuple) else [str(value)]


def stand_on(root: Path, as_of: str | None, known_at: str | None) -> Footing:
    """What was published for a date and a knowledge, where it is kept; else what would be said from what is loaded."""
    from flows.publish import publications_of

    place = existing_home(root)
    day, upto = day_of("--as-of", as_of), parse_known_at(known_at)
    known = knowledge(place, upto)
    if not known.deliveries:
        asked = f" up to --known-at {known_at}" if known_at else ""
        raise UsageError(f"No delivery is loaded in {root}{asked}. Give one that is; `arrears status` lists them.")
    current = place.current.resolve() if place.current.exists() else None
    if day is None:
        if current is None:
            raise UsageError(f"Nothing is published in {root} yet. Give --as-of DATE, or run `arrears nightly` first.")
        day = date.fromisoformat(current.name[:10])
    kept = [
        (folder == current, manifest["run_id"], folder, manifest)
        for folder, manifest in publications_of(place).items()
        if str(day) in manifest["dates"] and (upto is None or manifest["known_at"] == known.known_at)
    ]
    if not kept:
        policy, notes = _policy_of(place, current and current.name[11:])
        late = ["beyond"] if max(d.date for d in known.deliveries) < day else []
        return Footing(place, day, known, policy, None, None, ["not_published", *late, *notes])
    _, run_id, folder, manifest = max(kept, key=lambda one: one[:2])
    from flows.reproduce import knowledge_of

    policy, notes = _policy_of(place, run_id)
    return Footing(place, day, knowledge_of(manifest), policy, folder, manifest, notes)


def _policy_of(home: Home, run_id: str | None) -> tuple[Policy, list[str]]:
    """The policy of a run from its audit pack; the shipped one, and a note, where an older version kept none."""
    seeds = home.audit / (run_id or "") / "seeds"
    if run_id and seeds.is_dir():
        return read_policy(seeds), []
    policy = read_policy()
    if run_id is None:
        return policy, ["shipped_policy"]
    same = manifest_in(home.audit / run_id).get("policy_version") == policy.version
    return policy, [] if same else ["other_policy"]
