"""Withdraw: a delivery that should not have been loaded is left out from now on; nothing is deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.errors import UsageError
from flows.home import Delivery, existing_home, hold, knowledge, now_text, write_whole


def withdraw_delivery(home: Path, name: str, reason: str, wait: float) -> dict[str, Any]:
    """Record a withdrawal, in force beyond the last delivery loaded now; `--known-at` that one still sees the delivery."""
    place = existing_home(home)
    delivery = Delivery.parse(name)
    if delivery is None or delivery not in place.loaded():
        loaded = ", ".join(map(str, place.loaded())) or "none"
        raise UsageError(f"DELIVERY {name}: not loaded in {home}. Allowed: one of those loaded ({loaded}).")
    if not reason.strip():
        raise UsageError("--reason: empty. Say why, for whoever audits this.")
    with hold(place, "withdrawal", "arrears withdraw", wait):
        if any(w.delivery == delivery for w in place.withdrawals()):
            raise UsageError(f"DELIVERY {name}: withdrawn already.")
        after = knowledge(place).deliveries[-1]
        line = {"delivery": delivery.name, "after": after.name, "reason": reason.strip(), "withdrawn_at": now_text()}
        write_whole(
            place.withdrawals_file, place.withdrawals_whole() + json.dumps(line, ensure_ascii=False).encode() + b"\n"
        )
    text = (
        f"Delivery {delivery} is withdrawn: runs from now on leave it out (a run with --known-at {after} still has it).\n"
        "Deliver the correction under a new number or date, and run `arrears nightly`."
    )
    return {"status": "withdrawn", "exit_code": 0, **line, "_text": text}
