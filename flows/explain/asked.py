"""`arrears explain`: what is asked for, and the answer as text, as a page, and as one object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flows.errors import UsageError
from flows.explain.footing import stand_on
from flows.home import shown
from flows.progress import printable


def explain(
    home: Path,
    kind: str,
    ident: str,
    as_of: str | None = None,
    known_at: str | None = None,
    lang: str = "zh",
    with_days: bool = False,
    page: Path | None = None,
) -> dict[str, Any]:
    """How each figure of a loan, an advance or a customer came about; UsageError where it is unknown."""
    from flows.explain.told import Teller

    on = stand_on(home, as_of, known_at)
    ident = shown(ident)  # bytes that are no text are no id either
    teller = Teller(on, lang)
    if kind == "loan":
        from flows.explain.loan import explain_loan

        facts = explain_loan(on, ident, with_days)
        document = teller.loan(facts)
    elif kind == "advance":
        from flows.explain.advance import explain_advance

        facts = explain_advance(on, ident, with_days)
        document = teller.advance(facts)
    else:
        from flows.explain.customer import explain_customer

        facts = explain_customer(on, ident)
        document = teller.customer(facts)
    text = printable(document.as_text())
    if page is not None:
        _write(page, document.as_page())
        text += f"\n{page}\n"
    return {
        "status": "differs" if differ(facts) else "ok",
        "exit_code": 0,
        "kind": kind,
        "id": ident,
        "as_of": on.as_of,
        "known_at": on.known.known_at,
        "publication": on.publication and str(on.publication),
        "policy_version": on.policy.version,
        "notes": on.notes,
        **facts,
        "rows": on.rows,
        "files": [{"delivery": d, "file": f, "sha256": sha} for (d, f), sha in on.files().items()],
        "_text": text,
    }


def differ(facts: dict[str, Any]) -> bool:
    """Whether anything that was worked out again is not as published."""
    parts = [part for one in facts.get("currencies", []) for part in (one, one["type"])]
    parts += [facts, facts.get("class"), facts.get("signals")]
    return any(part["differs"] for part in parts if part)


def _write(path: Path, content: str) -> None:
    """A page readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise UsageError(
            f"--html {path}: cannot be written ({error.strerror}). Give a file in a folder that you may write to."
        ) from error
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
