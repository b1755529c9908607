"""Metrics by MetricFlow over a publication, each against its mart; dbt's documentation."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from end_to_end.conftest import Command

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / ".venv" / "bin", ROOT / "var" / "metricflow" / "bin")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of bi/metrics, parsed once by dbt."""
    if not any((place / "mf").exists() for place in PLACES):
        pytest.skip("MetricFlow is not installed: `make metricflow` makes it an environment of its own in a minute.")
    return Path(shutil.copytree(ROOT / "bi" / "metrics", tmp_path_factory.mktemp("metrics") / "project"))


def asked(project: Path, marts: Path, metrics: str, by: str) -> dict[tuple[str, ...], tuple[Decimal | None, ...]]:
    """What `mf query` answers: the values of the metrics, by the values that they are grouped by."""
    place = next(place for place in PLACES if (place / "mf").exists())
    environment = os.environ | {"ARREARS_MARTS": str(marts), "DBT_PROFILES_DIR": str(project), "DO_NOT_TRACK": "1"}
    if not (project / "target").exists():
        subprocess.run([place / "dbt", "parse", "--quiet"], cwd=project, env=environment, check=True)
    answer = project / "answer.csv"
    command = [place / "mf", "query", "--metrics", metrics, "--group-by", by, "--csv", answer]
    ended = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with open(answer, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))  # `mf` puts columns into an order of its own
    return {
        tuple(row[key][:10] for key in by.split(",")): values
        for row in rows
        if any(values := tuple(Decimal(row[m]) if row[m] else None for m in metrics.split(",")))
    }


def in_marts(marts: Path, keys: int, query: str) -> dict[tuple[str, ...], tuple[Decimal | None, ...]]:
    """The same from the mart. Rows of which every value is 0 or none are left out on both sides: `mf` keeps those of no segment."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        rows = connection.execute(query).fetchall()
    return {
        tuple("" if cell is None else str(cell)[:10] for cell in row[:keys]): values
        for row in rows
        if any(values := tuple(None if c is None else Decimal(c) for c in row[keys:]))
    }


def same(found: tuple[Decimal | None, ...], row: tuple[Decimal | None, ...]) -> bool:
    """Equal to six decimals, which is what rates of marts have."""
    return all(
        f == r if f is None or r is None else abs(f - r) < Decimal("1e-6") for f, r in zip(found, row, strict=True)
    )


CASES = {
    "the book by date, segment and currency": (
        "balance,overdue_amount,overdue_rate,par_30,par_90,npl_ratio,coverage",
        "book__as_of__day,book__segment,book__currency",
        "select as_of, segment, currency, balance, overdue_amount, overdue_rate, beyond_30_rate, beyond_90_rate, npl_rate, provision_coverage from headline where segment <> 'ALL'",
    ),
    "the book by month and currency": (
        "overdue_balance,npl_ratio",
        "metric_time__month,book__currency",
        "select date_trunc('month', as_of), currency, overdue_balance, npl_rate from headline where segment = 'ALL'",
    ),
    "loans by product and branch": (
        "loans,outstanding_principal,loan_overdue_amount",
        "loan__product,loan__branch,loan__currency",
        "select product_id, branch_id, currency, count(*), sum(outstanding_principal), sum(overdue_amount) from loan_aging group by all",
    ),
    "the items at the last date, by segment and currency": (
        "balance_of_items,overdue_rate_of_items,par_30_of_items,par_90_of_items,npl_ratio_of_items,coverage_of_items",
        "item__segment,item__currency",
        "select segment, currency, balance, overdue_rate, beyond_30_rate, beyond_90_rate, npl_rate, provision_coverage from headline where as_of = (select max(as_of) from headline) and segment <> 'ALL' and currency <> 'ALL'",
    ),
    "the items by product and branch": (
        "balance_of_items,overdue_rate_of_items,par_30_of_items,par_90_of_items,npl_ratio_of_items,coverage_of_items",
        "loan__product,loan__branch,item__currency",
        "select product_id, branch_id, c.currency, sum(balance) as b, sum(if(c.days_past_due > 0, balance, 0)) / b, sum(if(c.days_past_due > 30, balance, 0)) / b, sum(if(c.days_past_due > 90, balance, 0)) / b, sum(if(is_non_performing, balance, 0)) / b, sum(provision_amount) / nullif(sum(if(is_non_performing, balance, 0)), 0) from risk_classification as c left join loan_aging on loan_id = item_id and item_type = 'loan' group by all",
    ),
    "the items by product": (
        "balance_of_items,overdue_rate_of_items",
        "loan__product,item__segment,item__currency",
        "select nullif(member, 'not_stated'), segment, currency, balance, overdue_rate from concentration where dimension = 'product' and segment <> 'ALL' and currency <> 'ALL'",
    ),
    "roll rates": (
        "roll_rate",
        "roll__as_of__day,roll__from_stage,roll__to_stage,roll__segment,roll__currency",
        "select as_of, from_bucket, to_bucket, segment, currency, rate_by_count from roll_rates where segment <> 'ALL'",
    ),
    "cure and recovery": (
        "cure_rate,recovery_rate",
        "recovery__opened_on__day,recovery__stage,recovery__horizon_days,recovery__segment,recovery__currency",
        "select from_as_of, m_stage, horizon_days, segment, currency, cure_rate, recovery_rate from recovery_by_age where segment <> 'ALL'",
    ),
    "advances": (
        "advances,mean_advance_duration",
        "advance__segment,advance__currency",
        "select segment, currency, count(*), avg(duration_days) from advance_aging group by all",
    ),
    "promises": (
        "promise_kept_rate",
        "promise__currency",
        "select currency, count(*) filter (status = 'kept') / count(*) filter (status <> 'open') from promises group by all",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_metrics_are_what_the_marts_say(case: str, project: Path, demo: Path) -> None:
    metrics, by, query = CASES[case]
    marts = demo / "published" / "current" / "marts.duckdb"
    expected = in_marts(marts, len(by.split(",")), query)
    found = asked(project, marts, metrics, by)
    assert expected
    assert found.keys() == expected.keys()
    assert not {key: (found[key], row) for key, row in expected.items() if not same(found[key], row)}


def test_dbts_documentation_is_one_page(home: Path, process: Command) -> None:
    ended = process("docs", "--home", home, "--json")
    assert ended.code == 0, ended.err
    page = Path(ended.json["page"]).read_text("utf-8")
    for said in ("npl_rate", "superset_auditor", "overdue_disclosure"):
        assert said in page
