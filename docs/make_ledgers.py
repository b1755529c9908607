"""Write docs/ledgers.md from the input contract (flows/ledgers.yml).

Usage: python docs/make_ledgers.py          (tests/docs/test_docs.py fails while the page is not current)
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from flows.ledgers import Column, Ledger, ledgers  # noqa: E402

HEAD = """\
# Ledgers: the input contract

Written from [`flows/ledgers.yml`](../flows/ledgers.yml) by `docs/make_ledgers.py`; edit that file, not this page.

A file may use the English names, the Chinese ones, or any other by way of a [mapping](your-own-files.md). **Bold**
columns are the key, *required* ones must have a value or the row goes to quarantine; of all others a file may leave out the
column. A master ledger is an upsert (the newest delivery of a key wins, older versions stay); an event ledger only grows.
† marks personal data: it stays in the warehouse. Every timestamp without a zone is Asia/Shanghai.
"""

TYPES = {
    "text": "text",
    "code": "code",
    "date": "date",
    "timestamp": "timestamp",
    "amount": "amount, 0 or more",
    "positive": "amount above 0",
    "signed": "amount of any sign",
    "rate": "decimal",
    "integer": "whole number",
    "boolean": "boolean",
}


def page() -> str:
    return HEAD + "".join(section(ledger) for ledger in ledgers().values())


def section(ledger: Ledger) -> str:
    facts = ["event ledger" if ledger.is_event else "master ledger", f"key {', '.join(ledger.key)}"]
    if ledger.amount:
        facts.append(f"its amount is {ledger.amount}")
    lines = [
        f"\n## {ledger.name}\n",
        f"{'; '.join(facts).capitalize()}.\n",
        "| column | Chinese headers | type | values and rules |",
        "|---|---|---|---|",
        *(row(ledger, column) for column in ledger.columns.values()),
    ]
    return "\n".join(lines) + "\n"


def row(ledger: Ledger, column: Column) -> str:
    name = f"**{column.name}**" if column.name in ledger.key else column.name
    rules = []
    if column.required:
        rules.append("*required*")
    if column.default is not None:
        rules.append(f"default `{column.default}`" if column.default != "0001-01-01" else "default: always")
    if column.codes:
        rules.append(", ".join(f"`{code}` {zh}" for code, zh in column.codes.items()))
    if column.also:
        rules.append("also " + ", ".join(f"{zh} = `{code}`" for zh, code in column.also.items()))
    if column.of:
        rules.append(f"a key of {column.of}")
    if column.seed:
        rules.append(f"a name of the seed {column.seed}")
    if column.reverses:
        rules.append(f"a {' or '.join(column.reverses)} of this ledger")
    if column.allowed:
        rules.append(column.allowed)
    mark = " †" if column.personal else ""
    return f"| {name}{mark} | {' '.join(column.zh)} | {TYPES[column.type]} | {'; '.join(rules)} |"


if __name__ == "__main__":
    (HERE / "ledgers.md").write_text(page(), "utf-8")
