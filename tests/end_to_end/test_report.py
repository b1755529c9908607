"""The report: each number is its mart's, and the page is one that a board can read, in both languages, on a screen, a phone, paper."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import yaml
from end_to_end.reading import Marts, differing, numbers, read

from flows import nightly, publish, report, validate
from flows.report.numbers import THOUSANDS, scale_for

CHINESE = re.compile(r"[\u4e00-\u9fff]")
LANGUAGES = {"zh-CN": "zh", "en": "en"}


@pytest.fixture(scope="module")
def current(demo: Path) -> Path:
    return (demo / "published" / "current").resolve()


@pytest.fixture(scope="module")
def page(current: Path) -> str:
    return (current / "report" / "index.html").read_text("utf-8")


@pytest.fixture(scope="module")
def marts(current: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{current}/evidence.duckdb' as evidence (read_only)")
        yield connection


@pytest.fixture(scope="module")
def truth(marts: duckdb.DuckDBPyConnection) -> Marts:
    return Marts(marts, THOUSANDS)


# What it says


def test_every_number_of_the_page_is_its_marts(page: str, marts: duckdb.DuckDBPyConnection, truth: Marts) -> None:
    (balance,) = marts.sql("select balance from bi_headline").fetchone()
    assert scale_for(balance) == THOUSANDS
    assert all("data-from" in table.attributes for table in read(page).all("table"))
    shown = list(numbers(read(page)))
    assert len(shown) > 1000
    assert {number.kind for number in shown} >= {"money", "short", "short+", "rate", "rate+", "rate1", "count", "days"}
    assert differing(truth, read(page)) == []


@pytest.mark.parametrize("kind", ["money", "short+", "rate", "rate1", "count"])
def test_a_number_that_is_not_its_marts_is_seen(kind: str, page: str, truth: Marts) -> None:
    whole = read(page)
    one = next(number for number in numbers(whole) if number.kind == kind and re.search("[1-8]", number.shown[1]))
    changed = re.sub("[1-8]", lambda digit: str(int(digit[0]) + 1), one.shown[1], count=1)
    texts = [e for e in whole.all("td", "b", "span") if e.children == [one.shown[1]]]
    next(iter(texts)).children = [changed]
    found = differing(truth, whole)
    assert len(found) == 1, found
    assert changed in found[0]


def test_no_row_is_missing(page: str, marts: duckdb.DuckDBPyConnection) -> None:
    """A table without a limit has a row for each of its keys, one with a limit as many as that, or as there are."""
    specs = {spec["id"]: spec for spec in all_tables()}
    seen = 0
    for table in read(page).all("table"):
        spec, rows = specs[table.attributes["id"]], list(next(table.all("tbody")).all("tr"))
        if spec.get("transpose"):
            assert len(rows) == len(spec["columns"])
            continue
        keys = ", ".join(key["key"] for key in spec["keys"])
        query = (
            f"select count(*) from (select distinct {keys} from {spec['from']} where {table.attributes['data-where']})"
        )
        (there,) = marts.sql(query).fetchone()
        assert len(rows) == min(there, spec.get("limit", there)), spec["id"]
        seen += 1
    assert seen > 25


def test_the_page_has_every_section_and_each_chart_its_table_unit_and_date(page: str) -> None:
    whole = read(page)
    sections = {one.attributes["id"]: one for one in whole.all("section")}
    assert [*sections] == [section["id"] for section in asked("sections.yml")] + ["definitions"]
    charted = [spec["id"] for spec in all_tables() if "chart" in spec]
    drawn = {
        one.attributes["aria-labelledby"].split()[0] for one in whole.all("div") if one.attributes.get("role") == "img"
    }
    assert drawn == {f"{name}-title" for name in charted}
    tables_there = {table.attributes["id"] for table in whole.all("table")}
    assert tables_there >= set(charted)
    for unit in (p for p in whole.all("p") if p.attributes.get("class") == "unit"):
        assert "2026-10-31" in unit.text("en")
        assert re.search("^单位：|截至|至", unit.text("zh-CN"))


def test_every_figure_is_defined_with_its_standard_in_both_languages(page: str) -> None:
    figures = asked("figures.yml")
    used = {
        column if isinstance(column, str) else column["figure"]
        for spec in all_tables()
        for column in [*spec.get("columns", []), *([spec["across"]] if "across" in spec else [])]
        if isinstance(column, str) or "figure" in column
    }
    assert used - figures.keys() == set()
    definitions = next(e for e in read(page).all("dl") if e.attributes.get("class") == "definitions")
    for lang in LANGUAGES:
        told = [
            [next(one.all("dt")), next(one.all("dd")), next(e for e in one.all("span") if e.attributes.get("class"))]
            for one in definitions.all("div")
        ]
        assert all(part.text(lang).strip() for parts in told for part in parts)
        assert len(told) > 50


def test_the_page_is_small_and_grows_with_no_book(page: str) -> None:
    assert len(page.encode()) < 1_000_000
    of_one = {"loan_id", "customer_id", "member", "rule_id", "gl_account", "restated_as_of", "reason", "attempt_id"}
    endless = [
        spec["id"]
        for spec in all_tables()
        if of_one & {key["key"] for key in spec.get("keys", [])} and "limit" not in spec
    ]
    assert endless == []


def test_written_anew_it_is_the_same_to_the_byte(demo: Path, current: Path, page: str, arrears, tmp_path: Path) -> None:
    assert arrears("report", "--home", demo).out.strip() == f"{current}/report/index.html"
    ended = arrears("report", current.name[11:], "--home", demo, "--out", tmp_path / "new" / "page.html")
    assert ended.code == 0, ended.err
    assert (tmp_path / "new" / "page.html").read_text("utf-8") == page


def test_a_run_that_is_not_kept_is_refused(demo: Path, arrears, tmp_path: Path) -> None:
    ended = arrears("report", "20200101T000000-0000", "--home", demo)
    assert ended.code == 2
    assert "RUN 20200101T000000-0000: no publication of this run is kept" in ended.err
    assert arrears("report", "--home", tmp_path / "nowhere").code == 2
    blocked = tmp_path / "file"
    blocked.write_text("")
    ended = arrears("report", "--home", demo, "--out", blocked / "page.html")
    assert (ended.code, "--out" in ended.err) == (2, True), ended.err


def test_a_page_that_fails_fails_before_anything_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    for name in ("sign", "write_files", "publish"):
        monkeypatch.setattr(publish, name, lambda *_, name=name: done.append(name) or {})

    def fails(*_: object) -> None:
        raise ValueError("no such figure")

    monkeypatch.setattr(report, "write_report", fails)
    run = SimpleNamespace(
        moves_current=True,
        waits=False,
        says_of_itself=lambda _: {},
        manifest=lambda *_, **__: {},
        home=None,
        run_id="1",
    )
    candidate = SimpleNamespace(folder=Path("nowhere"))
    monkeypatch.setattr(validate, "docs_of", lambda *_: None)
    with pytest.raises(ValueError, match="no such figure"):
        nightly.publish_candidate.fn(run, None, SimpleNamespace(compared=[]), candidate)
    assert done == ["sign", "write_files"]


def copied(current: Path, folder: Path) -> Path:
    """The marts alone, to be changed."""
    shutil.copy(current / "marts.duckdb", folder)
    (folder / "marts.duckdb").chmod(0o600)
    return folder


def drawn(folder: Path) -> tuple[str, list[str]]:
    """The page of a folder, and which of its numbers are not their mart's."""
    report.write_report(folder, folder / "page.html")
    page = (folder / "page.html").read_text("utf-8")
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
        balance = marts.sql("select max(balance) from bi_headline").fetchone()[0]
        return page, differing(Marts(marts, scale_for(balance)), read(page))


def test_of_an_empty_book_it_says_so(current: Path, tmp_path: Path) -> None:
    copy = copied(current, tmp_path)
    with duckdb.connect(str(copy / "marts.duckdb")) as marts:
        for (name,) in marts.sql("select table_name from duckdb_tables() where table_name <> 'publication'").fetchall():
            marts.execute(f"delete from {name}")
    page, wrong = drawn(copy)
    assert wrong == []
    assert page.count("没有需要列示的内容。") > 25
    assert "evidence." not in page  # no evidence beside it: the tables of it are left out


@pytest.fixture(scope="module")
def odd(current: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """The page of marts without rates, without two that an earlier version had not, and with ids that would be markup."""
    folder = copied(current, tmp_path_factory.mktemp("odd"))
    with duckdb.connect(str(folder / "marts.duckdb")) as marts:
        found = marts.sql(
            "select table_name from duckdb_columns() where column_name = 'currency' and table_name not like 'bi_%'"
        ).fetchall()
        for (name,) in found:
            marts.execute(f"delete from {name} where currency = 'ALL'")
        marts.execute("drop table restatements; drop table conduct_rules")
        marts.execute("""
            update watchlist set customer_id = '<script>alert(1)</script>' where points = (select max(points) from watchlist);
            update publication set run_id = '"><img src=x onerror=alert(1)>';
        """)
    return drawn(folder)


def test_without_rates_it_says_which_currency_it_is_of(odd: tuple[str, list[str]]) -> None:
    page, wrong = odd
    assert wrong == []
    said = read(page)
    assert "this page is of CNY alone; for USD see the marts" in said.text("en")
    assert "各币种折合" not in said.text("zh-CN")
    there = {table.attributes["id"] for table in said.all("table")}
    assert {"quality_restatements", "contact_breaches"} & there == set()


def test_an_id_is_text_whatever_is_in_it(odd: tuple[str, list[str]]) -> None:
    page, wrong = odd
    assert wrong == []
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert not list(read(page).all("img"))


def all_tables() -> list[dict[str, Any]]:
    return [spec for section in asked("sections.yml") for spec in section["tables"]]


def asked(name: str) -> Any:
    return yaml.safe_load((Path(report.__file__).parent / name).read_text("utf-8"))


RECORD = Path("validation") / "index.html"


def test_the_validation_page_has_control_totals_coverage_and_exceptions(current: Path, truth: Marts) -> None:
    page = read((current / RECORD).read_text("utf-8"))
    manifest = json.loads((current / "manifest.json").read_text())
    assert differing(truth, page) == []
    tables = {table.attributes.get("id"): table for table in page.all("table")}
    entries = [e for d in manifest["deliveries"] for file in d["files"] for e in file["ledgers"]]
    told = [[cell.text("en") for cell in row.all("th", "td")] for row in next(tables["ledgers"].all("tbody")).all("tr")]
    assert [row[0] for row in told] == sorted({entry["ledger"] for entry in entries})
    for ledger, read_, _, loaded, _, kept_out, amount, *_, adds_up in told:
        of = [entry for entry in entries if entry["ledger"] == ledger]
        assert read_ == f"{sum(entry['rows_read'] for entry in of):,}"
        assert loaded == f"{sum(entry['rows_loaded'] for entry in of):,}"
        assert kept_out == f"{sum(entry['rows_quarantined'] for entry in of):,}"
        assert amount == f"{sum(Decimal(entry['amount_read']) for entry in of):,}"
        assert adds_up == "yes"
    assert {row.text("en")[:64] for row in tables["files"].all("td") if row.attributes.get("class")} == {
        file["sha256"] for file in manifest["deliveries"][-1]["files"]
    }
    gates = json.loads((current / "validation" / "publication" / "result.json").read_text())
    failing = {one["title"] for one in gates["results"] if one["outcome"] == "failed"}
    assert failing <= {row.text("en") for row in tables["findings"].all("th")}
    links = [a.attributes["href"] for a in page.all("a")]
    assert links
    assert all((current / "validation" / link).is_file() for link in links)
    assert manifest["run_id"] in page.text("zh-CN")


# How it looks: in Chromium, without a network

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FONTS = [*Path("/usr/share/fonts").rglob("*CJK*")]
needs_a_browser = pytest.mark.skipif(
    not (CHROMIUM and FONTS),
    reason="Chromium or Chinese fonts are not installed: apt-get install chromium fonts-noto-cjk",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Seen:
    """The page in a browser; what it asked for and complained of."""

    def __init__(self, browser: Any, path: Path, width: int, before: str = "") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, locale="de-DE", offline=True)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.said.append(request.url) if request.url != self.url else None)
        if before:
            self.page.add_init_script(before)
        self.url = path.as_uri()
        self.page.goto(self.url)

    def speak(self, lang: str) -> None:
        self.page.click(f"label[for={LANGUAGES[lang]}]")

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)


@pytest.fixture
def seen(browser: Any, current: Path) -> Iterator[Any]:
    opened = []

    def see(width: int, lang: str, before: str = "", page: Path = report.PAGE) -> Seen:
        one = Seen(browser, current / page, width, before)
        opened.append(one)
        one.speak(lang)
        return one

    yield see
    for one in opened:
        one.context.close()


# Texts that are wider than their place, or that lie over each other in a drawing.
CUT = """() => {
  const wrong = [], visible = e => e.getClientRects().length > 0;
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) wrong.push(`the page is ${page.scrollWidth} wide`);
  for (const e of document.querySelectorAll('h1, h2, h3, p, li, dt, dd, label, td, th'))
    if (visible(e) && !e.matches('.stack thead *') && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
      wrong.push(`cut: ${e.tagName} ${e.textContent.trim().slice(0, 60)}`);
  for (const e of document.querySelectorAll('.cards b, .story b')) {
    const box = e.getBoundingClientRect(), around = e.closest('div, p').getBoundingClientRect();
    if (box.right > around.right + 1) wrong.push(`over the edge: ${e.textContent}`);
  }
  for (const svg of document.querySelectorAll('.drawing svg')) {
    if (!visible(svg)) continue;
    const around = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(e => [e.textContent, e.getBoundingClientRect()]);
    if (!texts.length) wrong.push('a drawing without a word');
    texts.forEach(([text, a], n) => {
      if (a.left < around.left - 1 || a.right > around.right + 1 || a.top < around.top - 1 || a.bottom > around.bottom + 1)
        wrong.push(`out of its drawing: ${text}`);
      for (const [other, b] of texts.slice(n + 1))
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
          wrong.push(`over each other: ${text} and ${other}`);
    });
  }
  return wrong;
}"""


@needs_a_browser
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_whole_and_legible(width: int, lang: str, seen) -> None:
    one = seen(width, lang)
    assert one.ask("document.documentElement.lang") == lang
    assert one.ask(CUT) == []
    drawings = one.ask(
        "[...document.querySelectorAll('.drawing')].map(e => [...e.children].filter(s => s.getClientRects().length).length)"
    )
    assert drawings
    assert set(drawings) == {1}  # the wide drawing or the narrow one
    heads = one.page.locator("h1, h2, h3, dt, thead th, .legend li, .unit").all_inner_texts()
    assert len(heads) > 200
    if lang == "en":
        assert [head for head in heads if CHINESE.search(head)] == []
    else:
        silent = [head for head in heads if not CHINESE.search(head) and not re.fullmatch(r"\s*|M\d\+?", head)]
        assert silent == []
    if width == 1280:
        assert (
            one.ask(
                "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 80))"
            )
            == []
        )
    assert one.said == []


@needs_a_browser
@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_prints(lang: str, seen) -> None:
    one = seen(1280, lang)
    paper = one.page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert 5 < len(re.findall(rb"/Type\s*/Page\b", paper)) < 30
    one.page.set_viewport_size({"width": 703, "height": 1000})  # A4 less its margins
    one.page.emulate_media(media="print")
    assert one.ask(CUT) == []
    assert (
        one.ask(
            "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1).length"
        )
        == 0
    )
    assert one.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert one.said == []


@needs_a_browser
@pytest.mark.parametrize(("width", "lang"), [(1280, "zh-CN"), (390, "en")])
def test_it_can_be_read_by_everyone(width: int, lang: str, seen) -> None:
    """By axe-core: contrast, order of headings, names of what is drawn, languages, tables."""
    from axe_playwright_python.sync_playwright import Axe

    one = seen(width, lang)
    found = Axe().run(one.page).response
    assert len(found["passes"]) > 15
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]] == []


@needs_a_browser
@pytest.mark.parametrize(("width", "lang"), [(1280, "zh-CN"), (390, "en")])
def test_the_validation_page_gets_the_same_care(width: int, lang: str, seen) -> None:
    from axe_playwright_python.sync_playwright import Axe

    one = seen(width, lang, page=RECORD)
    assert one.ask(CUT) == []
    assert Axe().run(one.page).response["violations"] == []
    heads = one.page.locator("h1, h2, h3, dt, thead th, .lead, #reliance td").all_inner_texts()
    assert [head for head in heads if bool(CHINESE.search(head)) != (lang == "zh-CN") and head != "SHA-256"] == []
    assert one.said == []


@needs_a_browser
def test_the_language_is_remembered_and_a_browser_that_keeps_nothing_is_no_error(seen) -> None:
    one = seen(1280, "zh-CN")
    one.page.reload()
    assert one.ask("document.documentElement.lang") == "zh-CN"
    refusing = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused') } })"
    other = seen(1280, "zh-CN", refusing)
    assert other.ask("document.documentElement.lang") == "zh-CN"
    other.page.reload()
    assert other.ask("document.documentElement.lang") == "en"
    other.page.focus("#en")
    other.page.keyboard.press("ArrowLeft")
    assert other.ask("document.documentElement.lang") == "zh-CN"
    assert one.said + other.said == []


@needs_a_browser
def test_without_scripts_the_switch_works(browser: Any, current: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((current / report.PAGE).as_uri())
    assert page.locator("h1").inner_text() == "逾期贷款报告"
    page.click("label[for=en]")
    assert page.locator("h1").inner_text() == "Overdue loans"
    context.close()


@needs_a_browser
def test_bars_are_as_long_as_their_numbers(seen, marts: duckdb.DuckDBPyConnection) -> None:
    one = seen(1280, "en")
    lengths = one.ask(
        "[...document.querySelector('#contact_funnel').closest('.part').querySelectorAll('.wide .mark-rect path')].map(e => e.getBBox().width)"
    )
    counts = marts.sql(
        "select count(*), count(*) filter (valid_contact_points > 0), count(*) filter (attempts > 0), count(*) filter (reached > 0),"
        " count(*) filter (is_lost_contact) from contactability"
    ).fetchone()
    assert len(lengths) == len(counts)
    assert [round(length / lengths[0], 2) for length in lengths] == [round(count / counts[0], 2) for count in counts]


def test_without_colours_lines_differ_by_dashes_and_areas_by_depth() -> None:
    charts = pytest.importorskip("flows.report.charts")
    assert len({dash for _, dash, _ in charts.LINES}) == len(charts.LINES) == len({mark for _, _, mark in charts.LINES})

    def depth(colour: str) -> float:
        red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert abs(depth(charts.FILLS[0]) - depth(charts.FILLS[1])) > 0.4  # those of a pair
    assert all(
        abs(depth(one) - depth(other)) > 0.12 for one, other in zip(charts.FILLS, charts.FILLS[1:], strict=False)
    )
