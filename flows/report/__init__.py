"""The report: one page a publication, from its marts alone, for people who read no SQL."""

from __future__ import annotations

from pathlib import Path

from flows.database import connect, quote

PAGE = Path("report") / "index.html"  # in a publication


def write_report(publication: Path, page: Path) -> None:
    """Write the page of a publication, or of a candidate that is signed, into a file."""
    from flows.report.page import page_of

    page.parent.mkdir(parents=True, exist_ok=True)
    with connect(publication / "marts.duckdb", read_only=True) as connection:
        evidence = publication / "evidence.duckdb"
        if evidence.exists():
            connection.execute(f"attach {quote(str(evidence))} as evidence (read_only)")
        page.write_text(page_of(connection), "utf-8")
