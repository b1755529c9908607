"""Status: what is published, what is loaded, what waits, who is at work. Takes no lock."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from flows import chain
from flows.database import connect
from flows.history import attach_open_quarantine
from flows.home import Home, existing_home, holder, knowledge, today
from flows.publish import current_manifest, publications_of
from flows.sign import next_step, unsigned_of


def status_of(home: Path) -> dict[str, Any]:
    """`arrears status` as an object, with `_text` for the screen."""
    place = existing_home(home)
    manifest = current_manifest(place)
    loaded = place.loaded()
    withdrawn = {w.delivery.name: w.reason for w in place.withdrawals()}
    connection = connect()
    attach_open_quarantine(connection, place, knowledge(place).deliveries)
    waiting = dict(
        connection.sql("select ledger, count(*) from open_quarantine group by ledger order by ledger").fetchall()
    )
    runs_told = chain.read(place)
    runs = runs_told.links[-5:]
    who = holder(place)
    kept = sorted(publications_of(place).values(), key=lambda said: said["run_id"])
    newer = [said["run_id"] for said in kept if manifest and said["run_id"] > manifest["run_id"]]
    disk = disk_of(place)

    lines = [f"Home        {place.root}"]
    if manifest:
        lines.append(
            f"Published   as of {manifest['as_of']}, known at {manifest['known_at']}, run {manifest['run_id']}"
        )
        age = (today() - date.fromisoformat(manifest["as_of"])).days
        lines.append(f"Age         {age} day{'s' * (age != 1)} since its date, published {manifest['ended_at']}")
        lines.append(f"Gates       {manifest.get('publication', {}).get('gates') or 'not said'}")
        lines += [f"              {name:<22} {facts['rows']:>12,} rows" for name, facts in manifest["marts"].items()]
    else:
        lines.append("Published   nothing yet")
    unsigned = unsigned_of(place)
    for said in reversed(kept):
        mark = "current" if manifest and said["run_id"] == manifest["run_id"] else ""
        mark = mark or ("waits for a signature" if said["run_id"] in [m["run_id"] for m in unsigned] else "")
        mark = mark or (f"not switched to: arrears switch {said['run_id']}" if said["run_id"] in newer else "kept")
        lines.append(f"{'Kept' if said is kept[-1] else '':<12}as of {said['as_of']}, run {said['run_id']}  {mark}")
    lines += [f"Waits       run {m['run_id']}, as of {m['as_of']}: {next_step(place, m)}" for m in unsigned]
    names = [d.name + (f" (withdrawn: {withdrawn[d.name]})" if d.name in withdrawn else "") for d in loaded]
    lines.append(f"Deliveries  {', '.join(names) or 'none'}")
    lines.append("Quarantine  " + (", ".join(f"{n} in {ledger}" for ledger, n in waiting.items()) or "empty"))
    used = ", ".join(f"{name} {size(of)}" for name, of in disk["used"].items())
    lines.append(f"Disk        {size(sum(disk['used'].values()))} ({used}); {size(disk['free'])} free")
    lines.append("Last runs   " + ("; ".join(f"{r['run_id']} {r['status']}" for r in runs) or "none"))
    if runs_told.faults:
        lines.append(f"To look at  {chain.told(place, runs_told.faults)}")
    lines.append(
        "At work     "
        + (f"process {who['pid']}, {who['command']}, run {who['run_id']}, since {who['since']}" if who else "nobody")
    )
    return {
        "status": "ok",
        "exit_code": 0,
        "home": str(place.root),
        "current": manifest and {k: manifest[k] for k in ("run_id", "as_of", "known_at", "policy_version", "marts")},
        "waits_for_signature": [m["run_id"] for m in unsigned],
        "deliveries": [d.name for d in loaded],
        "withdrawn": withdrawn,
        "age_days": age if manifest else None,
        "gates": manifest and manifest.get("publication", {}).get("gates"),
        "kept": [{"run_id": said["run_id"], "as_of": said["as_of"]} for said in kept],
        "not_switched": newer,
        "quarantine": waiting,
        "disk": disk,
        "runs": runs,
        "chain_faults": runs_told.faults,
        "at_work": who,
        "_text": "\n".join(lines),
    }


def disk_of(home: Home) -> dict[str, Any]:
    """Bytes that each folder of HOME takes, a file with two names once, and what is free beside it."""
    seen: set[tuple[int, int]] = set()
    used = {}
    for folder in ("warehouse", "published", "audit"):
        used[folder] = 0
        for path in (home.root / folder).rglob("*"):
            try:
                said = os.lstat(path)
            except OSError:  # a run at work may have taken it away
                continue
            if (said.st_dev, said.st_ino) not in seen:
                seen.add((said.st_dev, said.st_ino))
                used[folder] += said.st_blocks * 512
    return {"used": used, "free": shutil.disk_usage(home.root).free}


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
