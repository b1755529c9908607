"""The data docs of one gate: self-contained pages in plain language, what failed first.

Great Expectations renders the page of each suite; the front page is ours, because theirs is a list of runs and one site
is one run. See `assets/README.md` for what the pages are made of and why. Importing this imports Great Expectations.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import great_expectations
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.renderer.site_builder import SiteBuilder
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from expectations.business import slug
from expectations.unexpected import raised, text

if TYPE_CHECKING:
    from expectations.results import Finding, GateResult

SITE = "gate"
ASSETS = Path(__file__).parent / "assets"
LOADER = FileSystemLoader([ASSETS / "templates", ASSETS])
WORDS = {
    "passed": "holds",
    "failed": "failed",
    "could_not_run": "could not run",
    "warned": "warning",
    "noted": "for information",
}


def site(docs: Path) -> dict[str, Any]:
    """The site's configuration: a page of ours for each suite's results, and nothing else of theirs."""
    view = {"module_name": __name__, "class_name": "OfflineView"}
    return {
        "module_name": __name__,
        "class_name": "OfflineSite",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
        "site_section_builders": {
            "expectations": "None",
            "validations": {"view": view, "renderer": {"module_name": __name__, "class_name": "ResultsPage"}},
            "profiling": "None",
        },
    }


def write(context: Any, docs: Path, gate: GateResult) -> None:
    """Write the whole site once; what an earlier run of the same gate left in the folder goes."""
    shutil.rmtree(docs / "validations", ignore_errors=True)
    docs.mkdir(parents=True, exist_ok=True)
    context.build_data_docs(build_index=False)
    (docs / "index.html").write_text(_front_page(docs, gate), encoding="utf-8")


def _front_page(docs: Path, gate: GateResult) -> str:
    suites: dict[str, list[Finding]] = {}
    for finding in gate.results:
        suites.setdefault(finding.table, []).append(finding)
    pages = {
        table: page.relative_to(docs).as_posix().replace(" ", "%20")
        for table, findings in suites.items()
        for page in (docs / "validations" / slug(table)).rglob("*.html")
    }
    environment = Environment(loader=LOADER, autoescape=True, lstrip_blocks=True)
    return environment.get_template("index.html").render(
        gate=gate,
        suites=suites,
        pages=pages,
        words=WORDS,
        state_of=_state,
        version=great_expectations.__version__,
        when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _state(finding: Finding) -> str:
    if finding.outcome == "failed" and finding.severity != "critical":
        return "warned" if finding.severity == "warning" else "noted"
    return finding.outcome


class OfflineSite(SiteBuilder):
    """A site without the fonts, pictures and scripts that the stock one copies: our pages use none of them."""

    def build(self, resource_identifiers: Any = None, build_index: bool = True) -> tuple[str | None, None]:
        for section in self.site_section_builders.values():
            section.build(resource_identifiers=resource_identifiers)
        return self.get_resource_url(only_if_exists=False), None


class OfflineView(DefaultJinjaPageView):
    """Pages from our templates first, theirs second."""

    def __init__(self, custom_styles_directory: str | None = None, custom_views_directory: str | None = None) -> None:
        super().__init__(custom_styles_directory, custom_views_directory)
        self.env.loader = ChoiceLoader([LOADER, self.env.loader])


class ResultsPage(ValidationResultsPageRenderer):
    """The page of one suite's results: the verdict, what failed first, and critical before warning."""

    def render(self, validation_results: Any, *args: Any, **kwargs: Any) -> Any:
        validation_results.results.sort(key=_rank)
        document = super().render(validation_results, *args, **kwargs)
        meta = self._data_context.suites.get(validation_results.suite_name).meta
        overview, *tables = document.sections
        _, _, facts = overview.content_blocks  # their heading and their percentages give way to our verdict
        facts.collapse_toggle_link = "About this run"
        overview.content_blocks = [_verdict(validation_results.results, meta), facts]
        for table in tables:
            if table.section_name == "Table-Level Expectations":
                table.content_blocks = table.content_blocks[1:]
        document.page_title = meta["title"]
        return document


def _rank(result: Any) -> tuple[bool, bool, int]:
    severity = result.expectation_config.severity
    order = ("critical", "warning", "info")
    return result.success, raised(result) == "", order.index(getattr(severity, "value", severity) or "critical")


def _verdict(results: list[Any], meta: dict[str, Any]) -> Any:
    """The top of a suite's page. `meta` holds its title, its table, and what could not run and why."""
    failed = [result for result in results if not result.success]
    critical = [result for result in failed if _rank(result)[2] == 0 or raised(result)]
    if critical or meta["could_not_run"]:
        state, words = "failed", "Failed: the gate is closed"
    elif failed:
        state, words = "warned", "Passed, with warnings"
    else:
        state, words = "passed", "Passed"
    lines = [
        "<h1>$title</h1>" + ("<p class='lead'>$table</p>" if meta["title"] != meta["table"] else ""),
        f"<div class='verdict {state}'><strong>{words}</strong>$counts</div>",
    ]
    params = {
        "title": meta["title"],
        "table": meta["table"],
        "counts": f"{len(results) - len(failed)} of {len(results) + len(meta['could_not_run'])} expectations hold.",
    }
    for index, (title, why) in enumerate(meta["could_not_run"]):
        lines.append(
            f"<div class='card could_not_run'><h3>$title{index}</h3>"
            f"<span class='badge could_not_run'>{WORDS['could_not_run']}</span> $why{index}</div>"
        )
        params |= {f"title{index}": title, f"why{index}": why}
    return text("".join(lines), params=params, tag="div")
