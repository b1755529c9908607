"""`arrears verify`: whether the chain, the audit packs, the publications and the raw history are still what was written down.

One hash leads to the next: a line of the chain to the manifest of its run and to the list of the pack's files; the manifest to
the files of its publication and to the page of each delivery; that page to the rows kept. What an older version did not write
down is named as not checked. Reads only, and takes no lock: what a run at work has not written down yet is left to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from flows import chain
from flows.anchor import Anchor, anchored_in, keep_anchor
from flows.content_hash import content_hash
from flows.database import connect
from flows.dates import month_end
from flows.earlier import FIGURES
from flows.erase import ERASED, erased_hashes, is_unfinished
from flows.errors import Differs, UsageError
from flows.home import Delivery, Home, existing_home, holder
from flows.listing import content_of, names_in
from flows.publish import NEXT, ROTATED, STAGING
from flows.sample import draw
from flows.sign import same_person

AGAIN = 3  # looks at a home that changes while it is looked at
SHOWN = 40  # differences on the screen; `--json` has all
UNLISTED = {
    "audit/": "written by a version that listed no files, so only the manifest and the figures of the loans are checked.",
    "published/": "written by a version that listed no files: marts are checked by what their Parquet says (content hash), "
    "marts.duckdb, evidence.duckdb and validation/ are not.",
    "warehouse/raw/": "loaded by a version that kept no hashes of the rows: not checked.",
}
LEFTOVERS = (STAGING, ROTATED, NEXT)


@dataclass(frozen=True)
class Difference:
    """What is not as it was written down: where (below HOME), how, and a sentence."""

    path: str
    what: str  # changed, added, removed
    said: str


@dataclass
class Look:
    """One look at a home: what differs, what could not be checked, how much was."""

    home: Home
    at_work: str | None  # the run that holds HOME
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    packs: int = 0
    publications: int = 0
    rotated: int = 0
    deliveries: int = 0
    unlisted: dict[str, list[str]] = field(default_factory=lambda: {place: [] for place in UNLISTED})

    def differs(self, path: Path, what: str, said: str) -> None:
        self.differences.append(Difference(str(path.relative_to(self.home.root)), what, said))

    def note(self, said: str) -> None:
        self.notes.append(said)

    @property
    def told(self) -> list[str]:
        """What to know beside the differences: what could not be checked, since nobody wrote it down then."""
        found = []
        for place, names in self.unlisted.items():
            if names:
                few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
                found.append(f"{place}: {few}: {UNLISTED[place]}")
        return [*self.notes, *found]

    def compare(self, folder: Path, listed: dict[str, str], aside: tuple[str, ...] = ()) -> None:
        """A folder with the list of its files; those named are judged elsewhere."""
        there = set(names_in(folder)) - set(aside)
        named = {content: name for name, content in listed.items()}
        for name in sorted(listed.keys() - there):
            self.differs(folder / name, "removed", "is gone")
        for name in sorted(there - listed.keys()):
            self.differs(folder / name, "added", "was added: no list has it")
        for name in sorted(there & listed.keys()):
            self.files += 1
            try:
                found = content_of(folder / name)
            except OSError as error:
                self.differs(folder / name, "changed", f"cannot be read ({error.strerror})")
                continue
            if found != listed[name]:
                said = f"holds what {named[found]} is to hold" if found in named else "is not what was written down"
                self.differs(folder / name, "changed", said)


@dataclass(frozen=True)
class Told:
    """A run as the chain has it: its line, and its manifest where one still has the hash that the line names."""

    run_id: str
    line: bytes
    manifest: dict[str, Any] | None

    @property
    def has_published(self) -> bool:
        return bool(self.manifest) and self.manifest["status"] == "published"

    @property
    def rotates_to(self) -> int | None:
        """How many publications this run, or signature, left at least when it rotated; None where it did not."""
        said = self.manifest or {}
        if said.get("status") == chain.SIGNED:
            return int(said["keep_publications"]) if said["keep_publications"] else None
        moved = self.has_published and said.get("switched", True)
        return int(said.get("settings", {}).get("keep_publications", 2)) if moved else None

    @property
    def publication(self) -> str:
        return f"{self.manifest['as_of']}-{self.run_id}" if self.manifest else ""

    @property
    def moved_current_to(self) -> str | None:
        """The publication at which `current` was pointed: the run's own, or by `arrears switch` another's."""
        if self.manifest and self.manifest["status"] == "switched":
            return f"{self.manifest['as_of']}-{self.manifest['current']}"
        return self.publication if self.has_published and self.manifest.get("switched", True) else None


def verify(home: Path, run: str | None, everything: bool, anchor: Path | None, reproduce: bool) -> dict[str, Any]:
    """What `arrears verify` says; Differs (exit 3) where something is not as it was written down."""
    place = existing_home(home)
    if run is not None and everything:
        raise UsageError(f"RUN {run} and --all: give one of the two.")
    anchors = anchored_in(anchor) if anchor else []
    asked = None if everything else run_asked(place, run)
    for _ in range(AGAIN):
        before = _state_of(place)
        look = _look(place, asked, anchors)
        if not look.differences or _state_of(place) == before:
            break
    again: dict[str, Any] = {}
    if reproduce:
        from flows.reproduce import reproduce as built_again

        again = built_again(place, asked or _current_run(place))
        for said in again["differs"]:
            look.differences.append(Difference(f"reproduced {again['run_id']}", "changed", said))
        look.notes += again["notes"]
    kept = None
    if not look.differences:
        kept = keep_anchor(place, anchor) if anchor else Anchor.of(place)
    return _ended(place, look, asked, anchor, kept, again)


def _state_of(home: Home) -> tuple[Any, ...]:
    """What runs change: if it is the same after a look, no run was the reason for a difference."""
    names = [sorted(os.listdir(folder)) for folder in (home.audit, home.published, home.raw) if folder.is_dir()]
    path = chain.path_of(home)
    who = holder(home)
    return names, path.read_bytes() if path.is_file() else b"", who and who.get("run_id"), _link(home)


def _link(home: Home) -> str | None:
    return os.readlink(home.current) if home.current.is_symlink() else None


def run_asked(home: Home, run: str | None) -> str:
    """The run that is meant by its id, the name of its publication, or `current` (the default)."""
    if run is None or run == "current":
        return _current_run(home)
    links = chain.read(home).links
    known = {link["run_id"] for link in links} | {path.name for path in home.audit.glob("*/")}
    name = Path(run).name
    if name in known:
        return name
    if name[11:] in known and (home.published / name).is_dir():
        return name[11:]
    last = ", ".join(link["run_id"] for link in links[-3:]) or "none yet"
    raise UsageError(
        f"RUN {run}: no run of this id is known in {home.root}. Give a run_id (the last ones: {last}), the name of a folder in "
        "published/, or `current`; --all verifies everything."
    )


def _current_run(home: Home) -> str:
    if not home.current.exists():
        raise UsageError(
            f"Nothing is published in {home.root}, so there is no current run. Give a RUN (a run_id), or --all."
        )
    return home.current.resolve().name[11:]


def _look(home: Home, asked: str | None, anchors: list[Anchor]) -> Look:
    who = holder(home) or {}
    look = Look(home, who.get("run_id"))
    if look.at_work:
        look.note(f"Run {look.at_work} is at work; what it has not written down yet is left to it.")
    told = _look_at_chain(look, anchors)
    for run in told.values():
        if asked in (None, run.run_id):
            _look_at_pack(look, run, told)
            if run.has_published:
                _look_at_publication(look, run, told)
    if asked is not None and asked not in told:
        where = home.audit / asked
        look.differs(where, "added", "no line of the chain names this run")
    if asked is None:
        _look_for_strangers(look, told)
    _look_at_current(look, told)
    _look_at_signatures(look, told, asked)
    _look_at_samples(look, told, asked)
    _look_at_history(look, told, asked)
    return look


def _look_at_chain(look: Look, anchors: list[Anchor]) -> dict[str, Told]:
    """The lines against each other, against their packs, and against what was kept outside."""
    path = chain.path_of(look.home)
    found = chain.read(look.home)
    for fault in found.faults:
        if look.at_work is None or look.at_work not in fault:
            look.differs(path, "changed", fault)
    if not found.faults and path.exists() and path.read_bytes() != b"".join(line + b"\n" for line in found.lines):
        look.differs(path, "changed", "does not end with its last line")
    told = {}
    for line in found.lines:
        link = json.loads(line)
        run_id = link["run_id"]
        if not re.fullmatch(r"[\w-]+", run_id, re.ASCII):
            look.differs(path, "changed", f"names a run that cannot be one: {run_id!r}")
            continue
        if run_id in told:
            look.differs(path, "added", f"has two lines of run {run_id}")
        told[run_id] = Told(run_id, line, _manifest_of(look.home, link))
    hashes = {chain.hash_of(line) for line in found.lines}
    for anchor in anchors:
        if anchor.head not in hashes:
            look.differs(
                path,
                "changed",
                f"no longer holds what was kept outside: {anchor.runs} runs up to {anchor.run_id} (as of {anchor.as_of}), head "
                f"{anchor.head[:16]}…; the chain was written again since, or runs were taken out of it",
            )
    return told


def _manifest_of(home: Home, link: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest that a line names by its hash, from the pack or, where that one was changed, from the publication."""
    run_id = link["run_id"]
    published = [path for path in home.published.glob("[0-9]*") if path.name.endswith(f"-{run_id}")]
    for path in (home.audit / run_id / chain.MANIFEST, *(path / "manifest.json" for path in published)):
        try:
            raw = path.read_bytes()
            if chain.hash_of(raw) == link["manifest_sha256"]:
                return json.loads(raw)
        except (OSError, ValueError):
            continue
    return None


def _look_at_pack(look: Look, run: Told, told: dict[str, Told]) -> None:
    pack = look.home.audit / run.run_id
    look.packs += 1
    if not pack.is_dir():
        look.differs(pack, "removed", "the audit pack of this run is gone")
        return
    link = json.loads(run.line)
    listed: dict[str, str] | None = None
    for name, key in ((chain.MANIFEST, "manifest_sha256"), (chain.FILES, "files_sha256")):
        path = pack / name
        raw = path.read_bytes() if path.is_file() else None
        if raw is None and key in link:
            look.differs(path, "removed", "is gone")
        elif raw is not None and key not in link:
            look.differs(path, "added", "was added: the chain does not name it")
        elif raw is not None:
            look.files += 1
            if chain.hash_of(raw) != link[key]:
                look.differs(path, "changed", "is not what the chain says")
            elif name == chain.FILES:
                listed = json.loads(raw)
    if run.manifest and chain.hash_of(run.line) != chain.hash_of(chain.line_of(pack) or run.line):
        look.differs(chain.path_of(look.home), "changed", f"its line of run {run.run_id} is not the one of the pack")
    if "files_sha256" not in link:
        look.unlisted["audit/"].append(run.run_id)
        if run.has_published:
            _compare_contents(look, pack, {FIGURES: run.manifest["marts"].get("loan_aging", {})}, may_lack=True)
    elif listed is not None:
        if FIGURES in listed and not (pack / FIGURES).exists() and _is_forgotten(look.home, run, told):
            del listed[FIGURES]
        look.compare(pack, listed, aside=(chain.MANIFEST, chain.FILES))


def _look_at_publication(look: Look, run: Told, told: dict[str, Told]) -> None:
    folder = look.home.published / run.publication
    if not folder.is_dir():
        if _may_be_rotated(run, told):
            look.rotated += 1
        else:
            look.differs(folder, "removed", "this publication is gone, and no run may have rotated it away")
        return
    look.publications += 1
    path = folder / "manifest.json"
    if not path.is_file():
        look.differs(path, "removed", "is gone")
    elif chain.hash_of(path.read_bytes()) != json.loads(run.line)["manifest_sha256"]:
        look.differs(path, "changed", "is not what the chain says")
    if "files" in run.manifest:
        look.compare(folder, run.manifest["files"], aside=("manifest.json",))
        return
    look.unlisted["published/"].append(folder.name)
    _compare_contents(
        look, folder / "parquet", {f"{mart}.parquet": facts for mart, facts in run.manifest["marts"].items()}
    )


def _compare_contents(look: Look, folder: Path, marts: dict[str, dict[str, Any]], may_lack: bool = False) -> None:
    """Marts of a publication without a list, by their content hashes."""
    with connect() as connection:
        for name, facts in marts.items():
            path = folder / name
            if not path.is_file():
                if not may_lack:
                    look.differs(path, "removed", "is gone")
                continue
            look.files += 1
            try:
                same = not facts or content_hash(connection, path) == (facts["rows"], facts["hash"])
            except Exception as error:  # a byte of it may break anything in the engine
                look.differs(path, "changed", f"cannot be read ({str(error).splitlines()[0]})")
                continue
            if not same:
                look.differs(path, "changed", "does not say what its manifest says")


def _may_be_rotated(run: Told, told: dict[str, Told]) -> bool:
    """Whether a later run, or signature, that moved `current` kept so few publications that this one had to go."""
    published = sorted(one.run_id for one in told.values() if one.has_published)
    for later in told.values():
        if later.rotates_to is not None and later.run_id > run.run_id:
            up_to = [one for one in published if one <= later.run_id]
            if run.run_id not in up_to[-max(2, later.rotates_to) :]:
                return True
    return False


def _look_at_signatures(look: Look, told: dict[str, Told], asked: str | None) -> None:
    """A signature is of a run as it was written down, by somebody else; what waits for one is not current without."""
    signed = set()
    for run in told.values():
        said = run.manifest or {}
        if said.get("status") != chain.SIGNED or asked not in (None, said["signed"]):
            continue
        path = look.home.audit / run.run_id / chain.MANIFEST
        of = told.get(said["signed"])
        if of is None or json.loads(of.line)["manifest_sha256"] != said["signed_manifest_sha256"]:
            look.differs(path, "changed", f"is a signature of another run {said['signed']} than the chain names")
        elif of.manifest and same_person(said["signed_by"], of.manifest.get("user") or ""):
            look.differs(path, "changed", f"is a signature of {said['signed']} by who ran it")
        else:
            signed.add(said["signed"])
    for run in told.values():
        waits = bool(run.manifest) and run.manifest.get("waits_for_signature")
        if waits and asked in (None, run.run_id) and run.run_id not in signed and _link(look.home) == run.publication:
            look.differs(look.home.current, "changed", f"leads to {run.publication}, which no second person has signed")


def _look_at_samples(look: Look, told: dict[str, Told], asked: str | None) -> None:
    """A sample is of a run as it was written down; drawn again from its publication, while that is kept, it is the same."""
    for run in told.values():
        said = run.manifest or {}
        if said.get("status") != chain.SAMPLED or asked not in (None, run.run_id, said["sampled"]):
            continue
        path = look.home.audit / run.run_id / chain.MANIFEST
        of = told.get(said["sampled"])
        if of is None or json.loads(of.line)["manifest_sha256"] != said["sampled_manifest_sha256"]:
            look.differs(path, "changed", f"is a sample of another run {said['sampled']} than the chain names")
            continue
        folder = look.home.published / of.publication
        if not of.manifest or not folder.is_dir():
            continue  # rotated away: what was drawn is on record, and cannot be drawn again
        asks = (said[name] for name in ("size", "seed", "of", "method", "currency"))
        try:
            again, _ = draw(folder, of.manifest, *asks)
        except Exception as error:  # what is changed in a publication may break anything
            look.differs(path, "changed", f"cannot be drawn again ({str(error).splitlines()[0]})")
            continue
        for name in ("population_count", "population_sha256", "rows", "rows_sha256"):
            if again[name] != said[name]:
                look.differs(path, "changed", f"drawn again, its {name} is {again[name]}, not {said[name]}")


def _is_forgotten(home: Home, run: Told, told: dict[str, Told]) -> bool:
    """Whether the figures of its loans went with the publication: of month-ends they stay."""
    if not run.has_published or (home.published / run.publication).exists() or not _may_be_rotated(run, told):
        return False
    days = map(date.fromisoformat, run.manifest.get("dates", []))
    return not any(day == month_end(day) for day in days)


def _look_for_strangers(look: Look, told: dict[str, Told]) -> None:
    """What stands beside packs, publications and deliveries, and nobody wrote down."""
    killed = (
        "no line of the chain names it: a run that was killed left it (the next run writes that down), or it was added"
    )
    for path in sorted(look.home.audit.iterdir()):
        if path.name not in (*told, look.at_work, "chain.jsonl"):
            look.differs(path, "added", killed if path.is_dir() else "was added: no run writes it")
    known = {run.publication for run in told.values() if run.has_published} | {"current"}
    for path in sorted(look.home.published.iterdir()) if look.home.published.is_dir() else []:
        if path.name in known or (look.at_work and path.name.endswith(look.at_work)):
            continue
        if path.name.startswith(LEFTOVERS):
            if not look.at_work:
                look.note(f"published/{path.name} was left by a run that was killed; the next run removes it.")
        else:
            look.differs(path, "added", killed)


def _look_at_current(look: Look, told: dict[str, Told]) -> None:
    """`current` leads to a publication that the chain names."""
    link = _link(look.home)
    if link is None:
        if look.home.current.exists():
            look.differs(look.home.current, "changed", "is no link")
        elif any(run.moved_current_to for run in told.values()):
            look.differs(look.home.current, "removed", "is gone")
        return
    if look.at_work and link.endswith(look.at_work):
        return
    moved = [run.moved_current_to for run in told.values() if run.moved_current_to]
    if link not in {run.publication for run in told.values() if run.has_published}:
        look.differs(look.home.current, "changed", f"leads to {link}, which the chain does not name")
    elif moved and moved[-1] != link:
        look.note(f"current leads to {link}, not to {moved[-1]}, at which it was pointed last.")


def _look_at_history(look: Look, told: dict[str, Told], asked: str | None) -> None:
    """The page of each delivery against the first account that names it, and the rows kept against that page and the erasures since."""
    erasures = [said for run in told.values() if (said := run.manifest or {}).get("status") == ERASED]
    first: dict[str, tuple[str, str | None]] = {}  # delivery -> the run that named it first, and the hash that it gives
    said = None
    for run in told.values():
        for facts in (run.manifest or {}).get("deliveries", []):
            name, sha = facts["delivery"], facts.get("record_sha256")
            if name not in first or (sha and not first[name][1]):
                first[name] = (run.run_id, sha)
            elif sha and sha != first[name][1]:
                path = look.home.raw / name / "delivery.json"
                look.differs(path, "changed", f"was another when run {run.run_id} saw it than for {first[name][0]}")
        said = (run.manifest or {}).get("withdrawals") or said
    wanted = first
    if asked is not None:
        manifest = told[asked].manifest if asked in told else None
        wanted = {facts["delivery"]: first[facts["delivery"]] for facts in (manifest or {}).get("deliveries", [])}
    for name, (_, sha) in sorted(wanted.items()):
        _look_at_delivery(look, look.home.raw / name, sha, erasures)
    if is_unfinished(look.home) and not look.at_work:
        look.note("An erasure was cut short: the next run, or `arrears erase` again, finishes it.")
    _look_at_withdrawals(look, said)
    for path in sorted(look.home.raw.iterdir()) if asked is None and look.home.raw.is_dir() else []:
        if path.name in first or path.name == look.home.withdrawals_file.name:
            continue
        if Delivery.parse(path.name) and look.at_work:
            look.note(f"warehouse/raw/{path.name}: no account names it yet.")
        else:
            look.differs(path, "added", "no run's account names it")


def _look_at_delivery(look: Look, folder: Path, sha: str | None, erasures: list[dict[str, Any]]) -> None:
    look.deliveries += 1
    page = folder / "delivery.json"
    if not folder.is_dir():
        look.differs(folder, "removed", "the rows of this delivery are gone")
        return
    if not page.is_file():
        look.differs(page, "removed", "is gone")
        return
    raw = page.read_bytes()
    if sha is None:
        look.unlisted["warehouse/raw/"].append(folder.name)
        return
    look.files += 1
    if hashlib.sha256(raw).hexdigest() != sha:
        look.differs(page, "changed", "is not what the account of the run that loaded it says")
        return
    kept = json.loads(raw).get("kept")
    if kept is None:
        look.unlisted["warehouse/raw/"].append(folder.name)
    else:
        look.compare(folder, erased_hashes(erasures, folder.name, kept), aside=("delivery.json",))


def _look_at_withdrawals(look: Look, said: dict[str, Any] | None) -> None:
    path = look.home.withdrawals_file
    if said is None:
        if path.exists():
            look.note("warehouse/raw/withdrawals.jsonl: no account has its hash yet.")
        return
    raw = path.read_bytes() if path.is_file() else b""
    look.files += 1
    if hashlib.sha256(raw[: said["bytes"]]).hexdigest() != said["sha256"]:
        look.differs(path, "changed", "does not begin as the last account says")
    elif len(raw) > said["bytes"]:
        look.note("warehouse/raw/withdrawals.jsonl: what was added since the last run is in no account yet.")


def _ended(
    home: Home,
    look: Look,
    asked: str | None,
    anchor: Path | None,
    kept: Anchor | None,
    again: dict[str, Any],
) -> dict[str, Any]:
    counted = (
        f"{look.packs} audit pack{'s' * (look.packs != 1)}, {look.publications} publication{'s' * (look.publications != 1)}"
        + (f" ({look.rotated} more rotated away)" if look.rotated else "")
        + f", {look.deliveries} deliver{'ies' if look.deliveries != 1 else 'y'}, {look.files:,} files compared"
    )
    what = f"Run {asked}" if asked else f"HOME {home.root}"
    outcome = {
        "run_id": asked,
        "packs": look.packs,
        "publications": look.publications,
        "rotated": look.rotated,
        "deliveries": look.deliveries,
        "files": look.files,
        "not_checked": look.told,
        "reproduced": again or None,
        "anchor": str(kept) if kept else None,
    }
    notes = "".join(f"\n  {note}" for note in look.told)
    notes = f"\nTo know:{notes}" if notes else ""
    if look.differences:
        shown = "\n".join(f"  {d.path}: {d.what}: {d.said}" for d in look.differences[:SHOWN])
        more = len(look.differences) - SHOWN
        text = f"{what} is not as it was written down ({counted}). {len(look.differences)} differences:\n{shown}"
        text += f"\n  … and {more:,} more (--json has all)" if more > 0 else ""
        raise Differs(text + notes, {**outcome, "differences": [vars(d) for d in look.differences]})
    text = f"{what} is whole: {counted}."
    if again:
        text += f"\n{again['said']}"
    if kept:
        text += f"\nTo keep outside{f' (kept in {anchor})' if anchor else ''}:\n  {kept}"
    return {"status": "whole", "exit_code": 0, **outcome, "differences": [], "_text": text + notes}
