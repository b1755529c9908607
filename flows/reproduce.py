"""`arrears verify --reproduce`: a publication built again, for its dates and its knowledge, from the raw history and the seeds of its pack.

It is built in a folder of its own that is gone afterwards: HOME is read, nothing is switched or written, nobody is kept waiting.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from flows import audit, chain
from flows.build import Built, build, code_version
from flows.compare import compare, keys
from flows.content_hash import HASH_VERSION, content_hash
from flows.database import connect, identifier, quote
from flows.dates import Dates
from flows.earlier import FIGURES
from flows.erase import ERASED
from flows.errors import UsageError
from flows.home import Delivery, Home, Knowledge
from flows.policy import Policy, read_policy


def reproduce(home: Home, run_id: str) -> dict[str, Any]:
    """`differs`: a sentence for each mart that says something else now, and for each known cause; `notes`: what to know."""
    manifest = chain.manifest_in(home.audit / run_id)
    if manifest.get("status") != "published":
        raise UsageError(
            f"--reproduce: run {run_id} has not published ({manifest.get('status', 'no manifest')}), so there is nothing to build "
            "again. Give a run that has."
        )
    policy = policy_of(home, run_id, manifest)
    notes = _gone(home, manifest)
    with tempfile.TemporaryDirectory(prefix="arrears-reproduce-") as folder:
        scratch = _scratch_home(Path(folder) / "home", home, manifest)
        built = build(scratch, knowledge_of(manifest), policy, dates_of(manifest, policy))
        differs, same = _compare(built, Path(folder), home.published / f"{manifest['as_of']}-{run_id}", manifest)
    causes = _causes(manifest, policy) + _erased(home, run_id)
    if differs:
        differs += causes or ["Cause: none that is known. Code, packages, policy and deliveries are the same."]
    else:
        notes += [f"{cause} It changes no figure." for cause in causes]
    said = f"Built again as of {manifest['as_of']}, known at {manifest['known_at']}: all {same} marts say the same."
    return {"run_id": run_id, "marts_same": same, "differs": differs, "notes": notes, "said": said}


def policy_of(home: Home, run_id: str, manifest: dict[str, Any]) -> Policy:
    """The policy of a run: from its audit pack, else of the last build or as shipped, where that is still the same one."""
    for folder in (home.audit / run_id / "seeds", None):
        if folder is None or folder.is_dir():
            policy = read_policy(folder)
            if folder is not None or policy.version == manifest["policy_version"]:
                return policy
    raise UsageError(
        f"Run {run_id} was made under policy {manifest['policy_version']}, and its audit pack holds no seeds: it was written by an "
        f"older version. The shipped policy is {policy.version}."
    )


def dates_of(manifest: dict[str, Any], policy: Policy) -> Dates:
    asked = tuple(map(date.fromisoformat, manifest["dates"]))
    if "history" in manifest:
        return Dates(asked, tuple(map(date.fromisoformat, manifest["history"])))
    if len(asked) > 1:
        return Dates.backfill(list(asked))
    return Dates.night(asked[0], int(policy.settings["history_months"]))


def knowledge_of(manifest: dict[str, Any]) -> Knowledge:
    known = [Delivery.parse(facts["delivery"]) for facts in manifest["deliveries"]]
    withdrawn = [Delivery.parse(said["delivery"]) for said in manifest["withdrawn"]]
    return Knowledge(Delivery.parse(manifest["known_at"]), tuple(filter(None, known)), tuple(filter(None, withdrawn)))


def _scratch_home(root: Path, home: Home, manifest: dict[str, Any]) -> Home:
    """A home with the raw history of another, and those of its packs whose figures the run compared with."""
    scratch = Home(root)
    scratch.create()
    scratch.raw.rmdir()
    scratch.raw.symlink_to(home.raw.absolute(), target_is_directory=True)
    for run_id in manifest["compared"]:
        (scratch.audit / run_id).symlink_to((home.audit / run_id).absolute(), target_is_directory=True)
    return scratch


def _gone(home: Home, manifest: dict[str, Any]) -> list[str]:
    gone = [run for run in manifest["compared"] if not (home.audit / run / FIGURES).exists()]
    if not gone:
        return []
    return [
        f"What {', '.join(gone)} published of each loan is no longer kept, so `restatements` cannot compare with it as it did then."
    ]


def _compare(built: Built, folder: Path, publication: Path, manifest: dict[str, Any]) -> tuple[list[str], int]:
    """Each mart's content hash against the manifest's; where they differ and the publication is kept, its rows and columns."""
    differs, same = [], 0
    with connect() as connection:
        connection.execute(f"attach {quote(str(built.database))} as work (read_only)")
        there = {
            name
            for (name,) in connection.sql(
                "select table_name from duckdb_tables() where database_name = 'work' and schema_name = 'marts'"
            ).fetchall()
        }
        for mart, facts in manifest["marts"].items():
            if mart not in there:
                differs.append(f"{mart}: this version has no such mart.")
                continue
            path = folder / f"{mart}.parquet"
            connection.execute(
                f"copy (from work.marts.{identifier(mart)}) to {quote(str(path))} (format parquet, compression zstd)"
            )
            rows, digest = content_hash(connection, path)
            if digest == facts["hash"]:
                same += 1
                continue
            then = publication / "parquet" / path.name
            if then.exists() and mart in keys():
                said = compare(connection, then, path, keys()[mart]).told
            else:
                said = f"{facts['rows']:,} rows then, {rows:,} now; the publication is no longer kept"
            differs.append(f"{mart}: built again it says something else: {said}.")
        more = sorted(there - manifest["marts"].keys() - {"publication"})
        if more:
            differs.append(f"Marts that this version has and that one had not: {', '.join(more)}.")
    return differs, same


def _erased(home: Home, run_id: str) -> list[str]:
    """Messages whose text was erased since: breaches of wording rested on them."""
    since = [link for link in chain.read(home).links if link["status"] == ERASED and link["run_id"] > run_id]
    packs = [link["run_id"] for link in since if chain.manifest_in(home.audit / link["run_id"]).get("messages")]
    return [f"Cause: messages to a customer were erased since ({', '.join(packs)})."] if packs else []


def _causes(manifest: dict[str, Any], policy: Policy) -> list[str]:
    """What is not as it was then, as far as the manifest says."""
    found = []
    if manifest["code_version"] != code_version():
        found.append(f"Cause: another version of the code ({manifest['code_version']} then, {code_version()} now).")
    if manifest["policy_version"] != policy.version:
        now = policy.hashes()
        names = sorted(n for n in {*now, *manifest["seeds"]} if now.get(n) != manifest["seeds"].get(n))
        found.append(
            f"Cause: another policy ({manifest['policy_version']} then, {policy.version} now): {', '.join(names)}."
        )
    if manifest["hash_version"] != HASH_VERSION:
        found.append(
            f"Cause: hashes are counted otherwise (version {manifest['hash_version']} then, {HASH_VERSION} now)."
        )
    now = audit.versions()
    changed = [f"{n} {v} then, {now.get(n)} now" for n, v in manifest["versions"].items() if now.get(n) != v]
    if changed:
        found.append(f"Cause: other packages ({'; '.join(changed)}).")
    return found
