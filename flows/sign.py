"""Sign: a second person says, on record, that a run may stand (decision 0112). Where the policy asks for four eyes, `current` waits
for it.

A signature is an audit pack of its own: who, what was noted, and the sha256 of the manifest of the run, from which every file of its
publication follows. So the chain holds it as it holds a run.
"""

from __future__ import annotations

import shlex
import unicodedata
from pathlib import Path
from typing import Any

from flows import chain
from flows.controls import who_runs
from flows.errors import UsageError
from flows.home import Home, as_json, existing_home, hold, new_run_id, now_text
from flows.publish import current_manifest, publication_of, publications_of, rotate
from flows.switch import refuse_earlier, turn

LONGEST = 500  # characters of a name or a note


def unsigned_of(home: Home) -> list[dict[str, Any]]:
    """Manifests of publications that wait for a second person, oldest first; what a later run has overtaken waits no more."""
    signed, standing = chain.signatures(home), (current_manifest(home) or {}).get("run_id", "")
    waits = [m for m in publications_of(home).values() if m.get("waits_for_signature") and m["run_id"] not in signed]
    return [m for m in waits if m["run_id"] > standing]


def refuse_unsigned(home: Home, manifest: dict[str, Any]) -> None:
    """What waits for a second person is shown to nobody before."""
    if manifest.get("waits_for_signature") and manifest["run_id"] not in chain.signatures(home):
        raise UsageError(
            f"RUN {manifest['run_id']}: it waits for a second person, for the policy asks for four eyes. {next_step(home, manifest)}"
        )


def next_step(home: Home, manifest: dict[str, Any]) -> str:
    return (
        f"Somebody other than {manifest['user']} signs it: `arrears sign {manifest['run_id']} --as NAME --note TEXT "
        f"--home {shlex.quote(str(home.root))}`."
    )


def sign(home: Path, run: str, name: str, note: str, wait: float) -> dict[str, Any]:
    """`arrears sign`: put a signature on record; where `current` waits for it, point `current` at the run."""
    place = existing_home(home)
    name, note = text_of("--as", name), text_of("--note", note)
    sign_id = new_run_id()
    with hold(place, sign_id, "arrears sign", wait):
        publication, manifest = publication_of(place, run)  # in here, where no run can rotate it away
        run_id, ran = manifest["run_id"], manifest.get("user")
        if ran is not None and same_person(name, ran):
            raise UsageError(f"--as {name}: is who ran {run_id}. A second person signs; give another name.")
        before = chain.signatures(place).get(run_id, [])
        if not chain.is_recorded(place, run_id):
            raise UsageError(
                f"RUN {run_id}: is not written down yet. The next night, or `arrears mend`, does that; sign then."
            )
        if any(same_person(name, one["signed_by"]) for one in before):
            raise UsageError(
                f"--as {name}: has signed {run_id} already. Nothing was changed; give another name, or none."
            )
        waits = bool(manifest.get("waits_for_signature")) and not before
        said = {
            "run_id": sign_id,
            "status": chain.SIGNED,
            "ended_at": now_text(),
            "signed": run_id,
            "as_of": manifest["as_of"],
            "signed_manifest_sha256": chain.hash_of((publication / chain.MANIFEST).read_bytes()),
            "signed_by": name,
            "note": note,
            "run_by": ran,
            "user": who_runs(),
            "keep_publications": manifest["settings"]["keep_publications"] if waits else None,
            "previous": chain.read(place).head,
        }
        chain.record(place, sign_id, as_json(said))
        text = f"{name} has signed run {run_id}, as of {manifest['as_of']}, on record as {sign_id}."
        if waits:
            text += _switched(place, run, publication, manifest)
    moved = place.current.resolve() == publication.resolve()
    outcome = {"status": "ok", "exit_code": 0, "run_id": run_id, "as_of": manifest["as_of"], "signed_by": name}
    return {**outcome, "signature": sign_id, "current": moved, "publication": str(publication), "_text": text}


def _switched(home: Home, run: str, publication: Path, manifest: dict[str, Any]) -> str:
    """Move `current`, and what is to be told of it: as `arrears switch` does, and never back in time."""
    standing = current_manifest(home) or {}
    try:
        refuse_earlier(run, manifest, standing)
    except UsageError:
        called = f"arrears switch {manifest['run_id']} --back --home {shlex.quote(str(home.root))}"
        return f"\n`current` stays as of {standing['as_of']}, which is later; `{called}` moves it back."
    turn(home, new_run_id(), publication, manifest, standing)
    rotate(home, int(manifest["settings"]["keep_publications"]))
    return f"\n`current` is now this run: {publication}"


def text_of(option: str, value: str) -> str:
    """A name or a note as it is put on record; UsageError where it is none."""
    text = " ".join(value.split())
    if not text or len(text) > LONGEST or not text.isprintable():
        raise UsageError(f"{option}: is empty, longer than {LONGEST} characters, or not printable. Give a few words.")
    return text


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, however they are written."""
    first, second = ("".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in (one, other))
    return first == second
