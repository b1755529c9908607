"""`business.Rows` as an expectation of Great Expectations: checked by it, stored by it, shown in its pages.

Apart from `business`, because importing Great Expectations takes seconds; only `gate.run_gate` imports this.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from great_expectations.expectations.core import UnexpectedRowsExpectation
from great_expectations.render import LegacyDiagnosticRendererType, LegacyRendererType
from great_expectations.render.components import RenderedStringTemplateContent, RenderedTableContent
from great_expectations.render.renderer.renderer import renderer

from expectations.business import COUNT_COLUMN, Rows, sentence

BADGES = {"critical": "badge-danger", "warning": "badge-warning", "info": "badge-info"}


class ExpectNoFailingRows(UnexpectedRowsExpectation):
    """The query returns no row. Its rows are samples; each carries the number of all failing rows."""

    # The parent's `description` would replace the whole cell of the report, so the sentence has a field of its own.
    title: str
    explanation: str = ""
    sql: str

    # One query gives both the samples and the count; the parent would run it twice.
    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    @classmethod
    def of(cls, rows: Rows, batch: str) -> ExpectNoFailingRows:
        """`batch` stands in the SQL that a reader is shown, so that it can be run as it is."""
        return cls(
            title=rows.title,
            explanation=rows.description,
            sql=rows.sql.format(batch=batch),
            unexpected_rows_query=rows.query,
            severity=rows.severity,
        )

    def _validate(self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None) -> dict:
        found = metrics["unexpected_rows_query.table"]
        count = int(found[0][COUNT_COLUMN]) if found else 0
        # Lists, not dictionaries: stored as JSON with sorted keys, those would lose the order of the columns.
        columns = [column for column in found[0] if column != COUNT_COLUMN] if found else []
        samples = [[plain(row[column]) for column in columns] for row in found]
        return {
            "success": count == 0,
            "result": {"observed_value": count, "details": {"columns": columns, "rows": samples}},
        }

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(cls, configuration: Any = None, result: Any = None, **_: Any) -> list:
        configuration = configuration or result.expectation_config
        severity = getattr(configuration.severity, "value", str(configuration.severity or "critical"))
        explanation = configuration.kwargs.get("explanation", "")
        return [
            text(
                "$severity $title\n$explanation" if explanation else "$severity $title",
                params={"severity": severity, "title": configuration.kwargs["title"], "explanation": explanation},
                styling={
                    "params": {
                        "severity": {"classes": ["badge", BADGES.get(severity, "badge-secondary")]},
                        "title": {"classes": ["expectation-title"]},
                        "explanation": {"classes": ["expectation-explanation"]},
                    }
                },
            ),
            text(
                "$sql",
                params={"sql": configuration.kwargs["sql"]},
                styling={"params": {"sql": {"tag": "pre"}}},
                tag="details",
                lead="<summary>SQL that returns the failing rows</summary>",
            ),
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(cls, result: Any = None, **_: Any) -> str:
        count = (result.result or {}).get("observed_value")
        if count is None:
            return "could not run"
        return "none failing" if count == 0 else f"{count:,} failing"

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_STATEMENT)
    def _diagnostic_unexpected_statement_renderer(cls, result: Any = None, **_: Any) -> list:
        """Why it could not run. The parent would print the traceback, with the paths of the machine in it."""
        why = raised(result)
        return [text("$why", params={"why": why}, styling={"classes": ["text-danger"]}, tag="p")] if why else []

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_TABLE)
    def _diagnostic_unexpected_table_renderer(cls, result: Any = None, **_: Any) -> list | None:
        details = (result.result or {}).get("details") or {}
        found = details.get("rows")
        if not found:
            return None
        count = result.result["observed_value"]
        heading = "The failing rows:" if count == len(found) else f"The first {len(found)} of {count:,} failing rows:"
        return [
            RenderedTableContent(
                content_block_type="table",
                header=text("$heading", params={"heading": heading}, styling={"classes": ["samples-heading"]}),
                header_row=[text("$name", params={"name": name}) for name in details["columns"]],
                table=[
                    [text("$value", params={"value": "" if value is None else str(value)}) for value in row]
                    for row in found
                ],
                styling={"body": {"classes": ["table", "table-sm", "table-bordered", "samples"]}},
            )
        ]


def raised(result: Any) -> str:
    """The message of what an expectation raised, or nothing. It is kept flat, or under the id of a metric."""
    info = result.exception_info or {}
    for each in (info, *info.values()):
        if isinstance(each, dict) and each.get("raised_exception"):
            return sentence(str(each.get("exception_message") or "no reason given"))
    return ""


def text(template: str, params: dict, styling: dict | None = None, tag: str = "span", lead: str = "") -> Any:
    """A piece of a page. Values go in as params, which the view escapes; the template itself is markup."""
    return RenderedStringTemplateContent(
        content_block_type="string_template",
        string_template={"template": lead + template, "params": params, "styling": styling or {}, "tag": tag},
    )


def plain(value: Any) -> Any:
    """A value as JSON holds it: amounts and dates as text, so that no cent is lost."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)
