"""Policy: the shipped seeds, overlaid by `--policy DIR`, checked, and named by one hash (`policy_version`)."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path

import yaml

from flows.errors import UsageError
from flows.ledgers import ledgers
from flows.policy_risk import check_risk

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "seeds"


@dataclass(frozen=True)
class Seed:
    """One policy table: its file in use, and where it came from."""

    name: str
    path: Path
    column_types: dict[str, str]
    allowed: dict[str, list[str]]
    key: list[str]

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@dataclass(frozen=True)
class Policy:
    """All seeds as one run uses them."""

    seeds: dict[str, Seed]
    settings: dict[str, str]

    @cached_property
    def version(self) -> str:
        """sha256 over the resolved seeds, shortened to 12 characters; the same rules give the same name."""
        digest = hashlib.sha256()
        for name, content in sorted(self.content().items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:12]

    def content(self) -> dict[str, bytes]:
        """The bytes of each resolved seed; the settings are one table however they were given."""
        content = {name: seed.path.read_bytes() for name, seed in self.seeds.items() if name != "policy"}
        facts = {row["setting"]: row for row in _shipped()["policy"].rows}
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(self.seeds["policy"].column_types), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**facts[name], "value": value} for name, value in sorted(self.settings.items()))
        content["policy"] = out.getvalue().encode()
        return content

    def hashes(self) -> dict[str, str]:
        return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(self.content().items())}

    def number(self, setting: str) -> Decimal:
        return Decimal(self.settings[setting])

    def flag(self, setting: str) -> bool:
        return self.settings[setting] == "true"

    @property
    def expected_ledgers(self) -> list[str]:
        return self.settings["expected_ledgers"].split()

    def codes(self, seed: str) -> list[str]:
        """The values of a seed's first column, for checks of ledger columns that name a row of it."""
        first = next(iter(self.seeds[seed].column_types))
        return sorted({row[first] for row in self.seeds[seed].rows})


def read_policy(folder: Path | None = None) -> Policy:
    """The shipped policy, with the files of `folder` in place of seeds of the same name.

    `policy.csv` may name only the settings that differ; every other file replaces its seed whole.
    """
    seeds = _shipped()
    settings = {row["setting"]: row["value"] for row in seeds["policy"].rows}
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"--policy {folder}: no such folder. Give a folder of CSV files named after seeds.")
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.suffix != ".csv" or path.stem not in seeds:
                near = difflib.get_close_matches(path.stem, seeds, 1)
                raise UsageError(
                    f"--policy {path}: there is no seed of this name. Allowed: {', '.join(sorted(seeds))} (.csv)."
                    + (f" Did you mean {near[0]}.csv?" if near else "")
                )
            shipped = seeds[path.stem]
            override = Seed(shipped.name, path, shipped.column_types, shipped.allowed, shipped.key)
            _check(override, partial=path.stem == "policy")
            seeds[path.stem] = override
            if path.stem == "policy":
                _merge_settings(settings, override)
    _check_schemes(seeds["bucket_scheme"])
    _check_defaults(seeds)
    _check_portfolio(seeds)
    check_risk(seeds, settings)
    _check_conduct(seeds["collection_rule"], settings["collection_jurisdictions"])
    _check_parts_of_day(seeds["part_of_day"])
    return Policy(seeds, settings)


def _shipped() -> dict[str, Seed]:
    files = {path.stem: path for path in SHIPPED.glob("*/*.csv")}
    found = {}
    described = [yaml.safe_load(path.read_text("utf-8"))["seeds"] for path in sorted(SHIPPED.glob("*/_*.yml"))]
    for entry in chain.from_iterable(described):
        config = entry["config"]
        found[entry["name"]] = Seed(
            entry["name"],
            files[entry["name"]],
            config["column_types"],
            config.get("meta", {}).get("allowed", {}),
            config.get("meta", {}).get("key", []),
        )
    return found


def _merge_settings(settings: dict[str, str], override: Seed) -> None:
    for line, row in enumerate(override.rows, start=2):
        if row["setting"] not in settings:
            near = difflib.get_close_matches(row["setting"], settings, 1)
            raise UsageError(
                f"{override.path}, line {line}: there is no setting {row['setting']}. "
                f"Allowed: {', '.join(settings)}." + (f" Did you mean {near[0]}?" if near else "")
            )
        said = _setting_problem(row["setting"], row["value"] or "")
        if said:
            raise UsageError(
                f"{override.path}, line {line}, {row['setting']}: {row['value']!r} is not allowed. Allowed: {said}."
            )
        settings[row["setting"]] = row["value"]


SETTING_TYPES = {
    "max_quarantine_rate": "decimal",
    "control_file_required": "boolean",
    "attribute_lag_days": "integer",
    "fpd_days": "integer",
    "history_months": "integer",
    "history_complete_from": "date",
    "keep_publications": "integer",
    "contact_history_days": "integer",
    "reperformance_sample": "integer",
}
SETTING_CODES = {"disclosure_basis": ("days_360", "days_365", "calendar_months")}
MAY_BE_EMPTY = ("history_complete_from", "expected_ledgers")


def _setting_problem(setting: str, value: str) -> str | None:
    """What is allowed, where the value is not."""
    kind = SETTING_TYPES.get(setting, "varchar")
    if not value:
        return None if setting in MAY_BE_EMPTY else WORDS[kind]
    if setting in SETTING_CODES and value not in SETTING_CODES[setting]:
        return ", ".join(SETTING_CODES[setting])
    if setting == "expected_ledgers" and any(name not in ledgers() for name in value.split()):
        return f"names of ledgers, separated by blanks ({', '.join(ledgers())})"
    if not _fits(value, kind) or (kind in ("integer", "decimal") and Decimal(value) < 0):
        return WORDS[kind] + (" of 0 or more" if kind in ("integer", "decimal") else "")
    return None


CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")
WORDS = {
    "integer": "a whole number",
    "decimal": "a decimal number",
    "date": "a date such as 2026-11-22",
    "boolean": "true or false",
    "varchar": "any text",
}


def _check(seed: Seed, partial: bool = False) -> None:
    """Refuse a policy file whose header, types or codes are not the seed's, with line and reason."""
    try:
        text = seed.path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{seed.path}: not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.") from error
    reader = csv.reader(text.splitlines())
    header = next(reader, [])
    expected = list(seed.column_types)
    if partial:
        missing = [c for c in expected[:2] if c not in header]
    else:
        missing = [c for c in expected if c not in header]
    unknown = [c for c in header if c not in expected]
    if missing or unknown:
        said = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise UsageError(f"{seed.path}, line 1: columns {'; '.join(said)}. Allowed: {', '.join(expected)}.")
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in enumerate(reader, start=2):
        if len(cells) != len(header):
            raise UsageError(f"{seed.path}, line {line}: {len(cells)} fields, but the header has {len(header)}.")
        row = dict(zip(header, cells, strict=True))
        for column, value in row.items():
            kind = seed.column_types[column].split("(")[0]
            allowed = seed.allowed.get(column)
            if allowed and value not in allowed:
                raise UsageError(
                    f"{seed.path}, line {line}, {column}: {value!r} is not allowed. Allowed: {', '.join(allowed)}."
                )
            if value and not _fits(value, kind):
                raise UsageError(f"{seed.path}, line {line}, {column}: {value!r} is not {WORDS[kind]}.")
        key = tuple(row.get(c, "") for c in seed.key)
        if key and key in seen:
            raise UsageError(f"{seed.path}, line {line}: {', '.join(key)} stands on line {seen[key]} already.")
        seen[key] = line


def _fits(value: str, kind: str) -> bool:
    try:
        if kind == "integer":
            int(value)
        elif kind == "decimal":
            return Decimal(value).is_finite()
        elif kind == "date":
            date.fromisoformat(value)
        elif kind == "boolean":
            return value in ("true", "false")
    except (ValueError, InvalidOperation):
        return False
    return True


def _check_schemes(seed: Seed) -> None:
    """Every bucket scheme covers 1 day and more without gap or overlap (0 days may be left to `current`)."""
    schemes: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in enumerate(seed.rows, start=2):
        schemes.setdefault(row["scheme"], []).append((line, row))
    if "CN_M_STAGE" not in schemes:
        raise UsageError(f"{seed.path}: the scheme CN_M_STAGE is missing, and m_stage is read from it. Keep its rows.")
    for scheme, rows in schemes.items():
        _check_buckets(seed, scheme, rows, may_start_at=("0", "1"))


def _check_buckets(
    seed: Seed, scheme: str, rows: list[tuple[int, dict[str, str]]], may_start_at: tuple[str, ...]
) -> None:
    """The buckets of each version of a scheme follow each other upward, and its versions do not overlap."""
    versions: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = {}
    for line, row in rows:
        versions.setdefault((row["valid_from"], row["valid_to"] or "9999-12-31"), []).append((line, row))
    for (_, ended), (begins, until) in pairwise(sorted(versions)):
        if begins <= ended:
            raise UsageError(
                f"{seed.path}, line {versions[begins, until][0][0]}: this version of {scheme} begins ({begins or 'always'}) "
                f"before the one before it has ended ({ended}). Allowed: versions whose valid_from and valid_to do not overlap."
            )
    for buckets in versions.values():
        buckets.sort(key=lambda item: int(item[1]["lower_days"]))
        reached = int(buckets[0][1]["lower_days"]) - 1 if buckets[0][1]["lower_days"] in may_start_at else -1
        for line, row in buckets:
            lower, upper = int(row["lower_days"]), row["upper_days"]
            if reached is None or lower != reached + 1:
                what = (
                    "overlaps the bucket before it" if reached is None or lower <= reached else "leaves a gap before it"
                )
                raise UsageError(
                    f"{seed.path}, line {line}: bucket {row['bucket']} of {scheme} starts at {lower} days and {what}. "
                    f"Allowed: buckets that follow each other from {' or '.join(may_start_at)} days on without gap or overlap."
                )
            reached = int(upper) if upper else None
        if reached is not None:
            raise UsageError(
                f"{seed.path}, line {buckets[-1][0]}: the last bucket of {scheme} ends at {reached} days. "
                "Allowed: an empty upper_days in the last one."
            )


def _day_after(day: str) -> str:
    return str(date.fromisoformat(day) + timedelta(days=1)) if day else ""


def _check_portfolio(seeds: dict[str, Seed]) -> None:
    """No advance, customer or overdue customer may fall out of a mart because a seed does not speak of it."""
    durations = seeds["advance_bucket"]
    _check_buckets(durations, durations.name, list(enumerate(durations.rows, start=2)), may_start_at=("0",))
    spans = sorted({(row["valid_from"], row["valid_to"]) for row in durations.rows})
    seams = [("", spans[0][0])] + [(_day_after(ended), begins) for (_, ended), (begins, _) in pairwise(spans)]
    if spans[-1][1] or any(expected != begins for expected, begins in seams):
        raise UsageError(
            f"{durations.path}: some day has no buckets. Allowed: versions that follow each other day by day, the first without "
            "valid_from and the last without valid_to."
        )
    for name, column in (("advance_kind", "kind"), ("customer_type", "customer_type")):
        seed = seeds[name]
        missing = [code for code in seed.allowed[column] if code not in {row[column] for row in seed.rows}]
        if missing:
            raise UsageError(f"{seed.path}: no row for {', '.join(missing)}. Allowed: one row for each {column}.")
    empty = [
        (seed, line, column)
        for seed, columns in (
            (seeds["advance_kind"], ["long_held_after_days"]),
            (seeds["customer_type"], ["precedence"]),
        )
        for line, row in enumerate(seed.rows, start=2)
        for column in columns
        if not row[column]
    ]
    for seed, line, column in empty:
        raise UsageError(f"{seed.path}, line {line}, {column}: empty. Allowed: a whole number.")
    types = seeds["customer_type"]
    if len({row["precedence"] for row in types.rows}) < len(types.rows):
        raise UsageError(f"{types.path}: two types of one precedence. Allowed: a precedence of its own for each type.")
    rules = seeds["capacity_rule"]
    limits = [column for column in rules.column_types if column.endswith(("_from", "_to", "_below"))]
    for line, row in enumerate(rules.rows, start=2):
        if not row["severity"] or (row["severity"] == "0") == any(row[column] for column in limits):
            raise UsageError(
                f"{rules.path}, line {line}: rule {row['rule']} of severity {row['severity'] or '(empty)'} states "
                f"{'limits' if any(row[column] for column in limits) else 'no limit'}. Allowed: severity 0 for the one rule "
                "without limits, above 0 with at least one."
            )
    if [row["severity"] for row in rules.rows].count("0") != 1:
        raise UsageError(f"{rules.path}: it takes exactly one rule of severity 0, which holds for everybody.")
    signals: dict[str, str] = {}
    for line, row in enumerate(rules.rows, start=2):
        if signals.setdefault(row["severity"], row["signal"]) != row["signal"]:
            raise UsageError(
                f"{rules.path}, line {line}: {row['signal']} has the severity of {signals[row['severity']]}. "
                "Allowed: rules of one severity with one signal."
            )


def _check_defaults(seeds: dict[str, Seed]) -> None:
    """The default conventions are one whole row, and name a calendar and a scheme that exist."""
    seed = seeds["convention_default"]
    if len(seed.rows) != 1:
        raise UsageError(f"{seed.path}: {len(seed.rows)} rows. Allowed: exactly one row of defaults.")
    row = seed.rows[0]
    for column in seed.column_types:
        if not row[column] and column not in ("evidence", "citation"):
            raise UsageError(f"{seed.path}, line 2, {column}: empty. Allowed: a value; products that name none get it.")
    for column, other in (("bucket_scheme", "bucket_scheme"), ("calendar", "calendar")):
        known = sorted({r[next(iter(seeds[other].column_types))] for r in seeds[other].rows})
        if row[column] not in known:
            raise UsageError(f"{seed.path}, line 2, {column}: {row[column]!r} is unknown. Allowed: {', '.join(known)}.")
    if sorted(row["component_order"].split(",")) != ["fee", "interest", "principal"]:
        raise UsageError(
            f"{seed.path}, line 2, component_order: {row['component_order']!r}. Allowed: fee, interest and principal, each "
            "once, separated by commas."
        )


def _check_conduct(seed: Seed, jurisdictions: str) -> None:
    """Rules of conduct can be judged: a window of two times for hours, else a limit; and the jurisdictions chosen have rules."""
    for line, row in enumerate(seed.rows, start=2):
        if row["operator"] in ("in", "not_in") and row["metric"] != "party_in":
            wrong = [c for c in ("window_start", "window_end") if not CLOCK.fullmatch(row[c])]
            allowed = "a time from 00:00 to 24:00"
        elif row["metric"] == "party_in":
            wrong, allowed = ["limit_value"] * (not row["limit_value"]), "parties, separated by |"
        else:
            wrong, allowed = ["limit_value"] * (not _fits(row["limit_value"], "integer")), "a whole number"
        if wrong:
            raise UsageError(f"{seed.path}, line {line}, {wrong[0]}: {row[wrong[0]]!r}. Allowed: {allowed}.")
    known = sorted({row["jurisdiction"] for row in seed.rows})
    if unknown := [name for name in jurisdictions.split() if name not in known]:
        raise UsageError(
            f"collection_jurisdictions: {seed.path} has no rule of {unknown[0]!r}. Allowed: {', '.join(known)}, separated by blanks."
        )


def _check_parts_of_day(seed: Seed) -> None:
    """Parts of the day have a beginning before their end, and none begins before an earlier one has ended."""
    ends = "00:00"
    for line, row in sorted(enumerate(seed.rows, start=2), key=lambda entry: entry[1]["from_clock"]):
        for column, is_after in (
            ("from_clock", row["from_clock"] >= ends),
            ("to_clock", row["to_clock"] > row["from_clock"]),
        ):
            if not CLOCK.fullmatch(row[column]) or not is_after:
                raise UsageError(
                    f"{seed.path}, line {line}, {column}: {row[column]!r}. Allowed: a time from 00:00 to 24:00, after the part "
                    "of the day before it; one over midnight is two."
                )
        ends = row["to_clock"]
