"""List the quarantine: where a row stands, why it was not loaded, what would be allowed, and what may mend it. Takes no lock.

The raw text of a row stays in the warehouse: it may hold personal data. Shown are the key, and the values that the reasons
name. In a ledger that holds personal data a value is masked unless it has the look of what its column holds: in a row whose
fields slid, a name may stand in any column. Rows of a delivery that its gate refused are listed, too: nothing of it is loaded, and
they are what has to be put right.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from flows.database import connect, quote_path
from flows.errors import UsageError
from flows.history import PERSONAL_LOOK, SHOWN_KEY, WITH_PERSONAL_DATA, attach_open_quarantine
from flows.home import Delivery, existing_home, knowledge
from flows.ledgers import Column, ledgers
from flows.masking import mask

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
    "bad_date": "is not a date",
    "bad_timestamp": "is not a time",
    "bad_rate": "is not a rate",
    "bad_integer": "is not a whole number",
    "bad_boolean": "is neither true nor false",
    "unknown_code": "is not a known code",
    "several_values": "has several values for one plan",
    "out_of_calendar": "is before 1900, where the calendars begin",
    "ends_before_it_starts": "is before the day it starts",
    "before_disbursed_on": "is before disbursed_on",
    "before_advanced_on": "is before advanced_on",
    "same_person": "is who prepared it, and a second person approves",
    "not_in_force": "is a currency that was not in force on the day of the row",
    "reversal_of_reversal": "names a reversal, which cannot be reversed",
    "reversal_of_chargeback": "names a chargeback, which cannot be reversed",
    "reversal_before_original": "is earlier than what it reverses",
    "reversal_exceeds_original": "is more than is left to reverse",
}


Entry = dict[str, Any]
SHOWN = f"ledger, delivery, file, line, {SHOWN_KEY} as key, reasons, is_open, closed_how, amount, texts, hints"
ROWS_OF_A_REASON = 3  # on the screen of a run that was refused
REASONS_SHOWN = 12


def list_quarantine(
    home: Path, ledger: str | None, delivery: str | None, everything: bool, limit: int
) -> dict[str, Any]:
    """`arrears quarantine`: entries, newest delivery first, and how many there are."""
    if ledger is not None and ledger not in ledgers():
        raise UsageError(f"--ledger {ledger}: no such ledger. Allowed: {', '.join(ledgers())}.")
    place = existing_home(home)
    known = sorted({*place.loaded(), *place.refused()})
    if delivery is not None and Delivery.parse(delivery) not in known:
        raise UsageError(
            f"--delivery {delivery}: neither loaded nor refused here. Allowed: {', '.join(map(str, known)) or 'none yet'}."
        )
    connection = connect()
    attach_open_quarantine(connection, place, knowledge(place).deliveries)
    refused = [place.pending(d) / "quarantine.parquet" for d in place.refused()]
    if refused:
        connection.execute(
            f"""
            create view listed as
            from all_quarantine
            union all by name
            select *, true as is_open, 'refused' as closed_how from read_parquet([{", ".join(map(quote_path, refused))}])
            """
        )
    else:
        connection.execute("create view listed as from all_quarantine")
    tests = ["true" if everything else "is_open"]
    values: list[Any] = []
    for column, value in (("ledger", ledger), ("_delivery", delivery)):
        if value is not None:
            tests.append(f"{column} = ?")
            values.append(value)
    where = " and ".join(tests)
    total, of_refused = connection.execute(
        f"select count(*), count(*) filter (where closed_how = 'refused') from listed where {where}", values
    ).fetchone()
    rows = connection.execute(
        f"select {SHOWN} from listed where {where} order by _delivery_no desc, ledger, file, line limit {limit}", values
    ).fetchall()
    entries = [_entry(*row) for row in rows]
    shown = "\n".join(
        f"{e['delivery']}  {e['file']}, line {e['line']}  {e['ledger']} {e['key'] or '(no key)'}"
        + (f"  [{e['closed_how']}]" if e["closed_how"] else "")
        + "".join(f"\n    {said}" for said in [*e["said"], *e["hints"]])
        for e in entries
    )
    head = (
        f"{total} row{'s' * (total != 1)} {'in all' if everything else 'waiting'} in quarantine"
        + (f", {of_refused} of them of a delivery that was refused as a whole" if of_refused else "")
        + (f", {limit} shown" if total > limit else "")
    )
    return {
        "status": "ok",
        "exit_code": 0,
        "total": total,
        "entries": entries,
        "_text": head + (f"\n{shown}" if shown else ""),
    }


def by_reason(rows: Path) -> list[Entry]:
    """The first rows of each file and reason in a quarantine.parquet, and how many more there are (`alike`)."""
    found = connect().execute(
        f"""
        select {SHOWN.replace("is_open, closed_how", "true as is_open, null as closed_how")}, alike
        from (
            select
                *,
                row_number() over (partition by file, reasons order by line) as place,
                count(*) over (partition by file, reasons) as alike
            from read_parquet({quote_path(rows)})
        )
        where place <= {ROWS_OF_A_REASON}
        order by len(list_filter(reasons, lambda x: x not like 'orphan:%')) = 0, alike desc, file, reasons, line
        limit {ROWS_OF_A_REASON * REASONS_SHOWN}
        """
    )
    return [_entry(*row[:-1]) | {"alike": row[-1]} for row in found.fetchall()]


def told_by_reason(entries: list[Entry], command: str) -> str:
    """Those rows as lines of a message; hints once for each reason."""
    lines: list[str] = []
    before = None
    for n, entry in enumerate(entries):
        lines.append(f"  {entry['file']}, line {entry['line']}: {'; '.join(entry['said'])}")
        if (entry["file"], entry["reasons"]) != before:
            lines += [f"      {hint}" for hint in entry["hints"]]
        before = (entry["file"], entry["reasons"])
        last = n + 1 == len(entries) or (entries[n + 1]["file"], entries[n + 1]["reasons"]) != before
        if last and entry["alike"] > ROWS_OF_A_REASON:
            lines.append(f"      … and {entry['alike'] - ROWS_OF_A_REASON:,} more rows like these")
    return f"\nRows in quarantine (all of them: {command}):\n" + "\n".join(lines) if lines else ""


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
    hints: list[str] | None,
) -> Entry:
    columns, values = ledgers()[ledger].columns, json.loads(texts)
    named = [(code, columns[name]) for code, _, name in (r.partition(":") for r in reasons) if name in columns]
    has_slid = ledger in WITH_PERSONAL_DATA and any(
        values.get(column.name) is not None and not _fits(code, column, values[column.name]) for code, column in named
    )
    said = []
    for reason in reasons:
        code, _, name = reason.partition(":")
        column = columns.get(name)
        value = values.get(name)
        given = ""
        if column is not None and value is not None:
            given = " (personal, not shown)" if column.personal else f" {mask(value) if has_slid else repr(value)}"
        words = WORDS.get(code) or code.replace("_", " ")
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
        "hints": hints or [],
        "amount": str(amount),
        "is_open": is_open,
        "closed_how": closed_how,
    }


def _fits(code: str, column: Column, value: str) -> bool:
    """Whether a value that a reason names has the look of what its column holds, so that it is no name or number that slid there."""
    if column.type in ("date", "timestamp"):
        return bool(re.fullmatch(r"\d{1,4}([-/.年]\d{1,2}){1,2}[月日]?([ T][\d:.+Z-]+)?", value))
    if code in ("orphan", "conflict", "conflict_in_delivery"):
        return not re.search(PERSONAL_LOOK, value)
    if column.type in ("text", "code"):
        return False
    return bool(re.fullmatch(r"[-+\d.,%]{1,10}", value))


ALLOWED_SAID = ("missing", "unknown_code", "not_a_number", "too_many_decimals", "negative", "not_positive", "overflow")
