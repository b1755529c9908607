"""The pages: they load nothing, show what failed first, and hold nothing that is not for the reader."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

PICTURED = (
    "insert into gate.warnings values ('2026-10-31', 'loans', 'rounded', '<script>alert(1)</script> $title', '{{ 1 }}')"
)


class Links(HTMLParser):
    """Whatever a page names: its scripts, and the addresses in attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts, self.addresses = 0, []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.scripts += tag == "script"
        self.addresses += [
            value for name, value in attributes if name in ("href", "src", "action", "data", "srcset") and value
        ]


@pytest.fixture
def pages(run_with) -> dict[Path, str]:
    result = run_with(
        "landing", PICTURED + "; update gate.required_ledgers set delivered = false; drop table gate.ledger_totals"
    )
    front = Path(result.docs)
    assert front.is_file()
    return {front: front.read_text(encoding="utf-8")} | {
        page: page.read_text(encoding="utf-8") for page in front.parent.rglob("*.html") if page != front
    }


def test_nothing_is_loaded(pages):
    assert len(pages) == 5  # the front page and a page per table; the table that was dropped has none
    for page, text in pages.items():
        assert "://" not in text
        assert not re.search(r"url\(|@import", text)
        links = Links(text)
        assert links.scripts == 0
        for address in links.addresses:
            assert (page.parent / address).is_file(), address
    (front, *_) = pages
    assert {path.suffix for path in front.parent.rglob("*") if path.is_file()} == {".html"}


def test_what_failed_comes_first(pages):
    front, *rest = pages.values()
    order = [
        "Failed: the gate is closed",
        "Every required ledger was delivered",
        "Could not run",
        "Warnings",
        "All expectations",
    ]
    places = [front.index(words) for words in order]
    assert places == sorted(places)
    assert "Table gate.ledger_totals is missing." in front
    (warnings,) = (page for page in rest if "Passed, with warnings" in page)
    assert warnings.index("No amount had to be rounded") < warnings.index(
        "No row is dated after the day it was delivered"
    )


def test_data_is_text_and_not_markup(pages):
    for page in pages.values():
        assert "<script" not in page
    shown = [page for page in pages.values() if "alert(1)" in page]
    assert len(shown) == 2
    for page in shown:
        assert "&lt;script&gt;alert(1)&lt;/script&gt; $title" in page
        assert "{{ 1 }}" in page


def test_no_page_names_the_machine(pages, tmp_path):
    for page in pages.values():
        assert str(tmp_path) not in page
        assert "site-packages" not in page


def test_an_earlier_run_leaves_nothing_behind(run_with, tmp_path):
    run_with("landing")
    run_with("landing")
    assert len(list((tmp_path / "docs" / "validations").rglob("*.html"))) == 5
