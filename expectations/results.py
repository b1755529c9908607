"""What a gate is given and what it says: suites in; findings and a verdict out. Plain data, without Great Expectations."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from expectations.business import Rows, Severity, slug

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Outcome = Literal["passed", "failed", "could_not_run"]


@dataclass(frozen=True)
class Suite:
    """The expectations of one table (`schema.table`), or of what `query` returns; `table` is then only its name."""

    table: str
    expectations: Sequence[Rows | Expectation]
    title: str = ""
    query: str | None = None

    @property
    def name(self) -> str:
        return slug(self.table)


@dataclass(frozen=True)
class Finding:
    """What became of one expectation. `failing` is the number of all failing rows, null where none can be counted."""

    suite: str
    table: str
    title: str
    description: str
    severity: Severity
    outcome: Outcome
    failing: int | None = None
    observed: str | None = None
    samples: list[dict[str, Any]] = field(default_factory=list)
    message: str = ""

    @property
    def closes_gate(self) -> bool:
        """A critical expectation that failed, or any that could not run: what was not looked at is not sound."""
        return self.outcome == "could_not_run" or (self.outcome == "failed" and self.severity == "critical")


@dataclass(frozen=True)
class GateResult:
    """A gate's verdict, its findings in the order of the suites, and where its report is."""

    name: str
    title: str
    success: bool
    results: list[Finding]
    docs: str
    seconds: float

    @property
    def failed(self) -> list[Finding]:
        """Critical expectations that failed."""
        return [finding for finding in self.results if finding.outcome == "failed" and finding.severity == "critical"]

    @property
    def warnings(self) -> list[Finding]:
        """Expectations that failed, do not close the gate, and call for a look."""
        return [finding for finding in self.results if finding.outcome == "failed" and finding.severity == "warning"]

    @property
    def notes(self) -> list[Finding]:
        """Expectations of severity info that do not hold: good to know."""
        return [finding for finding in self.results if finding.outcome == "failed" and finding.severity == "info"]

    @property
    def could_not_run(self) -> list[Finding]:
        return [finding for finding in self.results if finding.outcome == "could_not_run"]

    @property
    def passed(self) -> list[Finding]:
        return [finding for finding in self.results if finding.outcome == "passed"]

    def to_json_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_json_dict(), ensure_ascii=False, indent=2)
