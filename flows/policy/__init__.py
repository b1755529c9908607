"""Policy: the shipped seeds, overlaid by `--policy DIR`, checked, and named by one hash (`policy_version`)."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import os
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from flows.database import quote
from flows.errors import UsageError
from flows.home import is_text, may, shown
from flows.policy.conduct import check_conduct, check_parts_of_day, check_treatments
from flows.policy.portfolio import check_collateral, check_portfolio
from flows.policy.risk import check_risk
from flows.policy.schemes import check_defaults, check_schemes, check_statement_rows
from flows.policy.seeds import PROJECT, Seed, check_complete, check_order, check_references, check_seed, shipped_seeds
from flows.policy.settings import merge_settings, sql_type

__all__ = ["PROJECT", "Policy", "Seed", "read_policy"]


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
        facts = {row["setting"]: row for row in shipped_seeds()["policy"].rows}
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

    def in_sql(self) -> dict[str, str]:
        """Each setting as a SQL expression of its type; what is empty is null."""
        types = {row["setting"]: row["type"] for row in shipped_seeds()["policy"].rows}
        return {name: f"nullif({quote(value)}, '')::{sql_type(types[name])}" for name, value in self.settings.items()}

    @property
    def expected_ledgers(self) -> list[str]:
        return self.settings["expected_ledgers"].split()

    def codes(self, seed: str) -> list[str]:
        """The values of a seed's first column, for checks of ledger columns that name a row of it."""
        first = next(iter(self.seeds[seed].column_types))
        return sorted({row[first] for row in self.seeds[seed].rows})

    def spellings(self, seed: str) -> dict[str, str]:
        """Every accepted spelling of a seed's codes -> the code: what its column `also` lists beside it, by blanks."""
        found = {code: code for code in self.codes(seed)}
        return found | {word: code for code, row in self._by_code(seed) for word in row.get("also", "").split()}

    def in_force(self, seed: str) -> dict[str, tuple[str, str]]:
        """Codes of a seed that were not always in force -> first and last day, empty where open."""
        days = {code: (row.get("valid_from", ""), row.get("valid_to", "")) for code, row in self._by_code(seed)}
        return {code: limits for code, limits in days.items() if any(limits)}

    def _by_code(self, seed: str) -> list[tuple[str, dict[str, str]]]:
        first = next(iter(self.seeds[seed].column_types))
        return [(row[first], row) for row in self.seeds[seed].rows]


def read_policy(folder: Path | None = None) -> Policy:
    """The shipped policy, with the files of `folder` in place of seeds of the same name.

    `policy.csv` may name only the settings that differ; every other file replaces its seed whole.
    """
    seeds = shipped_seeds()
    settings = {row["setting"]: row["value"] for row in seeds["policy"].rows}
    types = {row["setting"]: row["type"] for row in seeds["policy"].rows}
    if folder is not None:
        if not may(folder, os.R_OK | os.X_OK) or not folder.is_dir():
            said = "no such folder, or none that can be read"
            raise UsageError(f"--policy {shown(folder)}: {said}. Give a folder of CSV files named after seeds.")
        for path in sorted(folder.iterdir()):
            if path.name.startswith("."):
                continue
            if not is_text(path):
                raise UsageError(
                    f"--policy {shown(path)}: its name is not UTF-8. Allowed: the name of a seed, as policy.csv."
                )
            if path.suffix != ".csv" or path.stem not in seeds:
                near = difflib.get_close_matches(path.stem, seeds, 1)
                raise UsageError(
                    f"--policy {path}: there is no seed of this name. Allowed: {', '.join(sorted(seeds))} (.csv)."
                    + (f" Did you mean {near[0]}.csv?" if near else "")
                )
            if not path.is_file():
                raise UsageError(
                    f"--policy {path}: is not a plain file that can be read. Allowed: a CSV file, or none."
                )
            shipped = seeds[path.stem]
            override = replace(shipped, path=path)
            check_seed(override, partial=path.stem == "policy")
            seeds[path.stem] = override
            if path.stem == "policy":
                merge_settings(settings, override, types)
    _check_currency(seeds["currency"], settings["reporting_currency"])
    check_complete(seeds["label"])
    check_references(seeds)
    for seed in seeds.values():
        check_order(seed)
    check_schemes(seeds["bucket_scheme"])
    check_statement_rows(seeds["statement_row"], seeds["bucket_scheme"])
    check_defaults(seeds)
    check_portfolio(seeds)
    check_collateral(seeds["collateral_haircut"], settings)
    check_risk(seeds, settings)
    check_conduct(seeds["collection_rule"], settings["collection_jurisdictions"])
    check_parts_of_day(seeds["part_of_day"])
    check_treatments(seeds)
    return Policy(seeds, settings)


def _check_currency(currencies: Seed, reporting: str) -> None:
    """Rows of all currencies are in the reporting one: it must be one, and still in force."""
    known = [row["code"] for row in currencies.rows if not row.get("valid_to") and row["code"] != "XXX"]
    if reporting not in known:
        raise UsageError(
            f"policy, setting reporting_currency: {reporting!r} is not allowed. Allowed: an ISO 4217 code in force, such as CNY: "
            f"{', '.join(sorted(known))}."
        )
