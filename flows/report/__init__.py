"""The report: one page a publication, from its marts alone, for people who read no SQL.

`page.py` puts together what `sections.yml` asks for; `tables.py` reads it, `numbers.py` writes it, `charts.py` draws it. `record.py`
is the front page of the validation documents.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from flows.database import connect, quote
from flows.errors import UsageError
from flows.home import Home, existing_home

if TYPE_CHECKING:
    from expectations.results import GateResult

PAGE = Path("report") / "index.html"  # in a publication


def write_report(publication: Path, page: Path) -> None:
    """Write the page of a publication, or of a candidate that is signed, into a file."""
    from flows.report.page import page_of

    with _opened(publication) as connection:
        text = page_of(connection)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, "utf-8")


def write_record(candidate: Path, manifest: dict[str, Any], gates: list[GateResult], page: Path) -> None:
    """Write what was validated, and who may rely on it, as the front page of the validation documents."""
    from flows.report.record import record_of

    with _opened(candidate) as connection:
        page.write_text(record_of(connection, manifest, gates), "utf-8")


@contextmanager
def _opened(publication: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of a publication, with its evidence where that is beside them."""
    with connect(publication / "marts.duckdb", read_only=True) as connection:
        evidence = publication / "evidence.duckdb"
        if evidence.exists():
            connection.execute(f"attach if not exists {quote(str(evidence))} as evidence (read_only)")
        yield connection


@contextmanager
def getting_ready() -> Iterator[None]:
    """Import what draws the charts, and start its engine, while another process is at work for this one."""

    def begin() -> None:
        from flows.report.charts import warm_up

        warm_up()

    beside = threading.Thread(target=begin, daemon=True)
    beside.start()
    try:
        yield
    finally:
        beside.join()


def report_of(home: Path, run: str | None, out: Path | None) -> dict[str, Any]:
    """Where the page of `current` or of a run is; with `out`, the page written anew into that file."""
    from flows.publish import publication_of

    place = Home(home) if (home / "published").is_dir() else existing_home(home)
    if run is None and not place.current.exists():
        raise UsageError(f"Nothing is published in {place.root} yet. Run `arrears nightly` first.")
    publication, manifest = publication_of(place, run or "current")
    page = publication / PAGE
    if out is not None:
        try:
            write_report(publication, out)
        except OSError as error:
            raise UsageError(
                f"--out {out}: cannot be written ({error.strerror}). Give a file in a folder of yours."
            ) from error
        page = out
    elif not page.exists():
        raise UsageError(
            f"{publication.name} was published without a page. Give --out FILE, and it is written from its marts."
        )
    return {"status": "ok", "exit_code": 0, "run_id": manifest["run_id"], "page": str(page), "_text": str(page)}
