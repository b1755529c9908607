"""List the quarantine: where a row stands, why it was not loaded, and what would be allowed. Takes no lock.

The raw text of a row stays in the warehouse: it may hold personal data. Shown are the key, and the values that the reasons
name, unless their column is personal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.database import connect
from flows.errors import UsageError
from flows.history import SHOWN_KEY, attach_open_quarantine
from flows.home import Delivery, Home, knowledge
from flows.ledgers import ledgers

WORDS = {
    "ragged_row": "has more or fewer fields than the header",
    "malformed_quotes": "has quotes that do not enclose a whole field",
    "missing": "is missing",
    "orphan": "names a key that was never delivered; the row loads by itself once its parent comes",
    "conflict": "was loaded before with other content, and events never change",
    "conflict_in_delivery": "stands on several rows of one delivery with different content",
    "too_many_decimals": "has more than 2 decimals",
    "overflow": "is too large",
    "negative": "is negative",
    "not_positive": "is not above 0",
    "not_a_number": "is not a number",
    "unknown_code": "is not a known code",
    "several_values": "has several values for one plan",
    "ends_before_it_starts": "is before from_on",
    "reversal_of_reversal": "names a reversal, which cannot be reversed",
    "reversal_of_chargeback": "names a chargeback, which cannot be reversed",
    "reversal_before_original": "is earlier than what it reverses",
    "reversal_exceeds_original": "is more than is left to reverse",
}


def list_quarantine(
    home: Path, ledger: str | None, delivery: str | None, everything: bool, limit: int
) -> dict[str, Any]:
    """`arrears quarantine`: entries, newest delivery first, and how many there are."""
    if ledger is not None and ledger not in ledgers():
        raise UsageError(f"--ledger {ledger}: no such ledger. Allowed: {', '.join(ledgers())}.")
    place = Home(home.absolute())
    if delivery is not None and Delivery.parse(delivery) not in place.loaded():
        raise UsageError(
            f"--delivery {delivery}: not loaded. Allowed: {', '.join(map(str, place.loaded())) or 'none yet'}."
        )
    connection = connect()
    attach_open_quarantine(connection, place, knowledge(place).deliveries)
    tests = ["true" if everything else "is_open"]
    values: list[Any] = []
    for column, value in (("ledger", ledger), ("delivery", delivery)):
        if value is not None:
            tests.append(f"{column} = ?")
            values.append(value)
    where = " and ".join(tests)
    total = connection.execute(f"select count(*) from all_quarantine where {where}", values).fetchone()[0]
    rows = connection.execute(
        f"""
        select ledger, delivery, file, line, {SHOWN_KEY} as key, reasons, is_open, closed_how, amount, texts
        from all_quarantine
        where {where}
        order by _delivery_no desc, ledger, file, line
        limit {limit}
        """,
        values,
    ).fetchall()
    entries = [_entry(*row) for row in rows]
    shown = "\n".join(
        f"{e['delivery']}  {e['file']}, line {e['line']}  {e['ledger']} {e['key'] or '(no key)'}"
        + ("" if e["is_open"] else f"  [{e['closed_how']}]")
        + "".join(f"\n    {said}" for said in e["said"])
        for e in entries
    )
    head = f"{total} row{'s' * (total != 1)} {'in all' if everything else 'waiting'} in quarantine" + (
        f", {limit} shown" if total > limit else ""
    )
    return {
        "status": "ok",
        "exit_code": 0,
        "total": total,
        "entries": entries,
        "_text": head + (f"\n{shown}" if shown else ""),
    }


def _entry(
    ledger: str,
    delivery: str,
    file: str,
    line: int,
    key: str | None,
    reasons: list[str],
    is_open: bool,
    closed_how: str | None,
    amount: Any,
    texts: str,
) -> dict[str, Any]:
    columns, values = ledgers()[ledger].columns, json.loads(texts)
    said = []
    for reason in reasons:
        code, _, name = reason.partition(":")
        column = columns.get(name)
        value = values.get(name)
        given = ""
        if column is not None and value is not None:
            given = " (personal, not shown)" if column.personal else f" {value!r}"
        words = WORDS.get(code) or (
            f"is no {code.removeprefix('bad_')}" if code.startswith("bad_") else code.replace("_", " ")
        )
        allowed = (
            f". Allowed: {column.allowed_words}"
            if column is not None and (code.startswith("bad_") or code in ALLOWED_SAID)
            else ""
        )
        said.append(f"{name or 'the row'}{given} {words}{allowed}")
    return {
        "ledger": ledger,
        "delivery": delivery,
        "file": file,
        "line": line,
        "key": key,
        "reasons": reasons,
        "said": said,
        "amount": str(amount),
        "is_open": is_open,
        "closed_how": closed_how,
    }


ALLOWED_SAID = ("missing", "unknown_code", "not_a_number", "too_many_decimals", "negative", "not_positive", "overflow")
