"""`business.Rows` as an expectation of Great Expectations: checked by it, stored by it, shown in its pages.

Apart from `business`, because importing Great Expectations takes seconds; only `engine.run_gate` imports this.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from great_expectations.expectations.core import UnexpectedRowsExpectation
from great_expectations.render import LegacyDiagnosticRendererType, LegacyRendererType
from great_expectations.render.components import RenderedStringTemplateContent, RenderedTableContent
from great_expectations.render.renderer.renderer import renderer

from expectations.business import COUNT_COLUMN, Rows

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
    def of(cls, rows: Rows) -> ExpectNoFailingRows:
        return cls(
            title=rows.title,
            explanation=rows.description,
            sql=rows.sql,
            unexpected_rows_query=rows.query,
            severity=rows.severity,
        )

    def _validate(self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None) -> dict:
        found = [dict(row) for row in metrics["unexpected_rows_query.table"]]
        count = int(found[0][COUNT_COLUMN]) if found else 0
        samples = [{key: plain(value) for key, value in row.items() if key != COUNT_COLUMN} for row in found]
        return {
            "success": count == 0,
            "result": {"observed_value": count, "details": {"unexpected_rows": samples}},
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
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_TABLE)
    def _diagnostic_unexpected_table_renderer(cls, result: Any = None, **_: Any) -> list | None:
        found = (result.result or {}).get("details", {}).get("unexpected_rows") or []
        if not found:
            return None
        count = result.result["observed_value"]
        heading = "The failing rows:" if count == len(found) else f"The first {len(found)} of {count:,} failing rows:"
        return [
            RenderedTableContent(
                content_block_type="table",
                header=text("$heading", params={"heading": heading}, styling={"classes": ["samples-heading"]}),
                header_row=[text("$name", params={"name": name}) for name in found[0]],
                table=[
                    [text("$value", params={"value": "" if value is None else str(value)}) for value in row.values()]
                    for row in found
                ],
                styling={"body": {"classes": ["table", "table-sm", "table-bordered", "samples"]}},
            )
        ]


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
