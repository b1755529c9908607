"""Status: what is published, what is loaded, what waits, who is at work. Takes no lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows import chain
from flows.database import connect
from flows.history import attach_open_quarantine
from flows.home import existing_home, holder, knowledge
from flows.publish import current_manifest
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

    lines = [f"Home        {place.root}"]
    if manifest:
        lines.append(
            f"Published   as of {manifest['as_of']}, known at {manifest['known_at']}, run {manifest['run_id']}"
        )
        lines += [f"              {name:<22} {facts['rows']:>12,} rows" for name, facts in manifest["marts"].items()]
    else:
        lines.append("Published   nothing yet")
    unsigned = unsigned_of(place)
    lines += [f"Waits       run {m['run_id']}, as of {m['as_of']}: {next_step(place, m)}" for m in unsigned]
    names = [d.name + (f" (withdrawn: {withdrawn[d.name]})" if d.name in withdrawn else "") for d in loaded]
    lines.append(f"Deliveries  {', '.join(names) or 'none'}")
    lines.append("Quarantine  " + (", ".join(f"{n} in {ledger}" for ledger, n in waiting.items()) or "empty"))
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
        "quarantine": waiting,
        "runs": runs,
        "chain_faults": runs_told.faults,
        "at_work": who,
        "_text": "\n".join(lines),
    }
