"""Publications of other versions: what they lack of what this version reads, and the way out.

A publication is never written again, so a command that reads one of an older version may find a mart or a column missing. That is
looked for when the command has failed, and told in place of the fault.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flows.database import connect, quote_path
from flows.home import Home
from flows.policy import PROJECT
from flows.publish import publications_of

NAMED = 3  # of what is lacking, in a sentence
RUNS = ("run", "before", "after")  # options that name a publication


def told(home: Path, options: dict[str, Any]) -> str | None:
    """The sentence for a publication that a command was asked to read, by its run or date, and that has another shape; None if none has."""
    place = Home(home.absolute())
    runs = {Path(str(options[name])).name for name in RUNS if options.get(name)}
    for folder, manifest in publications_of(place).items():
        is_current = folder.resolve() == place.current.resolve()
        asked = {manifest["run_id"], folder.name} & runs or manifest["as_of"] == str(options.get("as_of"))
        if not (asked or (is_current and (not runs or "current" in runs) and not options.get("as_of"))):
            continue
        if lacking := lacks(folder):
            more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
            return (
                f"RUN {manifest['run_id']}: was published by another version of arrears (code {manifest['code_version']}), and has no "
                f"{', '.join(lacking[:NAMED])}{more}, which this command of this version may read. Nothing was changed. Publish that date again, "
                f"`arrears nightly --as-of {manifest['as_of']} --known-at {manifest['known_at']} --no-switch --landing LANDING`, and name "
                "that run; or use the version that published it."
            )
    return None


def lacks(publication: Path) -> list[str]:
    """Marts, and columns of marts, that this version's contract has and a publication has not; whole marts first."""
    found = []
    with connect() as connection:
        for mart, columns in sorted(contract().items()):
            path = publication / "parquet" / f"{mart}.parquet"
            if not path.exists():
                found.append(mart)
                continue
            there = connection.sql(f"from read_parquet({quote_path(path)}) limit 0").columns
            found += [f"{mart}.{column}" for column in columns if column not in there]
    return sorted(found, key=lambda name: "." in name)


@cache
def contract() -> dict[str, list[str]]:
    """{mart: its columns}, as the models' YAML has them."""
    return {
        model["name"]: [column["name"] for column in model.get("columns", [])]
        for path in (PROJECT / "models" / "marts").glob("*/*.yml")
        for model in (yaml.safe_load(path.read_text("utf-8")) or {}).get("models", [])
    }
