"""The chain of runs, HOME/audit/chain.jsonl: one line a run that ended, each naming the hash of the line before.

A run's line follows from its audit pack, byte for byte: from the manifest, and from the list of the other files with their
hashes (`files.json`), with which the pack is closed. So nothing hangs on the chain's file: where it is lost or torn a run goes
on, names the line that it follows all the same, and says what is wrong; `arrears mend` writes it again from the packs, and
names what nobody has any more. That packs are still what their lines say is for `verify.py` to tell.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.home import Home, as_json, hold, new_run_id, now_text, sync, write_whole
from flows.listing import list_files
from flows.progress import leave

MANIFEST, FILES = "manifest.json", "files.json"  # a pack's first page, and the list of all else that is in it
SIGNED = "signed"  # the status of a signature's pack
SAMPLED = "sampled"  # the status of the pack of a sample that was drawn
BEFORE = "chain-before.jsonl"  # in the pack of a mending: the chain as it was found


@dataclass(frozen=True)
class Chain:
    """What the file holds: its whole lines, oldest first, the lines of packs that it does not name, and what is wrong."""

    lines: list[bytes]
    unnamed: list[bytes]
    faults: list[str]  # sentences; none of a chain that is whole

    @property
    def links(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @cached_property
    def mended(self) -> list[bytes]:
        """Every line that is known, in the order in which each names the one before."""
        return _ordered([*self.lines, *self.unnamed])

    @property
    def head(self) -> str | None:
        """What the next line names; None at the beginning."""
        last = (self.mended if self.faults else self.lines)[-1:]
        return hash_of(last[0]) if last else None


def path_of(home: Home) -> Path:
    return home.audit / "chain.jsonl"


def read(home: Home) -> Chain:
    """The chain as it stands; never raises for what is wrong with it."""
    lines: list[bytes] = []
    faults: list[str] = []
    packs = {folder.name: folder / MANIFEST for folder in home.audit.glob("*") if _has_manifest(folder)}
    try:
        raw = path_of(home).read_bytes()
    except FileNotFoundError:
        raw = b""
        if packs:
            faults.append("the file is gone")
    except OSError as error:
        raw = b""
        faults.append(f"the file cannot be read ({error.strerror})")
    stands = not faults
    said = raw.split(b"\n")
    for number, line in enumerate(said if said[-1] else said[:-1], 1):
        if _run_of(line) is None:
            faults.append(f"line {number} is cut short or damaged")
        else:
            lines.append(line)
    accepted = {gap for line in lines for gap in json.loads(line).get("gaps", [])}
    lost = [_run_of(line) for line in _gaps(lines) if hash_of(line) not in accepted]
    faults += [f"the line before that of run {run} is missing or was changed" for run in lost]
    named = {_run_of(line) for line in lines}
    unnamed = [line for run, pack in sorted(packs.items()) if run not in named and (line := line_of(pack.parent))]
    if unnamed and stands:
        runs = ", ".join(str(_run_of(line)) for line in unnamed[:3])
        more = f" and {len(unnamed) - 3} more" if len(unnamed) > 3 else ""
        faults.append(f"it does not name {runs}{more}, of which audit/ has a pack")
    return Chain(lines, unnamed, faults)


def told(home: Home, faults: list[str]) -> str:
    """What is wrong with the chain, and the next step."""
    return (
        f"The chain of runs {path_of(home)} is not whole: {'; '.join(faults)}. No figure depends on it. "
        f"`arrears mend --home {shlex.quote(str(home.root))}` writes it again from the audit packs."
    )


def record(home: Home, run_id: str, manifest: bytes) -> None:
    """Keep a run's manifest in its audit pack, once, close the pack, and link it into the chain."""
    path = home.audit / run_id / MANIFEST
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        raise FileExistsError(errno.EEXIST, "this run is written down already", str(path))
    listed = _close(home, path.parent)
    write_whole(path, manifest)
    _append(path_of(home), _line(manifest, listed))


def _close(home: Home, pack: Path) -> bytes:
    """Write down what is in a pack; from here on nothing in it changes."""
    leave(pack, home.warehouse / "logs")
    listed = as_json(list_files(pack, without=(MANIFEST, FILES)))
    write_whole(pack / FILES, listed)
    return listed


def is_recorded(home: Home, run_id: str) -> bool:
    return _has_manifest(home.audit / run_id)


def finish(home: Home) -> None:
    """Append the lines that runs which were killed, or found the disk full, still had to write at the end of a whole chain."""
    chain = read(home)
    end = len(chain.lines)
    if end and chain.unnamed and len(chain.faults) == 1 and chain.mended[:end] == chain.lines:
        missing = chain.mended[end:]
        if set(_gaps(chain.mended)).isdisjoint(missing):
            for line in missing:
                _append(path_of(home), line)


def mend(home: Home, wait: float) -> dict[str, Any]:
    """`arrears mend`: write the chain again from what it still holds and from the audit packs."""
    run_id = new_run_id()
    with hold(home, run_id, "arrears mend", wait):
        before = read(home)
        if not before.faults:
            text = f"The chain of runs is whole: {len(before.lines)} runs. Nothing was changed."
            return {"status": "ok", "exit_code": 0, "runs": len(before.lines), "_text": text}
        lines = before.mended
        gaps = _gaps(lines)
        pack = home.audit / run_id
        pack.mkdir(mode=0o700)
        path = path_of(home)
        if os.path.lexists(path):
            path.rename(pack / BEFORE)  # whatever it is: nothing is deleted
        restored = [str(_run_of(line)) for line in before.unnamed]
        manifest = {
            "run_id": run_id,
            "status": "mended",
            "ended_at": now_text(),
            "message": "; ".join(before.faults),
            "restored": restored,
            "gaps": [hash_of(line) for line in gaps],
            "previous": before.head,
        }
        content = as_json(manifest)
        line = _line(content, _close(home, pack))
        write_whole(path, b"".join(line + b"\n" for line in [*lines, line]))
        write_whole(pack / MANIFEST, content)
        sync(home.audit)
    text = f"The chain of runs was not whole: {'; '.join(before.faults)}.\nIt is written again: {len(lines)} runs, "
    text += f"{len(restored)} of them from their audit packs. As it was found it is kept in {pack}."
    for line in gaps:
        text += (
            f"\nWhat ran just before {_run_of(line)} is lost: neither the chain nor a pack has it. That is on record now, "
            "and a backup of HOME/audit may still have it."
        )
    outcome = {"status": "mended", "exit_code": 0, "run_id": run_id, "runs": len(lines), "restored": restored}
    return {**outcome, "lost_before": [_run_of(line) for line in gaps], "_text": text}


def _has_manifest(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def manifest_in(pack: Path) -> dict[str, Any]:
    """A pack's manifest; empty where there is none that can be read."""
    try:
        return json.loads((pack / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}


def signatures(home: Home) -> dict[str, list[dict[str, Any]]]:
    """{run_id: its signatures (`arrears sign`), oldest first}, as the chain names them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for link in read(home).links:
        if link["status"] == SIGNED:
            said = manifest_in(home.audit / link["run_id"])
            if said.get("signed"):
                found.setdefault(said["signed"], []).append(said)
    return found


def line_of(pack: Path) -> bytes | None:
    """The line of a run from its pack; None where the manifest is none any more."""
    try:
        listed = (pack / FILES).read_bytes() if (pack / FILES).exists() else None
        return _line((pack / MANIFEST).read_bytes(), listed)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _line(manifest: bytes, listed: bytes | None) -> bytes:
    """`listed` is None of a pack that was written before packs were closed with a list of their files."""
    said = json.loads(manifest)
    link = {
        "run_id": said["run_id"],
        "status": said["status"],
        "ended_at": said["ended_at"],
        "manifest_sha256": hash_of(manifest),
        **({"files_sha256": hash_of(listed)} if listed is not None else {}),
        "previous": said["previous"],
    }
    return json.dumps(link | ({"gaps": said["gaps"]} if said.get("gaps") else {})).encode()


def _run_of(line: bytes) -> str | None:
    """The run that a line names; None where it is no line of a chain."""
    try:
        link = json.loads(line)
        texts = all(isinstance(link[key], str) for key in ("run_id", "status", "manifest_sha256"))
        return link["run_id"] if texts and isinstance(link["previous"], str | None) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def hash_of(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _gaps(lines: list[bytes]) -> list[bytes]:
    """Lines that do not name the one before them."""
    before = [None, *map(hash_of, lines)]
    return [line for line, hashed in zip(lines, before, strict=False) if json.loads(line)["previous"] != hashed]


def _ordered(lines: list[bytes]) -> list[bytes]:
    """Each line after the one that it names; where that is nobody's, by run."""
    rest = {hash_of(line): line for line in sorted(lines, key=lambda line: str(_run_of(line)))}
    after: dict[str | None, list[str]] = {}
    for key, line in rest.items():
        after.setdefault(json.loads(line)["previous"], []).append(key)
    ordered: list[bytes] = []
    while rest:
        key = next((k for k, line in rest.items() if json.loads(line)["previous"] not in rest), next(iter(rest)))
        while key is not None:
            ordered.append(rest.pop(key))
            key = next((k for k in after.get(key, []) if k in rest), None)
    return ordered


def _append(path: Path, line: bytes) -> None:
    """Add a line, whole or not at all, and never to the end of one that a kill cut short."""
    with open(path, "a+b", buffering=0) as chain:
        size = chain.seek(0, os.SEEK_END)
        chain.seek(max(size - 1, 0))
        data = (b"\n" if size and chain.read(1) != b"\n" else b"") + line + b"\n"
        try:
            if chain.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(chain.fileno())
        except OSError:
            os.ftruncate(chain.fileno(), size)
            raise
