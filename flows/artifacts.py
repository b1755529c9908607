"""Artifacts of a run on a Prefect server that somebody looks at: what the gates found, and where the publication is.

A courtesy: whatever goes wrong with it is a line in the log, and it is given a few seconds.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import prefect_server
from flows.progress import log

if TYPE_CHECKING:
    from expectations.results import GateResult

PATIENCE = 3  # seconds


def show_gate(gate: GateResult) -> None:
    """One row for each expectation that does not hold; no samples, which stay in HOME."""
    from prefect.artifacts import create_table_artifact

    found = [
        {"outcome": f.outcome, "severity": f.severity, "table": f.table, "expectation": f.title, "rows": f.failing}
        for f in gate.results
        if f.outcome != "passed"
    ]
    verdict = "passed" if gate.success else "failed"
    description = f"{gate.title}: {verdict}. {len(gate.passed)} expectations hold. Report: `{gate.docs}`"
    key = "".join(c if c.isalnum() else "-" for c in f"gate-{gate.name}".lower())
    _show(lambda: create_table_artifact(key=key, table=found, description=description))


def show_publication(folder: Path, manifest: dict[str, Any]) -> None:
    """Where it is, and the rows of each mart."""
    from prefect.artifacts import create_markdown_artifact

    lines = [
        f"Published as of {manifest['as_of']}, known at {manifest['known_at']}: `{folder}`",
        "",
        "Report: `report/index.html`; validation: `validation/index.html`",
        "",
        "| mart | rows |",
    ]
    lines += ["|---|---:|", *(f"| {mart} | {facts['rows']:,} |" for mart, facts in manifest["marts"].items())]
    _show(lambda: create_markdown_artifact(key="publication", markdown="\n".join(lines)))


def show_late(day: str, landing: str, deadline: str) -> None:
    """Which delivery did not come."""
    from prefect.artifacts import create_markdown_artifact

    said = f"No delivery of {day} in `{landing}` by {deadline}. The next night catches up."
    _show(lambda: create_markdown_artifact(key="late", markdown=said))


def _show(create: Callable[[], Any]) -> None:
    from prefect.context import FlowRunContext

    if prefect_server.own is not None or FlowRunContext.get() is None:
        return

    def attempt() -> None:
        try:
            create()
        except Exception as error:
            log.warning("Prefect took no artifact: %s", error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(attempt,), daemon=True)
    thread.start()
    thread.join(PATIENCE)
