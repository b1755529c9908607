"""The one way to run a gate.

    result = run_gate("publication", {"marts": …, "evidence": …}, publication.suites(tables), docs, title="Publication 2026-11-22")
    result.success        # False: nothing may be published
    result.to_json()      # every expectation, its outcome and samples of its failing rows

A metric that cannot be computed fails all metrics computed with it (great_expectations issue 10709). So tables and columns
are looked up first, and an expectation that lacks one is reported as "could not run", apart from those that failed.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.bridge import data_source
from expectations.business import SAMPLES, Rows, sentence
from expectations.results import Finding, GateResult, Suite

if TYPE_CHECKING:
    import sqlalchemy
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation


def run_gate(
    name: str, databases: Mapping[str, Path], suites: Sequence[Suite], docs: Path, *, title: str
) -> GateResult:
    """Run every expectation against DuckDB files, opened read-only, and write one site of data docs to `docs`.

    `databases`: each by the name that the SQL calls it: a table in the default schema of `marts` is `marts.loan_aging`.
    Raises FileNotFoundError if there is no such database, ValueError if two suites have one name, and duckdb.Error if a
    file cannot be opened, as when it is open for writing anywhere. Whatever the data holds is a finding, no exception.
    """
    for database in databases.values():
        if not database.is_file():
            raise FileNotFoundError(f"the {name} gate has no database to look at: {database}")
    names = [suite.name for suite in suites]
    if repeated := {each for each in names if names.count(each) > 1}:
        raise ValueError(f"the {name} gate has more than one suite for {', '.join(sorted(repeated))}")

    preload()
    from great_expectations.core.run_identifier import RunIdentifier

    from expectations import documents

    began = time.perf_counter()
    run = RunIdentifier(run_name=name)
    context = _context(docs)
    with data_source(context, databases) as source:
        findings: list[Finding] = []
        columns = _columns(source.get_engine())
        for suite in suites:
            findings += _run_suite(context, source, suite, run, columns.get(suite.table, set()))
    gate = GateResult(
        name=name,
        title=title,
        success=not any(finding.closes_gate for finding in findings),
        results=findings,
        docs=str(docs / "index.html"),
        seconds=round(time.perf_counter() - began, 3),
    )
    documents.write(context, docs, gate)
    return gate


def preload() -> None:
    """Import Great Expectations, which takes seconds. May be called early, in a thread beside other work."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations  # noqa: F401

    from expectations import documents, unexpected  # noqa: F401


def _run_suite(context: EphemeralDataContext, source: Any, suite: Suite, run: Any, columns: set[str]) -> list[Finding]:
    """The findings of one suite, in its own order; what cannot run is left out of what Great Expectations is given.
    `columns`: those of its table, empty if there is none."""
    engine = source.get_engine()
    whole = _missing(engine, suite, columns)
    unable = {
        index: why
        for index, each in enumerate(suite.expectations)
        if (why := whole or _cannot_run(engine, suite, each, columns))
    }
    able = [each for index, each in enumerate(suite.expectations) if index not in unable]
    meta = {
        "title": suite.title or suite.table,
        "table": suite.table,
        "could_not_run": [[_title(suite.expectations[index]), why] for index, why in unable.items()],
    }
    validated = iter(_validate(context, source, suite, able, run, meta) if able else [])
    return [
        _finding(suite, each, message=unable[index])
        if index in unable
        else _finding(suite, each, result=next(validated))
        for index, each in enumerate(suite.expectations)
    ]


def _validate(
    context: EphemeralDataContext, source: Any, suite: Suite, wanted: Sequence[Rows | Expectation], run: Any, meta: dict
) -> list[ExpectationValidationResult]:
    """The results, in the order of what was wanted: Great Expectations itself puts those that raised first."""
    from great_expectations import ExpectationSuite, ValidationDefinition

    from expectations.unexpected import ExpectNoFailingRows

    if suite.query is None:
        schema, _, table = suite.table.rpartition(".")
        with warnings.catch_warnings():  # it would have one data source per schema; all files are one source here
            warnings.filterwarnings("ignore", message="`schema_name` is deprecated", category=DeprecationWarning)
            asset = source.add_table_asset(name=suite.table, table_name=table, schema_name=schema)
        batch = asset.add_batch_definition_whole_table("all rows")
    else:
        asset = source.add_query_asset(name=suite.name, query=suite.query)
        batch = asset.add_batch_definition_whole_table("all rows")
    batch_sql = suite.table if suite.query is None else f"({suite.query.strip()})"
    built = [ExpectNoFailingRows.of(each, batch_sql) if isinstance(each, Rows) else copy(each) for each in wanted]
    stored = context.suites.add(ExpectationSuite(name=suite.name, expectations=built, meta=meta))
    definition = context.validation_definitions.add(ValidationDefinition(name=suite.name, data=batch, suite=stored))
    result_format = {"result_format": "COMPLETE", "partial_unexpected_count": SAMPLES}
    results = definition.run(result_format=result_format, run_id=run).results
    by_id = {result.expectation_config.id: result for result in results}
    return [by_id[each.id] for each in stored.expectations]


def _context(docs: Path) -> EphemeralDataContext:
    """A context that lives in memory: no project files, no analytics, no progress bars, one site."""
    from great_expectations.data_context import EphemeralDataContext, project_manager
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    from expectations import documents

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        data_docs_sites={documents.SITE: documents.site(docs)},
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = EphemeralDataContext(project_config=config)
    # there is no project file: writing it as YAML at each table and batch takes a fifth of a gate's time
    context._save_project_config = lambda *_: None
    project_manager.set_project(context)
    return context


# Findings


def _finding(
    suite: Suite,
    expectation: Rows | Expectation,
    *,
    result: ExpectationValidationResult | None = None,
    message: str = "",
) -> Finding:
    known = {
        "suite": suite.title or suite.table,
        "table": suite.table,
        "title": _title(expectation),
        "description": expectation.description or "",
        "severity": getattr(expectation.severity, "value", expectation.severity),
    }
    from expectations.unexpected import raised

    if result is None:
        return Finding(**known, outcome="could_not_run", message=message)
    if why := raised(result):
        return Finding(**known, outcome="could_not_run", message=why)
    details = result.result or {}
    observed = details.get("observed_value")
    if isinstance(expectation, Rows):
        failing = int(observed)
        found = details["details"]
        samples = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
        message = "" if result.success else _counted(failing, "failing row")
    else:
        failing, samples = details.get("unexpected_count"), _native_samples(details)
        message = (
            "" if result.success else f"observed: {observed}" if failing is None else _counted(failing, "failing row")
        )
    return Finding(
        **known,
        outcome="passed" if result.success else "failed",
        failing=failing,
        observed=None if observed is None else str(observed),
        samples=samples,
        message=message,
    )


def _title(expectation: Rows | Expectation) -> str:
    if isinstance(expectation, Rows):
        return expectation.title
    return (expectation.meta or {}).get("title") or expectation.expectation_type.replace("_", " ").capitalize()


def _native_samples(details: dict[str, Any]) -> list[dict[str, Any]]:
    from expectations.unexpected import plain

    values = details.get("partial_unexpected_list") or []
    return [
        {key: plain(cell) for key, cell in value.items()} if isinstance(value, dict) else {"value": plain(value)}
        for value in values[:SAMPLES]
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# What can't run: asked of DuckDB's own binder, which reads no rows


def _missing(engine: sqlalchemy.Engine, suite: Suite, columns: set[str]) -> str:
    """Why nothing of a suite can run, in a sentence; empty if something can."""
    if suite.query is not None:
        return _unbound(engine, suite.query)
    return "" if columns else f"Table {suite.table} is missing."


def _cannot_run(engine: sqlalchemy.Engine, suite: Suite, expectation: Rows | Expectation, columns: set[str]) -> str:
    """Why one expectation cannot run, in a sentence; empty if it can."""
    if isinstance(expectation, Rows):
        return _unbound(
            engine, expectation.query.format(batch=suite.table if suite.query is None else f"({suite.query})")
        )
    wanted = [getattr(expectation, name, None) for name in ("column", "column_A", "column_B")]
    wanted += getattr(expectation, "column_list", None) or []
    missing = [name for name in wanted if isinstance(name, str) and suite.query is None and name not in columns]
    return f"Table {suite.table} has no column {', '.join(missing)}." if missing else ""


def _columns(engine: sqlalchemy.Engine) -> dict[str, set[str]]:
    """The columns of each table of all the files, by `schema.table`; a file's default schema bears the file's name."""
    found: dict[str, set[str]] = {}
    with engine.connect() as connection:
        query = "select table_schema, table_name, column_name from information_schema.columns"
        for schema, table, column in connection.exec_driver_sql(query):
            found.setdefault(f"{schema}.{table}", set()).add(column)
    return found


def _unbound(engine: sqlalchemy.Engine, query: str) -> str:
    import sqlalchemy

    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"describe {query}")
    except sqlalchemy.exc.SQLAlchemyError as error:
        return sentence(str(error.__cause__ or error), query)
    except Exception as error:  # duckdb's own exceptions pass through duckdb-engine unwrapped
        return sentence(str(error), query)
    return ""
