"""Switch: `current` is pointed at another publication that is kept, in one step, and the chain says so."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from flows import chain
from flows.errors import UsageError
from flows.home import Home, as_json, existing_home, hold, new_run_id, now_text
from flows.publish import current_manifest, move_current, publication_of


def switch_to(home: Path, run: str, back: bool, wait: float) -> dict[str, Any]:
    """`arrears switch`: readers see RUN's publication from now on; one of an earlier date only with `back`."""
    from flows.sign import refuse_unsigned

    place = existing_home(home)
    switch_id = new_run_id()
    with hold(place, switch_id, "arrears switch", wait):
        publication, manifest = publication_of(place, run)  # in here, where no run can rotate it away
        standing = current_manifest(place) or {}
        told = {
            "status": "ok",
            "exit_code": 0,
            "run_id": manifest["run_id"],
            "as_of": manifest["as_of"],
            "publication": str(publication),
        }
        if standing.get("run_id") == manifest["run_id"]:
            return told | {"_text": f"`current` is run {manifest['run_id']}, as of {manifest['as_of']}, already."}
        refuse_unsigned(place, manifest)
        if not back:
            refuse_earlier(run, manifest, standing)
        turn(place, switch_id, publication, manifest, standing)
    return told | {"_text": f"`current` is now run {manifest['run_id']}, as of {manifest['as_of']}: {publication}"}


def refuse_earlier(run: str, manifest: dict[str, Any], standing: dict[str, Any]) -> None:
    """`current` is moved to an earlier date by nobody who has not said so."""
    if standing and date.fromisoformat(manifest["as_of"]) < date.fromisoformat(standing["as_of"]):
        raise UsageError(
            f"RUN {run}: it is as of {manifest['as_of']}, and `current` is as of {standing['as_of']}. Readers would see an earlier "
            "date, and nobody would know. Give --back to move it back."
        )


def turn(home: Home, switch_id: str, publication: Path, manifest: dict[str, Any], standing: dict[str, Any]) -> None:
    """Move `current`, and put it on record; HOME is held."""
    move_current(home, publication)
    said = {
        "run_id": switch_id,
        "status": "switched",
        "ended_at": now_text(),
        "current": manifest["run_id"],
        "as_of": manifest["as_of"],
    }
    said |= {"before": standing.get("run_id"), "previous": chain.read(home).head}
    chain.record(home, switch_id, as_json(said))
